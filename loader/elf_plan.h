/*
 * ELF64 program headers to a plan: what to map where. Pure: no side effects, any input. Errors are
 * Linux's for execve(2).
 */
#pragma once

#include <linux/elf.h>

#include "kernel/types.h"

#define ELF_SEGMENTS_MAX    16u
#define ELF_INTERPRETER_MAX 256u
#define ELF_PHDRS_MAX       512u

struct elf_segment {
    vaddr_t va;      /* first byte; congruent to offset modulo the page size */
    uint64_t offset; /* in the file */
    uint64_t file_size, mem_size;
    uint32_t prot; /* PROT_* */
};

struct elf_plan {
    bool relocatable; /* ET_DYN: addresses are relative to a base of the loader's choice */
    vaddr_t entry;
    vaddr_t phdr; /* address of the program headers in memory, or 0 */
    uint16_t nr_phdrs;
    uint32_t nr_segments;
    struct elf_segment segment[ELF_SEGMENTS_MAX]; /* ascending, disjoint in bytes */
    vaddr_t start, end;                           /* page-aligned span of all segments */
    uint64_t align;                               /* largest p_align, at least the page size */
    bool exec_stack;
    uint64_t interp_offset, interp_size; /* PT_INTERP's string with its NUL; size 0: none */
};

/* Checks the header. Fails: -ENOEXEC. On success phdrs are at e_phoff, e_phnum of them. */
NODISCARD int elf_check_header(const Elf64_Ehdr *header);
/* Requires: elf_check_header() passed; nr = e_phnum. Fails: -ENOEXEC, -EINVAL (bad segment). */
NODISCARD int elf_plan_make(const Elf64_Ehdr *header, const Elf64_Phdr *phdrs,
                            struct elf_plan *out);
