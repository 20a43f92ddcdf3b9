/* /proc/PID/{stat,status,statm,limits}: formats of proc(5). What is not counted here reads 0. */
#include <linux/sched.h>

#include "fs/path.h"
#include "fs/tty.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "sched/pid.h"
#include "sched/procinfo.h"
#include "sched/signal_queue.h"
#include "sched/usage.h"

#define NS_PER_CLOCK_TICK (NS_PER_SEC / 100) /* USER_HZ */

/* What is read under the table's lock. */
struct kinship {
    pid_nr_t parent, group, session;
    void *tty;
    uint32_t nr_threads;
};

static struct kinship kinship_of(struct process *process)
{
    struct kinship kin = {0};

    spin_lock(&task_table_lock);
    kin.parent = process->parent != NULL ? process->parent->pid : 0;
    kin.nr_threads = process->nr_threads;
    if (process->state != PROCESS_REAPED) {
        kin.group = process->group->nr;
        kin.session = process->session->nr;
        kin.tty = process->session->tty;
    }
    spin_unlock(&task_table_lock);
    return kin;
}

char procinfo_state(struct task *task)
{
    if (task->process->state != PROCESS_ALIVE || atomic_load(&task->state) == TASK_DEAD) {
        return 'Z';
    }
    if (task->stopped) {
        return 'T';
    }
    if (atomic_load(&task->state) == TASK_RUNNING) {
        return 'R';
    }
    return task->wait_mode == WAIT_INTERRUPTIBLE ? 'S' : 'D';
}

static struct as_stats space_of(struct process *process)
{
    struct as_stats stats = {0};
    struct address_space *as = process_get_as(process);

    if (as != NULL) {
        as_get_stats(as, &stats);
        as_put(as);
    }
    return stats;
}

struct signal_masks {
    uint64_t pending, shared, blocked, ignored, caught;
};

static struct signal_masks masks_of(struct task *task)
{
    struct process *process = task->process;
    struct signal_masks masks = {atomic_load(&task->pending.set),
                                 atomic_load(&process->pending.set), atomic_load(&task->sigmask),
                                 0, 0};

    spin_lock(&process->lock);
    for (int signo = 1; process->sighand != NULL && signo <= SIGNAL_MAX; signo++) {
        uint64_t handler = process->sighand->action[signo - 1].handler;

        masks.ignored |= handler == SIGNAL_IGNORE ? SIGNAL_BIT(signo) : 0;
        masks.caught |= handler > SIGNAL_IGNORE ? SIGNAL_BIT(signo) : 0;
    }
    spin_unlock(&process->lock);
    return masks;
}

static unsigned long ticks(uint64_t ns)
{
    return (unsigned long)(ns / NS_PER_CLOCK_TICK);
}

static void put_times(struct task *task, bool whole, struct text *text)
{
    struct process *process = task->process;
    uint64_t user = 0, system = 0;
    struct rusage usage;

    if (whole) {
        usage_process_split(process, &user, &system);
    } else {
        user = atomic_load(&task->user_tick_ns);
        system = atomic_load(&task->system_tick_ns);
    }
    usage_fill(process, false, &usage);
    text_print(text, " %ld %lu 0 0 %lu %lu %lu %lu", usage.ru_minflt,
               (unsigned long)process->dead_children.minor_faults, ticks(user), ticks(system),
               ticks(process->dead_children.user_ns), ticks(process->dead_children.system_ns));
}

void procinfo_stat(struct task *task, bool whole, struct text *text)
{
    struct process *process = task->process;
    struct kinship kin = kinship_of(process);
    struct signal_masks masks = masks_of(task);
    struct as_stats space = space_of(process);
    /* proc(5): addresses and the exit status only for those who could trace the process. */
    unsigned long seen = procinfo_may_inspect(task) ? ~0ul : 0;
    char comm[TASK_COMM_LEN];

    task_get_comm(task, comm);
    text_print(text, "%d (%s) %c %d %d %d %u %d 0", task->tid, comm, procinfo_state(task),
               kin.parent, kin.group, kin.session, tty_device_number(kin.tty, kin.session),
               tty_foreground_group(kin.tty, kin.session));
    put_times(task, whole, text);
    text_print(text, " %d %d %u 0 %lu %lu %lu %lu", 20 + task->nice, task->nice, kin.nr_threads,
               ticks(process->start_ns), (unsigned long)space.virtual_bytes,
               (unsigned long)(space.resident_bytes / PAGE_SIZE),
               (unsigned long)process->rlimits[RLIMIT_RSS].rlim_cur);
    text_print(text, " 0 0 %lu 0 0 %lu %lu %lu %lu 0 0 0 %d %u 0 0 0 0 0", /* startcode .. */
               process->stack_start & seen, (unsigned long)(masks.pending & 0x7fffffff),
               (unsigned long)(masks.blocked & 0x7fffffff),
               (unsigned long)(masks.ignored & 0x7fffffff),
               (unsigned long)(masks.caught & 0x7fffffff), process->exit_signal, task_cpu(task));
    text_print(text, " 0 0 0 %lu %lu %lu %lu %d\n", process->arg_start & seen,
               process->arg_end & seen, process->env_start & seen, process->env_end & seen,
               process->state == PROCESS_ZOMBIE ? process->exit_status & (int)seen : 0);
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R':
        return "running";
    case 'S':
        return "sleeping";
    case 'D':
        return "disk sleep";
    case 'T':
        return "stopped";
    default:
        return "zombie";
    }
}

static void put_identity(struct task *task, struct text *text)
{
    struct process *process = task->process;
    struct kinship kin = kinship_of(process);
    struct fs_context *fs = process_get_fs(process);
    char comm[TASK_COMM_LEN], state = procinfo_state(task);

    task_get_comm(task, comm);
    text_print(text, "Name:\t%s\n", comm);
    if (fs != NULL) {
        text_print(text, "Umask:\t%04o\n", atomic_load(&fs->umask));
        fs_context_put(fs);
    }
    text_print(text, "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
               state, state_name(state), process->pid, task->tid, kin.parent);
}

static void put_cred(struct process *process, struct text *text)
{
    struct cred *cred = process_get_cred(process);

    text_print(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", cred->uid, cred->euid,
               cred->suid, cred->fsuid, cred->gid, cred->egid, cred->sgid, cred->fsgid);
    text_print(text, "FDSize:\t64\nGroups:\t");
    for (uint32_t i = 0; i < cred->nr_groups; i++) {
        text_print(text, "%u ", cred->groups[i]);
    }
    text_print(text, "\n");
    cred_put(cred);
}

static void put_space(struct process *process, struct text *text)
{
    struct as_stats space = space_of(process);

    if (space.virtual_bytes == 0) {
        return;
    }
    text_print(text, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\n",
               (unsigned long)(space.peak_virtual / 1024),
               (unsigned long)(space.virtual_bytes / 1024),
               (unsigned long)(space.locked_bytes / 1024));
    text_print(text, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\n",
               (unsigned long)(space.peak_resident / 1024),
               (unsigned long)(space.resident_bytes / 1024),
               (unsigned long)(space.data_bytes / 1024),
               (unsigned long)(space.stack_bytes / 1024));
    text_print(text, "VmExe:\t%8lu kB\nVmLib:\t       0 kB\nVmPTE:\t%8lu kB\nVmSwap:\t       0 kB\n",
               (unsigned long)(space.text_bytes / 1024), (unsigned long)(space.table_bytes / 1024));
}

static void put_caps(struct process *process, struct text *text)
{
    struct cred *cred = process_get_cred(process);

    text_print(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
               (unsigned long)cred->cap_inheritable, (unsigned long)cred->cap_permitted,
               (unsigned long)cred->cap_effective, (unsigned long)cred->cap_bounding);
    text_print(text, "CapAmb:\t%016x\n", 0);
    cred_put(cred);
}

void procinfo_status(struct task *task, struct text *text)
{
    struct process *process = task->process;
    struct signal_masks masks = masks_of(task);

    put_identity(task, text);
    put_cred(process, text);
    put_space(process, text);
    text_print(text, "CoreDumping:\t0\nThreads:\t%u\nSigQ:\t%u/%lu\n", process->nr_threads,
               process->nr_queued_signals,
               (unsigned long)process->rlimits[RLIMIT_SIGPENDING].rlim_cur);
    text_print(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\n",
               (unsigned long)masks.pending, (unsigned long)masks.shared,
               (unsigned long)masks.blocked, (unsigned long)masks.ignored);
    text_print(text, "SigCgt:\t%016lx\n", (unsigned long)masks.caught);
    put_caps(process, text);
    text_print(text, "NoNewPrivs:\t%d\nSeccomp:\t0\nSpeculation_Store_Bypass:\tunknown\n",
               task->no_new_privs);
    text_print(text, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t0-%u\n",
               (unsigned long)(task->cpus_allowed &
                               (nr_cpus >= 64 ? ~0ull : (1ull << nr_cpus) - 1)),
               nr_cpus - 1);
    text_print(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
               (unsigned long)task->nr_voluntary, (unsigned long)task->nr_involuntary);
}

void procinfo_statm(struct process *process, struct text *text)
{
    struct as_stats space = space_of(process);

    text_print(text, "%lu %lu 0 %lu 0 %lu 0\n", (unsigned long)(space.virtual_bytes / PAGE_SIZE),
               (unsigned long)(space.resident_bytes / PAGE_SIZE),
               (unsigned long)(space.text_bytes / PAGE_SIZE),
               (unsigned long)((space.data_bytes + space.stack_bytes) / PAGE_SIZE));
}

static void put_limit(struct text *text, uint64_t value)
{
    if (value == RLIM64_INFINITY) {
        text_print(text, "%-20s ", "unlimited");
    } else {
        text_print(text, "%-20lu ", (unsigned long)value);
    }
}

void procinfo_limits(struct process *process, struct text *text)
{
    static const struct {
        const char *name, *unit;
    } rows[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},
        [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},
        [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},
        [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},
        [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},
        [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
        [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };

    text_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
        text_print(text, "%-25s ", rows[i].name);
        put_limit(text, process->rlimits[i].rlim_cur);
        put_limit(text, process->rlimits[i].rlim_max);
        text_print(text, "%-10s\n", rows[i].unit);
    }
}
