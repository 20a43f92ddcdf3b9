/* The files of /proc that are about the machine, and its table of names (proc(5)). */
#include <hal/abi.h>
#include <linux/utsname.h>

#include "fs/device.h"
#include "fs/procfs_internal.h"
#include "fs/vfs.h"
#include "kernel/cmdline.h"
#include "kernel/cpu.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "kernel/uts.h"
#include "mm/frame.h"

#define CPUINFO_MAX 4096u
#define USER_HZ     100u
#define NS_PER_TICK (NS_PER_SEC / USER_HZ)

static void put_kib(struct text *text, const char *name, uint64_t frames)
{
    text_print(text, "%-15s %8llu kB\n", name, (unsigned long long)(frames << (PAGE_SHIFT - 10)));
}

static int show_meminfo(struct inode *inode, struct text *text)
{
    struct frame_stats stats;

    (void)inode;
    frame_get_stats(&stats);
    put_kib(text, "MemTotal:", stats.total);
    put_kib(text, "MemFree:", stats.nr_free);
    put_kib(text, "MemAvailable:", stats.nr_free);
    put_kib(text, "Buffers:", 0);
    put_kib(text, "Cached:", stats.owned[FRAME_OBJECT]);
    put_kib(text, "SwapCached:", 0);
    put_kib(text, "Active:", stats.owned[FRAME_ANON]);
    put_kib(text, "Inactive:", stats.owned[FRAME_OBJECT]);
    put_kib(text, "SwapTotal:", 0);
    put_kib(text, "SwapFree:", 0);
    put_kib(text, "Dirty:", 0);
    put_kib(text, "Writeback:", 0);
    put_kib(text, "AnonPages:", stats.owned[FRAME_ANON]);
    put_kib(text, "Mapped:", 0);
    put_kib(text, "Shmem:", stats.owned[FRAME_OBJECT]);
    put_kib(text, "KReclaimable:", 0);
    put_kib(text, "Slab:", stats.owned[FRAME_SLAB]);
    put_kib(text, "SReclaimable:", 0);
    put_kib(text, "SUnreclaim:", stats.owned[FRAME_SLAB]);
    put_kib(text, "KernelStack:", stats.owned[FRAME_KERNEL]);
    put_kib(text, "PageTables:", stats.owned[FRAME_TABLE]);
    put_kib(text, "CommitLimit:", stats.total);
    put_kib(text, "Committed_AS:", stats.owned[FRAME_ANON] + stats.owned[FRAME_OBJECT]);
    return 0;
}

static int show_cpuinfo(struct inode *inode, struct text *text)
{
    (void)inode;
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        char *room = text_reserve(text, CPUINFO_MAX);

        if (room == NULL) {
            return -ENOMEM;
        }
        text_commit(text, MIN(hal_cpuinfo(cpu, room, CPUINFO_MAX), (size_t)CPUINFO_MAX - 1));
    }
    return 0;
}

static uint64_t idle_ns(void)
{
    struct procfs_sched_stats stats;
    uint64_t idle = 0;

    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        procfs_provider->cpu_stats(cpu, &stats);
        idle += stats.idle_ns;
    }
    return idle;
}

static void put_seconds(struct text *text, uint64_t ns, const char *end)
{
    text_print(text, "%llu.%02llu%s", (unsigned long long)(ns / NS_PER_SEC),
               (unsigned long long)(ns / (NS_PER_SEC / 100) % 100), end);
}

static int show_uptime(struct inode *inode, struct text *text)
{
    (void)inode;
    put_seconds(text, time_now_ns(), " ");
    put_seconds(text, idle_ns(), "\n");
    return 0;
}

static int show_version(struct inode *inode, struct text *text)
{
    const struct new_utsname *uts = uts_get();

    (void)inode;
    text_print(text, "%s version %s (compiler %s) %s\n", uts->sysname, uts->release, __VERSION__,
               uts->version);
    return 0;
}

static void put_ticks(struct text *text, const struct procfs_sched_stats *stats)
{
    text_print(text, " %llu %llu %llu %llu 0 0 0 0 0 0\n",
               (unsigned long long)(stats->user_ns / NS_PER_TICK),
               (unsigned long long)(stats->nice_ns / NS_PER_TICK),
               (unsigned long long)(stats->system_ns / NS_PER_TICK),
               (unsigned long long)(stats->idle_ns / NS_PER_TICK));
}

static void put_cpu_lines(struct text *text)
{
    struct procfs_sched_stats sum = {0};
    struct procfs_sched_stats stats;

    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        procfs_provider->cpu_stats(cpu, &stats);
        sum.user_ns += stats.user_ns;
        sum.nice_ns += stats.nice_ns;
        sum.system_ns += stats.system_ns;
        sum.idle_ns += stats.idle_ns;
    }
    text_print(text, "cpu ");
    put_ticks(text, &sum);
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        procfs_provider->cpu_stats(cpu, &stats);
        text_print(text, "cpu%u", cpu);
        put_ticks(text, &stats);
    }
}

static int show_stat(struct inode *inode, struct text *text)
{
    uint32_t avg[3], nr_running, nr_threads;
    pid_nr_t last;

    (void)inode;
    procfs_provider->load(avg, &nr_running, &nr_threads, &last);
    put_cpu_lines(text);
    text_print(text, "intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\n",
               (unsigned long long)procfs_provider->nr_switches(),
               (unsigned long long)((time_wall_ns() - time_now_ns()) / NS_PER_SEC),
               (unsigned long long)procfs_provider->nr_forks());
    text_print(text, "procs_running %u\nprocs_blocked 0\n", nr_running);
    return 0;
}

static int show_loadavg(struct inode *inode, struct text *text)
{
    uint32_t avg[3], nr_running, nr_threads;
    pid_nr_t last;

    (void)inode;
    procfs_provider->load(avg, &nr_running, &nr_threads, &last);
    for (unsigned i = 0; i < ARRAY_SIZE(avg); i++) {
        text_print(text, "%u.%02u ", avg[i] / 2048, avg[i] % 2048 * 100 / 2048);
    }
    text_print(text, "%u/%u %d\n", nr_running, nr_threads, last);
    return 0;
}

static int show_filesystems(struct inode *inode, struct text *text)
{
    const struct fs_type *type;

    (void)inode;
    for (unsigned n = 0; (type = vfs_type_at(n)) != NULL; n++) {
        text_print(text, "%s\t%s\n", type->nodev ? "nodev" : "", type->name);
    }
    return 0;
}

static int show_cmdline(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "%s\n", cmdline_get());
    return 0;
}

static int show_kmsg(struct inode *inode, struct text *text)
{
    size_t size = printk_size();
    char *room = text_reserve(text, size);

    (void)inode;
    if (room != NULL) {
        text_commit(text, printk_read(0, room, size));
    }
    return 0;
}

static int show_interrupts(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "    ");
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        text_print(text, "       CPU%u", cpu);
    }
    text_print(text, "\n");
    return 0;
}

static int show_partitions(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "major minor  #blocks  name\n\n");
    return 0;
}

/* Whether an earlier device has the same major number: each is named once. */
static bool is_repeated(const struct char_device *device, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (dev_major(char_device_at(i)->dev) == dev_major(device->dev)) {
            return true;
        }
    }
    return false;
}

static int show_devices(struct inode *inode, struct text *text)
{
    const struct char_device *device;

    (void)inode;
    text_print(text, "Character devices:\n");
    for (unsigned n = 0; (device = char_device_at(n)) != NULL; n++) {
        if (device->name != NULL && !is_repeated(device, n)) {
            text_print(text, "%3u %s\n", dev_major(device->dev), device->name);
        }
    }
    text_print(text, "\nBlock devices:\n");
    return 0;
}

static int show_swaps(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

static const struct pseudo_file meminfo_file = {show_meminfo, NULL};
static const struct pseudo_file cpuinfo_file = {show_cpuinfo, NULL};
static const struct pseudo_file uptime_file = {show_uptime, NULL};
static const struct pseudo_file version_file = {show_version, NULL};
static const struct pseudo_file stat_file = {show_stat, NULL};
static const struct pseudo_file loadavg_file = {show_loadavg, NULL};
static const struct pseudo_file filesystems_file = {show_filesystems, NULL};
static const struct pseudo_file cmdline_file = {show_cmdline, NULL};
static const struct pseudo_file kmsg_file = {show_kmsg, NULL};
static const struct pseudo_file interrupts_file = {show_interrupts, NULL};
static const struct pseudo_file partitions_file = {show_partitions, NULL};
static const struct pseudo_file devices_file = {show_devices, NULL};
static const struct pseudo_file swaps_file = {show_swaps, NULL};

const struct pseudo_entry procfs_root_table[] = {
    {.name = "cmdline", .file = &cmdline_file},
    {.name = "cpuinfo", .file = &cpuinfo_file},
    {.name = "devices", .file = &devices_file},
    {.name = "filesystems", .file = &filesystems_file},
    {.name = "interrupts", .file = &interrupts_file},
    {.name = "kmsg", .permissions = 0400, .file = &kmsg_file},
    {.name = "loadavg", .file = &loadavg_file},
    {.name = "meminfo", .file = &meminfo_file},
    {.name = "mounts", .link = "self/mounts"},
    {.name = "partitions", .file = &partitions_file},
    {.name = "quoin", .children = procfs_quoin_table},
    {.name = "stat", .file = &stat_file},
    {.name = "swaps", .file = &swaps_file},
    {.name = "sys", .children = procfs_sys_table},
    {.name = "uptime", .file = &uptime_file},
    {.name = "version", .file = &version_file},
    {.name = NULL},
};
