/*
 * The composition root: brings the layers up in their order and starts process 1. The only file
 * that knows them all. Whatever may sleep runs in process 1 before it becomes a program.
 */
#include <arch/cpu.h>
#include <hal/abi.h>
#include <hal/board.h>
#include <hal/mmu.h>
#include <hal/trap.h>

#include "drivers/drivers.h"
#include "fs/devfs.h"
#include "fs/fd_table.h"
#include "fs/procfs.h"
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/cmdline.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/selftest.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "kernel/version.h"
#include "loader/exec.h"
#include "loader/vdso.h"
#include "mm/address_space.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/kernel_map.h"
#include "mm/slab.h"
#include "sched/core.h"
#include "sched/procinfo.h"
#include "syscall/syscall.h"

#define INIT_ARGS_MAX 8
#define CPU_START_NS NS_PER_SEC

static uint64_t boot_cycles;

static void print_machine(const struct boot_info *boot)
{
    struct frame_stats frames;

    frame_get_stats(&frames);
    printk("%s on %s, board %s: %lu MiB of memory, %u CPU%s\n", QUOIN_NAME, HAL_MACHINE_NAME,
           hal_board->name, (unsigned long)(frames.total * PAGE_SIZE >> 20), nr_cpus,
           nr_cpus == 1 ? "" : "s");
    printk("command line: %s\n", boot->cmdline);
    printk("image %lu KiB, initramfs %lu KiB, %u-bit tags\n",
           (unsigned long)((boot->image.end - boot->image.start) >> 10),
           (unsigned long)((boot->initrd.end - boot->initrd.start) >> 10), hal_caps.asid_bits);
    if (hal_caps.asid_bits == 0 && cmdline_option("quoin.asids", NULL, 0)) {
        printk("quoin.asids: this CPU has no tags to limit\n");
    }
}

/* The directory may come with the initramfs, or not. */
static void mount_at(const char *path, const char *type)
{
    const struct path_at where = {task_fs(), task_cred(), NULL, path};
    int result = vfs_mkdir(&where, 0755);

    if (result == 0 || result == -EEXIST) {
        result = vfs_mount_kernel(path, type, type);
    }
    if (result != 0) {
        printk("quoin: %s is not mounted: error %d\n", path, -result);
    }
}

static void unpack_initramfs(const struct boot_info *boot)
{
    size_t len = boot->initrd.end - boot->initrd.start;
    int result;

    if (len == 0) {
        return;
    }
    result = initramfs_unpack(phys_to_virt(boot->initrd.start), len);
    if (result != 0) {
        panic("init: the initramfs does not unpack: error %d", -result);
    }
    frame_release_boot(boot->initrd);
}

static void fs_start(const struct boot_info *boot)
{
    struct task *task = task_current();

    vfs_init();
    devfs_init();
    procinfo_init();
    procfs_init();
    sysfs_init();
    task->fs = fs_context_create(vfs_root());
    task->fds = fd_table_create();
    if (task->fs == NULL || task->fds == NULL) {
        panic("init: out of memory");
    }
    tty_devices_init();
    drivers_init(boot);
    unpack_initramfs(boot);
    mount_at("/dev", "devtmpfs");
    mount_at("/dev/pts", "devpts");
    mount_at("/proc", "proc");
    mount_at("/sys", "sysfs");
}

static void open_console(void)
{
    const struct path_at where = {task_fs(), task_cred(), NULL, "/dev/console"};
    struct file *file;
    int result = vfs_open(&where, O_RDWR, 0, &file);

    if (result != 0) {
        printk("quoin: /dev/console does not open: error %d\n", -result);
        return;
    }
    for (int fd = 0; fd < 3; fd++) {
        file_get(file);
        if (fd_install(task_fds(), file, 0, FD_MAX, false) != fd) {
            panic("init: out of memory");
        }
    }
    file_put(file);
}

/* The words after "--" on the command line are arguments of the first program. */
static void init_arguments(const char *path, char *text, size_t size,
                           const char *argv[INIT_ARGS_MAX + 2])
{
    const char *rest = strstr(cmdline_get(), " -- ");
    int nr = 1;

    argv[0] = path;
    strlcpy(text, rest != NULL ? rest + 4 : "", size);
    while (*text != 0 && nr <= INIT_ARGS_MAX) {
        while (*text == ' ') {
            *text++ = 0;
        }
        if (*text != 0) {
            argv[nr++] = text;
        }
        while (*text != 0 && *text != ' ') {
            text++;
        }
    }
    argv[nr] = NULL;
}

static void init_main(void *arg)
{
    static const char *const envp[] = {"HOME=/", "TERM=linux", NULL};
    static const char *argv[INIT_ARGS_MAX + 2];
    static char text[256], path[256] = "/init";
    const struct boot_info *boot = arg;
    int result;

    selftest_run();
    fs_start(boot);
    open_console();
    cmdline_option("init", path, sizeof(path));
    init_arguments(path, text, sizeof(text), argv);
    printk("starting %s after %lu us, %lu cycles\n", path,
           (unsigned long)(time_now_ns() / NS_PER_US), (unsigned long)(cpu_cycles() - boot_cycles));
    result = exec_init(path, argv, envp);
    panic("init: %s does not start: error %d", path, -result);
}

static void print_task(const struct task *task)
{
    printk("task %d \"%s\"\n", task->tid, task->comm);
}

static _Atomic uint32_t arrival;
enum { CPU_AWAITED, CPU_ARRIVED, CPU_GIVEN_UP };

/* Returns whether the CPU came; one that comes later finds that it has been given up. */
static bool await_cpu(uint32_t cpu)
{
    uint64_t end = time_now_ns() + CPU_START_NS;
    uint32_t awaited = CPU_AWAITED;

    while (time_now_ns() < end) {
        if (atomic_load(&arrival) == CPU_ARRIVED) {
            return true;
        }
        cpu_relax();
    }
    if (!atomic_compare_exchange_strong(&arrival, &awaited, CPU_GIVEN_UP)) {
        return true;
    }
    printk("quoin: cpu %u does not start\n", cpu);
    return false;
}

/* The start-up record is one, so after a CPU that did not come no other is started. */
static void start_cpus(void)
{
    for (uint32_t cpu = 1; cpu < nr_cpus; cpu++) {
        int result;

        cpus[cpu].id = cpu;
        cpus[cpu].idle_stack = kernel_stack_alloc();
        if (cpus[cpu].idle_stack == NULL) {
            panic("init: out of memory");
        }
        atomic_store(&arrival, CPU_AWAITED);
        result = hal_board->cpu_start(cpu);
        if (result != 0) {
            printk("quoin: cpu %u does not start: error %d\n", cpu, -result);
        }
        if (result != 0 || !await_cpu(cpu)) {
            nr_cpus = cpu;
            return;
        }
    }
}

static void memory_start(const struct boot_info *boot)
{
    hal_mmu.cpu_init();
    frame_init(boot);
    kernel_map_init(boot);
    slab_init();
    as_init();
    asid_init((uint32_t)cmdline_number("quoin.asids", 0));
}

void kernel_main(const struct boot_info *boot)
{
    boot_cycles = cpu_cycles();
    cmdline_init(boot->cmdline);
    nr_cpus = (uint32_t)MIN(MAX(cmdline_number("quoin.cpus", boot->nr_cpus), 1ull),
                            (uint64_t)boot->nr_cpus);
    printk_set_quiet(cmdline_option("quoin.quiet", NULL, 0));
    memory_start(boot);
    hal_board->cpu_setup();
    time_init();
    vdso_init();
    random_init(boot->seed, boot->seed_len);
    print_machine(boot);
    task_init();
    sched_init();
    panic_set_task_printer(print_task);
    selftest_run_boot();
    start_cpus();
    if (process_start_init(init_main, (void *)boot) != 0) {
        panic("init: out of memory");
    }
    sched_idle();
}

void kernel_secondary(void)
{
    uint32_t awaited = CPU_AWAITED;

    hal_mmu.cpu_init();
    hal_mmu.kernel_activate(kernel_root);
    hal_board->cpu_setup();
    sched_init_cpu();
    if (!atomic_compare_exchange_strong(&arrival, &awaited, CPU_ARRIVED)) {
        panic_stop_cpu();
    }
    atomic_fetch_or(&cpus_online, (cpumask_t)1 << cpu_id());
    sched_idle();
}
