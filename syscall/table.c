/* The dispatch table, made from table.def. */
#include <asm/unistd.h>

#include "syscall/syscall.h"

#if HAL_ABI_LEGACY_CALLS
#define SYSCALL_LEGACY(name, nr_args) SYSCALL(name, nr_args)
#else
#define SYSCALL_LEGACY(name, nr_args)
#endif

#define SYSCALL(name, nr_args)                                                                     \
    int64_t syscall_##name(struct trap_frame *frame);                                              \
    _Static_assert(__NR_##name < SYSCALL_TABLE_SIZE, "table too small");
#include "syscall/table.def"
#undef SYSCALL

const syscall_handler_t syscall_table[SYSCALL_TABLE_SIZE] = {
#define SYSCALL(name, nr_args) [__NR_##name] = syscall_##name,
#include "syscall/table.def"
};
