/* The initial stack: see loader/user_stack.h. */
#include "loader/user_stack.h"

#include <hal/abi.h>
#include <linux/auxvec.h>

#include "kernel/assert.h"
#include "kernel/errno.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "mm/slab.h"

#define RANDOM_LEN 16u
#define WORD       8u

void auxv_add(struct auxv *auxv, uint64_t type, uint64_t value)
{
    kverify(auxv->nr < AUXV_MAX);
    auxv->pair[auxv->nr][0] = type;
    auxv->pair[auxv->nr][1] = value;
    auxv->nr++;
}

/* Addresses of n strings that follow each other in the buffer; returns the one after the last. */
static size_t point(uint64_t *pointers, uint32_t nr, const struct arguments *arguments, size_t at,
                    vaddr_t strings)
{
    for (uint32_t i = 0; i < nr; i++) {
        pointers[i] = strings + at;
        at += strlen(arguments->bytes + at) + 1;
    }
    pointers[nr] = 0;
    return at;
}

/* What lies between the strings and the vectors. */
static int write_random(struct address_space *as, vaddr_t strings, struct auxv *auxv, vaddr_t *out)
{
    uint8_t random[RANDOM_LEN];
    vaddr_t platform = strings - sizeof(HAL_PLATFORM);
    vaddr_t at = ALIGN_DOWN(platform - RANDOM_LEN, (vaddr_t)16);

    random_bytes(random, sizeof(random));
    auxv_add(auxv, AT_RANDOM, at);
    auxv_add(auxv, AT_PLATFORM, platform);
    *out = at;
    if (as_copy_out(as, platform, HAL_PLATFORM, sizeof(HAL_PLATFORM)) != 0) {
        return -EFAULT;
    }
    return as_copy_out(as, at, random, sizeof(random));
}

int user_stack_build(struct address_space *as, vaddr_t top, const struct arguments *arguments,
                     struct auxv *auxv, struct user_stack *out)
{
    vaddr_t strings = ALIGN_DOWN(top - WORD - arguments->len, (vaddr_t)WORD);
    vaddr_t below;
    int error = as_copy_out(as, strings, arguments->bytes, arguments->len);

    if (error == 0) {
        error = write_random(as, strings, auxv, &below);
    }
    if (error != 0) {
        return error;
    }
    size_t nr_words = 1 + arguments->argc + 1 + arguments->envc + 1 + 2 * (auxv->nr + 2);
    uint64_t *words = kmalloc(nr_words * WORD);

    if (words == NULL) {
        return -ENOMEM;
    }
    uint64_t *envp = words + 1 + arguments->argc + 1;
    size_t env_at = point(words + 1, arguments->argc, arguments, 0, strings);
    size_t name_at = point(envp, arguments->envc, arguments, env_at, strings);

    words[0] = arguments->argc;
    auxv_add(auxv, AT_EXECFN, strings + name_at);
    auxv_add(auxv, AT_NULL, 0);
    memcpy(envp + arguments->envc + 1, auxv->pair, (size_t)auxv->nr * 2 * WORD);
    out->sp = ALIGN_DOWN(below - nr_words * WORD, (vaddr_t)16);
    out->arg_start = strings;
    out->arg_end = strings + env_at;
    out->env_start = strings + env_at;
    out->env_end = strings + name_at;
    error = as_copy_out(as, out->sp, words, nr_words * WORD);
    kfree(words);
    return error;
}
