/* The system as a whole: names, figures, the log, power, randomness. */
#include <hal/board.h>
#include <linux/capability.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/uts.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "sched/signal.h"
#include "sched/usage.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

SYSCALL_1(uname, vaddr_t, out)
{
    return user_copy_out(out, uts_get(), sizeof(struct new_utsname));
}

static int64_t set_uts(vaddr_t addr, int len, void (*set)(const char *name, size_t len))
{
    char name[__NEW_UTS_LEN];
    int result;

    if (!cred_capable(task_cred(), CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (len < 0 || len > __NEW_UTS_LEN) {
        return -EINVAL;
    }
    result = user_copy_in(name, addr, (size_t)len);
    if (result == 0) {
        set(name, (size_t)len);
    }
    return result;
}

SYSCALL_2(sethostname, vaddr_t, name, int, len)
{
    return set_uts(name, len, uts_set_nodename);
}

SYSCALL_2(setdomainname, vaddr_t, name, int, len)
{
    return set_uts(name, len, uts_set_domainname);
}

SYSCALL_1(sysinfo, vaddr_t, out)
{
    struct frame_stats frames;
    struct sysinfo info = {0};
    uint32_t load[3];

    frame_get_stats(&frames);
    usage_load(load);
    info.uptime = (int64_t)(time_now_ns() / NS_PER_SEC);
    for (int i = 0; i < 3; i++) {
        info.loads[i] = (uint64_t)load[i] * 65536 / 100;
    }
    info.totalram = frames.total * PAGE_SIZE;
    info.freeram = frames.nr_free * PAGE_SIZE;
    info.procs = (uint16_t)task_count();
    info.mem_unit = 1;
    return user_copy_out(out, &info, sizeof(info));
}

enum syslog_action {
    SYSLOG_CLOSE,
    SYSLOG_OPEN,
    SYSLOG_READ,
    SYSLOG_READ_ALL,
    SYSLOG_READ_CLEAR,
    SYSLOG_CLEAR,
    SYSLOG_CONSOLE_OFF,
    SYSLOG_CONSOLE_ON,
    SYSLOG_CONSOLE_LEVEL,
    SYSLOG_SIZE_UNREAD,
    SYSLOG_SIZE_BUFFER,
};

/* The last len bytes of the log, through a buffer: the ring moves on meanwhile. */
static int64_t read_log(vaddr_t addr, size_t len)
{
    size_t size = printk_size();
    int64_t result;
    char *text;

    len = MIN(len, size);
    if (len == 0) {
        return 0;
    }
    text = kmalloc(len);
    if (text == NULL) {
        return -ENOMEM;
    }
    len = printk_read(size - len, text, len);
    result = user_copy_out(addr, text, len);
    kfree(text);
    return result != 0 ? result : (int64_t)len;
}

static int64_t syslog_read(int action, vaddr_t addr, int len)
{
    int64_t result;

    if (addr == 0 || len < 0) {
        return -EINVAL;
    }
    if (len == 0) {
        return 0;
    }
    if (!user_range_ok(addr, (uint64_t)len)) {
        return -EFAULT;
    }
    result = read_log(addr, (size_t)len);
    if (result >= 0 && action == SYSLOG_READ_CLEAR) {
        printk_clear();
    }
    return result;
}

SYSCALL_3(syslog, int, action, vaddr_t, addr, int, len)
{
    if (action != SYSLOG_READ_ALL && action != SYSLOG_SIZE_BUFFER &&
        !cred_capable(task_cred(), CAP_SYSLOG)) {
        return -EPERM;
    }
    switch (action) {
    case SYSLOG_CLOSE:
    case SYSLOG_OPEN:
        return 0;
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
        return syslog_read(action, addr, len);
    case SYSLOG_CLEAR:
        printk_clear();
        return 0;
    case SYSLOG_CONSOLE_OFF:
    case SYSLOG_CONSOLE_ON:
        printk_set_quiet(action == SYSLOG_CONSOLE_OFF);
        return 0;
    case SYSLOG_CONSOLE_LEVEL:
        return len < 1 || len > 8 ? -EINVAL : 0;
    case SYSLOG_SIZE_UNREAD:
        return 0;
    case SYSLOG_SIZE_BUFFER:
        return PRINTK_RING_SIZE;
    default:
        return -EINVAL; /* the blocking read of a log daemon included */
    }
}

SYSCALL_4(reboot, uint32_t, magic1, uint32_t, magic2, uint32_t, command, vaddr_t, arg UNUSED)
{
    if (!cred_capable(task_cred(), CAP_SYS_BOOT)) {
        return -EPERM;
    }
    if (magic1 != LINUX_REBOOT_MAGIC1 ||
        (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C)) {
        return -EINVAL;
    }
    switch (command) {
    case LINUX_REBOOT_CMD_RESTART:
        printk("quoin: restarting\n");
        hal_board->power(POWER_RESET);
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
        printk("quoin: power off\n");
        hal_board->power(POWER_OFF);
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0;
    default:
        return -EINVAL;
    }
}

#define RANDOM_CHUNK 512u

/* A signal ends a long request, but never one of up to 256 bytes (getrandom(2)). */
static int64_t fill_random(vaddr_t addr, size_t len)
{
    uint8_t chunk[RANDOM_CHUNK];
    size_t done = 0;

    while (done < len) {
        size_t count = MIN(len - done, sizeof(chunk)), moved;

        random_bytes(chunk, count);
        moved = as_copy_out_partial(task_as(), addr + done, chunk, count);
        done += moved;
        if (moved < count) {
            break;
        }
        if (done % PAGE_SIZE == 0 && (sched_point() != 0 || signal_is_pending())) {
            break;
        }
    }
    return done == 0 && len != 0 ? -EFAULT : (int64_t)done;
}

SYSCALL_3(getrandom, vaddr_t, addr, size_t, len, uint32_t, flags)
{
    if (flags & ~(uint32_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE)) {
        return -EINVAL;
    }
    len = MIN(len, USER_RW_MAX);
    return user_range_ok(addr, len) ? fill_random(addr, len) : -EFAULT;
}
