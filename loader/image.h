/* An ELF file into an address space. */
#pragma once

#include "fs/file.h"
#include "loader/elf_plan.h"

struct address_space;

struct image {
    vaddr_t base; /* added to the plan's addresses */
    vaddr_t end;  /* of the highest segment, page-aligned */
};

/* Reads and checks the file's headers. Fails: -ENOEXEC, -EINVAL, -ENOMEM, -EIO. */
NODISCARD int image_read_plan(struct file *file, struct elf_plan *out);
/* Reads PT_INTERP's path. Fails: -ENOEXEC, -EIO. */
NODISCARD int image_read_interpreter(struct file *file, const struct elf_plan *plan,
                                     char path[ELF_INTERPRETER_MAX]);
/*
 * Does: maps every segment. hint: where a relocatable image should start, 0: anywhere.
 * Fails: -ENOMEM, -EPERM (below mmap_min_addr), the file's errors; the space is then half-built.
 */
NODISCARD int image_map(struct address_space *as, struct file *file, const struct elf_plan *plan,
                        vaddr_t hint, struct image *out);
