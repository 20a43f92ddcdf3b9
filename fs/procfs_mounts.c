/* /proc/PID/mounts and mountinfo (proc(5)): the mount table as the process's root sees it. */
#include <linux/mount.h>

#include "fs/procfs_internal.h"
#include "fs/vfs.h"

struct show_state {
    struct text *text;
    unsigned id;
};

static void put_flags(struct text *text, uint64_t flags)
{
    text_print(text, "%s", (flags & MS_RDONLY) != 0 ? "ro" : "rw");
    if ((flags & MS_NOSUID) != 0) {
        text_print(text, ",nosuid");
    }
    if ((flags & MS_NODEV) != 0) {
        text_print(text, ",nodev");
    }
    if ((flags & MS_NOEXEC) != 0) {
        text_print(text, ",noexec");
    }
    text_print(text, "%s", (flags & MS_NOATIME) != 0 ? ",noatime" : ",relatime");
}

static int show_mount(const struct vfs_mount_info *info, void *arg)
{
    struct show_state *state = arg;
    struct text *text = state->text;

    text_put_path(text, info->source);
    text_print(text, " ");
    text_put_path(text, info->path);
    text_print(text, " %s ", info->type);
    put_flags(text, info->flags);
    text_print(text, " 0 0\n");
    return text->error;
}

/* The parent's number is not kept: every mount but the first names the first. */
static int show_mountinfo(const struct vfs_mount_info *info, void *arg)
{
    struct show_state *state = arg;
    struct text *text = state->text;
    unsigned id = state->id++;

    text_print(text, "%u %u %u:%u / ", id + 1, id == 0 ? 0 : 1, dev_major(info->dev),
               dev_minor(info->dev));
    text_put_path(text, info->path);
    text_print(text, " ");
    put_flags(text, info->flags);
    text_print(text, " - %s ", info->type);
    text_put_path(text, info->source);
    text_print(text, " %s\n", (info->flags & MS_RDONLY) != 0 ? "ro" : "rw");
    return text->error;
}

static int show(pid_nr_t tid, struct text *text,
                int (*line)(const struct vfs_mount_info *info, void *arg))
{
    struct show_state state = {text, 0};
    struct dentry *root;
    int error = procfs_provider->link(tid, PROCFS_ROOT, &root);

    if (error != 0) {
        return error;
    }
    error = vfs_for_each_mount(root, line, &state);
    dentry_put(root);
    return error;
}

int procfs_show_mounts(pid_nr_t tid, struct text *text)
{
    return show(tid, text, show_mount);
}

int procfs_show_mountinfo(pid_nr_t tid, struct text *text)
{
    return show(tid, text, show_mountinfo);
}
