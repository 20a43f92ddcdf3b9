/* The stack that a program finds at its start: System V ABI, "Process Initialization". */
#pragma once

#include "loader/arguments.h"

struct address_space;

#define AUXV_MAX 24u

struct auxv {
    uint32_t nr;
    uint64_t pair[AUXV_MAX][2];
};

void auxv_add(struct auxv *auxv, uint64_t type, uint64_t value);

struct user_stack {
    vaddr_t sp;
    vaddr_t arg_start, arg_end, env_start, env_end;
};

/*
 * Does: writes strings, random bytes, auxv (AT_RANDOM, AT_PLATFORM, AT_EXECFN and AT_NULL are added),
 * pointers and counts below top. Fails: -EFAULT, -ENOMEM.
 */
NODISCARD int user_stack_build(struct address_space *as, vaddr_t top,
                               const struct arguments *arguments, struct auxv *auxv,
                               struct user_stack *out);
