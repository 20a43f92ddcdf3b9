/*
 * Copies between the kernel and the running task's user memory. Exhausted memory is dealt with
 * inside (mm/oom.h): the largest process dies, or the copy fails because the caller is it.
 */
#pragma once

#include "mm/address_space.h"
#include "mm/oom.h"
#include "sched/task.h"

/* Fail: -EFAULT. */
NODISCARD static inline int user_copy_in(void *dst, vaddr_t src, size_t len)
{
    return as_copy_in(task_as(), dst, src, len);
}

NODISCARD static inline int user_copy_out(vaddr_t dst, const void *src, size_t len)
{
    return as_copy_out(task_as(), dst, src, len);
}

NODISCARD static inline int user_clear(vaddr_t dst, size_t len)
{
    return as_clear(task_as(), dst, len);
}

/* Returns the length without NUL. Fails: -EFAULT, -ENAMETOOLONG. */
NODISCARD static inline ssize64_t user_copy_in_string(char *dst, vaddr_t src, size_t size)
{
    return as_copy_in_string(task_as(), dst, src, size);
}

/* The badness that /proc/PID/oom_score shows: 0 .. 2000, the higher the likelier to be chosen. */
uint32_t oom_score(struct process *process);
