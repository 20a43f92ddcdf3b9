/* futex(2) and robust lists. */
#include "sched/futex.h"

#include <linux/futex.h>

#include "syscall/syscall.h"
#include "syscall/user.h"

static bool takes_timeout(int op)
{
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return true;
    default:
        return false;
    }
}

SYSCALL_6(futex, vaddr_t, addr, int, op, uint32_t, val, vaddr_t, timeout, vaddr_t, addr2, uint32_t,
          val3)
{
    struct futex_args args = {.addr = addr,
                              .op = op,
                              .val = val,
                              .val2 = (uint32_t)timeout,
                              .addr2 = addr2,
                              .val3 = val3};

    if (timeout != 0 && takes_timeout(op)) {
        int result = user_get_timespec(timeout, &args.timeout_ns);

        if (result != 0) {
            return result;
        }
        args.has_timeout = true;
    }
    return futex_call(&args);
}

SYSCALL_2(set_robust_list, vaddr_t, head, size_t, len)
{
    return futex_set_robust_list(head, len);
}

SYSCALL_3(get_robust_list, pid_nr_t, tid, vaddr_t, head_addr, vaddr_t, len_addr)
{
    size_t len = sizeof(struct robust_list_head);
    vaddr_t head;
    int result = futex_get_robust_list(tid, &head);

    if (result == 0) {
        result = user_copy_out(len_addr, &len, sizeof(len));
    }
    return result != 0 ? result : user_copy_out(head_addr, &head, sizeof(head));
}
