/* ELF to plan: see loader/elf_plan.h. Every number comes from the file and may be anything. */
#include "loader/elf_plan.h"

#include <arch/consts.h>
#include <asm/mman.h>

#include "kernel/errno.h"
#include "kernel/string.h"

#define INTERP_SIZE_MAX 4096u

int elf_check_header(const Elf64_Ehdr *header)
{
    const unsigned char *ident = header->e_ident;

    if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] != ELFCLASS64 ||
        ident[EI_DATA] != ELFDATA2LSB || header->e_machine != HAL_ELF_MACHINE ||
        (header->e_type != ET_EXEC && header->e_type != ET_DYN)) {
        return -ENOEXEC;
    }
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > ELF_PHDRS_MAX) {
        return -ENOEXEC;
    }
    return 0;
}

static uint32_t segment_prot(uint32_t flags)
{
    return ((flags & PF_R) != 0 ? PROT_READ : 0u) | ((flags & PF_W) != 0 ? PROT_WRITE : 0u) |
           ((flags & PF_X) != 0 ? PROT_EXEC : 0u);
}

static int add_segment(struct elf_plan *plan, const Elf64_Phdr *phdr)
{
    vaddr_t va = phdr->p_vaddr;

    if (phdr->p_memsz == 0 && phdr->p_filesz == 0) {
        return 0;
    }
    if (plan->nr_segments == ELF_SEGMENTS_MAX) {
        return -ENOEXEC;
    }
    if (phdr->p_filesz > phdr->p_memsz || phdr->p_memsz > USER_VA_END ||
        va > USER_VA_END - phdr->p_memsz || phdr->p_offset > INT64_MAX - phdr->p_filesz ||
        va % PAGE_SIZE != phdr->p_offset % PAGE_SIZE) {
        return -EINVAL;
    }
    if (plan->nr_segments != 0) {
        const struct elf_segment *below = &plan->segment[plan->nr_segments - 1];

        if (va < below->va + below->mem_size) {
            return -EINVAL;
        }
    }
    plan->segment[plan->nr_segments++] = (struct elf_segment){
        va, phdr->p_offset, phdr->p_filesz, phdr->p_memsz, segment_prot(phdr->p_flags)};
    if (phdr->p_align > plan->align && (phdr->p_align & (phdr->p_align - 1)) == 0 &&
        phdr->p_align < USER_VA_END) {
        plan->align = phdr->p_align;
    }
    return 0;
}

/* Where the loaded image has the program headers, as AT_PHDR tells. */
static vaddr_t find_phdrs(const struct elf_plan *plan, const Elf64_Ehdr *header)
{
    for (uint32_t i = 0; i < plan->nr_segments; i++) {
        const struct elf_segment *segment = &plan->segment[i];

        if (header->e_phoff >= segment->offset &&
            header->e_phoff - segment->offset < segment->file_size) {
            return segment->va + (header->e_phoff - segment->offset);
        }
    }
    return 0;
}

static int add_header(struct elf_plan *plan, const Elf64_Phdr *phdr)
{
    switch (phdr->p_type) {
    case PT_LOAD:
        return add_segment(plan, phdr);
    case PT_INTERP:
        if (plan->interp_size != 0) {
            return 0; /* the first one counts */
        }
        if (phdr->p_filesz < 2 || phdr->p_filesz > INTERP_SIZE_MAX) {
            return -ENOEXEC;
        }
        plan->interp_offset = phdr->p_offset;
        plan->interp_size = phdr->p_filesz;
        return 0;
    case PT_GNU_STACK:
        plan->exec_stack = (phdr->p_flags & PF_X) != 0;
        return 0;
    default:
        return 0;
    }
}

int elf_plan_make(const Elf64_Ehdr *header, const Elf64_Phdr *phdrs, struct elf_plan *out)
{
    *out = (struct elf_plan){
        .relocatable = header->e_type == ET_DYN,
        .entry = header->e_entry,
        .nr_phdrs = header->e_phnum,
        .align = PAGE_SIZE,
    };
    for (unsigned i = 0; i < header->e_phnum; i++) {
        int error = add_header(out, &phdrs[i]);

        if (error != 0) {
            return error;
        }
    }
    if (out->nr_segments == 0) {
        return -ENOEXEC;
    }
    const struct elf_segment *last = &out->segment[out->nr_segments - 1];

    out->start = ALIGN_DOWN(out->segment[0].va, PAGE_SIZE);
    out->end = ALIGN_UP(last->va + last->mem_size, PAGE_SIZE);
    out->phdr = find_phdrs(out, header);
    return out->end > USER_VA_END ? -EINVAL : 0;
}
