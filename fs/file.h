/*
 * An open file: what a descriptor names. Counted; ops may be called by several tasks at once.
 * Callers of every function here hold a reference and no spinlock.
 */
#pragma once

#include "fs/inode.h"
#include "kernel/uio.h"
#include "mm/address_space.h"
#include "mm/vm_object.h"

struct poll_table;

struct file_ops {
    /* Called by open, after the permission checks; the file is complete but for what open adds. May
     * be NULL. */
    int (*open)(struct inode *inode, struct file *file);
    /* NULL: -EINVAL. *pos is the file's position or pread's; streams ignore it. */
    ssize64_t (*read)(struct file *file, struct uio *uio, uint64_t *pos);
    ssize64_t (*write)(struct file *file, struct uio *uio, uint64_t *pos);
    /* NULL: -ESPIPE. Returns the new position and stores it in file->pos. Called with pos_lock
     * held. */
    int64_t (*seek)(struct file *file, int64_t offset, int whence);
    /* `as` is the caller's space, in which arg may be an address. NULL: -ENOTTY. */
    int64_t (*ioctl)(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as);
    /* Returns POLL* that hold now; queues through poll_wait() if table is not NULL. NULL: always
     * ready. */
    uint32_t (*poll)(struct file *file, struct poll_table *table);
    /*
     * Does: gives the object to map, with a reference, or NULL for private zero memory (/dev/zero).
     * NULL: -ENODEV.
     */
    int (*mmap)(struct file *file, const struct as_map_request *request, struct vm_object **out);
    /* Emits entries from file->pos on until the emitter is full. Called with pos_lock held. NULL:
     * -ENOTDIR. */
    int (*readdir)(struct file *file, struct dir_emitter *emitter);
    /* NULL: 0 for regular files and directories, else -EINVAL. */
    int (*fsync)(struct file *file);
    /* The last reference went. May be NULL. */
    void (*release)(struct file *file);
};

enum file_mode {
    FILE_READ = 1 << 0,
    FILE_WRITE = 1 << 1,
    FILE_PATH = 1 << 2,      /* O_PATH */
    FILE_SEEKABLE = 1 << 3,  /* has a position, which pos_lock guards */
    FILE_EXEC = 1 << 4,      /* denies writers (vfs_open_exec) */
    FILE_HAS_LOCKS = 1 << 5, /* flock or OFD locks may exist: look at release */
    FILE_COUNTED = 1 << 6,   /* counted in inode->nr_writers */
    FILE_OPENED = 1 << 7,    /* open succeeded: release is due */
};

struct file {
    atomic_uint refs;
    _Atomic uint32_t mode;  /* enum file_mode */
    _Atomic uint32_t flags; /* O_* as F_GETFL shows them */
    const struct file_ops *ops;
    struct dentry *dentry; /* holds a reference */
    struct inode *inode;   /* dentry->inode */
    struct cred *cred;     /* of the opener; may be NULL for kernel-made files */
    void *private;
    struct io_lock pos_lock;
    uint64_t pos;
    pid_nr_t owner; /* F_SETOWN */
};

/* Of O_PATH files: they do nothing. */
extern const struct file_ops path_file_ops;

/* Returns a file with one reference over a dentry (reference taken), or NULL. Mode from O_ACCMODE
 * in flags. */
struct file *file_create(struct dentry *dentry, const struct file_ops *ops, uint32_t flags);
/* As above for an object without a name: makes inode and dentry. mode: S_IF* | permissions. */
NODISCARD int file_create_anon(const char *kind, uint32_t mode, const struct file_ops *ops,
                               uint32_t flags, void *private, struct file **out);

static inline void file_get(struct file *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
}

void file_put(struct file *file);

static inline uint32_t file_flags(const struct file *file)
{
    return atomic_load_explicit(&((struct file *)file)->flags, memory_order_relaxed);
}

static inline uint32_t file_mode(const struct file *file)
{
    return atomic_load_explicit(&((struct file *)file)->mode, memory_order_relaxed);
}

static inline bool file_is_nonblock(const struct file *file)
{
    return (file_flags(file) & O_NONBLOCK) != 0;
}

/* read(2), write(2) and their vector forms. Fail as those do; -EPIPE: the caller raises SIGPIPE. */
NODISCARD ssize64_t file_read(struct file *file, struct uio *uio);
NODISCARD ssize64_t file_write(struct file *file, struct uio *uio);
/* pread(2), pwrite(2): -ESPIPE for streams, -EINVAL for pos < 0. */
NODISCARD ssize64_t file_read_at(struct file *file, struct uio *uio, int64_t pos);
NODISCARD ssize64_t file_write_at(struct file *file, struct uio *uio, int64_t pos);
/* For the loader and boot: all bytes up to end of file, into kernel memory. */
NODISCARD ssize64_t file_read_kernel(struct file *file, void *buf, size_t len, uint64_t pos);
/* lseek(2). */
NODISCARD int64_t file_seek(struct file *file, int64_t offset, int whence);
NODISCARD int64_t file_ioctl(struct file *file, unsigned cmd, uint64_t arg,
                             struct address_space *as);
/* Returns POLL* bits. */
uint32_t file_poll(struct file *file, struct poll_table *table);
/*
 * mmap(2) of a file: checks the access mode (-EACCES), fills request->object, file and max_prot.
 * The caller calls vm_object_put(request->object) (if not NULL) after as_map(). request: prot,
 * flags, len, offset set.
 */
NODISCARD int file_mmap(struct file *file, struct as_map_request *request);
NODISCARD int file_sync(struct file *file);
/* getdents64(2) into kernel memory. Returns the bytes, 0 at the end, -EINVAL when not one entry
 * fits. */
NODISCARD ssize64_t file_getdents(struct file *file, void *buf, size_t size);
/* Generic seek for files with a size. */
int64_t file_seek_generic(struct file *file, int64_t offset, int whence);
/* The same for files without one (directories, generated texts): SEEK_END gives -EINVAL. */
int64_t file_seek_sizeless(struct file *file, int64_t offset, int whence);
/* Writes what /proc/PID/fd/N reads: path or "pipe:[n]". */
char *file_path(struct file *file, struct dentry *root, char *buf, size_t size);
/*
 * sendfile(2), copy_file_range(2), splice(2): bytes from in (at *in_pos, or its position if NULL)
 * to out (likewise). Returns the bytes moved.
 */
NODISCARD ssize64_t file_transfer(struct file *in, uint64_t *in_pos, struct file *out,
                                  uint64_t *out_pos, size_t len);

/* Where readdir puts its entries; fs/readdir.c fills Linux's struct linux_dirent64. */
struct dir_emitter {
    char *buf;
    size_t size, used;
    bool full;
};
/* Returns false when it does not fit: then stop. next_pos: file->pos that continues after this
 * entry. type: DT_*. */
bool dir_emit(struct dir_emitter *emitter, const char *name, size_t len, uint64_t ino,
              unsigned type, uint64_t next_pos);
/* Emits "." (pos 0) and ".." (pos 1) as needed. Returns false when full. Sets file->pos to 2 behind
 * them. */
bool dir_emit_dots(struct dir_emitter *emitter, struct file *file);
