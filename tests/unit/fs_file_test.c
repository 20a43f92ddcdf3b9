/* Files: contents, sparse files, truncate, mappings, descriptors, pipes, FIFOs, locks, poll,
 * initramfs. */
#include "tests/free_frames.h"
#include "tests/unit/fs_test.h"

static void test_contents(void)
{
    static char big[300000], back[300000];
    struct file *file;
    struct vfs_stat stat;
    struct vm_object *object;
    struct frame *frame;

    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (char)(i * 7 + i / 4096);
    }
    is(do_open("/big", O_RDWR | O_CREAT, 0644, &file), 0);
    is(put(file, big, sizeof(big)), sizeof(big));
    is(file_seek(file, 0, SEEK_SET), 0);
    is(get(file, back, sizeof(back)), sizeof(back));
    tap_ok(memcmp(big, back, sizeof(big)) == 0, "bytes come back");
    is(get(file, back, 1), 0);
    is(file_seek(file, 0, SEEK_END), sizeof(big));
    is(file_seek(file, -1, SEEK_SET), -EINVAL);
    is(vfs_file_truncate(file, 5000), 0);
    is(vfs_file_truncate(file, 10000), 0);
    is(file_read_kernel(file, back, 10000, 0), 10000);
    tap_ok(memcmp(back, big, 5000) == 0 && back[5000] == 0 && back[9999] == 0,
           "what truncate cut off is zero when the file grows");
    vfs_file_stat(file, &stat);
    is(stat.nr_blocks, 16);
    is(file_seek(file, (int64_t)GIB(100), SEEK_SET), (int64_t)GIB(100));
    is(put(file, "end", 3), 3);
    vfs_file_stat(file, &stat);
    tap_ok(stat.size == GIB(100) + 3 && stat.nr_blocks == 24, "a sparse file");
    is(file_seek(file, INT64_MAX, SEEK_SET), INT64_MAX);
    is(put(file, "end", 3), -EFBIG);
    is(vfs_file_truncate(file, 4097), 0);
    struct as_map_request request = {.prot = 1, .flags = AS_SHARED, .len = 8192};

    is(file_mmap(file, &request), 0);
    object = request.object;
    is(object->ops->get_page(object, 1, &frame), 0);
    frame_put(frame);
    is(object->ops->get_page(object, 2, &frame), -EFAULT);
    is(do_unlink("/big"), 0);
    file_put(file);
    is(object->ops->get_page(object, 0, &frame), 0);
    tap_ok(((char *)frame_va(frame))[1] == big[1], "a mapping outlives name and file");
    frame_put(frame);
    vm_object_put(object);
    is(do_open("/log", O_WRONLY | O_CREAT | O_APPEND, 0644, &file), 0);
    is(put(file, "one", 3), 3);
    is(file_seek(file, 0, SEEK_SET), 0);
    is(put(file, "two", 3), 3);
    is(get(file, back, 1), -EBADF);
    file_put(file);
    tap_ok(file_holds("/log", "onetwo"), "append");
    is(do_unlink("/log"), 0);
}

static void test_descriptors(void)
{
    struct fd_table *table = fd_table_create();
    struct fd_table *copy;
    struct file *file;

    is(make_file("/fd", "x"), 0);
    is(do_open("/fd", O_RDONLY, 0, &file), 0);
    for (int i = 0; i < 200; i++) {
        file_get(file);
        if (fd_install(table, file, 0, 1024, i % 2 == 1) != i) {
            tap_ok(false, "descriptor %d", i);
        }
    }
    is(fd_close(table, 70), 0);
    is(fd_close(table, 70), -EBADF);
    is(fd_reserve(table, 0, 1024), 70);
    tap_ok(fd_get(table, 70) == NULL, "a reserved slot is not open");
    is(fd_dup_to(table, 1, 70, 1024, false), -EBUSY);
    fd_cancel(table, 70);
    is(fd_dup_to(table, 1, 500, 1024, true), 500);
    is(fd_dup_to(table, 1, 500, 500, true), -EBADF);
    is(fd_reserve(table, 0, 70), -EMFILE);
    is(fd_reserve(table, 90, 80), -EINVAL);
    is(fd_get_cloexec(table, 500), FD_CLOEXEC);
    is(fd_get_cloexec(table, 501), -EBADF);
    copy = fd_table_copy(table);
    fd_table_close_on_exec(copy);
    is(fd_get_cloexec(copy, 1), -EBADF);
    is(fd_get_cloexec(copy, 2), 0);
    is(fd_next(copy, 199), -1);
    fd_close_range(copy, 3, UINT32_MAX, false);
    is(fd_next(copy, 3), -1);
    is(fd_next(copy, 0), 0);
    fd_table_put(copy);
    fd_table_put(table);
    is(file->refs, 1);
    file_put(file);
    is(do_unlink("/fd"), 0);
}

static void test_pipes(void)
{
    static char block[70000];
    struct file *read_end, *write_end, *fifo;
    struct path_at where = at_root("/fifo");

    is(pipe_create(0, root_cred, &read_end, &write_end), 0);
    is(put(write_end, "abc", 3), 3);
    is(put(write_end, "def", 3), 3);
    is(file_poll(read_end, NULL) & POLLIN, POLLIN);
    is(get(read_end, block, 4), 4);
    is(get(read_end, block, 100), 2);
    tap_ok(block[0] == 'e', "a pipe keeps the order");
    is(get(read_end, block, 1), -ERESTARTSYS);
    is(put(write_end, block, sizeof(block)), 65536);
    is(file_poll(write_end, NULL) & POLLOUT, 0);
    is(put(write_end, block, 1), -ERESTARTSYS);
    atomic_fetch_or(&write_end->flags, O_NONBLOCK);
    is(put(write_end, block, 1), -EAGAIN);
    is(pipe_get_size(read_end), 65536);
    is(pipe_set_size(read_end, 4096, root_cred), -EBUSY);
    is(pipe_set_size(read_end, 100000, root_cred), 131072);
    is(put(write_end, block, sizeof(block)), 65536);
    is(get(read_end, block, sizeof(block)), 70000);
    file_put(write_end);
    is(get(read_end, block, sizeof(block)), 61072);
    is(get(read_end, block, 1), 0);
    is(file_poll(read_end, NULL), POLLHUP);
    file_put(read_end);
    is(pipe_create(O_NONBLOCK, root_cred, &read_end, &write_end), 0);
    is(get(read_end, block, 1), -EAGAIN);
    file_put(read_end);
    is(put(write_end, block, 1), -EPIPE);
    file_put(write_end);
    is(vfs_mknod(&where, S_IFIFO | 0644, 0), 0);
    is(try_open(root_cred, "/fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
    is(try_open(root_cred, "/fifo", O_RDONLY), -ERESTARTSYS);
    is(do_open("/fifo", O_RDONLY | O_NONBLOCK, 0, &read_end), 0);
    is(file_poll(read_end, NULL), 0);
    is(do_open("/fifo", O_WRONLY, 0, &fifo), 0);
    is(put(fifo, "hi", 2), 2);
    is(get(read_end, block, 10), 2);
    is(file_seek(read_end, 0, SEEK_SET), -ESPIPE);
    file_put(fifo);
    is(file_poll(read_end, NULL), POLLHUP);
    file_put(read_end);
    is(do_unlink("/fifo"), 0);
}

static int set_lock(struct file *file, struct fd_table *owner, int type, int64_t start, int64_t len)
{
    struct lock_request request = {(int16_t)type, SEEK_SET, start, len, 1};

    return lock_set(file, owner, F_SETLK, &request);
}

static void test_locks(void)
{
    struct fd_table *one = fd_table_create(), *two = fd_table_create();
    struct file *a, *b;
    struct lock_request request = {F_WRLCK, SEEK_SET, 0, 0, 2};

    is(make_file("/locked", "x"), 0);
    is(do_open("/locked", O_RDWR, 0, &a), 0);
    is(do_open("/locked", O_RDWR, 0, &b), 0);
    is(set_lock(a, one, F_WRLCK, 10, 10), 0);
    is(set_lock(b, two, F_RDLCK, 15, 1), -EAGAIN);
    is(set_lock(b, two, F_RDLCK, 20, 5), 0);
    is(set_lock(a, one, F_UNLCK, 12, 2), 0);
    is(set_lock(b, two, F_WRLCK, 12, 2), 0);
    is(set_lock(b, two, F_WRLCK, 14, 1), -EAGAIN);
    is(lock_test(b, two, F_GETLK, &request), 0);
    tap_ok(request.type == F_WRLCK && request.start == 10 && request.len == 2, "F_GETLK finds it");
    lock_release_posix(a, one);
    is(set_lock(b, two, F_WRLCK, 0, 0), 0);
    lock_release_posix(b, two);
    is(flock_apply(a, 2), 0);
    is(flock_apply(b, 2 | 4), -EAGAIN);
    is(flock_apply(b, 2), -ERESTARTSYS);
    is(set_lock(b, two, F_WRLCK, 0, 0), 0);
    file_put(a);
    is(flock_apply(b, 1 | 4), 0);
    is(flock_apply(b, 99), -EINVAL);
    lock_release_posix(b, two);
    file_put(b);
    fd_table_put(one);
    fd_table_put(two);
    is(do_unlink("/locked"), 0);
}

static void test_poll(void)
{
    struct file *read_end, *write_end, *event;
    struct poll_item items[2];

    is(pipe_create(0, root_cred, &read_end, &write_end), 0);
    is(eventfd_create(0, 0, &event), 0);
    items[0] = (struct poll_item){read_end, POLLIN | POLL_ALWAYS, 0};
    items[1] = (struct poll_item){event, POLLIN, 0};
    is(poll_files(items, 2, 0), 0);
    is(poll_files(items, 2, 1), 0);
    is(poll_files(items, 2, WAIT_FOREVER), -EINTR);
    is(put(event, "\1\0\0\0\0\0\0\0", 8), 8);
    is(poll_files(items, 2, WAIT_FOREVER), 1);
    is(items[1].revents, POLLIN);
    file_put(write_end);
    is(poll_files(items, 2, WAIT_FOREVER), 2);
    is(items[0].revents, POLLHUP);
    file_put(read_end);
    file_put(event);
}

static size_t cpio_add(char *at, const char *name, unsigned mode, unsigned ino, unsigned nlink,
                       const char *body)
{
    size_t name_len = strlen(name) + 1, len = strlen(body);
    int n = sprintf(at, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 3u,
                    4u, nlink, 1234u, (unsigned)len, 0u, 1u, 5u, 1u, (unsigned)name_len, 0u);
    size_t used = (size_t)n;

    memcpy(at + used, name, name_len);
    used = (used + name_len + 3) & ~3ul;
    memcpy(at + used, body, len);
    return (used + len + 3) & ~3ul;
}

static void test_initramfs(void)
{
    static char archive[4096];
    struct vfs_stat stat;
    size_t len = 0;

    len += cpio_add(archive + len, ".", S_IFDIR | 0755, 1, 2, "");
    len += cpio_add(archive + len, "cpio", S_IFDIR | 0711, 2, 2, "");
    len += cpio_add(archive + len, "cpio/prog", S_IFREG | 04755, 3, 1, "program");
    len += cpio_add(archive + len, "cpio/link", S_IFLNK | 0777, 4, 1, "prog");
    len += cpio_add(archive + len, "cpio/null", S_IFCHR | 0666, 5, 1, "");
    len += cpio_add(archive + len, "cpio/h1", S_IFREG | 0600, 6, 2, "");
    len += cpio_add(archive + len, "cpio/h2", S_IFREG | 0600, 6, 2, "body");
    len += cpio_add(archive + len, "TRAILER!!!", 0, 0, 1, "");
    is(initramfs_unpack(archive, len + 16), 0);
    is(do_stat("/cpio/prog", 0, &stat), 0);
    tap_ok(stat.mode == (S_IFREG | 04755) && stat.uid == 3 && stat.gid == 4 &&
               stat.mtime == 1234 * NS_PER_SEC,
           "attributes of the archive");
    tap_ok(file_holds("/cpio/link", "program"), "links of the archive");
    tap_ok(file_holds("/cpio/h1", "body"), "hard links of the archive");
    is(do_stat("/cpio/null", 0, &stat), 0);
    is(stat.rdev, dev_make(5, 1));
    is(do_stat("/cpio", 0, &stat), 0);
    tap_ok(stat.size == 7 * 20 && stat.mtime == 1234 * NS_PER_SEC, "size and time of a directory");
    is(initramfs_unpack(archive, 200), -EINVAL);
    is(initramfs_unpack("\x1f\x8b gz", 5), -EINVAL);
    for (size_t i = 0; i < len; i += 7) {
        archive[i] ^= 0x15;
        int error = initramfs_unpack(archive, len);

        if (error != 0 && error != -EINVAL && error != -ENOMEM) {
            tap_ok(false, "broken at %zu: %d", i, error);
        }
        archive[i] ^= 0x15;
    }
    tap_ok(true, "broken archives end in errors");
}

int main(void)
{
    uint64_t before;

    fs_start();
    is(make_file("/warm", "x"), 0);
    before = free_frames();
    test_contents();
    test_descriptors();
    test_pipes();
    test_locks();
    test_poll();
    is(free_frames(), before);
    test_initramfs();
    return tap_done();
}
