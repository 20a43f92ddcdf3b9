/* /sys, as far as programs look for it: the CPUs and the emptiness of the rest. */
#include "fs/procfs.h"
#include "fs/pseudo_table.h"
#include "fs/vfs.h"
#include "kernel/cpu.h"
#include "kernel/printk.h"
#include "kernel/string.h"

#define SYSFS_MAGIC    0x62656572u /* <linux/magic.h> */
#define TYPE_DIRECTORY 4u
#define NAME_MAX       16u
#define FIRST_CPU_POS  256u

static int show_cpus(struct inode *inode, struct text *text)
{
    (void)inode;
    if (nr_cpus > 1) {
        text_print(text, "0-%u\n", nr_cpus - 1);
    } else {
        text_print(text, "0\n");
    }
    return 0;
}

static int show_no_cpus(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "\n");
    return 0;
}

static int show_cpu_max(struct inode *inode, struct text *text)
{
    (void)inode;
    pseudo_print_number(text, CPU_MAX - 1);
    return 0;
}

static int show_one(struct inode *inode, struct text *text)
{
    (void)inode;
    pseudo_print_number(text, 1);
    return 0;
}

static const struct pseudo_file cpus_file = {show_cpus, NULL};
static const struct pseudo_file no_cpus_file = {show_no_cpus, NULL};
static const struct pseudo_file cpu_max_file = {show_cpu_max, NULL};
static const struct pseudo_file one_file = {show_one, NULL};

static const struct pseudo_entry one_cpu_table[] = {
    {.name = "online", .file = &one_file},
    {.name = NULL},
};

static const struct pseudo_entry one_cpu_entry = {.name = "cpu", .children = one_cpu_table};

static const struct pseudo_entry cpu_table[] = {
    {.name = "isolated", .file = &no_cpus_file},
    {.name = "kernel_max", .file = &cpu_max_file},
    {.name = "offline", .file = &no_cpus_file},
    {.name = "online", .file = &cpus_file},
    {.name = "possible", .file = &cpus_file},
    {.name = "present", .file = &cpus_file},
    {.name = NULL},
};

/* Returns whether the name is "cpuN" of a CPU that there is. */
static bool is_cpu_name(const char *name, size_t len)
{
    uint32_t cpu = 0;

    if (len < 4 || len > 6 || memcmp(name, "cpu", 3) != 0 || (name[3] == '0' && len > 4)) {
        return false;
    }
    for (size_t i = 3; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return false;
        }
        cpu = cpu * 10 + (uint32_t)(name[i] - '0');
    }
    return cpu < nr_cpus;
}

static int cpu_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    const struct pseudo_entry *entry = pseudo_table_find(cpu_table, name, len);

    if (entry == NULL && is_cpu_name(name, len)) {
        entry = &one_cpu_entry;
    }
    if (entry == NULL) {
        return -ENOENT;
    }
    *out = pseudo_table_inode(dir->super, entry);
    return *out != NULL ? 0 : -ENOMEM;
}

static int cpu_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    char name[NAME_MAX];

    if (*pos < FIRST_CPU_POS && !pseudo_table_emit(cpu_table, pos, emitter)) {
        return 0;
    }
    *pos = MAX(*pos, (uint64_t)FIRST_CPU_POS);
    while (*pos - FIRST_CPU_POS < nr_cpus) {
        size_t len =
            (size_t)ksnprintf(name, sizeof(name), "cpu%u", (unsigned)(*pos - FIRST_CPU_POS));

        if (!dir_emit(emitter, name, len, dir->ino + *pos, TYPE_DIRECTORY, *pos + 1)) {
            break;
        }
        ++*pos;
    }
    return 0;
}

static const struct pseudo_dir cpu_dir = {cpu_lookup, cpu_iterate};

static const struct pseudo_entry empty_table[] = {{.name = NULL}};

static const struct pseudo_entry system_table[] = {
    {.name = "cpu", .dir = &cpu_dir},
    {.name = NULL},
};

static const struct pseudo_entry devices_table[] = {
    {.name = "system", .children = system_table},
    {.name = NULL},
};

static const struct pseudo_entry kernel_table[] = {
    {.name = "mm", .children = empty_table},
    {.name = NULL},
};

static const struct pseudo_entry root_table[] = {
    {.name = "block", .children = empty_table},     {.name = "bus", .children = empty_table},
    {.name = "class", .children = empty_table},     {.name = "dev", .children = empty_table},
    {.name = "devices", .children = devices_table}, {.name = "firmware", .children = empty_table},
    {.name = "fs", .children = empty_table},        {.name = "kernel", .children = kernel_table},
    {.name = "module", .children = empty_table},    {.name = NULL},
};

static void sysfs_stats(struct super *super, struct fs_stats *out)
{
    (void)super;
    *out = (struct fs_stats){.magic = SYSFS_MAGIC};
}

static const struct super_ops sysfs_super_ops = {.stats = sysfs_stats};

static int sysfs_mount(struct super *super, const char *data)
{
    struct inode *inode = pseudo_table_root(super, root_table);

    (void)data;
    if (inode == NULL) {
        return -ENOMEM;
    }
    super->ops = &sysfs_super_ops;
    super->magic = SYSFS_MAGIC;
    super->flags |= SUPER_FIXED_ATTR | SUPER_NO_CREATE;
    super->root = dentry_create_root(inode);
    inode_put(inode);
    return super->root != NULL ? 0 : -ENOMEM;
}

void sysfs_init(void)
{
    static struct fs_type type = {.name = "sysfs", .nodev = true, .mount = sysfs_mount};

    vfs_register(&type);
}
