/*
 * Open files: life, reading and writing with their position, mmap's checks. Files without a name
 * (pipes, sockets, eventfds) have their inodes in the super "anon" here.
 */
#include "fs/file.h"

#include <asm/ioctls.h>
#include <asm/mman.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/poll.h>

#include "fs/lock.h"
#include "fs/super.h"
#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

static struct slab_cache file_cache;
static struct super file_anon_super;
static const struct fs_type file_anon_type = {.name = "anon_inodefs", .nodev = true};
static const struct super_ops file_anon_super_ops = {.stats = NULL};
static const struct inode_ops file_anon_inode_ops = {.lookup = NULL};

const struct file_ops path_file_ops = {.open = NULL};

void file_cache_init(void)
{
    slab_cache_init(&file_cache, "file", sizeof(struct file));
    super_init(&file_anon_super, &file_anon_type, "none");
    file_anon_super.ops = &file_anon_super_ops;
    file_anon_super.magic = 0x09041934; /* ANON_INODE_FS_MAGIC, <linux/magic.h> */
}

static uint32_t file_mode_of(uint32_t flags)
{
    static const uint8_t modes[] = {FILE_READ, FILE_WRITE, FILE_READ | FILE_WRITE, 0};

    return (flags & O_PATH) ? (uint32_t)FILE_PATH : modes[flags & O_ACCMODE];
}

struct file *file_create(struct dentry *dentry, const struct file_ops *ops, uint32_t flags)
{
    struct file *file = slab_alloc(&file_cache);
    uint32_t mode = file_mode_of(flags);

    if (file == NULL) {
        return NULL;
    }
    if (ops->seek != NULL) {
        mode |= FILE_SEEKABLE;
    }
    atomic_init(&file->refs, 1);
    atomic_init(&file->mode, mode);
    atomic_init(&file->flags, flags);
    file->ops = ops;
    dentry_get(dentry);
    file->dentry = dentry;
    file->inode = dentry->inode;
    file->cred = NULL;
    file->private = NULL;
    io_lock_init(&file->pos_lock);
    file->pos = 0;
    file->owner = 0;
    return file;
}

int file_create_anon(const char *kind, uint32_t mode, const struct file_ops *ops, uint32_t flags,
                     void *private, struct file **out)
{
    struct inode *inode = inode_create(&file_anon_super, mode);
    struct dentry *dentry;
    char name[32];

    if (inode == NULL) {
        return -ENOMEM;
    }
    /* No file_ops: the object is the file's, so /proc/PID/fd has nothing to open again (-ENXIO). */
    inode->ops = &file_anon_inode_ops;
    if (strchr(kind, ':') != NULL) {
        strlcpy(name, kind, sizeof(name));
    } else {
        ksnprintf(name, sizeof(name), "%s:[%lu]", kind, (unsigned long)inode->ino);
    }
    dentry = dentry_create_anon(inode, name);
    inode_put(inode);
    if (dentry == NULL) {
        return -ENOMEM;
    }
    *out = file_create(dentry, ops, flags);
    dentry_put(dentry);
    if (*out == NULL) {
        return -ENOMEM;
    }
    (*out)->private = private;
    atomic_fetch_or(&(*out)->mode, FILE_OPENED);
    return 0;
}

void file_put(struct file *file)
{
    uint32_t mode;

    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    mode = file_mode(file);
    if (mode & FILE_HAS_LOCKS) {
        lock_release_file(file);
    }
    if ((mode & FILE_OPENED) && file->ops->release != NULL) {
        file->ops->release(file);
    }
    if (mode & FILE_COUNTED) {
        inode_put_write(file->inode);
    }
    if (mode & FILE_EXEC) {
        atomic_fetch_add(&file->inode->nr_writers, 1);
    }
    dentry_put(file->dentry);
    if (file->cred != NULL) {
        cred_put(file->cred);
    }
    slab_free(&file_cache, file);
}

static int file_check_read(const struct file *file)
{
    if (!(file_mode(file) & FILE_READ)) {
        return -EBADF;
    }
    if (file->ops->read == NULL) {
        return inode_is(file->inode, S_IFDIR) ? -EISDIR : -EINVAL;
    }
    return 0;
}

static int file_check_write(const struct file *file)
{
    if (!(file_mode(file) & FILE_WRITE)) {
        return -EBADF;
    }
    return file->ops->write == NULL ? -EINVAL : 0;
}

typedef ssize64_t (*file_io_t)(struct file *file, struct uio *uio, uint64_t *pos);

/* The position is one for all who share the file: its lock spans the whole transfer. */
static ssize64_t file_io(struct file *file, struct uio *uio, file_io_t io)
{
    uint64_t none = 0;
    ssize64_t done;
    int error;

    if (!(file_mode(file) & FILE_SEEKABLE)) {
        return io(file, uio, &none);
    }
    error = io_lock_take(&file->pos_lock);
    if (error != 0) {
        return error;
    }
    done = io(file, uio, &file->pos);
    io_lock_drop(&file->pos_lock);
    return done;
}

ssize64_t file_read(struct file *file, struct uio *uio)
{
    int error = file_check_read(file);

    return error != 0 ? error : file_io(file, uio, file->ops->read);
}

ssize64_t file_write(struct file *file, struct uio *uio)
{
    int error = file_check_write(file);

    return error != 0 ? error : file_io(file, uio, file->ops->write);
}

static int file_check_at(const struct file *file, int64_t pos)
{
    if (pos < 0) {
        return -EINVAL;
    }
    return (file_mode(file) & (FILE_SEEKABLE | FILE_PATH)) ? 0 : -ESPIPE;
}

ssize64_t file_read_at(struct file *file, struct uio *uio, int64_t pos)
{
    uint64_t at = (uint64_t)pos;
    int error = file_check_at(file, pos);

    if (error == 0) {
        error = file_check_read(file);
    }
    return error != 0 ? error : file->ops->read(file, uio, &at);
}

ssize64_t file_write_at(struct file *file, struct uio *uio, int64_t pos)
{
    uint64_t at = (uint64_t)pos;
    int error = file_check_at(file, pos);

    if (error == 0) {
        error = file_check_write(file);
    }
    return error != 0 ? error : file->ops->write(file, uio, &at);
}

ssize64_t file_read_kernel(struct file *file, void *buf, size_t len, uint64_t pos)
{
    size_t done = 0;

    if (file->ops->read == NULL) {
        return -EINVAL;
    }
    while (done < len) {
        struct uio_segment segment;
        struct uio uio = uio_kernel(&segment, (char *)buf + done, len - done);
        ssize64_t n = file->ops->read(file, &uio, &pos);

        if (n < 0) {
            return n;
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    return (ssize64_t)done;
}

int64_t file_seek(struct file *file, int64_t offset, int whence)
{
    int64_t result;
    int error;

    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    if (file->ops->seek == NULL) {
        return -ESPIPE;
    }
    error = io_lock_take(&file->pos_lock);
    if (error != 0) {
        return error;
    }
    result = file->ops->seek(file, offset, whence);
    io_lock_drop(&file->pos_lock);
    return result;
}

static int64_t file_set_pos(struct file *file, int64_t base, int64_t offset)
{
    if (__builtin_add_overflow(base, offset, &offset)) {
        return -EOVERFLOW;
    }
    if (offset < 0) {
        return -EINVAL;
    }
    file->pos = (uint64_t)offset;
    return offset;
}

int64_t file_seek_generic(struct file *file, int64_t offset, int whence)
{
    int64_t size = (int64_t)inode_size(file->inode);
    int64_t base = 0;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = (int64_t)file->pos;
        break;
    case SEEK_END:
        base = size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        /* The whole file counts as data, as lseek(2) allows. */
        if (offset < 0 || offset >= size) {
            return -ENXIO;
        }
        base = whence == SEEK_HOLE ? size - offset : 0;
        break;
    default:
        return -EINVAL;
    }
    return file_set_pos(file, base, offset);
}

int64_t file_seek_sizeless(struct file *file, int64_t offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR) {
        return -EINVAL;
    }
    return file_set_pos(file, whence == SEEK_CUR ? (int64_t)file->pos : 0, offset);
}

int64_t file_ioctl(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as)
{
    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    if (file->ops->ioctl != NULL) {
        return file->ops->ioctl(file, cmd, arg, as);
    }
    if (cmd == FIONREAD && inode_is(file->inode, S_IFREG)) {
        int32_t left = (int32_t)(inode_size(file->inode) - file->pos); /* cut and below 0, as Linux */

        return as_copy_out(as, arg, &left, sizeof(left));
    }
    return -ENOTTY;
}

uint32_t file_poll(struct file *file, struct poll_table *table)
{
    if (file_mode(file) & FILE_PATH) {
        return POLLNVAL;
    }
    if (file->ops->poll == NULL) {
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    }
    return file->ops->poll(file, table);
}

int file_mmap(struct file *file, struct as_map_request *request)
{
    uint32_t mode = file_mode(file);
    bool noexec = (file->inode->super->mount_flags & MS_NOEXEC) != 0;
    uint32_t max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    int error;

    if (mode & FILE_PATH) {
        return -EBADF;
    }
    if (!(mode & FILE_READ)) {
        return -EACCES;
    }
    if ((request->flags & AS_SHARED) && !(mode & FILE_WRITE)) {
        if (request->prot & PROT_WRITE) {
            return -EACCES;
        }
        max_prot &= ~(uint32_t)PROT_WRITE;
    }
    if (noexec) {
        if (request->prot & PROT_EXEC) {
            return -EPERM;
        }
        max_prot &= ~(uint32_t)PROT_EXEC;
    }
    if (file->ops->mmap == NULL) {
        return -ENODEV;
    }
    error = file->ops->mmap(file, request, &request->object);
    if (error == 0) {
        request->file = request->object == NULL ? NULL : file;
        request->max_prot = max_prot;
    }
    return error;
}

int file_sync(struct file *file)
{
    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    if (file->ops->fsync != NULL) {
        return file->ops->fsync(file);
    }
    return inode_is(file->inode, S_IFREG) || inode_is(file->inode, S_IFDIR) ? 0 : -EINVAL;
}

char *file_path(struct file *file, struct dentry *root, char *buf, size_t size)
{
    return dentry_path(file->dentry, root, buf, size, NULL);
}
