/*
 * System calls: the table and the macros that define a handler. A handler decodes and validates,
 * calls down and encodes; it returns the value for the user or -errno.
 */
#pragma once

#include <arch/abi.h>
#include <arch/frame.h>

#include "kernel/errno.h"
#include "kernel/types.h"

typedef int64_t (*syscall_handler_t)(struct trap_frame *frame);

#define SYSCALL_TABLE_SIZE 512u

extern const syscall_handler_t syscall_table[SYSCALL_TABLE_SIZE];

/* Linux takes 32 bits of the number. */
ALWAYS_INLINE int64_t syscall_dispatch(struct trap_frame *frame)
{
    uint32_t nr = (uint32_t)frame_syscall_nr(frame);

    if (unlikely(nr >= SYSCALL_TABLE_SIZE || syscall_table[nr] == NULL)) {
        return -ENOSYS;
    }
    return syscall_table[nr](frame);
}

enum syscall_nr_args {
#define SYSCALL(name, nr_args) SYSCALL_ARGS_##name = nr_args,
#define SYSCALL_LEGACY(name, nr_args) SYSCALL(name, nr_args)
#include "syscall/table.def"
#undef SYSCALL
#undef SYSCALL_LEGACY
};

/*
 * SYSCALL_2(name, type0, arg0, type1, arg1) { body } defines the handler of __NR_name. Types are
 * integers; user addresses are vaddr_t.
 */
#define SYSCALL_DEFINE_(name, nr_args, call, ...)                                                  \
    _Static_assert(SYSCALL_ARGS_##name == (nr_args), "table.def has another count");               \
    static int64_t sys_##name(__VA_ARGS__);                                                        \
    int64_t syscall_##name(struct trap_frame *frame);                                              \
    int64_t syscall_##name(struct trap_frame *frame UNUSED)                                        \
    {                                                                                              \
        return sys_##name call;                                                                    \
    }                                                                                              \
    static int64_t sys_##name(__VA_ARGS__)

#define SYSCALL_ARG_(type, i) (type) frame_syscall_arg(frame, i)

#define SYSCALL_0(name) SYSCALL_DEFINE_(name, 0, (), void)
#define SYSCALL_1(name, t0, a0) SYSCALL_DEFINE_(name, 1, (SYSCALL_ARG_(t0, 0)), t0 a0)
#define SYSCALL_2(name, t0, a0, t1, a1)                                                            \
    SYSCALL_DEFINE_(name, 2, (SYSCALL_ARG_(t0, 0), SYSCALL_ARG_(t1, 1)), t0 a0, t1 a1)
#define SYSCALL_3(name, t0, a0, t1, a1, t2, a2)                                                    \
    SYSCALL_DEFINE_(name, 3, (SYSCALL_ARG_(t0, 0), SYSCALL_ARG_(t1, 1), SYSCALL_ARG_(t2, 2)),      \
                    t0 a0, t1 a1, t2 a2)
#define SYSCALL_4(name, t0, a0, t1, a1, t2, a2, t3, a3)                                            \
    SYSCALL_DEFINE_(name, 4,                                                                       \
                    (SYSCALL_ARG_(t0, 0), SYSCALL_ARG_(t1, 1), SYSCALL_ARG_(t2, 2),                \
                     SYSCALL_ARG_(t3, 3)),                                                         \
                    t0 a0, t1 a1, t2 a2, t3 a3)
#define SYSCALL_5(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4)                                    \
    SYSCALL_DEFINE_(name, 5,                                                                       \
                    (SYSCALL_ARG_(t0, 0), SYSCALL_ARG_(t1, 1), SYSCALL_ARG_(t2, 2),                \
                     SYSCALL_ARG_(t3, 3), SYSCALL_ARG_(t4, 4)),                                    \
                    t0 a0, t1 a1, t2 a2, t3 a3, t4 a4)
#define SYSCALL_6(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                            \
    SYSCALL_DEFINE_(name, 6,                                                                       \
                    (SYSCALL_ARG_(t0, 0), SYSCALL_ARG_(t1, 1), SYSCALL_ARG_(t2, 2),                \
                     SYSCALL_ARG_(t3, 3), SYSCALL_ARG_(t4, 4), SYSCALL_ARG_(t5, 5)),               \
                    t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)
