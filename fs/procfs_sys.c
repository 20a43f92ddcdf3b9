/*
 * /proc/sys: what sysctl(8) reads. Values that nothing in the kernel would obey are not writable.
 */
#include <linux/capability.h>
#include <linux/utsname.h>

#include "fs/fd_table.h"
#include "fs/procfs_internal.h"
#include "fs/super.h"
#include "kernel/cred.h"
#include "kernel/ipi.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/uts.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/kernel_map.h"
#include "mm/slab.h"

#define NR_DRAINS_MAX 8u
#define PIPE_SIZE_MAX 1048576u
#define UUID_LEN      16u

/* inode->private is the number itself. */
static int show_number(struct inode *inode, struct text *text)
{
    pseudo_print_number(text, (uintptr_t)inode->private);
    return 0;
}

static int show_string(struct inode *inode, struct text *text)
{
    text_print(text, "%s\n", (const char *)inode->private);
    return 0;
}

static int show_pid_max(struct inode *inode, struct text *text)
{
    (void)inode;
    pseudo_print_number(text, procfs_provider->pid_max);
    return 0;
}

static int show_threads_max(struct inode *inode, struct text *text)
{
    (void)inode;
    pseudo_print_number(text, procfs_provider->threads_max);
    return 0;
}

static int show_uts(struct inode *inode, struct text *text)
{
    text_print(text, "%s\n", (const char *)uts_get() + (uintptr_t)inode->private);
    return 0;
}

static ssize64_t store_hostname(struct inode *inode, const char *data, size_t len)
{
    const char *end = strchr(data, '\n');
    size_t name_len = end != NULL ? (size_t)(end - data) : len;

    (void)inode;
    uts_set_nodename(data, MIN(name_len, (size_t)__NEW_UTS_LEN));
    return (ssize64_t)len;
}

static void put_uuid(struct text *text, const uint8_t *uuid)
{
    for (unsigned i = 0; i < UUID_LEN; i++) {
        text_print(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    }
    text_print(text, "\n");
}

/* RFC 4122, 4.4: version 4, variant 1. */
static void make_uuid(uint8_t *uuid)
{
    random_bytes(uuid, UUID_LEN);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static int show_uuid(struct inode *inode, struct text *text)
{
    uint8_t uuid[UUID_LEN];

    (void)inode;
    make_uuid(uuid);
    put_uuid(text, uuid);
    return 0;
}

static int show_boot_id(struct inode *inode, struct text *text)
{
    static struct spinlock lock = SPINLOCK_INIT;
    static uint8_t boot_id[UUID_LEN];
    uint8_t uuid[UUID_LEN];

    (void)inode;
    spin_lock(&lock);
    if (boot_id[6] == 0) {
        make_uuid(boot_id);
    }
    memcpy(uuid, boot_id, sizeof(uuid));
    spin_unlock(&lock);
    put_uuid(text, uuid);
    return 0;
}

static int show_file_nr(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "0\t0\t%u\n", FD_MAX);
    return 0;
}

static void (*drains[NR_DRAINS_MAX])(void);
static unsigned nr_drains;

void procfs_add_drain(void (*drain)(void))
{
    kverify(nr_drains < NR_DRAINS_MAX);
    drains[nr_drains++] = drain;
}

static void drain_cpu(void *arg)
{
    (void)arg;
    frame_drain();
}

/* Objects first: they hold frames. */
static ssize64_t store_drop_caches(struct inode *inode, const char *data, size_t len)
{
    int64_t what;
    int error = pseudo_parse_number(data, &what);

    (void)inode;
    if (error != 0 || what < 1 || what > 4) {
        return -EINVAL;
    }
    super_sweep_zombies();
    for (unsigned i = 0; i < nr_drains; i++) {
        drains[i]();
    }
    kernel_stack_drain();
    slab_drain();
    ipi_call(~(cpumask_t)0, drain_cpu, NULL);
    return (ssize64_t)len;
}

static const struct pseudo_file number_file = {show_number, NULL};
static const struct pseudo_file string_file = {show_string, NULL};
static const struct pseudo_file pid_max_file = {show_pid_max, NULL};
static const struct pseudo_file threads_max_file = {show_threads_max, NULL};
static const struct pseudo_file uts_file = {show_uts, NULL};
static const struct pseudo_file hostname_file = {show_uts, store_hostname};
static const struct pseudo_file uuid_file = {show_uuid, NULL};
static const struct pseudo_file boot_id_file = {show_boot_id, NULL};
static const struct pseudo_file file_nr_file = {show_file_nr, NULL};
static const struct pseudo_file drop_caches_file = {NULL, store_drop_caches};

#define NUMBER(entry_name, value)                                                                  \
    {                                                                                              \
        .name = (entry_name), .file = &number_file, .private = (const void *)(uintptr_t)(value)    \
    }
#define UTS(entry_name, field)                                                                     \
    {                                                                                              \
        .name = (entry_name), .file = &uts_file,                                                   \
        .private = (const void *)offsetof(struct new_utsname, field)                               \
    }

static const struct pseudo_entry random_table[] = {
    {.name = "boot_id", .file = &boot_id_file},
    NUMBER("entropy_avail", 256),
    NUMBER("poolsize", 256),
    {.name = "uuid", .file = &uuid_file},
    {.name = NULL},
};

static const struct pseudo_entry kernel_table[] = {
    NUMBER("cap_last_cap", CAP_LAST_CAP),
    {.name = "core_pattern", .file = &string_file, .private = "core"},
    NUMBER("core_uses_pid", 0),
    UTS("domainname", domainname),
    {.name = "hostname",
     .permissions = 0644,
     .file = &hostname_file,
     .private = (const void *)offsetof(struct new_utsname, nodename)},
    NUMBER("ngroups_max", CRED_GROUPS_MAX),
    UTS("osrelease", release),
    UTS("ostype", sysname),
    NUMBER("overflowgid", 65534),
    NUMBER("overflowuid", 65534),
    {.name = "pid_max", .file = &pid_max_file},
    {.name = "random", .children = random_table},
    NUMBER("randomize_va_space", 2),
    NUMBER("tainted", 0),
    {.name = "threads-max", .file = &threads_max_file},
    UTS("version", version),
    {.name = NULL},
};

/* Memory is handed out without a reckoning in advance, which Linux calls mode 1. */
static const struct pseudo_entry vm_table[] = {
    {.name = "drop_caches", .permissions = 0200, .file = &drop_caches_file},
    NUMBER("max_map_count", AS_AREAS_MAX),
    NUMBER("mmap_min_addr", 65536),
    NUMBER("overcommit_memory", 1),
    NUMBER("overcommit_ratio", 50),
    {.name = NULL},
};

static const struct pseudo_entry fs_table[] = {
    NUMBER("file-max", FD_MAX),
    {.name = "file-nr", .file = &file_nr_file},
    NUMBER("nr_open", FD_MAX),
    NUMBER("pipe-max-size", PIPE_SIZE_MAX),
    {.name = NULL},
};

const struct pseudo_entry procfs_sys_table[] = {
    {.name = "fs", .children = fs_table},
    {.name = "kernel", .children = kernel_table},
    {.name = "vm", .children = vm_table},
    {.name = NULL},
};
