/* devpts: a name for each pseudo-terminal whose master is open, with its opener as the owner
 * (pts(4)). */
#include "fs/devpts.h"

#include <linux/magic.h>

#include "fs/pseudo.h"
#include "fs/tty_pty.h"
#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/string.h"

#define NUMBER_MAX     12u
#define TYPE_CHARACTER 2u

static const struct inode_ops node_ops = {.make = NULL};

static int devpts_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    char *end;
    uint32_t index = (uint32_t)strtoul(name, &end, 10);
    uint32_t uid;

    if (end != name + len || len > 2 || (name[0] == '0' && len > 1) ||
        !tty_pty_owner(index, &uid)) {
        return -ENOENT;
    }
    *out = inode_create(dir->super, S_IFCHR | 0620);
    if (*out == NULL) {
        return -ENOMEM;
    }
    (*out)->ops = &node_ops;
    (*out)->ino = index + 3;
    (*out)->rdev = dev_make(TTY_PTY_MAJOR, index);
    (*out)->uid = uid;
    (*out)->gid = TTY_PTY_GROUP;
    return 0;
}

static int devpts_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    char name[NUMBER_MAX];
    uint32_t uid;

    (void)dir;
    for (; *pos - 2 < TTY_PTY_MAX; ++*pos) {
        uint32_t index = (uint32_t)(*pos - 2);
        size_t len = (size_t)ksnprintf(name, sizeof(name), "%u", index);

        if (tty_pty_owner(index, &uid) &&
            !dir_emit(emitter, name, len, index + 3, TYPE_CHARACTER, *pos + 1)) {
            break;
        }
    }
    return 0;
}

static const struct pseudo_dir devpts_dir = {devpts_lookup, devpts_iterate};

static void devpts_stats(struct super *super, struct fs_stats *out)
{
    (void)super;
    *out = (struct fs_stats){.magic = DEVPTS_SUPER_MAGIC};
}

static const struct super_ops devpts_super_ops = {.stats = devpts_stats};

static int devpts_mount(struct super *super, const char *data)
{
    struct inode *inode = pseudo_dir_inode(super, 0755, &devpts_dir, NULL);

    (void)data;
    if (inode == NULL) {
        return -ENOMEM;
    }
    inode->ino = 1;
    super->ops = &devpts_super_ops;
    super->magic = DEVPTS_SUPER_MAGIC;
    super->flags |= SUPER_FIXED_ATTR | SUPER_NO_CREATE;
    super->root = dentry_create_root(inode);
    inode_put(inode);
    return super->root != NULL ? 0 : -ENOMEM;
}

void devpts_init(void)
{
    static struct fs_type type = {.name = "devpts", .nodev = true, .mount = devpts_mount};

    vfs_register(&type);
}
