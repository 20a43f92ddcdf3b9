/*
 * Inodes: life, times and permission checks. What an inode contains is its file system's business.
 * The last reference calls the file system's evict, which ends in inode_fini().
 */
#include "fs/inode.h"

#include <linux/capability.h>
#include <linux/mount.h>

#include "fs/file.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "mm/slab.h"

static struct slab_cache inode_cache;

void inode_cache_init(void)
{
    slab_cache_init(&inode_cache, "inode", sizeof(struct inode));
}

void inode_init(struct inode *inode, struct super *super, uint32_t mode)
{
    uint64_t now = time_wall_ns();

    memset(inode, 0, sizeof(*inode));
    atomic_init(&inode->refs, 1);
    inode->super = super;
    atomic_fetch_add(&super->refs, 1);
    inode->ino = atomic_fetch_add(&super->next_ino, 1);
    io_lock_init(&inode->write_lock);
    spin_init(&inode->lock);
    atomic_init(&inode->mode, mode);
    inode->nlink = S_ISDIR(mode) ? 2 : 1;
    inode->atime = inode->mtime = inode->ctime = inode->btime = now;
    list_init(&inode->locks);
}

struct inode *inode_create(struct super *super, uint32_t mode)
{
    struct inode *inode = slab_alloc(&inode_cache);

    if (inode != NULL) {
        inode_init(inode, super, mode);
    }
    return inode;
}

void inode_init_owner(struct inode *inode, const struct inode *dir, const struct cred *cred)
{
    uint32_t mode = inode_mode(inode);

    inode->uid = cred->fsuid;
    inode->gid = cred->fsgid;
    if (inode_mode(dir) & S_ISGID) {
        inode->gid = dir->gid;
        if (S_ISDIR(mode)) {
            mode |= S_ISGID;
        } else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
                   !cred_in_group(cred, inode->gid) && !cred_capable(cred, CAP_FSETID)) {
            mode &= ~(uint32_t)S_ISGID;
        }
    }
    atomic_store_explicit(&inode->mode, mode, memory_order_relaxed);
}

void inode_get(struct inode *inode)
{
    atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);
}

void inode_put(struct inode *inode)
{
    if (atomic_fetch_sub_explicit(&inode->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (inode->super->ops->evict != NULL) {
        inode->super->ops->evict(inode);
    } else {
        inode_free(inode);
    }
}

void inode_fini(struct inode *inode)
{
    kfree((void *)(uintptr_t)inode->link);
    super_put(inode->super);
}

void inode_free(struct inode *inode)
{
    inode_fini(inode);
    slab_free(&inode_cache, inode);
}

/* relatime, without its once-a-day rule: there is no disk to spare, only the clock's cost. */
void inode_accessed(struct inode *inode)
{
    uint64_t flags = inode->super->mount_flags;

    if ((flags & (MS_NOATIME | MS_RDONLY)) ||
        (inode->atime > inode->mtime && inode->atime > inode->ctime)) {
        return;
    }
    uint64_t now = time_wall_ns();

    spin_lock(&inode->lock);
    inode->atime = now;
    spin_unlock(&inode->lock);
}

void inode_modified(struct inode *inode)
{
    uint64_t now = time_wall_ns();

    spin_lock(&inode->lock);
    inode->mtime = now;
    inode->ctime = now;
    spin_unlock(&inode->lock);
}

int inode_get_write(struct inode *inode)
{
    int32_t nr = atomic_load(&inode->nr_writers);

    do {
        if (nr < 0) {
            return -ETXTBSY;
        }
    } while (!atomic_compare_exchange_weak(&inode->nr_writers, &nr, nr + 1));
    return 0;
}

void inode_put_write(struct inode *inode)
{
    atomic_fetch_sub(&inode->nr_writers, 1);
}

/* write(2): the set-ID bits of a program go when somebody without CAP_FSETID writes to it. */
void inode_written(struct inode *inode, const struct cred *cred)
{
    uint32_t mode = inode_mode(inode);
    uint32_t drop = (mode & S_IXGRP) ? S_ISUID | S_ISGID : S_ISUID;

    inode_modified(inode);
    if ((mode & drop) != 0 && cred != NULL && !cred_capable(cred, CAP_FSETID)) {
        atomic_fetch_and(&inode->mode, ~drop);
    }
}

/* The permission bits that apply, as MAY_*: S_IRWXO shifted down is just that mask. */
static uint32_t inode_granted(const struct inode *inode, const struct cred *cred)
{
    uint32_t mode = inode_mode(inode);

    if (cred->fsuid == inode->uid) {
        return (mode >> 6) & 7;
    }
    if (cred->fsgid == inode->gid || cred_in_group(cred, inode->gid)) {
        return (mode >> 3) & 7;
    }
    return mode & 7;
}

/* capabilities(7), CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH. */
static bool inode_overridden(const struct inode *inode, const struct cred *cred, uint32_t may)
{
    bool is_dir = inode_is(inode, S_IFDIR);

    if (cred_capable(cred, CAP_DAC_OVERRIDE) &&
        (is_dir || !(may & MAY_EXEC) || (inode_mode(inode) & 0111))) {
        return true;
    }
    return cred_capable(cred, CAP_DAC_READ_SEARCH) &&
           (is_dir ? !(may & MAY_WRITE) : may == MAY_READ);
}

int inode_permission(struct inode *inode, const struct cred *cred, uint32_t may)
{
    if ((may & MAY_WRITE) && (inode->super->mount_flags & MS_RDONLY)) {
        uint32_t type = inode_mode(inode) & S_IFMT;

        if (type == S_IFREG || type == S_IFDIR || type == S_IFLNK) {
            return -EROFS;
        }
    }
    if ((may & ~inode_granted(inode, cred)) == 0 || inode_overridden(inode, cred, may)) {
        return 0;
    }
    return -EACCES;
}

bool inode_is_owner(const struct inode *inode, const struct cred *cred)
{
    return cred->fsuid == inode->uid || cred_capable(cred, CAP_FOWNER);
}
