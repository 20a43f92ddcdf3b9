/*
 * kassert: contracts between kernel functions; debug and simulator builds only.
 * kverify: always on; where going on would corrupt memory.
 * Input from user mode trips neither.
 */
#pragma once

#include "kernel/types.h"

NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

#define kverify(cond)                                                                              \
    do {                                                                                           \
        if (unlikely(!(cond))) {                                                                   \
            panic("%s:%d: %s: check failed: %s", __FILE__, __LINE__, __func__, #cond);             \
        }                                                                                          \
    } while (0)

#if defined(QUOIN_DEBUG)
#define kassert(cond) kverify(cond)
#else
#define kassert(cond) ((void)sizeof(!(cond)))
#endif
