/*
 * The provider of /proc/PID: finds the process, answers the small items itself and leaves the large
 * ones to procinfo_stat.c and procinfo_maps.c. Holds references, no locks, while text is made.
 */
#include "sched/procinfo.h"

#include <linux/capability.h>

#include "fs/fd_table.h"
#include "fs/path.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "sched/oom.h"
#include "sched/usage.h"

#define COPY_CHUNK 4096u
#define COPY_MAX MIB(2)

static pid_nr_t next_pid(pid_nr_t from)
{
    struct process *process = process_next(from);
    pid_nr_t pid = 0;

    if (process != NULL) {
        pid = process->pid;
        process_put(process);
    }
    return pid;
}

static pid_nr_t next_tid(pid_nr_t pid, pid_nr_t from)
{
    struct process *process = process_find(pid);
    struct task *task;
    pid_nr_t tid = 0;

    if (process == NULL) {
        return 0;
    }
    task = process_next_thread(process, from);
    if (task != NULL) {
        tid = task->tid;
        task_put(task);
    }
    process_put(process);
    return tid;
}

static pid_nr_t self_pid(void)
{
    return process_current()->pid;
}

static pid_nr_t self_tid(void)
{
    return task_current()->tid;
}

static uint64_t generation_of(const struct process *process)
{
    return process->start_ns + 1;
}

static int owner(pid_nr_t tid, struct procfs_owner *out)
{
    struct task *task = task_find(tid);
    struct cred *cred;

    if (task == NULL) {
        return -ESRCH;
    }
    cred = process_get_cred(task->process);
    *out = (struct procfs_owner){.generation = generation_of(task->process)};
    if (task->process->dumpable == 1) {
        out->uid = cred->euid;
        out->gid = cred->egid;
    }
    cred_put(cred);
    task_put(task);
    return 0;
}

/* ptrace(2), "Ptrace access mode checking", for PTRACE_MODE_READ_FSCREDS. */
bool procinfo_may_inspect(struct task *task)
{
    const struct cred *own = task_cred();
    struct cred *cred = process_get_cred(task->process);
    bool result;

    result = own->fsuid == cred->uid && own->fsuid == cred->euid && own->fsuid == cred->suid &&
             own->fsgid == cred->gid && own->fsgid == cred->egid && own->fsgid == cred->sgid &&
             task->process->dumpable == 1;
    result = result || task->process == process_current() || cred_capable(own, CAP_SYS_PTRACE);
    cred_put(cred);
    return result;
}

static bool may_inspect(pid_nr_t tid)
{
    struct task *task = task_find(tid);
    bool result;

    if (task == NULL) {
        return false;
    }
    result = procinfo_may_inspect(task);
    task_put(task);
    return result;
}

/* The program's arguments or its environment, as far as they can be read. */
static void put_strings(struct process *process, bool environment, struct text *text)
{
    struct address_space *as;
    vaddr_t start, end;

    /* Of one program: an execve changes it all at once. */
    spin_lock(&process->lock);
    as = process->as;
    if (as != NULL) {
        as_get(as);
    }
    start = environment ? process->env_start : process->arg_start;
    end = environment ? process->env_end : process->arg_end;
    spin_unlock(&process->lock);
    if (as == NULL) {
        return;
    }
    end = MIN(end, start + COPY_MAX);
    while (start < end) {
        size_t want = MIN(end - start, (uint64_t)COPY_CHUNK);
        char *to = text_reserve(text, want);
        size_t got = to != NULL ? as_copy_in_partial(as, to, start, want) : 0;

        text_commit(text, got);
        if (got < want) {
            break;
        }
        start += got;
    }
    as_put(as);
}

static void show_auxv(struct process *process, struct text *text)
{
    unsigned i = 0;

    while (i + 2 < ARRAY_SIZE(process->auxv) && process->auxv[i] != 0) {
        i += 2;
    }
    text_put(text, process->auxv, (i + 2) * sizeof(process->auxv[0]));
}

static void show_comm(struct task *task, struct text *text)
{
    char comm[TASK_COMM_LEN];

    task_get_comm(task, comm);
    text_print(text, "%s\n", comm);
}

static void show_io(struct text *text)
{
    text_print(text, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
                     "cancelled_write_bytes: 0\n");
}

static int show_item(struct task *task, bool whole, enum procfs_item item, struct text *text)
{
    struct process *process = task->process;

    switch (item) {
    case PROCFS_STATUS:
        procinfo_status(task, text);
        return 0;
    case PROCFS_STAT:
        procinfo_stat(task, whole, text);
        return 0;
    case PROCFS_STATM:
        procinfo_statm(process, text);
        return 0;
    case PROCFS_CMDLINE:
        put_strings(process, false, text);
        return 0;
    case PROCFS_ENVIRON:
        put_strings(process, true, text);
        return 0;
    case PROCFS_AUXV:
        show_auxv(process, text);
        return 0;
    case PROCFS_COMM:
        show_comm(task, text);
        return 0;
    case PROCFS_MAPS:
    case PROCFS_SMAPS:
        procinfo_maps(process, item == PROCFS_SMAPS, text);
        return 0;
    case PROCFS_LIMITS:
        procinfo_limits(process, text);
        return 0;
    case PROCFS_OOM_SCORE:
        text_print(text, "%u\n", oom_score(process));
        return 0;
    case PROCFS_OOM_SCORE_ADJ:
        text_print(text, "%d\n", process->oom_score_adj);
        return 0;
    case PROCFS_WCHAN:
        text_print(text, "0");
        return 0;
    case PROCFS_IO:
        show_io(text);
        return 0;
    case PROCFS_COREDUMP_FILTER:
        text_print(text, "00000033\n");
        return 0;
    case PROCFS_PERSONALITY:
        text_print(text, "%08x\n", process->personality);
        return 0;
    default:
        return -EINVAL;
    }
}

static int show(pid_nr_t tid, bool whole, enum procfs_item item, struct text *text)
{
    struct task *task = task_find(tid);
    int result;

    if (task == NULL) {
        return -ESRCH;
    }
    result = show_item(task, whole, item, text);
    task_put(task);
    return result;
}

static int store_adj(struct process *process, const char *text)
{
    bool negative = *text == '-';
    char *end;
    unsigned long number = strtoul(text + negative, &end, 10);
    int value, error = 0;

    if (end == text + negative || (*end != 0 && *end != '\n') || number > 1000) {
        return -EINVAL;
    }
    value = negative ? -(int)number : (int)number;
    spin_lock(&process->lock);
    if (value < process->oom_score_adj && !cred_capable(task_cred(), CAP_SYS_RESOURCE)) {
        error = -EACCES;
    } else {
        process->oom_score_adj = value;
    }
    spin_unlock(&process->lock);
    return error;
}

static int store_comm(struct task *task, const char *text, size_t len)
{
    char comm[TASK_COMM_LEN];

    if (task->process != process_current()) {
        return -EINVAL;
    }
    strlcpy(comm, text, sizeof(comm));
    if (len < sizeof(comm) && len > 0 && comm[len - 1] == '\n') {
        comm[len - 1] = 0;
    }
    task_set_comm(task, comm);
    return 0;
}

static int store(pid_nr_t tid, uint64_t generation, enum procfs_item item, const char *text,
                 size_t len)
{
    struct task *task = task_find(tid);
    int result = -EACCES;

    if (task == NULL) {
        return -ESRCH;
    }
    if (generation_of(task->process) != generation) {
        result = -ESRCH;
    } else if (item == PROCFS_OOM_SCORE_ADJ) {
        result = store_adj(task->process, text);
    } else if (item == PROCFS_COMM) {
        result = store_comm(task, text, len);
    } else if (item == PROCFS_COREDUMP_FILTER) {
        result = 0; /* no core is ever dumped */
    }
    task_put(task);
    return result;
}

static int link_exe(struct process *process, struct dentry **out)
{
    struct file *exe = process_get_exe(process);

    if (exe == NULL) {
        return -ENOENT;
    }
    *out = exe->dentry;
    dentry_get(*out);
    file_put(exe);
    return 0;
}

static int link_directory(struct process *process, bool root, struct dentry **out)
{
    struct fs_context *fs = process_get_fs(process);

    if (fs == NULL) {
        return -ENOENT;
    }
    *out = root ? fs_context_root(fs) : fs_context_cwd(fs);
    fs_context_put(fs);
    return 0;
}

static int follow_link(pid_nr_t tid, enum procfs_link link, struct dentry **out)
{
    struct task *task = task_find(tid);
    int result;

    if (task == NULL) {
        return -ESRCH;
    }
    result = link == PROCFS_EXE ? link_exe(task->process, out)
                                : link_directory(task->process, link == PROCFS_ROOT, out);
    task_put(task);
    return result;
}

static int next_fd(pid_nr_t tid, int from)
{
    struct task *task = task_find(tid);
    int fd;

    if (task == NULL) {
        return -ESRCH;
    }
    fd = process_next_fd(task->process, (uint32_t)from);
    task_put(task);
    return fd < 0 ? -EBADF : fd;
}

static int fd_file(pid_nr_t tid, int fd, struct file **out, int *flags)
{
    struct task *task = task_find(tid);
    int cloexec = 0;

    if (task == NULL) {
        return -ESRCH;
    }
    *out = process_get_file(task->process, fd, &cloexec);
    task_put(task);
    *flags = MAX(cloexec, 0);
    return *out != NULL ? 0 : -ENOENT;
}

static void cpu_stats(uint32_t cpu, struct procfs_sched_stats *out)
{
    *out = (struct procfs_sched_stats){0};
    usage_cpu(cpu, &out->user_ns, &out->system_ns, &out->idle_ns);
}

static void load(uint32_t avg[3], uint32_t *nr_running, uint32_t *nr_threads, pid_nr_t *last)
{
    usage_load(avg);
    *nr_running = usage_runnable();
    *nr_threads = task_count();
    *last = task_last_pid();
}

void procinfo_init(void)
{
    static struct procfs_provider provider = {
        .next_pid = next_pid,
        .next_tid = next_tid,
        .self_pid = self_pid,
        .self_tid = self_tid,
        .owner = owner,
        .may_inspect = may_inspect,
        .show = show,
        .store = store,
        .link = follow_link,
        .next_fd = next_fd,
        .fd_file = fd_file,
        .cpu_stats = cpu_stats,
        .load = load,
        .nr_switches = usage_context_switches,
        .nr_forks = task_forks,
        .pid_max = PID_MAX,
    };

    provider.threads_max = task_limit();
    procfs_set_provider(&provider);
}
