/*
 * ELF plans: whatever the headers say, an accepted plan is ascending, disjoint, inside user space
 * and consistent with itself; a refused one is -ENOEXEC or -EINVAL.
 */
#include "loader/elf_plan.h"

#include <arch/consts.h>

#include "kernel/errno.h"
#include "tests/fuzz/fuzz.h"

#define PHDRS 24u

/* Values at which arithmetic goes wrong are likelier than chance makes them. */
static uint64_t number(struct fuzz_input *input)
{
    static const uint64_t edges[] = {0, 1, PAGE_SIZE - 1, PAGE_SIZE, USER_VA_END - PAGE_SIZE,
                                     USER_VA_END, USER_VA_END + 1, INT64_MAX, UINT64_MAX,
                                     UINT64_MAX - PAGE_SIZE};
    unsigned kind = fuzz_byte(input);

    switch (kind % 4) {
    case 0:
        return edges[(kind / 4) % ARRAY_SIZE(edges)];
    case 1:
        return (uint64_t)fuzz_byte(input) << 12;
    case 2:
        return ((uint64_t)fuzz_byte(input) << 12) + fuzz_byte(input);
    default:
        return fuzz_word(input);
    }
}

static void make_header(struct fuzz_input *input, Elf64_Ehdr *out)
{
    unsigned spoil = fuzz_byte(input);

    *out = (Elf64_Ehdr){.e_type = (spoil & 1) != 0 ? ET_EXEC : ET_DYN,
                        .e_machine = HAL_ELF_MACHINE,
                        .e_entry = number(input),
                        .e_phoff = number(input),
                        .e_phentsize = sizeof(Elf64_Phdr),
                        .e_phnum = (uint16_t)fuzz_below(input, PHDRS + 1)};
    memcpy(out->e_ident, ELFMAG, SELFMAG);
    out->e_ident[EI_CLASS] = ELFCLASS64;
    out->e_ident[EI_DATA] = ELFDATA2LSB;
    if (spoil >= 240) {
        ((uint8_t *)out)[fuzz_below(input, sizeof(*out))] ^= fuzz_byte(input);
    }
}

static void make_phdr(struct fuzz_input *input, Elf64_Phdr *out, uint64_t *next)
{
    static const uint32_t types[] = {PT_LOAD, PT_LOAD,      PT_LOAD, PT_LOAD,
                                     PT_INTERP, PT_GNU_STACK, PT_PHDR, PT_NOTE};
    unsigned how = fuzz_byte(input);
    uint64_t sane = how & 0xf0;

    *out = (Elf64_Phdr){.p_type = types[how % ARRAY_SIZE(types)], .p_flags = fuzz_below(input, 8)};
    out->p_memsz = number(input);
    out->p_filesz = sane != 0 ? MIN(number(input), out->p_memsz) : number(input);
    out->p_vaddr = sane != 0 ? *next + fuzz_byte(input) : number(input);
    out->p_offset = sane != 0 ? out->p_vaddr % PAGE_SIZE + (number(input) & ~(PAGE_SIZE - 1))
                              : number(input);
    out->p_align = number(input);
    if (out->p_type == PT_LOAD) {
        *next = out->p_vaddr + out->p_memsz;
    }
}

static void check_segment(const struct elf_plan *plan, uint32_t i)
{
    const struct elf_segment *segment = &plan->segment[i];

    fuzz_require(segment->mem_size != 0 && segment->file_size <= segment->mem_size,
                 "segment %u: sizes", i);
    fuzz_require(segment->va <= USER_VA_END && segment->mem_size <= USER_VA_END - segment->va,
                 "segment %u leaves user space", i);
    fuzz_require(segment->va % PAGE_SIZE == segment->offset % PAGE_SIZE, "segment %u: pages", i);
    fuzz_require(segment->offset <= INT64_MAX - segment->file_size, "segment %u: offset", i);
    fuzz_require((segment->prot & ~7u) == 0, "segment %u: prot", i);
    fuzz_require(segment->va >= plan->start && segment->va + segment->mem_size <= plan->end,
                 "segment %u outside the span", i);
    fuzz_require(i == 0 || segment->va >= plan->segment[i - 1].va + plan->segment[i - 1].mem_size,
                 "segment %u overlaps", i);
}

static void check_plan(const struct elf_plan *plan)
{
    bool phdr_inside = plan->phdr == 0;

    fuzz_require(plan->nr_segments >= 1 && plan->nr_segments <= ELF_SEGMENTS_MAX, "segments");
    fuzz_require(plan->start < plan->end && plan->end <= USER_VA_END, "span");
    fuzz_require(((plan->start | plan->end) & (PAGE_SIZE - 1)) == 0, "span's pages");
    fuzz_require(plan->align >= PAGE_SIZE && (plan->align & (plan->align - 1)) == 0, "align");
    fuzz_require(plan->interp_size == 0 || plan->interp_size >= 2, "interpreter");
    for (uint32_t i = 0; i < plan->nr_segments; i++) {
        const struct elf_segment *segment = &plan->segment[i];

        check_segment(plan, i);
        phdr_inside |= plan->phdr >= segment->va && plan->phdr < segment->va + segment->file_size;
    }
    fuzz_require(phdr_inside, "AT_PHDR lies in no segment");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    do {
        Elf64_Ehdr header;
        Elf64_Phdr phdrs[PHDRS];
        struct elf_plan plan;
        uint64_t next = 0;

        make_header(&input, &header);
        for (unsigned i = 0; i < PHDRS && i < header.e_phnum; i++) {
            make_phdr(&input, &phdrs[i], &next);
        }
        int error = elf_check_header(&header);

        fuzz_require(error == 0 || error == -ENOEXEC, "header: error %d", error);
        if (error == 0 && header.e_phnum <= PHDRS) {
            error = elf_plan_make(&header, phdrs, &plan);
            fuzz_require(error == 0 || error == -ENOEXEC || error == -EINVAL, "error %d", error);
            if (error == 0) {
                check_plan(&plan);
            }
        }
        fuzz_done(error == 0);
    } while (input.left > 0);
    return 0;
}
