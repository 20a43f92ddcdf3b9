/*
 * Tasks (threads) and processes (thread groups). A task owns a kernel stack, a context and its signal
 * state; what POSIX calls a process is shared by its threads. Both are counted: a pointer from a
 * look-up stays valid until its put, also after the exit.
 * Locks: task_table_lock guards pid table, tree, groups and thread lists; process->lock guards
 * signals, limits, times and the parts that others look at. Order: table > process > run queue.
 * Fields marked (own) are touched by the running task alone and need no lock.
 */
#pragma once

#include <hal/context.h>
#include <linux/resource.h>

#include "kernel/cpu.h"
#include "kernel/cred.h"
#include "kernel/list.h"
#include "kernel/spinlock.h"
#include "kernel/time.h"
#include "kernel/types.h"
#include "kernel/wait.h"
#include "sched/signal_types.h"

struct address_space;
struct fd_table;
struct file;
struct fs_context;
struct pid_entry;
struct process;
struct vfork_done;

#define TASK_COMM_LEN 16
#define PROCESS_AUXV_MAX 24

/* Bits of task->work, tested by the trap code on every return to user mode. */
enum task_work {
    TASK_WORK_RESCHED = 1,
    TASK_WORK_SIGNAL = 2,       /* a signal may be deliverable; cleared by the task alone, on its way out */
    TASK_WORK_RESTORE_MASK = 4, /* saved_mask comes back once signals are handled */
    TASK_WORK_SIGRETURN = 8,    /* the frame was replaced: its return value is no system call's */
};

enum task_state {
    TASK_RUNNING, /* running or in a run queue */
    TASK_SLEEPING,
    TASK_DEAD, /* never runs again */
};

/* What restart_syscall(2) continues. */
struct restart_block {
    int64_t (*fn)(struct restart_block *block);
    uint64_t arg[6];
};

struct task {
    _Atomic uint32_t work; /* enum task_work */
    bool irq_from_user;    /* (own) set by trap_irq(): what the interrupt interrupted, for the accounting */
    struct process *process;
    struct address_space *as; /* (own) process->as, until the task exits */
    struct fd_table *fds;  /* (own; others under process->lock) */
    struct fs_context *fs; /* (own; others under process->lock) */
    struct cred *cred;     /* (own; others under process->lock) */
    pid_nr_t tid;
    atomic_uint refs;
    void *stack; /* base of the kernel stack; NULL for the boot task */
    struct hal_context context;
    void (*kernel_fn)(void *arg); /* where a task of the kernel starts; NULL: in user mode */
    void *kernel_arg;

    /* Run queue lock of cpu. */
    _Atomic uint32_t state; /* enum task_state */
    _Atomic uint32_t cpu;
    struct list run_node;
    bool queued;
    _Atomic bool on_cpu; /* its stack is in use */
    cpumask_t cpus_allowed;
    uint64_t ran_since; /* ns, when it was switched in */
    _Atomic uint64_t run_ns;                       /* up to the last switch or tick */
    _Atomic uint64_t user_tick_ns, system_tick_ns; /* what the tick found, to split run_ns by */
    uint32_t slept_result; /* why the last sleep ended */
    enum wait_mode wait_mode;
    struct timer sleep_timer;
    uint64_t nr_voluntary, nr_involuntary;

    /* task_table_lock. */
    struct list thread_node; /* in process->threads */
    struct pid_entry *pid;

    /* process->lock. */
    bool exiting; /* takes no signals any more */
    struct signal_pending pending;
    _Atomic uint64_t sigmask; /* changed by the owner, read by senders */
    uint64_t saved_mask;      /* (own) with TASK_WORK_RESTORE_MASK */
    uint64_t wait_mask;       /* signals that sigtimedwait() waits for: blocked, but not to be dropped */
    bool stopped;             /* sleeps in a group stop */
    bool counted_stop;        /* has been taken off nr_to_stop */

    /* (own) */
    struct {
        vaddr_t sp;
        uint64_t size;
        uint32_t flags; /* SS_* */
    } altstack;
    vaddr_t clear_child_tid;
    vaddr_t robust_list;
    struct restart_block restart;
    struct {
        vaddr_t addr;
        uint64_t syndrome;
        uint32_t trap_nr;
    } fault; /* the latest one, for signal frames */
    int exit_code;
    struct vfork_done *vfork_done; /* the parent waits for this space to be left */
    char comm[TASK_COMM_LEN];      /* writers and others hold process->lock */
    uint32_t timer_slack_ns;
    uint64_t fail_nth; /* (own) see oom_fail_countdown() */
    int pdeath_signal; /* prctl(PR_SET_PDEATHSIG) */
    int nice;
    bool no_new_privs;

#if defined(QUOIN_LOCKDEP)
    struct lockdep_held held_mutexes; /* (own) */
#endif
    struct hal_fpu fpu; /* valid while the task does not run */
};

enum process_state {
    PROCESS_ALIVE,
    PROCESS_ZOMBIE,
    PROCESS_REAPED,
};

/* What wait4() and waitid() have not yet reported of a live child. */
enum process_report {
    REPORT_STOPPED = 1,
    REPORT_CONTINUED = 2,
};

struct process_times {
    uint64_t run_ns, user_tick_ns, system_tick_ns;
    uint64_t user_ns, system_ns; /* the split that was last reported: neither part ever shrinks */
    uint64_t told_ns;            /* the process's clock, likewise */
    uint64_t minor_faults, major_faults, voluntary, involuntary, max_rss_bytes;
};

struct process {
    pid_nr_t pid;
    atomic_uint refs;
    struct spinlock lock;
    struct cred *last_cred; /* (lock) the leader's, once it is gone */
    struct address_space *as; /* own threads read it freely; others take process_get_as() */
    struct sighand *sighand;
    bool as_shared; /* with another process: its words outlive a task (own threads) */

    /* task_table_lock. */
    enum process_state state;
    struct task *leader; /* writers also hold `lock`; NULL once reaped */
    struct list threads; /* task->thread_node, those not yet exited; writers also hold `lock` */
    uint32_t nr_threads;
    atomic_uint nr_live; /* threads that have not begun to exit */
    struct process *parent; /* NULL: pid 1 and kernel */
    struct list children;   /* sibling_node */
    struct list sibling_node;
    struct list all_node;
    struct pid_entry *group;   /* group->nr is the pgid */
    struct pid_entry *session; /* session->nr is the sid */
    struct list group_node;
    _Atomic uint32_t nr_group_signals; /* sent to the process as one of several; counted afterwards */
    bool is_subreaper, has_execed;
    int exit_signal;
    int exit_status;      /* wait status, valid from PROCESS_ZOMBIE on */
    uint32_t wait_report; /* enum process_report */
    struct wait_queue child_wait; /* the parent's side of wait4() */

    /* lock. */
    struct signal_pending pending;
    bool group_exit;      /* every thread is on its way out, with group_exit_code */
    int group_exit_code;
    struct task *exec_task; /* the one thread that execve() spares */
    bool unkillable;      /* pid 1: signals without a handler do nothing */
    bool group_stop;      /* stop asked for or in force */
    bool stop_taken;      /* a stop signal was taken and nothing has called it off since */
    bool continued;       /* the parent is to be told that a stop ended */
    int stop_signal;
    uint32_t nr_to_stop; /* threads that have not yet entered the group stop */
    uint32_t nr_queued_signals;
    struct rlimit64 rlimits[RLIM_NLIMITS];
    struct process_times dead_threads; /* sums of exited threads */
    struct process_times dead_children; /* of children waited for */
    struct timer real_timer;           /* ITIMER_REAL */
    uint64_t real_deadline_ns, real_interval_ns;
    struct {
        uint64_t value_ns, interval_ns; /* value: of the process's clock; 0: off */
    } cpu_timer[2]; /* ITIMER_VIRTUAL, ITIMER_PROF */
    bool ticking;          /* the tick has CPU-time timers or limits to look at */
    uint64_t cpu_warned_s; /* CPU time of the last SIGXCPU */
    struct list posix_timers;
    int next_timer_id;
    struct file *exe;
    vaddr_t arg_start, arg_end, env_start, env_end, stack_start;
    vaddr_t vdso;            /* address of the image */
    uint64_t auxv[2 * PROCESS_AUXV_MAX]; /* pairs, for /proc/PID/auxv */
    uint32_t personality;
    int dumpable;
    int oom_score_adj;
    bool oom_victim;
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    struct wait_queue exec_wait; /* execve() waits for the other threads here */
};

extern struct spinlock task_table_lock;
extern struct process kernel_process; /* owner of idle tasks: pid 0 */

ALWAYS_INLINE struct task *task_current(void)
{
    return cpu_self()->current;
}

ALWAYS_INLINE struct process *process_current(void)
{
    return task_current()->process;
}

/* The running task's space; valid until it execs. */
ALWAYS_INLINE struct address_space *task_as(void)
{
    return task_current()->as;
}

ALWAYS_INLINE struct fd_table *task_fds(void)
{
    return task_current()->fds;
}

ALWAYS_INLINE struct fs_context *task_fs(void)
{
    return task_current()->fs;
}

ALWAYS_INLINE struct cred *task_cred(void)
{
    return task_current()->cred;
}

ALWAYS_INLINE uint32_t task_cpu(const struct task *task)
{
    return atomic_load_explicit(&task->cpu, memory_order_relaxed);
}

ALWAYS_INLINE struct trap_frame *task_frame(struct task *task)
{
    return hal_stack_frame(task->stack);
}

void task_get(struct task *task);
void task_put(struct task *task);
void process_get(struct process *process);
void process_put(struct process *process);

/* Look-ups return a new reference, or NULL. process_find() also finds zombies. */
struct task *task_find(pid_nr_t tid);
struct process *process_find(pid_nr_t pid);
/* The process with the lowest pid that is >= from, with a new reference, or NULL. */
struct process *process_next(pid_nr_t from);
/* The thread of the process with the lowest tid >= from, with a new reference, or NULL. */
struct task *process_next_thread(struct process *process, pid_nr_t from);

/* A new reference to what the process shares, or NULL (zombie, kernel). */
struct address_space *process_get_as(struct process *process);
struct fs_context *process_get_fs(struct process *process);
struct cred *process_get_cred(struct process *process);
uint32_t process_uid(struct process *process); /* the real one */
struct file *process_get_exe(struct process *process);
/*
 * The descriptors of the process, looked up without a reference to their table, which would make it one
 * that is shared: the file with a new reference and its cloexec flag, or NULL; the lowest that is open
 * and >= from, or -1.
 */
struct file *process_get_file(struct process *process, int fd, int *cloexec);
int process_next_fd(struct process *process, uint32_t from);

pid_nr_t process_parent_pid(struct process *process); /* getppid(2) */
/* Counts for sysinfo(2), /proc/stat and /proc/loadavg. */
uint32_t task_count(void);
uint32_t process_count(void);
uint64_t task_forks(void); /* since boot */
pid_nr_t task_last_pid(void);
#define PID_MAX 32768
uint32_t task_limit(void); /* the most tasks that may be: /proc/sys/kernel/threads-max */

/* prctl(PR_SET_NAME), /proc/PID/comm: comm holds TASK_COMM_LEN bytes. */
void task_set_comm(struct task *task, const char *comm);
void task_get_comm(struct task *task, char *comm);

/*
 * Boot. process_start_init() makes pid 1: a task that runs fn(arg) in the kernel, with root credentials,
 * no space, and fds and fs empty (NULL) until fn sets them; fn ends in exec_init() (loader/exec.h).
 */
void task_init(void);
NODISCARD int process_start_init(void (*fn)(void *arg), void *arg);

/* Ends the running task, or all threads of its process; `status` as wait4() shows it (code << 8, or a signal). */
NORETURN void task_exit(int status);
NORETURN void process_exit(int status);

/*
 * The way back to user mode. trap.c calls it with IRQs off when task->work is not 0, as the last thing;
 * returns with IRQs off and nothing left to do. `syscall`: the frame's return value is a system call's.
 */
void task_return_to_user(struct trap_frame *frame, bool syscall);
/*
 * For trap_fault(): forces a synchronous signal that cannot be ignored or blocked.
 * addr, syndrome and trap_nr go to siginfo and the signal frame.
 */
void task_fault_signal(int signo, int code, vaddr_t addr, uint64_t syndrome, uint32_t trap_nr);
