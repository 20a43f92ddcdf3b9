/*
 * The root's first contents: a cpio archive in "newc" format (cpio(5), "New ASCII Format"), as the
 * boot loader left it. Every field is checked against the archive's end; missing parent folders are
 * an error of the archive, reported in the log, and the entry is passed over.
 */
#include <linux/capability.h>

#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define CPIO_HEADER  110u
#define CPIO_FIELDS  13u
#define CPIO_TRAILER "TRAILER!!!"
#define CPIO_LINKS   64u /* buckets of inodes with several names */

enum cpio_field {
    CPIO_INO,
    CPIO_MODE,
    CPIO_UID,
    CPIO_GID,
    CPIO_NLINK,
    CPIO_MTIME,
    CPIO_SIZE,
    CPIO_DEV_MAJOR,
    CPIO_DEV_MINOR,
    CPIO_RDEV_MAJOR,
    CPIO_RDEV_MINOR,
    CPIO_NAME_SIZE,
};

struct cpio_link {
    struct cpio_link *next;
    uint32_t ino, major, minor;
    char name[];
};

/* A directory's times are set when all its names are there. */
struct cpio_dir {
    struct cpio_dir *next;
    uint64_t time;
    char name[];
};

struct cpio {
    const char *data;
    size_t len, at;
    struct fs_context *ctx;
    struct cred *cred;
    struct cpio_link *links[CPIO_LINKS];
    struct cpio_dir *dirs;
    /* the current entry */
    uint32_t fields[CPIO_FIELDS];
    const char *name;
    const char *body;
};

static int cpio_parse_hex(const char *text, uint32_t *out)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        char c = text[i];
        uint32_t digit;

        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint32_t)(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = (uint32_t)(c - 'A') + 10;
        } else {
            return -EINVAL;
        }
        value = value << 4 | digit;
    }
    *out = value;
    return 0;
}

/* Reads the header at cpio->at and steps behind the entry. */
static int cpio_next(struct cpio *cpio)
{
    const char *header = cpio->data + cpio->at;
    size_t left = cpio->len - cpio->at;
    size_t name_end;
    size_t end;

    if (left < CPIO_HEADER ||
        (memcmp(header, "070701", 6) != 0 && memcmp(header, "070702", 6) != 0)) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < CPIO_FIELDS; i++) {
        if (cpio_parse_hex(header + 6 + 8 * i, &cpio->fields[i]) != 0) {
            return -EINVAL;
        }
    }
    name_end = ALIGN_UP(CPIO_HEADER + (size_t)cpio->fields[CPIO_NAME_SIZE], 4);
    end = name_end + cpio->fields[CPIO_SIZE];
    cpio->name = header + CPIO_HEADER;
    if (cpio->fields[CPIO_NAME_SIZE] == 0 || cpio->fields[CPIO_NAME_SIZE] > FS_PATH_MAX ||
        end > left || cpio->name[cpio->fields[CPIO_NAME_SIZE] - 1] != '\0') {
        return -EINVAL;
    }
    cpio->body = header + name_end;
    cpio->at += MIN(ALIGN_UP(end, 4), left);
    return 0;
}

static struct path_at cpio_where(const struct cpio *cpio, const char *name)
{
    return (struct path_at){cpio->ctx, cpio->cred, NULL, name};
}

/* The first name of the file that this entry links to, or NULL; then this one is remembered. */
static const char *cpio_find_link(struct cpio *cpio)
{
    const uint32_t *f = cpio->fields;
    struct cpio_link **bucket = &cpio->links[f[CPIO_INO] % CPIO_LINKS];
    size_t size = strlen(cpio->name) + 1;
    struct cpio_link *link;

    for (link = *bucket; link != NULL; link = link->next) {
        if (link->ino == f[CPIO_INO] && link->major == f[CPIO_DEV_MAJOR] &&
            link->minor == f[CPIO_DEV_MINOR]) {
            return link->name;
        }
    }
    link = kmalloc(sizeof(*link) + size);
    if (link != NULL) {
        *link = (struct cpio_link){*bucket, f[CPIO_INO], f[CPIO_DEV_MAJOR], f[CPIO_DEV_MINOR]};
        memcpy(link->name, cpio->name, size);
        *bucket = link;
    }
    return NULL;
}

static void cpio_free_links(struct cpio *cpio)
{
    for (unsigned i = 0; i < CPIO_LINKS; i++) {
        while (cpio->links[i] != NULL) {
            struct cpio_link *link = cpio->links[i];

            cpio->links[i] = link->next;
            kfree(link);
        }
    }
}

static void cpio_remember_dir(struct cpio *cpio, uint64_t time)
{
    size_t size = strlen(cpio->name) + 1;
    struct cpio_dir *dir = kmalloc(sizeof(*dir) + size);

    if (dir != NULL) {
        dir->next = cpio->dirs;
        dir->time = time;
        memcpy(dir->name, cpio->name, size);
        cpio->dirs = dir;
    }
}

static void cpio_set_dir_times(struct cpio *cpio)
{
    while (cpio->dirs != NULL) {
        struct cpio_dir *dir = cpio->dirs;
        struct path_at where = cpio_where(cpio, dir->name);
        struct vfs_times times = {dir->time, dir->time};
        int error = vfs_utimens(&where, &times, AT_SYMLINK_NOFOLLOW);

        (void)error; /* a later entry may have removed it */
        cpio->dirs = dir->next;
        kfree(dir);
    }
}

static int cpio_write_body(struct file *file, const char *body, size_t len)
{
    while (len > 0) {
        struct uio_segment segment;
        struct uio uio = uio_kernel(&segment, (void *)(uintptr_t)body, len);
        ssize64_t n = file_write(file, &uio);

        if (n <= 0) {
            return n < 0 ? (int)n : -EIO;
        }
        body += n;
        len -= (size_t)n;
    }
    return 0;
}

static int cpio_file(struct cpio *cpio)
{
    struct path_at where = cpio_where(cpio, cpio->name);
    uint32_t flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;
    const char *first = NULL;
    struct file *file;
    int error;

    if (cpio->fields[CPIO_NLINK] > 1) {
        first = cpio_find_link(cpio);
    }
    if (first != NULL) {
        struct path_at from = cpio_where(cpio, first);

        error = vfs_link(&from, &where, 0);
        if (error != 0 || cpio->fields[CPIO_SIZE] == 0) {
            return error;
        }
        flags &= ~(uint32_t)O_TRUNC;
    }
    error = vfs_open(&where, flags, cpio->fields[CPIO_MODE] & 07777, &file);
    if (error == 0) {
        error = cpio_write_body(file, cpio->body, cpio->fields[CPIO_SIZE]);
        file_put(file);
    }
    return error;
}

static int cpio_symlink(struct cpio *cpio)
{
    struct path_at where = cpio_where(cpio, cpio->name);
    size_t len = cpio->fields[CPIO_SIZE];
    char *target;
    int error;

    if (len == 0 || len >= FS_PATH_MAX) {
        return -EINVAL;
    }
    target = kmalloc(len + 1);
    if (target == NULL) {
        return -ENOMEM;
    }
    memcpy(target, cpio->body, len);
    target[len] = '\0';
    error = vfs_symlink(&where, target);
    kfree(target);
    return error;
}

static int cpio_make(struct cpio *cpio)
{
    struct path_at where = cpio_where(cpio, cpio->name);
    uint32_t mode = cpio->fields[CPIO_MODE];
    int error;

    switch (mode & S_IFMT) {
    case S_IFREG:
        return cpio_file(cpio);
    case S_IFLNK:
        return cpio_symlink(cpio);
    case S_IFDIR:
        error = vfs_mkdir(&where, mode & 07777);
        return error == -EEXIST ? 0 : error;
    default:
        return vfs_mknod(&where, mode & (S_IFMT | 07777),
                         dev_make(cpio->fields[CPIO_RDEV_MAJOR], cpio->fields[CPIO_RDEV_MINOR]));
    }
}

static int cpio_set_attributes(struct cpio *cpio)
{
    struct path_at where = cpio_where(cpio, cpio->name);
    uint64_t time = cpio->fields[CPIO_MTIME] * NS_PER_SEC;
    struct vfs_times times = {time, time};
    uint32_t mode = cpio->fields[CPIO_MODE];
    int error =
        vfs_chown(&where, cpio->fields[CPIO_UID], cpio->fields[CPIO_GID], AT_SYMLINK_NOFOLLOW);

    if (error == 0 && !S_ISLNK(mode)) {
        error = vfs_chmod(&where, mode & 07777, 0);
    }
    if (S_ISDIR(mode)) {
        cpio_remember_dir(cpio, time);
    }
    return error != 0 ? error : vfs_utimens(&where, &times, AT_SYMLINK_NOFOLLOW);
}

static int cpio_entry(struct cpio *cpio)
{
    int error = cpio_make(cpio);

    if (error == 0) {
        error = cpio_set_attributes(cpio);
    }
    if (error != 0) {
        printk("initramfs: %s: error %d\n", cpio->name, -error);
    }
    return error == -ENOMEM || error == -ENOSPC ? error : 0;
}

/* Archives may follow each other, with zeros between. */
static int cpio_unpack(struct cpio *cpio)
{
    for (;;) {
        int error;

        while (cpio->at < cpio->len && cpio->data[cpio->at] == '\0') {
            cpio->at++;
        }
        if (cpio->at >= cpio->len) {
            return 0;
        }
        error = cpio_next(cpio);
        if (error != 0) {
            return error;
        }
        if (strcmp(cpio->name, CPIO_TRAILER) == 0) {
            cpio_free_links(cpio);
            continue;
        }
        error = cpio_entry(cpio);
        if (error != 0) {
            return error;
        }
    }
}

int initramfs_unpack(const void *data, size_t len)
{
    struct cpio *cpio = kzalloc(sizeof(*cpio));
    int error = -ENOMEM;

    if (cpio == NULL) {
        return -ENOMEM;
    }
    cpio->data = data;
    cpio->len = len;
    cpio->cred = cred_create_root();
    cpio->ctx = fs_context_create(vfs_root());
    if (cpio->cred != NULL && cpio->ctx != NULL) {
        atomic_store(&cpio->ctx->umask, 0);
        error = cpio_unpack(cpio);
        cpio_set_dir_times(cpio);
    }
    cpio_free_links(cpio);
    if (cpio->ctx != NULL) {
        fs_context_put(cpio->ctx);
    }
    if (cpio->cred != NULL) {
        cred_put(cpio->cred);
    }
    kfree(cpio);
    return error;
}
