/*
 * /proc: names, directories and global files are fs/procfs*.c; what is in a process comes from a
 * provider that sched/ registers at boot. Processes are numbers here: each call looks the number
 * up anew and fails with -ESRCH once the process is gone. No lock is held at any provider call.
 */
#pragma once

#include "fs/text.h"
#include "kernel/types.h"

struct dentry;
struct file;

/* Files of /proc/PID/ and /proc/PID/task/TID/ whose contents the provider writes. */
enum procfs_item {
    PROCFS_STATUS,
    PROCFS_STAT,
    PROCFS_STATM,
    PROCFS_CMDLINE, /* argv, NUL-separated; empty for a zombie or a kernel thread */
    PROCFS_ENVIRON,
    PROCFS_AUXV,
    PROCFS_COMM, /* with newline; writable */
    PROCFS_MAPS,
    PROCFS_SMAPS,
    PROCFS_LIMITS,
    PROCFS_OOM_SCORE,
    PROCFS_OOM_SCORE_ADJ, /* writable, -1000 .. 1000 */
    PROCFS_WCHAN,         /* "0", no newline, where unknown */
    PROCFS_IO,
    PROCFS_COREDUMP_FILTER,
    PROCFS_PERSONALITY,
    PROCFS_SYSCALL,
    PROCFS_STACK,
};

/* Paths of /proc/PID/. */
enum procfs_link {
    PROCFS_EXE, /* -ENOENT for a kernel thread or a zombie */
    PROCFS_CWD,
    PROCFS_ROOT,
};

struct procfs_owner {
    uint32_t uid, gid;   /* effective ones, or 0 where the process is not dumpable */
    uint64_t generation; /* not 0; another than that of a later process with the number */
};

struct procfs_sched_stats {
    uint64_t user_ns, nice_ns, system_ns, idle_ns; /* of CPU `cpu` */
};

struct procfs_provider {
    /* Return the smallest live number >= from, or 0. Processes include zombies. */
    pid_nr_t (*next_pid)(pid_nr_t from);
    pid_nr_t (*next_tid)(pid_nr_t pid, pid_nr_t from); /* threads of the process */
    /* The running process and thread. */
    pid_nr_t (*self_pid)(void);
    pid_nr_t (*self_tid)(void);
    /* Fails: -ESRCH. tid names any thread, the leader's number the process. */
    int (*owner)(pid_nr_t tid, struct procfs_owner *out);
    /* Whether the running task may look into tid's memory and files (ptrace(2), PTRACE_MODE_READ).
     */
    bool (*may_inspect)(pid_nr_t tid);
    /*
     * Does: appends the item of the thread (`whole`: of its whole process, where stat and status
     * differ). Fails: -ESRCH, -EINVAL for an item that it does not have.
     */
    int (*show)(pid_nr_t tid, bool whole, enum procfs_item item, struct text *text);
    /*
     * Does: takes a write of len bytes of text, NUL-terminated, for the process of that generation.
     * Fails: -EINVAL, -EACCES, -ESRCH.
     */
    int (*store)(pid_nr_t tid, uint64_t generation, enum procfs_item item, const char *text,
                 size_t len);
    /* *out gets a reference. Fails: -ENOENT, -ESRCH. */
    int (*link)(pid_nr_t tid, enum procfs_link link, struct dentry **out);
    /* Returns the smallest open descriptor >= from; -EBADF when there is none, or -ESRCH. */
    int (*next_fd)(pid_nr_t tid, int from);
    /* *out: the open file with a reference; *flags: FD_CLOEXEC or 0. Fails: -ENOENT, -ESRCH. */
    int (*fd_file)(pid_nr_t tid, int fd, struct file **out, int *flags);

    /* Global figures. */
    void (*cpu_stats)(uint32_t cpu, struct procfs_sched_stats *out);
    /* Averages over 1, 5 and 15 minutes in 1/2048; then running and all threads, last number given.
     */
    void (*load)(uint32_t avg[3], uint32_t *nr_running, uint32_t *nr_threads, pid_nr_t *last);
    uint64_t (*nr_switches)(void);
    uint64_t (*nr_forks)(void);
    uint32_t pid_max; /* numbers are below it */
    uint32_t threads_max;
};

/* Does: registers; once, at boot, before /proc is mounted. */
void procfs_set_provider(const struct procfs_provider *provider);

/* Does: remembers a function that returns cached memory; a write to /proc/sys/vm/drop_caches calls
 * all. */
void procfs_add_drain(void (*drain)(void));

/* Does: registers the file system types "proc" and "sysfs". Boot, once. */
void procfs_init(void);
void sysfs_init(void);
