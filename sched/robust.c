/*
 * Robust futexes: locks that a dead thread held get FUTEX_OWNER_DIED and one waiter is woken
 * (get_robust_list(2)). The list is the user's: any of it may be garbage or endless.
 */
#include <linux/capability.h>
#include <linux/futex.h>

#include "kernel/errno.h"
#include "mm/address_space.h"
#include "sched/futex.h"
#include "sched/oom.h"
#include "sched/task.h"

int futex_set_robust_list(vaddr_t head, size_t len)
{
    if (len != sizeof(struct robust_list_head)) {
        return -EINVAL;
    }
    task_current()->robust_list = head;
    return 0;
}

int futex_get_robust_list(pid_nr_t tid, vaddr_t *head)
{
    struct task *task;
    struct cred *cred;
    bool allowed;

    if (tid == 0 || tid == task_current()->tid) {
        *head = task_current()->robust_list;
        return 0;
    }
    task = task_find(tid);
    if (task == NULL) {
        return -ESRCH;
    }
    cred = process_get_cred(task->process);
    allowed = cred_capable(task_cred(), CAP_SYS_PTRACE) || cred->uid == task_cred()->euid;
    cred_put(cred);
    *head = task->robust_list;
    task_put(task);
    return allowed ? 0 : -EPERM;
}

static void mark_dead(struct task *task, vaddr_t addr, bool pending)
{
    bool wake = false;
    struct as_word word;
    uint32_t old;

    if ((addr & 3) != 0 || as_word_lock(task->as, addr, true, true, &word) != 0) {
        return;
    }
    old = atomic_load(word.word);
    if ((old & FUTEX_TID_MASK) == (uint32_t)task->tid) {
        while (!atomic_compare_exchange_strong(word.word, &old,
                                               (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED)) {
        }
        wake = (old & FUTEX_WAITERS) != 0;
    } else {
        /* Died between the unlocking store and the wake. */
        wake = pending && (old & FUTEX_TID_MASK) == 0;
    }
    as_word_unlock(task->as);
    if (wake) {
        futex_wake_address(addr, 1);
    }
}

void futex_exit_robust(struct task *task)
{
    vaddr_t head = task->robust_list, entry, pending;
    struct {
        uint64_t next;
        int64_t offset;
        uint64_t pending;
    } list;

    task->robust_list = 0;
    if (head == 0 || user_copy_in(&list, head, sizeof(list)) != 0) {
        return;
    }
    _Static_assert(sizeof(list) == sizeof(struct robust_list_head), "the user's structure");
    /* Bit 0 of a pointer marks a PI lock, which none of ours is. */
    pending = list.pending & ~1ull;
    entry = list.next & ~1ull;
    for (unsigned i = 0; entry != head && i < ROBUST_LIST_LIMIT; i++) {
        uint64_t next;
        int error = user_copy_in(&next, entry, sizeof(next));

        if (entry != pending) {
            mark_dead(task, entry + (uint64_t)list.offset, false);
        }
        if (error != 0) {
            break;
        }
        entry = next & ~1ull;
    }
    if (pending != 0) {
        mark_dead(task, pending + (uint64_t)list.offset, true);
    }
}
