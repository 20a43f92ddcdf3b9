/*
 * Run queues, switching, sleeping and waking. One queue per CPU, round robin with slices of 10 ms;
 * a wake on the waker's CPU hands the rest of the slice to the wakee. The queue's lock is held over
 * the switch and dropped by the next task, so no other CPU sees a task whose stack is still in use.
 * A task sleeps when state is TASK_SLEEPING at its switch; only a waker, under the lock of the
 * task's queue, sets TASK_RUNNING again, so each sleep ends once.
 * Does not decide about signals: sched/signal.c calls sched_wake_for_signal().
 */
#include "sched/core.h"

#include <hal/board.h>

#include "kernel/errno.h"
#include "kernel/ipi.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "mm/kernel_map.h"
#include "sched/account.h"
#include "sched/run_queue.h"
#include "sched/signal.h"

/* So long is waited awake for a task to leave a CPU: less than the others' turns would take. */
#define LEAVE_SPIN_NS (50 * NS_PER_US)

enum wake_reason { WAKE_EVENT, WAKE_TIMEOUT, WAKE_SIGNAL };

struct run_queue run_queues[CPU_MAX];
static struct task idle_tasks[CPU_MAX];
static _Atomic cpumask_t idle_cpus;

static struct run_queue *queue_self(void)
{
    return &run_queues[cpu_id()];
}

static bool task_is_idle(const struct task *task)
{
    return task->process == &kernel_process;
}

#if defined(QUOIN_LOCKDEP)
struct lockdep_held *sched_held_mutexes(void)
{
    return task_current() != NULL ? &task_current()->held_mutexes : NULL;
}
#endif

struct task *sched_current(void)
{
    return task_current();
}

/* Whoever takes the bit wakes the CPU, so that the next task goes to another one. */
static bool wake_idle(cpumask_t which)
{
    cpumask_t idle;

    /* Pairs with the fence in sched_idle(): we see the idle CPU, or it sees the task. */
    atomic_thread_fence(memory_order_seq_cst);
    idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed) & which;
    idle &= ~idle + 1;
    if (idle == 0) {
        return false;
    }
    if ((atomic_fetch_and(&idle_cpus, ~idle) & idle) != 0) {
        ipi_send(idle, IPI_RESCHED);
    }
    return true;
}

/*
 * After a task came to the CPU's queue. A busy CPU needs no interrupt: its tick sees who waits. An
 * idle one, where an interrupt queued the task, runs one of several itself. Another idle one is woken
 * to take a task from this CPU only if it still waits a little later, since most that wake or fork a
 * task sleep at once.
 */
static void queue_kick(uint32_t cpu, cpumask_t allowed)
{
    struct run_queue *queue = queue_self();
    uint64_t soon;

    if (likely(nr_cpus == 1)) {
        return;
    }
    if (cpu != cpu_id()) {
        if (!wake_idle((cpumask_t)1 << cpu)) {
            wake_idle(allowed);
        }
    } else if (task_is_idle(task_current())) {
        if (queue->nr_queued > 1) {
            wake_idle(allowed & ~((cpumask_t)1 << cpu));
        }
    } else if ((atomic_load_explicit(&idle_cpus, memory_order_relaxed) & allowed) != 0) {
        soon = time_now_ns() + SCHED_SPREAD_NS;
        if (!queue->tick.armed || queue->tick.deadline_ns > soon) {
            timer_arm(&queue->tick, soon);
        }
    }
}

/* Where a task that becomes runnable goes: where it was if that is idle or here, else where it is idle. */
static uint32_t choose_cpu(cpumask_t allowed, uint32_t last)
{
    cpumask_t online, idle;

    if (likely(nr_cpus == 1)) {
        return 0;
    }
    online = atomic_load_explicit(&cpus_online, memory_order_relaxed);
    allowed = (allowed & online) != 0 ? allowed & online : online;
    idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed) & allowed;
    if ((allowed >> last & 1) != 0 && (idle == 0 || last == cpu_id() || (idle >> last & 1) != 0)) {
        return last;
    }
    return (uint32_t)__builtin_ctzll(idle != 0 ? idle : allowed);
}

static bool may_run_on(const struct task *task, uint32_t cpu)
{
    return (task->cpus_allowed >> cpu & 1) != 0;
}

static void queue_add_locked(struct run_queue *queue, struct task *task, bool handoff)
{
    kassert(!task->queued);
    task->queued = true;
    queue->nr_queued++;
    if (handoff && queue->next == NULL && !queue->slice_over) {
        queue->next = task;
    } else {
        list_push_back(&queue->tasks, &task->run_node);
    }
}

static void queue_remove_locked(struct run_queue *queue, struct task *task)
{
    if (queue->next == task) {
        queue->next = NULL;
    } else {
        list_remove(&task->run_node);
    }
    task->queued = false;
    queue->nr_queued--;
}

/* Returns the task to run next, or NULL for idle. */
static struct task *queue_pick_locked(struct run_queue *queue, uint64_t now)
{
    struct task *task = queue->next;

    queue->next = NULL;
    if (task != NULL && queue->slice_over) {
        list_push_back(&queue->tasks, &task->run_node);
        task = NULL;
    }
    if (task == NULL) {
        struct list *node = list_pop_front(&queue->tasks);

        if (node == NULL) {
            return NULL;
        }
        task = list_entry(node, struct task, run_node);
        queue->slice_end_ns = now + SCHED_SLICE_NS;
        queue->slice_over = false;
    }
    task->queued = false;
    queue->nr_queued--;
    return task;
}

/*
 * task->cpu changes under the lock of the queue that it names, so the lock holds it. Who reads the new
 * value takes a lock that the writer has not had yet: the release gives it all that came before.
 */
NO_LOCK_ANALYSIS static struct run_queue *queue_lock_of(struct task *task)
{
    for (;;) {
        uint32_t cpu = atomic_load_explicit(&task->cpu, memory_order_acquire);
        struct run_queue *queue = &run_queues[cpu];

        spin_lock(&queue->lock);
        if (task_cpu(task) == cpu) {
            return queue;
        }
        spin_unlock(&queue->lock);
    }
}

/* Requires: queue, locked, is the task's, which is runnable and in none. Drops the lock. */
NO_LOCK_ANALYSIS static void enqueue_unlock(struct run_queue *queue, struct task *task, bool handoff)
{
    cpumask_t allowed = task->cpus_allowed;
    uint32_t cpu = task_cpu(task);

    queue_add_locked(queue, task, handoff);
    spin_unlock(&queue->lock);
    queue_kick(cpu, allowed);
}

/*
 * Requires: as enqueue_unlock(), and the task's stack not in use. Does: queues the task at `to`, or
 * where it may run by the time it gets there. Drops the lock.
 */
NO_LOCK_ANALYSIS static void enqueue_at_unlock(struct run_queue *queue, struct task *task,
                                               uint32_t to)
{
    while (task_cpu(task) != to) {
        atomic_store_explicit(&task->cpu, to, memory_order_release);
        spin_unlock(&queue->lock);
        queue = queue_lock_of(task);
        if (unlikely(!may_run_on(task, to))) {
            to = choose_cpu(task->cpus_allowed, to);
        }
    }
    enqueue_unlock(queue, task, false);
}

/* The next task calls this, on its own stack, for the one that it followed. */
NO_LOCK_ANALYSIS static void finish_switch(void)
{
    struct run_queue *queue = queue_self();
    struct task *prev = queue->switched_from, *leaving = queue->leaving;

    queue->switched_from = NULL;
    queue->leaving = NULL;
    queue->dead = atomic_load_explicit(&prev->state, memory_order_relaxed) == TASK_DEAD ? prev
                                                                                         : NULL;
    atomic_store_explicit(&prev->on_cpu, false, memory_order_release);
    if (unlikely(leaving != NULL)) {
        enqueue_at_unlock(queue, leaving, queue->elsewhere);
    } else {
        spin_unlock(&queue->lock);
    }
}

/* Requires: IRQs on again. Does: frees the task that this CPU left for good. */
static void reap_dead(struct task *dead)
{
    if (unlikely(dead != NULL)) {
        task_put(dead);
    }
}

/* Drops the run queue lock on the other side. */
static void switch_to_locked(struct run_queue *queue, struct task *prev, struct task *next,
                             uint64_t now)
{
    account_switch(queue, prev, next, now);
    atomic_store_explicit(&next->on_cpu, true, memory_order_relaxed);
    /* Pairs with the fence in sched_wake_for_signal(): it sees on_cpu, or we see the work. */
    atomic_thread_fence(memory_order_seq_cst);
    queue->switched_from = prev;
    queue->nr_switches++;
    cpu_self()->current = next;
    if (!task_is_idle(prev)) {
        hal_fpu_save(&prev->fpu);
    }
    if (!task_is_idle(next)) {
        hal_fpu_restore(&next->fpu);
        if (!queue->tick.armed) {
            timer_arm(&queue->tick, now + SCHED_SLICE_NS);
        }
    }
    as_activate(next->as);
    hal_context_switch(&prev->context, &next->context);
    finish_switch();
}

/* Where the running task goes on. */
static uint32_t cpu_to_go_on(const struct run_queue *queue, const struct task *task)
{
    uint32_t cpu = task_cpu(task);

    if (unlikely(!may_run_on(task, cpu))) {
        return choose_cpu(task->cpus_allowed, cpu);
    }
    return queue->slice_over && may_run_on(task, queue->elsewhere) ? queue->elsewhere : cpu;
}

NO_LOCK_ANALYSIS static void schedule(void)
{
    irqflags_t flags = cpu_irq_save();
    struct run_queue *queue = queue_self();
    struct task *prev = task_current(), *next, *dead;
    uint64_t now = time_now_ns();
    uint32_t state, to;

    spin_lock(&queue->lock);
    atomic_fetch_and_explicit(&prev->work, ~(uint32_t)TASK_WORK_RESCHED, memory_order_relaxed);
    state = atomic_load_explicit(&prev->state, memory_order_relaxed);
    if (state == TASK_RUNNING && !task_is_idle(prev)) {
        to = cpu_to_go_on(queue, prev);
        if (unlikely(to != task_cpu(prev))) {
            queue->leaving = prev;
            queue->elsewhere = (uint8_t)to;
        } else {
            queue_add_locked(queue, prev, false);
        }
    }
    next = queue_pick_locked(queue, now);
    if (next == NULL) {
        next = cpu_self()->idle;
    }
    if (next == prev) {
        spin_unlock(&queue->lock);
        cpu_irq_restore(flags);
        return;
    }
    if (state == TASK_RUNNING) {
        prev->nr_involuntary++;
    } else {
        prev->nr_voluntary++;
    }
    switch_to_locked(queue, prev, next, now);
    /* Another CPU may have picked this task up: nothing from before the switch holds. */
    dead = queue_self()->dead;
    queue_self()->dead = NULL;
    cpu_irq_restore(flags);
    reap_dead(dead);
}

/* Where every new task starts, IRQs off, the run queue locked by the task before it. */
static void task_entry(void *arg)
{
    struct task *task = arg, *dead;

    finish_switch();
    dead = queue_self()->dead;
    queue_self()->dead = NULL;
    cpu_irq_enable();
    reap_dead(dead);
    if (task->kernel_fn != NULL) {
        task->kernel_fn(task->kernel_arg);
        panic("kernel task %d returned", task->tid);
    }
    cpu_irq_disable();
    if (atomic_load_explicit(&task->work, memory_order_relaxed) != 0) {
        task_return_to_user(task_frame(task), false);
    }
    hal_enter_user(task_frame(task));
}

/* Requires: reason true now. A sleep that has begun ends; one that has not is undone. */
NO_LOCK_ANALYSIS static void wake_task(struct task *task, enum wake_reason reason)
{
    struct run_queue *queue;
    uint32_t cpu, to;

    /* Pairs with the fence in sched_prepare(): we see the sleeper, or it sees what we changed. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&task->state, memory_order_relaxed) != TASK_SLEEPING) {
        return;
    }
    queue = queue_lock_of(task);
    if (atomic_load_explicit(&task->state, memory_order_relaxed) == TASK_SLEEPING) {
        task->slept_result = reason;
        atomic_store_explicit(&task->state, TASK_RUNNING, memory_order_relaxed);
        cpu = task_cpu(task);
        if (cpus[cpu].current != task) {
            to = choose_cpu(task->cpus_allowed, cpu);
            if (to == cpu) {
                enqueue_unlock(queue, task, cpu == cpu_id());
            } else {
                enqueue_at_unlock(queue, task, to);
            }
            return;
        }
    }
    spin_unlock(&queue->lock);
}

void sched_wake(struct task *task)
{
    wake_task(task, WAKE_EVENT);
}

void sched_wake_for_signal(struct task *task, bool fatal)
{
    enum wait_mode mode;

    /* A sleeper sets its mode, then tests its signals; the caller has set them before: one sees the other. */
    atomic_thread_fence(memory_order_seq_cst);
    mode = task->wait_mode;
    if (mode == WAIT_INTERRUPTIBLE || (mode == WAIT_KILLABLE && fatal)) {
        wake_task(task, WAKE_SIGNAL);
    }
    if (nr_cpus > 1 && atomic_load(&task->on_cpu) && task_cpu(task) != cpu_id()) {
        ipi_send((cpumask_t)1 << task_cpu(task), IPI_RESCHED);
    }
}

static bool runs_where_forbidden(struct task *task)
{
    return atomic_load(&task->on_cpu) &&
           (READ_ONCE(task->cpus_allowed) >> task_cpu(task) & 1) == 0;
}

/* One interrupt is enough: the work stays until the task leaves. */
static void make_leave(struct task *task)
{
    if (task != task_current() &&
        (atomic_fetch_or(&task->work, TASK_WORK_RESCHED) & TASK_WORK_RESCHED) == 0) {
        ipi_send((cpumask_t)1 << task_cpu(task), IPI_RESCHED);
    }
}

NO_LOCK_ANALYSIS void sched_set_allowed(struct task *task, cpumask_t allowed)
{
    struct run_queue *queue = queue_lock_of(task);
    uint64_t patience = time_now_ns() + LEAVE_SPIN_NS;

    task->cpus_allowed = allowed;
    if (task->queued && !may_run_on(task, task_cpu(task))) {
        queue_remove_locked(queue, task);
        enqueue_at_unlock(queue, task, choose_cpu(allowed, task_cpu(task)));
        return;
    }
    spin_unlock(&queue->lock);
    while (runs_where_forbidden(task) && !signal_fatal_pending(task_current())) {
        make_leave(task);
        if (task != task_current() && time_now_ns() < patience) {
            cpu_relax();
        } else {
            sched_yield();
        }
    }
}

static void sleep_timeout(struct timer *timer)
{
    struct task *task = container_of(timer, struct task, sleep_timer);

    wake_task(task, WAKE_TIMEOUT);
    atomic_fetch_or(&task_current()->work, TASK_WORK_RESCHED);
}

void sched_prepare(enum wait_mode mode)
{
    struct task *task = task_current();

    task->wait_mode = mode;
    task->slept_result = WAKE_EVENT;
    atomic_store_explicit(&task->state, TASK_SLEEPING, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}

/* A waker may be at it: only the run queue's lock says who was first. */
void sched_unprepare(void)
{
    struct task *task = task_current();

    if (atomic_load_explicit(&task->state, memory_order_relaxed) != TASK_RUNNING) {
        struct run_queue *queue = queue_self();

        spin_lock(&queue->lock);
        atomic_store_explicit(&task->state, TASK_RUNNING, memory_order_relaxed);
        spin_unlock(&queue->lock);
    }
}

/* 0, or why the running task may not sleep in its mode. */
static int sleep_forbidden(struct task *task)
{
    if (likely(task->wait_mode == WAIT_UNINTERRUPTIBLE || !signal_is_pending())) {
        return 0;
    }
    if (task->wait_mode == WAIT_KILLABLE) {
        return signal_fatal_pending(task) ? -EINTR : 0;
    }
    return -ERESTARTSYS;
}

int sched_block(uint64_t deadline_ns)
{
    struct task *task = task_current();
    int result = sleep_forbidden(task);

    lockdep_may_sleep();
    if (result == 0 && deadline_ns != WAIT_FOREVER && deadline_ns <= time_now_ns()) {
        result = -ETIMEDOUT;
    }
    if (result != 0) {
        sched_unprepare();
        return result;
    }
    if (atomic_load_explicit(&task->state, memory_order_relaxed) == TASK_RUNNING) {
        return 0;
    }
    if (deadline_ns != WAIT_FOREVER) {
        timer_arm(&task->sleep_timer, deadline_ns);
    }
    schedule();
    if (deadline_ns != WAIT_FOREVER) {
        timer_cancel(&task->sleep_timer);
    }
    if (task->slept_result == WAKE_TIMEOUT) {
        return -ETIMEDOUT;
    }
    return task->slept_result == WAKE_SIGNAL ? sleep_forbidden(task) : 0;
}

/* The owner may be gone by now: what is read then is memory of no meaning, but memory. */
bool sched_may_spin(const struct task *owner)
{
    return atomic_load_explicit(&((struct task *)(uintptr_t)owner)->on_cpu,
                                memory_order_relaxed) &&
           owner != task_current() &&
           atomic_load_explicit(&task_current()->work, memory_order_relaxed) == 0;
}

int sched_point(void)
{
    struct task *task = task_current();
    uint32_t work = atomic_load_explicit(&task->work, memory_order_relaxed);

    if (likely(work == 0)) {
        return 0;
    }
    if ((work & TASK_WORK_RESCHED) != 0 && !task_is_idle(task)) {
        schedule();
    }
    return signal_fatal_pending(task) ? -EINTR : 0;
}

void sched_preempt(void)
{
    schedule();
}

static void end_slice_locked(struct run_queue *queue, uint32_t elsewhere)
{
    queue->slice_over = true;
    queue->elsewhere = (uint8_t)elsewhere;
}

void sched_yield(void)
{
    struct run_queue *queue;
    irqflags_t flags = cpu_irq_save();

    queue = queue_self();
    spin_lock(&queue->lock);
    end_slice_locked(queue, cpu_id());
    spin_unlock(&queue->lock);
    cpu_irq_restore(flags);
    schedule();
}

void sched_start(struct task *task)
{
    struct run_queue *queue = queue_lock_of(task);

    enqueue_at_unlock(queue, task, choose_cpu(task->cpus_allowed, cpu_id()));
}

void sched_exit(void)
{
    struct task *task = task_current();

    cpu_irq_disable();
    /* Under the lock, so that no late wake takes the dead task for a sleeper. */
    spin_lock(&queue_self()->lock);
    atomic_store_explicit(&task->state, TASK_DEAD, memory_order_relaxed);
    spin_unlock(&queue_self()->lock);
    schedule();
    panic("dead task %d ran", task->tid);
}

/*
 * Where the task goes on that has used its slice: where fewer wait, if one has not gone from here of
 * late. Also if that is one less, so that who shares a CPU changes and all get the same in the long run.
 */
static uint32_t lighter_cpu(struct run_queue *queue, const struct task *task, uint64_t now)
{
    uint32_t self = cpu_id(), best = self, fewest = queue->nr_queued;

    if (now < queue->balance_ns) {
        return self;
    }
    for (uint32_t i = 1; i < nr_cpus; i++) {
        uint32_t cpu = (self + i) % nr_cpus;
        uint32_t nr = READ_ONCE(run_queues[cpu].nr_queued);

        if (nr < fewest && may_run_on(task, cpu)) {
            best = cpu;
            fewest = nr;
        }
    }
    if (best != self) {
        queue->balance_ns = now + SCHED_BALANCE_NS;
    }
    return best;
}

/* The CPUs that could take one of the waiting tasks. */
static cpumask_t takers_locked(const struct run_queue *queue)
{
    cpumask_t allowed = queue->next != NULL ? queue->next->cpus_allowed : 0;

    list_for_each(it, &queue->tasks)
    {
        allowed |= list_entry(it, struct task, run_node)->cpus_allowed;
    }
    return allowed;
}

static void tick(struct timer *timer)
{
    struct run_queue *queue = container_of(timer, struct run_queue, tick);
    struct task *task = task_current();
    uint64_t now = time_now_ns(), next;
    cpumask_t takers = 0;
    bool over = false;

    if (task_is_idle(task)) {
        return;
    }
    account_tick(queue, task, now);
    spin_lock(&queue->lock);
    if (queue->nr_queued == 0) {
        queue->balance_ns = now + SCHED_BALANCE_NS;
    } else if (now >= queue->slice_end_ns) {
        over = true;
        end_slice_locked(queue, lighter_cpu(queue, task, now));
    }
    if (nr_cpus > 1 && atomic_load_explicit(&idle_cpus, memory_order_relaxed) != 0) {
        takers = takers_locked(queue);
    }
    spin_unlock(&queue->lock);
    if (over) {
        atomic_fetch_or(&task->work, TASK_WORK_RESCHED);
    }
    next = over || queue->slice_end_ns <= now ? now + SCHED_SLICE_NS : queue->slice_end_ns;
    if (takers != 0 && wake_idle(takers)) {
        next = MIN(next, now + SCHED_SPREAD_NS);
    }
    timer_arm(timer, next);
}

/* Returns the first that may run on the CPU, or NULL. */
static struct task *queue_find_locked(struct run_queue *queue, uint32_t cpu)
{
    list_for_each(it, &queue->tasks)
    {
        struct task *task = list_entry(it, struct task, run_node);

        if (may_run_on(task, cpu)) {
            return task;
        }
    }
    return queue->next != NULL && may_run_on(queue->next, cpu) ? queue->next : NULL;
}

/* Takes a waiting task from another CPU. */
NO_LOCK_ANALYSIS static bool steal(void)
{
    uint32_t self = cpu_id();

    for (uint32_t i = 1; i < nr_cpus; i++) {
        struct run_queue *from = &run_queues[(self + i) % nr_cpus];
        struct task *task;

        if (READ_ONCE(from->nr_queued) == 0) {
            continue;
        }
        spin_lock(&from->lock);
        task = queue_find_locked(from, self);
        if (task != NULL) {
            queue_remove_locked(from, task);
            enqueue_at_unlock(from, task, self);
            return true;
        }
        spin_unlock(&from->lock);
    }
    return false;
}

void sched_idle(void)
{
    struct run_queue *queue = queue_self();
    cpumask_t self = (cpumask_t)1 << cpu_id();

    for (;;) {
        cpu_irq_disable();
        atomic_fetch_or(&idle_cpus, self);
        atomic_thread_fence(memory_order_seq_cst);
        if (READ_ONCE(queue->nr_queued) == 0 && !steal()) {
            cpu_wait();
        }
        atomic_fetch_and(&idle_cpus, ~self);
        cpu_irq_enable();
        if (READ_ONCE(queue->nr_queued) != 0) {
            schedule();
        }
        cpu_relax(); /* the enabling takes effect behind one more instruction on some machines */
    }
}

void sched_ipi(void)
{
    atomic_fetch_or(&task_current()->work, TASK_WORK_RESCHED);
}

void sched_init(void)
{
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        spin_init(&run_queues[cpu].lock);
        list_init(&run_queues[cpu].tasks);
        timer_init(&run_queues[cpu].tick, tick);
    }
    sched_init_cpu();
}

void sched_init_cpu(void)
{
    struct cpu *cpu = cpu_self();
    struct task *idle = &idle_tasks[cpu->id];

    timer_init(&idle->sleep_timer, sleep_timeout);
    idle->process = &kernel_process;
    atomic_init(&idle->refs, 1);
    atomic_init(&idle->state, TASK_RUNNING);
    atomic_init(&idle->on_cpu, true);
    atomic_init(&idle->cpu, cpu->id);
    idle->ran_since = time_now_ns();
    list_init(&idle->run_node);
    list_init(&idle->pending.queue);
    strlcpy(idle->comm, "idle", sizeof(idle->comm));
    cpu->idle = idle;
    cpu->current = idle;
}

void sched_init_task(struct task *task)
{
    timer_init(&task->sleep_timer, sleep_timeout);
    list_init(&task->run_node);
    task->cpus_allowed = ~(cpumask_t)0;
    hal_context_init(&task->context, task_frame(task), task_entry, task);
}
