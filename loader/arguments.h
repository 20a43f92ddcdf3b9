/* The strings of execve(2): argv and envp collected from user or kernel memory, within the limits. */
#pragma once

#include "kernel/types.h"

/* One string with its NUL, and the array that it came in (linux/binfmts.h). */
#define ARGUMENT_LEN_MAX KIB(128)
#define ARGUMENTS_LEN_MAX MIB(4)

struct arguments {
    char *bytes; /* argv's strings, then envp's, each with its NUL; the file name last */
    size_t len, size;
    size_t limit; /* for strings and pointers together */
    uint32_t argc, envc;
};

/* stack_limit: RLIMIT_STACK in bytes, a quarter of which arguments may take. */
void arguments_init(struct arguments *arguments, uint64_t stack_limit);
void arguments_release(struct arguments *arguments);
/* Append one kernel string. Fail: -E2BIG, -ENOMEM. */
NODISCARD int arguments_add(struct arguments *arguments, const char *string);
/*
 * Append the strings of a NULL-ended user array of the running task (0: empty); *count: how many.
 * Fails: -E2BIG, -EFAULT, -ENOMEM.
 */
NODISCARD int arguments_add_user(struct arguments *arguments, vaddr_t array, uint32_t *count);
/* Requires: argc >= 1. Puts the words in the place of the first argument. Fails: -E2BIG, -ENOMEM. */
NODISCARD int arguments_replace_first(struct arguments *arguments, char *const words[],
                                      uint32_t nr_words);
