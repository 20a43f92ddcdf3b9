/*
 * Tasks and processes as objects: memory, references, the table and its look-ups.
 * References: a task holds its process; the table holds each process until it is reaped and the
 * leader with it; a running task holds itself until its last switch.
 */
#include "sched/task.h"

#include "fs/fd_table.h"
#include "fs/path.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/kernel_map.h"
#include "mm/slab.h"
#include "sched/core.h"
#include "sched/futex_queue.h"
#include "sched/lifecycle.h"
#include "sched/signal_queue.h"
#include "sched/timer_internal.h"

struct process kernel_process;

static struct slab_cache task_cache, process_cache;
static struct list all_processes = LIST_INIT(all_processes);
static uint32_t nr_tasks, nr_processes, max_tasks;
static uint64_t nr_forks;

_Static_assert(sizeof(struct task) <= 2048 && sizeof(struct process) <= 2048, "slab object size");

void task_init(void)
{
    struct frame_stats stats;

    slab_cache_init(&task_cache, "task", sizeof(struct task));
    slab_cache_init(&process_cache, "process", sizeof(struct process));
    pid_init();
    signal_queue_init();
    futex_init();
    spin_init(&kernel_process.lock);
    list_init(&kernel_process.threads);
    list_init(&kernel_process.children);
    list_init(&kernel_process.pending.queue);
    atomic_init(&kernel_process.refs, 1);
    /* An eighth of memory in kernel stacks at most, as Linux has it. */
    frame_get_stats(&stats);
    max_tasks = (uint32_t)MIN(stats.total * PAGE_SIZE / (8 * KERNEL_STACK_SIZE),
                              (uint64_t)PID_MAX - 302);
    max_tasks = MAX(max_tasks, 64u);
}

uint32_t task_limit(void)
{
    return max_tasks;
}

struct task *task_create(void)
{
    struct task *task = slab_alloc(&task_cache);

    if (task == NULL) {
        return NULL;
    }
    memset(task, 0, offsetof(struct task, fpu));
    task->stack = kernel_stack_alloc();
    if (task->stack == NULL) {
        slab_free(&task_cache, task);
        return NULL;
    }
    atomic_init(&task->refs, 1);
    list_init(&task->thread_node);
    list_init(&task->pending.queue);
    task->timer_slack_ns = 50000;
    sched_init_task(task);
    return task;
}

void task_destroy(struct task *task)
{
    kernel_stack_free(task->stack);
    slab_free(&task_cache, task);
}

struct process *process_create(void)
{
    struct process *process = slab_alloc(&process_cache);

    if (process == NULL) {
        return NULL;
    }
    memset(process, 0, sizeof(*process));
    atomic_init(&process->refs, 1);
    spin_init(&process->lock);
    list_init(&process->threads);
    list_init(&process->children);
    list_init(&process->sibling_node);
    list_init(&process->all_node);
    list_init(&process->group_node);
    list_init(&process->pending.queue);
    list_init(&process->posix_timers);
    wait_queue_init(&process->child_wait);
    wait_queue_init(&process->exec_wait);
    itimer_init(process);
    process->dumpable = 1;
    process->start_ns = time_now_ns();
    return process;
}

void process_destroy(struct process *process)
{
    slab_free(&process_cache, process);
}

void task_get(struct task *task)
{
    atomic_fetch_add_explicit(&task->refs, 1, memory_order_relaxed);
}

void task_put(struct task *task)
{
    if (atomic_fetch_sub_explicit(&task->refs, 1, memory_order_acq_rel) == 1) {
        cred_put(task->cred);
        process_put(task->process);
        task_destroy(task);
    }
}

void process_get(struct process *process)
{
    atomic_fetch_add_explicit(&process->refs, 1, memory_order_relaxed);
}

void process_put(struct process *process)
{
    if (atomic_fetch_sub_explicit(&process->refs, 1, memory_order_acq_rel) == 1) {
        kassert(process->as == NULL && process->sighand == NULL);
        cred_put(process->last_cred);
        process_destroy(process);
    }
}

void process_join_group_locked(struct process *process, struct pid_entry *group)
{
    process->group = group;
    list_push_back(&group->members, &process->group_node);
}

void process_leave_group_locked(struct process *process)
{
    struct pid_entry *group = process->group;

    list_remove(&process->group_node);
    process->group = NULL;
    pid_release_locked(group);
}

static void publish_process_locked(struct process *process, struct task *leader,
                                   struct process *parent, struct process *like)
    REQUIRES(task_table_lock)
{
    process->pid = leader->tid;
    process->leader = leader;
    task_get(leader);
    process->parent = parent;
    if (parent != NULL) {
        list_push_back(&parent->children, &process->sibling_node);
    }
    process->session = like != NULL ? like->session : leader->pid;
    process->session->nr_session++;
    process_join_group_locked(process, like != NULL ? like->group : leader->pid);
    list_push_back(&all_processes, &process->all_node);
    nr_processes++;
}

/* Requires: process->lock. */
static bool is_ending_or_stopping(const struct process *process)
{
    return process->group_exit || process->exec_task != NULL || process->group_stop;
}

/*
 * Whether a signal to the whole group came since `seen` that the parent has yet to take. Not every
 * signal counts: a timer's may come faster than a big process can be copied.
 */
static bool group_was_signalled(struct process *like, uint32_t seen)
{
    bool result;

    spin_lock(&like->lock);
    result = like->nr_group_signals != seen && signal_deliverable(task_current()) != 0;
    result = result || is_ending_or_stopping(like);
    if (result) {
        atomic_fetch_or(&task_current()->work, TASK_WORK_SIGNAL);
    }
    spin_unlock(&like->lock);
    return result;
}

static int assign_number_locked(struct task *task, struct pid_entry *pid) REQUIRES(task_table_lock)
{
    if (!pid_assign_locked(pid)) {
        return -EAGAIN;
    }
    pid->task = task;
    task->pid = pid;
    task->tid = pid->nr;
    nr_tasks++;
    nr_forks++;
    return 0;
}

static void add_thread(struct process *process, struct task *task)
{
    process_get(process);
    list_push_back(&process->threads, &task->thread_node);
    process->nr_threads++;
    atomic_fetch_add(&process->nr_live, 1);
}

/* One hold of the lock: a stop, an exec or the end counts the thread or keeps it from starting. */
static int publish_thread_locked(struct task *task, struct pid_entry *pid)
    REQUIRES(task_table_lock)
{
    struct process *process = task->process;
    int result;

    spin_lock(&process->lock);
    result = is_ending_or_stopping(process) ? -ERESTARTNOINTR : assign_number_locked(task, pid);
    if (result == 0) {
        add_thread(process, task);
    }
    spin_unlock(&process->lock);
    return result;
}

/* Signals to a group are sent with the table locked: they find the child or stop the fork. */
static int publish_leader_locked(struct task *task, struct pid_entry *pid, struct process *like,
                                 bool sibling, uint32_t seen) REQUIRES(task_table_lock)
{
    struct process *process = task->process;
    int result;

    if (like != NULL && group_was_signalled(like, seen)) {
        return -ERESTARTNOINTR;
    }
    result = assign_number_locked(task, pid);
    if (result != 0) {
        return result;
    }
    publish_process_locked(process, task, sibling ? like->parent : like, like);
    spin_lock(&process->lock);
    add_thread(process, task);
    spin_unlock(&process->lock);
    return 0;
}

/* Counting looks at all processes: only for users with a limit. */
static bool has_place_locked(uint64_t limit, uint32_t uid) REQUIRES(task_table_lock)
{
    uint64_t count = 0;

    if (nr_tasks >= max_tasks) {
        return false;
    }
    if (limit == RLIM64_INFINITY) {
        return true;
    }
    list_for_each(it, &all_processes)
    {
        struct process *process = list_entry(it, struct process, all_node);

        if (process_uid(process) == uid) {
            count += MAX(process->nr_threads, 1u);
        }
    }
    return count < limit;
}

bool task_has_place(uint64_t limit)
{
    bool result;

    spin_lock(&task_table_lock);
    result = has_place_locked(limit, task_cred()->uid);
    spin_unlock(&task_table_lock);
    return result;
}

int task_publish(struct task *task, struct process *like, bool sibling, uint32_t seen,
                 uint64_t limit)
{
    struct pid_entry *pid = kmalloc(sizeof(*pid));
    int result = -EAGAIN;

    if (pid == NULL) {
        return -ENOMEM;
    }
    spin_lock(&task_table_lock);
    if (has_place_locked(limit, task->cred->uid)) {
        result = task->process->leader != NULL
                     ? publish_thread_locked(task, pid)
                     : publish_leader_locked(task, pid, like, sibling, seen);
    }
    spin_unlock(&task_table_lock);
    if (result != 0) {
        kfree(pid);
    }
    return result;
}

void task_unhash_locked(struct task *task)
{
    task->pid->task = NULL;
    pid_release_locked(task->pid);
    task->pid = NULL;
    nr_tasks--;
}

void process_release_locked(struct process *process)
{
    struct pid_entry *session = process->session;

    kassert(process->state == PROCESS_ZOMBIE && process->nr_threads == 0);
    process->state = PROCESS_REAPED;
    list_remove(&process->sibling_node);
    list_remove(&process->all_node);
    process->session = NULL;
    /* Session, group and leader may share an entry: it goes with the last of them. */
    process_leave_group_locked(process);
    session->nr_session--;
    if (session != process->leader->pid) {
        pid_release_locked(session);
    }
    task_unhash_locked(process->leader);
    nr_processes--;
}

struct task *task_find(pid_nr_t tid)
{
    struct pid_entry *entry;
    struct task *task = NULL;

    spin_lock(&task_table_lock);
    entry = tid > 0 && tid < PID_MAX ? pid_find_locked(tid) : NULL;
    if (entry != NULL && entry->task != NULL) {
        task = entry->task;
        task_get(task);
    }
    spin_unlock(&task_table_lock);
    return task;
}

static struct process *leader_process(const struct pid_entry *entry)
{
    struct task *task = entry != NULL ? entry->task : NULL;

    return task != NULL && task->process->leader == task ? task->process : NULL;
}

struct process *process_find(pid_nr_t pid)
{
    struct process *process;

    spin_lock(&task_table_lock);
    process = leader_process(pid > 0 && pid < PID_MAX ? pid_find_locked(pid) : NULL);
    if (process != NULL) {
        process_get(process);
    }
    spin_unlock(&task_table_lock);
    return process;
}

struct process *process_next(pid_nr_t from)
{
    struct process *process = NULL;
    pid_nr_t nr;

    spin_lock(&task_table_lock);
    for (nr = pid_next_locked(from); nr != 0; nr = pid_next_locked(nr + 1)) {
        process = leader_process(pid_find_locked(nr));
        if (process != NULL) {
            process_get(process);
            break;
        }
    }
    spin_unlock(&task_table_lock);
    return process;
}

struct task *process_next_thread(struct process *process, pid_nr_t from)
{
    struct task *best = NULL;

    spin_lock(&task_table_lock);
    /* A dead leader counts as long as the process is there. */
    if (process->state != PROCESS_REAPED && process->leader != NULL &&
        process->leader->tid >= from) {
        best = process->leader;
    }
    list_for_each(it, &process->threads)
    {
        struct task *task = list_entry(it, struct task, thread_node);

        if (task->tid >= from && (best == NULL || task->tid < best->tid)) {
            best = task;
        }
    }
    if (best != NULL) {
        task_get(best);
    }
    spin_unlock(&task_table_lock);
    return best;
}

struct address_space *process_get_as(struct process *process)
{
    struct address_space *as;

    spin_lock(&process->lock);
    as = process->as;
    if (as != NULL) {
        as_get(as);
    }
    spin_unlock(&process->lock);
    return as;
}

/* What the leader shares; any other thread's once the leader has exited. */
static struct task *representative_locked(struct process *process)
{
    struct task *leader = process->leader;

    if ((leader == NULL || leader->fs == NULL) && !list_empty(&process->threads)) {
        return list_first(&process->threads, struct task, thread_node);
    }
    return leader;
}

struct file *process_get_file(struct process *process, int fd, int *cloexec)
{
    struct file *file = NULL;
    struct task *task;

    spin_lock(&process->lock);
    task = representative_locked(process);
    if (task != NULL && task->fds != NULL) {
        file = fd_get_raw(task->fds, fd);
        *cloexec = fd_get_cloexec(task->fds, fd);
    }
    spin_unlock(&process->lock);
    return file;
}

int process_next_fd(struct process *process, uint32_t from)
{
    struct task *task;
    int fd = -1;

    spin_lock(&process->lock);
    task = representative_locked(process);
    if (task != NULL && task->fds != NULL) {
        fd = fd_next(task->fds, from);
    }
    spin_unlock(&process->lock);
    return fd;
}

struct fs_context *process_get_fs(struct process *process)
{
    struct fs_context *fs = NULL;
    struct task *task;

    spin_lock(&process->lock);
    task = representative_locked(process);
    if (task != NULL && task->fs != NULL) {
        fs = task->fs;
        fs_context_get(fs);
    }
    spin_unlock(&process->lock);
    return fs;
}

struct cred *process_get_cred(struct process *process)
{
    struct cred *cred;

    spin_lock(&process->lock);
    cred = process->leader != NULL ? process->leader->cred : process->last_cred;
    cred_get(cred);
    spin_unlock(&process->lock);
    return cred;
}

uint32_t process_uid(struct process *process)
{
    struct cred *cred = process_get_cred(process);
    uint32_t uid = cred->uid;

    cred_put(cred);
    return uid;
}

struct file *process_get_exe(struct process *process)
{
    struct file *exe;

    spin_lock(&process->lock);
    exe = process->exe;
    if (exe != NULL) {
        file_get(exe);
    }
    spin_unlock(&process->lock);
    return exe;
}

pid_nr_t process_parent_pid(struct process *process)
{
    pid_nr_t pid;

    spin_lock(&task_table_lock);
    pid = process->parent != NULL ? process->parent->pid : 0;
    spin_unlock(&task_table_lock);
    return pid;
}

uint32_t task_count(void)
{
    return nr_tasks;
}

uint32_t process_count(void)
{
    return nr_processes;
}

uint64_t task_forks(void)
{
    return nr_forks;
}

void process_for_each_locked(void (*fn)(struct process *process, void *arg), void *arg)
{
    list_for_each(it, &all_processes)
    {
        fn(list_entry(it, struct process, all_node), arg);
    }
}

void task_set_comm(struct task *task, const char *comm)
{
    spin_lock(&task->process->lock);
    strlcpy(task->comm, comm, sizeof(task->comm));
    spin_unlock(&task->process->lock);
}

void task_get_comm(struct task *task, char *comm)
{
    spin_lock(&task->process->lock);
    memcpy(comm, task->comm, sizeof(task->comm));
    spin_unlock(&task->process->lock);
}
