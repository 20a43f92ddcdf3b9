/* The devices without hardware, major 1: null, zero, full, random, urandom, kmsg (mem(4),
 * random(4)). */
#include "drivers/drivers.h"
#include "fs/device.h"
#include "kernel/assert.h"
#include "kernel/errno.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/wait.h"
#include "mm/page_store.h"

#define MAJOR_MEM     1u
#define CHUNK         256u
#define ZERO_CHUNK    (64u * 4096u) /* between two reschedule points */
#define KMSG_LINE     1024u
#define KMSG_PRIORITY 6u /* LOG_INFO of LOG_KERN */

static ssize64_t null_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    (void)file;
    (void)uio;
    (void)pos;
    return 0;
}

static ssize64_t null_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    (void)file;
    (void)pos;
    return (ssize64_t)uio->left;
}

static int64_t null_seek(struct file *file, int64_t offset, int whence)
{
    (void)offset;
    (void)whence;
    file->pos = 0;
    return 0;
}

static ssize64_t zero_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    ssize64_t total = 0;

    (void)file;
    (void)pos;
    while (uio->left > 0) {
        ssize64_t done = uio_put_zero(uio, MIN(uio->left, (size_t)ZERO_CHUNK));

        if (done <= 0) {
            return total > 0 ? total : done;
        }
        total += done;
        if (sched_point() != 0) {
            break;
        }
    }
    return total;
}

static int zero_mmap(struct file *file, const struct as_map_request *request,
                     struct vm_object **out)
{
    (void)file;
    *out = NULL;
    if ((request->flags & AS_SHARED) == 0) {
        return 0;
    }
    *out = anon_object_create(request->len);
    return *out != NULL ? 0 : -ENOMEM;
}

static ssize64_t full_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    (void)file;
    (void)uio;
    (void)pos;
    return -ENOSPC;
}

static ssize64_t random_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    uint8_t buf[CHUNK];
    ssize64_t total = 0;

    (void)file;
    (void)pos;
    while (uio->left > 0) {
        size_t count = MIN(uio->left, sizeof(buf));
        ssize64_t done;

        random_bytes(buf, count);
        done = uio_put(uio, buf, count);
        if (done <= 0) {
            return total > 0 ? total : done;
        }
        total += done;
        if (total % ZERO_CHUNK == 0 && sched_point() != 0) {
            break;
        }
    }
    return total;
}

static ssize64_t random_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    uint8_t buf[CHUNK];
    ssize64_t total = 0;

    (void)file;
    (void)pos;
    while (uio->left > 0) {
        ssize64_t done = uio_get(uio, buf, MIN(uio->left, sizeof(buf)));

        if (done <= 0) {
            return total > 0 ? total : done;
        }
        random_mix(buf, (size_t)done);
        total += done;
        if (total % ZERO_CHUNK == 0 && sched_point() != 0) {
            break;
        }
    }
    return total;
}

/* Returns the text behind a line's "[seconds.micros] ", and the time. Requires: a NUL. */
static const char *kmsg_parse_stamp(const char *line, unsigned long *us)
{
    char *dot, *end;
    const char *at = line + 1;

    *us = 0;
    if (line[0] != '[') {
        return line;
    }
    while (*at == ' ') {
        at++;
    }
    *us = strtoul(at, &dot, 10) * 1000000;
    if (*dot != '.') {
        *us = 0;
        return line;
    }
    *us += strtoul(dot + 1, &end, 10);
    return end[0] == ']' && end[1] == ' ' ? end + 2 : line;
}

static int kmsg_open(struct inode *inode, struct file *file)
{
    (void)inode;
    file->pos = printk_oldest();
    return 0;
}

/* One line of the log a read, as "priority,number,time,-;text" (dev-kmsg of Linux's ABI notes). */
static ssize64_t kmsg_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    char record[KMSG_LINE + 64];
    char line[KMSG_LINE + 1];
    ssize64_t len = printk_read_line(*pos, line, KMSG_LINE);
    const char *text;
    unsigned long us;
    int used;

    if (len == -EPIPE) {
        *pos = printk_oldest();
        return len;
    }
    if (len <= 0) {
        return file_is_nonblock(file) ? -EAGAIN : 0;
    }
    line[len] = '\0';
    text = kmsg_parse_stamp(line, &us);
    used = ksnprintf(record, sizeof(record), "%u,%llu,%lu,-;%s%s", KMSG_PRIORITY,
                     (unsigned long long)*pos, us, text, line[len - 1] == '\n' ? "" : "\n");
    if ((size_t)used > uio->left) {
        return -EINVAL;
    }
    *pos += (uint64_t)len;
    return uio_put(uio, record, (size_t)used);
}

static ssize64_t kmsg_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    char line[KMSG_LINE];
    size_t len = uio->left;
    ssize64_t done;
    const char *text = line;

    (void)file;
    (void)pos;
    if (len >= sizeof(line)) {
        return -EINVAL;
    }
    done = uio_get(uio, line, len);
    if (done < 0) {
        return done;
    }
    line[done] = '\0';
    if (line[0] == '<' && strchr(line, '>') != NULL) {
        text = strchr(line, '>') + 1;
    }
    printk("%s%s", text, done > 0 && line[done - 1] == '\n' ? "" : "\n");
    return done;
}

static int64_t kmsg_seek(struct file *file, int64_t offset, int whence)
{
    if (offset != 0 || whence < 0 || whence > 2) {
        return offset != 0 ? -ESPIPE : -EINVAL;
    }
    file->pos = whence == 2 ? printk_end() : printk_oldest();
    return 0;
}

static const struct file_ops null_ops = {
    .read = null_read,
    .write = null_write,
    .seek = null_seek,
};

static const struct file_ops zero_ops = {
    .read = zero_read,
    .write = null_write,
    .seek = null_seek,
    .mmap = zero_mmap,
};

static const struct file_ops full_ops = {
    .read = zero_read,
    .write = full_write,
    .seek = null_seek,
    .mmap = zero_mmap,
};

static const struct file_ops random_ops = {
    .read = random_read,
    .write = random_write,
    .seek = null_seek,
};

static const struct file_ops kmsg_ops = {
    .open = kmsg_open,
    .read = kmsg_read,
    .write = kmsg_write,
    .seek = kmsg_seek,
};

void mem_device_init(void)
{
    static struct char_device devices[] = {
        {.dev = 3, .name = "null", .mode = 0666, .ops = &null_ops},
        {.dev = 5, .name = "zero", .mode = 0666, .ops = &zero_ops},
        {.dev = 7, .name = "full", .mode = 0666, .ops = &full_ops},
        {.dev = 8, .name = "random", .mode = 0666, .ops = &random_ops},
        {.dev = 9, .name = "urandom", .mode = 0666, .ops = &random_ops},
        {.dev = 11, .name = "kmsg", .mode = 0644, .ops = &kmsg_ops},
    };

    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        int error;

        devices[i].dev = dev_make(MAJOR_MEM, devices[i].dev);
        error = char_device_register(&devices[i]);
        kverify(error == 0);
    }
}
