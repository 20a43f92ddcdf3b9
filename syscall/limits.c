/* Resource limits and usage. */
#include "sched/rlimit.h"
#include "sched/usage.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

_Static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64), "both are two 64-bit words");

static int64_t change(pid_nr_t pid, unsigned resource, vaddr_t new_addr, vaddr_t old_addr)
{
    struct rlimit64 set, old;
    int result = 0;

    if (new_addr != 0) {
        result = user_copy_in(&set, new_addr, sizeof(set));
    }
    if (result == 0) {
        result = rlimit_change(pid, resource, new_addr != 0 ? &set : NULL,
                               old_addr != 0 ? &old : NULL);
    }
    if (result == 0 && old_addr != 0) {
        result = user_copy_out(old_addr, &old, sizeof(old));
    }
    return result;
}

SYSCALL_4(prlimit64, pid_nr_t, pid, uint32_t, resource, vaddr_t, new_addr, vaddr_t, old_addr)
{
    return change(pid, resource, new_addr, old_addr);
}

SYSCALL_2(getrlimit, uint32_t, resource, vaddr_t, out)
{
    struct rlimit64 old;
    int result = rlimit_change(0, resource, NULL, &old);

    return result != 0 ? result : user_copy_out(out, &old, sizeof(old));
}

SYSCALL_2(setrlimit, uint32_t, resource, vaddr_t, addr)
{
    struct rlimit64 set;
    int result = user_copy_in(&set, addr, sizeof(set));

    return result != 0 ? result : rlimit_change(0, resource, &set, NULL);
}

SYSCALL_2(getrusage, int, who, vaddr_t, out)
{
    struct rusage usage = {0};
    int result = usage_get(who, &usage);

    return result != 0 ? result : user_copy_out(out, &usage, sizeof(usage));
}
