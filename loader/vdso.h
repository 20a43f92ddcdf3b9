/* The vDSO and its data page in user space: frames of the kernel, mapped by every program. */
#pragma once

#include "kernel/types.h"

struct address_space;

/* Boot, once. */
void vdso_init(void);
/* Does: maps both; *image: the address of the ELF header. Fails: -ENOMEM. */
NODISCARD int vdso_map(struct address_space *as, vaddr_t *image);
