/* ELF program headers to a plan: what programs have, what hostile files have, and random ones. */
#include <stdlib.h>
#include <string.h>

#include <arch/consts.h>
#include <asm/mman.h>

#include "kernel/errno.h"
#include "loader/elf_plan.h"
#include "tap.h"

#define BASE 0x400000ull
#define FUZZ_ROUNDS 200000

static Elf64_Ehdr header;
static Elf64_Phdr phdrs[24];
static struct elf_plan plan;

static void reset(uint16_t type, uint16_t nr)
{
    memset(&header, 0, sizeof(header));
    memset(phdrs, 0, sizeof(phdrs));
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = type;
    header.e_machine = HAL_ELF_MACHINE;
    header.e_entry = BASE + 0x80;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = nr;
}

static void load(unsigned i, uint32_t flags, uint64_t va, uint64_t offset, uint64_t file,
                 uint64_t mem)
{
    phdrs[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = flags,
                            .p_vaddr = va,
                            .p_offset = offset,
                            .p_filesz = file,
                            .p_memsz = mem,
                            .p_align = PAGE_SIZE};
}

/* Text and data with bss, as a linker makes them. */
static void typical(uint16_t type, uint64_t base)
{
    reset(type, 3);
    load(0, PF_R | PF_X, base, 0, 0x1234, 0x1234);
    load(1, PF_R | PF_W, base + 0x2f00, 0x1f00, 0x300, 0x5000);
    phdrs[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
}

static int make(void)
{
    int error = elf_check_header(&header);

    return error != 0 ? error : elf_plan_make(&header, phdrs, &plan);
}

static void test_programs(void)
{
    typical(ET_EXEC, BASE);
    tap_ok(make() == 0, "static program");
    tap_ok(plan.nr_segments == 2 && !plan.relocatable && !plan.exec_stack, "its segments");
    tap_ok(plan.segment[0].prot == (PROT_READ | PROT_EXEC) &&
               plan.segment[1].prot == (PROT_READ | PROT_WRITE),
           "their rights");
    tap_ok(plan.start == BASE && plan.end == BASE + 0x8000, "their span");
    tap_ok(plan.phdr == BASE + sizeof(header), "AT_PHDR");
    typical(ET_DYN, 0);
    phdrs[0].p_align = 0x10000;
    tap_ok(make() == 0 && plan.relocatable && plan.start == 0 && plan.align == 0x10000, "PIE");
    typical(ET_EXEC, BASE);
    phdrs[2].p_flags = PF_R | PF_W | PF_X;
    tap_ok(make() == 0 && plan.exec_stack, "executable stack on request");
    typical(ET_DYN, 0);
    phdrs[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x200, .p_filesz = 28};
    tap_ok(make() == 0 && plan.interp_offset == 0x200 && plan.interp_size == 28, "interpreter");
    typical(ET_EXEC, BASE);
    load(1, PF_R | PF_W, BASE + 0x1800, 0x1800, 0x100, 0x100);
    tap_ok(make() == 0 && plan.nr_segments == 2, "two segments on one page (scenario 15)");
    typical(ET_EXEC, BASE);
    phdrs[0].p_memsz = phdrs[0].p_filesz = 0;
    tap_ok(make() == 0 && plan.nr_segments == 1, "an empty segment is none");
}

static void test_headers(void)
{
    typical(ET_EXEC, BASE);
    header.e_ident[0] = 0;
    tap_ok(make() == -ENOEXEC, "bad magic");
    typical(ET_EXEC, BASE);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    tap_ok(make() == -ENOEXEC, "32-bit");
    typical(ET_EXEC, BASE);
    header.e_ident[EI_DATA] = ELFDATA2MSB;
    tap_ok(make() == -ENOEXEC, "big-endian");
    typical(ET_EXEC, BASE);
    header.e_machine ^= 1;
    tap_ok(make() == -ENOEXEC, "another machine");
    typical(ET_REL, BASE);
    tap_ok(make() == -ENOEXEC, "an object file");
    typical(ET_CORE, BASE);
    tap_ok(make() == -ENOEXEC, "a core file");
    typical(ET_EXEC, BASE);
    header.e_phentsize = 32;
    tap_ok(make() == -ENOEXEC, "wrong size of a program header");
    typical(ET_EXEC, BASE);
    header.e_phnum = 0;
    tap_ok(make() == -ENOEXEC, "no program header");
    typical(ET_EXEC, BASE);
    header.e_phnum = 0xffff;
    tap_ok(make() == -ENOEXEC, "too many program headers");
    reset(ET_EXEC, 1);
    phdrs[0].p_type = PT_NOTE;
    tap_ok(make() == -ENOEXEC, "nothing to load");
}

static void bad_segment(const char *name, uint64_t va, uint64_t offset, uint64_t file, uint64_t mem)
{
    typical(ET_EXEC, BASE);
    load(1, PF_R | PF_W, va, offset, file, mem);
    tap_ok(make() < 0, "%s", name);
}

static void test_segments(void)
{
    bad_segment("more in the file than in memory", BASE + 0x3000, 0x1000, 0x2000, 0x1000);
    bad_segment("nothing in memory for what is in the file", BASE + 0x3000, 0x1000, 0x100, 0);
    bad_segment("address that wraps", UINT64_MAX - 0xfff, 0x1000, 0x1000, 0x2000);
    bad_segment("size that wraps", BASE + 0x3000, 0x1000, 0x10, UINT64_MAX - 0x10);
    bad_segment("kernel address", KERNEL_VA_BASE, 0x1000, 0x1000, 0x1000);
    bad_segment("last page and one byte", USER_VA_END - PAGE_SIZE, 0, PAGE_SIZE, PAGE_SIZE + 1);
    bad_segment("not congruent to its offset", BASE + 0x3010, 0x1000, 0x100, 0x100);
    bad_segment("offset that wraps", BASE + 0x3000, UINT64_MAX - 0xfff, 0x2000, 0x2000);
    bad_segment("negative offset", BASE + 0x3000, 1ull << 63, 0x1000, 0x1000);
    bad_segment("overlap", BASE + 0x1000, 0x1000, 0x1000, 0x1000);
    bad_segment("descending", BASE - 0x10000, 0, 0x1000, 0x1000);
    reset(ET_EXEC, 24);
    for (unsigned i = 0; i < 24; i++) {
        load(i, PF_R, BASE + i * 0x1000ull, i * 0x1000ull, 0x1000, 0x1000);
    }
    tap_ok(make() < 0 || plan.nr_segments <= ELF_SEGMENTS_MAX, "many segments");
    typical(ET_DYN, 0);
    phdrs[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_filesz = 1};
    tap_ok(make() == -ENOEXEC, "empty name of an interpreter");
    phdrs[2].p_filesz = 1ull << 40;
    tap_ok(make() == -ENOEXEC, "endless name of an interpreter");
}

/* Whatever passes must be safe to map. */
static bool is_sound(void)
{
    vaddr_t end = 0;

    if (plan.nr_segments == 0 || plan.nr_segments > ELF_SEGMENTS_MAX ||
        plan.start % PAGE_SIZE != 0 || plan.end % PAGE_SIZE != 0 || plan.start >= plan.end ||
        plan.end > USER_VA_END || plan.align < PAGE_SIZE || (plan.align & (plan.align - 1)) != 0) {
        return false;
    }
    for (unsigned i = 0; i < plan.nr_segments; i++) {
        const struct elf_segment *segment = &plan.segment[i];

        if (segment->va < end || segment->file_size > segment->mem_size ||
            segment->va + segment->mem_size > plan.end || segment->va < plan.start ||
            segment->va % PAGE_SIZE != segment->offset % PAGE_SIZE ||
            segment->offset + segment->file_size < segment->offset) {
            return false;
        }
        end = segment->va + segment->mem_size;
    }
    return true;
}

static uint64_t odd_number(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     PAGE_SIZE - 1,
                                     PAGE_SIZE,
                                     BASE,
                                     USER_VA_END - PAGE_SIZE,
                                     USER_VA_END,
                                     INT64_MAX,
                                     1ull << 63,
                                     UINT64_MAX - PAGE_SIZE,
                                     UINT64_MAX};

    return edges[(unsigned)rand() % (sizeof(edges) / sizeof(edges[0]))] + (uint64_t)(rand() % 3) -
           1;
}

static void test_random(void)
{
    unsigned passed = 0, unsound = 0;

    srand(1);
    for (unsigned round = 0; round < FUZZ_ROUNDS; round++) {
        typical(rand() % 2 != 0 ? ET_DYN : ET_EXEC, BASE);
        for (int edits = rand() % 4; edits >= 0; edits--) {
            Elf64_Phdr *phdr = &phdrs[rand() % 3];
            __u64 *field[] = {&phdr->p_vaddr, &phdr->p_offset, &phdr->p_filesz, &phdr->p_memsz,
                                 &phdr->p_align, &header.e_phoff};

            *field[rand() % 6] = odd_number();
            if (rand() % 8 == 0) {
                phdr->p_type = rand() % 2 != 0 ? PT_LOAD : PT_INTERP;
            }
        }
        if (make() == 0) {
            passed++;
            unsound += !is_sound();
        }
    }
    tap_ok(passed > 0 && unsound == 0, "%u of %d random files pass, %u of them unsound", passed,
           FUZZ_ROUNDS, unsound);
}

int main(void)
{
    test_programs();
    test_headers();
    test_segments();
    test_random();
    return tap_done();
}
