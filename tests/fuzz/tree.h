/* The mounted root that the fuzzers of fs/ share, how to empty it, and how to see a leak. */
#pragma once

#include <linux/fs.h>
#include <sim/machine.h>

#include "fs/super.h"
#include "fs/vfs.h"
#include "kernel/errno.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "tests/free_frames.h"
#include "tests/fuzz/fuzz.h"

static struct fs_context *tree_ctx;
static struct cred *tree_cred;
static uint64_t tree_frames;

static void tree_start(void)
{
    if (tree_ctx != NULL) {
        return;
    }
    sim_init(MIB(64), 1, 8);
    slab_init();
    asid_init(0);
    as_init();
    vfs_init();
    tree_ctx = fs_context_create(vfs_root());
    tree_cred = cred_create_root();
}

static struct path_at tree_at(const char *name)
{
    return (struct path_at){tree_ctx, tree_cred, NULL, name};
}

/* Removes one name of the folder, and all below it. Returns whether there was one. */
static bool tree_remove_one(const char *folder)
{
    struct path_at where = tree_at(folder);
    char buf[2048], path[8192];
    struct file *file;

    fuzz_require(vfs_open(&where, O_RDONLY | O_DIRECTORY, 0, &file) == 0, "open %s", folder);
    ssize64_t len = file_getdents(file, buf, sizeof(buf));
    const char *name = NULL;

    file_put(file);
    for (ssize64_t at = 0; at < len && name == NULL;) {
        uint16_t size; /* of a struct linux_dirent64: d_reclen at 16, d_name at 19 */

        memcpy(&size, buf + at + 16, sizeof(size));
        name = buf + at + 19;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            name = NULL;
        }
        at += size;
    }
    if (name == NULL) {
        return false;
    }
    strlcpy(path, folder, sizeof(path));
    strlcpy(path + strlen(path), "/", 2);
    strlcpy(path + strlen(path), name, sizeof(path) - strlen(path));
    where.name = path;
    if (vfs_unlink(&where) == -EISDIR) {
        while (tree_remove_one(path)) {
        }
        fuzz_require(vfs_rmdir(&where) == 0, "rmdir %s", path);
    }
    return true;
}

/* Empties the root; what is then not free has leaked. */
static void tree_end(void)
{
    while (tree_remove_one("/")) {
    }
    uint64_t nr_free = free_frames();

    if (tree_frames == 0) {
        tree_frames = nr_free; /* the first input leaves caches of its own behind */
    }
    fuzz_require(nr_free >= tree_frames, "%lu frames leaked",
                 (unsigned long)(tree_frames - nr_free));
}
