/*
 * The out-of-memory killer. Called with no lock that a victim could need, from outer loops that got
 * -ENOMEM; see mm/oom.h. Pid 1 and processes with oom_score_adj -1000 are never chosen.
 */
#include "sched/oom.h"

#include "kernel/errno.h"
#include "kernel/ipi.h"
#include "kernel/printk.h"
#include "mm/frame.h"
#include "sched/lifecycle.h"
#include "sched/signal.h"

#define OOM_ADJ_NEVER (-1000)
#define VICTIM_POLL_NS (2 * NS_PER_MS)
#define VICTIM_PATIENCE_NS (2 * NS_PER_SEC)

/* One killing at a time. No mutex: who waits may be the victim and must be able to die meanwhile. */
static struct wait_queue oom_queue = WAIT_QUEUE_INIT(oom_queue);
static atomic_bool oom_busy;
static atomic_uint nr_killings;

static uint64_t total_bytes(void)
{
    struct frame_stats stats;

    frame_get_stats(&stats);
    return stats.total * PAGE_SIZE;
}

/* proc(5), oom_score_adj: each unit counts as a thousandth of memory. Negative: never. */
static int64_t badness(struct process *process)
{
    struct address_space *as;
    struct as_stats stats;
    int64_t points;

    if (process->unkillable || process->pid == 1 || process->oom_score_adj == OOM_ADJ_NEVER) {
        return -1;
    }
    as = process_get_as(process);
    if (as == NULL) {
        return -1;
    }
    as_get_stats(as, &stats);
    as_put(as);
    points = (int64_t)(stats.resident_bytes + stats.table_bytes);
    points += (int64_t)total_bytes() / 1000 * process->oom_score_adj;
    return MAX(points, 1);
}

uint32_t oom_score(struct process *process)
{
    int64_t points = badness(process);

    return points < 0 ? 0 : (uint32_t)MIN(points * 1000 / (int64_t)total_bytes(), 2000);
}

/* Returns the process to kill with a reference, or NULL. */
static struct process *choose_victim(void)
{
    struct process *best = NULL, *process;
    int64_t best_points = 0;
    pid_nr_t next = 1;

    while ((process = process_next(next)) != NULL) {
        int64_t points = badness(process);

        next = process->pid + 1;
        if (points > best_points) {
            if (best != NULL) {
                process_put(best);
            }
            best = process;
            best_points = points;
        } else {
            process_put(process);
        }
    }
    return best;
}

/* Any thread's will do: the leader may go in an exec. */
static void get_comm(struct process *process, char *comm)
{
    struct task *task = process_next_thread(process, 0);

    comm[0] = '\0';
    if (task != NULL) {
        task_get_comm(task, comm);
        task_put(task);
    }
}

static void kill_victim(struct process *victim)
{
    struct address_space *as = process_get_as(victim);
    struct as_stats stats = {0};
    char comm[TASK_COMM_LEN];

    if (as != NULL) {
        as_get_stats(as, &stats);
        as_put(as);
    }
    get_comm(victim, comm);
    printk("oom: out of memory: killed process %d (%s), %llu KiB resident\n", victim->pid, comm,
           (unsigned long long)(stats.resident_bytes / 1024));
    victim->oom_victim = true;
    signal_kill_process(victim);
}

/* Not a thread that exits alone: others wait for the words that it leaves in memory. */
static bool is_dying(struct task *task)
{
    return task->process->group_exit || signal_fatal_pending(task);
}

/* The space is gone before the zombie, but the pointer to it goes before the space does. */
static bool holds_frames(struct process *process)
{
    return READ_ONCE(process->state) == PROCESS_ALIVE;
}

/* The victim gives its frames back when its last thread leaves; a stuck one is waited for in vain. */
static void wait_for_frames(struct process *victim)
{
    uint64_t patience = time_now_ns() + VICTIM_PATIENCE_NS;

    while (holds_frames(victim) && time_now_ns() < patience) {
        sched_prepare(WAIT_KILLABLE);
        if (sched_block(time_now_ns() + VICTIM_POLL_NS) == -EINTR) {
            return;
        }
    }
}

static void drain_cpu(void *arg UNUSED)
{
    frame_drain();
}

static void end_killing(void)
{
    atomic_store(&oom_busy, false);
    wait_wake_all(&oom_queue);
}

uint64_t *oom_fail_countdown(void)
{
    return &task_current()->fail_nth;
}

int oom_reclaim(void)
{
    unsigned killings = atomic_load(&nr_killings);
    struct process *victim;

    if (task_current()->fail_nth == OOM_FAKED) {
        task_current()->fail_nth = 0;
        return 0;
    }
    if (is_dying(task_current())) {
        return -EINTR;
    }
    ipi_call(~(cpumask_t)0, drain_cpu, NULL);
    if (wait_event_killable(&oom_queue, !atomic_exchange(&oom_busy, true)) != 0) {
        return -EINTR;
    }
    if (atomic_load(&nr_killings) != killings) {
        end_killing(); /* somebody else's victim has made room */
        return 0;
    }
    victim = is_dying(task_current()) ? NULL : choose_victim();
    if (victim == NULL) {
        end_killing();
        return -EINTR;
    }
    kill_victim(victim);
    if (victim != process_current()) {
        wait_for_frames(victim);
    }
    atomic_fetch_add(&nr_killings, 1);
    end_killing();
    process_put(victim);
    return is_dying(task_current()) ? -EINTR : 0;
}
