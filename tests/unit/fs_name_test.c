/* Names: path walk, links, rename, permissions, mounts, chroot. Expected errors are Linux's. */
#include "tests/unit/fs_test.h"

static void test_walk(void)
{
    struct vfs_stat stat;
    char longest[300];

    is(do_mkdir("/a", 0755), 0);
    is(do_mkdir("/a", 0755), -EEXIST);
    is(do_mkdir("/a/b/", 0755), 0);
    is(do_mkdir("/x/y", 0755), -ENOENT);
    is(make_file("/a/f", "hello"), 0);
    tap_ok(file_holds("//a/./b/..//f", "hello"), "dots and slashes");
    is(do_stat("/a/f/", 0, &stat), -ENOTDIR);
    is(do_stat("/a/f/x", 0, &stat), -ENOTDIR);
    is(do_stat("/a/f/..", 0, &stat), -ENOTDIR);
    is(do_stat("", 0, &stat), -ENOENT);
    is(do_stat("", AT_EMPTY_PATH, &stat), 0);
    is(do_stat("/../../a/f", 0, &stat), 0);
    is(stat.size, 5);
    memset(longest, 'n', sizeof(longest));
    longest[0] = '/';
    longest[256] = '\0';
    is(make_file(longest, "x"), 0);
    longest[256] = 'n';
    longest[257] = '\0';
    is(make_file(longest, "x"), -ENAMETOOLONG);
    is(do_stat(longest, 0, &stat), -ENAMETOOLONG);
    is(try_open(root_cred, "/a", O_WRONLY), -EISDIR);
    is(try_open(root_cred, "/a", O_RDONLY | O_CREAT), -EISDIR);
    is(try_open(root_cred, "/a/f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    is(try_open(root_cred, "/a/f", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
    is(try_open(root_cred, "/a/new/", O_WRONLY | O_CREAT), -EISDIR);
}

static void test_symlinks(void)
{
    struct vfs_stat stat;
    struct path_at where = at_root("/s1");
    char text[8];

    is(do_symlink("/a/f", "/s1"), 0);
    is(do_symlink("a/b", "/s2"), 0);
    is(do_symlink("loop2", "/loop1"), 0);
    is(do_symlink("/loop1", "/loop2"), 0);
    is(do_symlink("/a/made", "/dangling"), 0);
    tap_ok(file_holds("/s1", "hello"), "an absolute link");
    is(do_stat("/s2/../f", 0, &stat), 0);
    is(do_stat("/loop1", 0, &stat), -ELOOP);
    is(do_stat("/loop1", AT_SYMLINK_NOFOLLOW, &stat), 0);
    is(do_stat("/s1/", 0, &stat), -ENOTDIR);
    is(do_stat("/s2/", AT_SYMLINK_NOFOLLOW, &stat), 0);
    tap_ok(S_ISDIR(stat.mode), "a trailing slash follows the link");
    is(try_open(root_cred, "/s1", O_RDONLY | O_NOFOLLOW), -ELOOP);
    is(try_open(root_cred, "/s1", O_PATH | O_NOFOLLOW), 0);
    is(try_open(root_cred, "/dangling", O_RDONLY), -ENOENT);
    is(try_open(root_cred, "/dangling", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
    is(make_file("/dangling", "made"), 0);
    tap_ok(file_holds("/a/made", "made"), "creation through a dangling link");
    is(vfs_readlink(&where, text, 3), 3);
    tap_ok(memcmp(text, "/a/", 3) == 0, "readlink cuts");
    is(do_unlink("/s1"), 0);
    is(do_stat("/a/f", 0, &stat), 0);
    is(do_mkdir("/s2", 0755), -EEXIST);
    is(do_unlink("/s2/"), -ENOTDIR); /* the link, not what it leads to */
    is(do_rmdir("/s2/"), -ENOTDIR);
    is(do_mkdir("/s2/", 0755), -EEXIST);
    is(do_rmdir("/loop1"), -ENOTDIR);
}

static void test_links(void)
{
    struct vfs_stat stat;

    is(do_link("/a/f", "/hard"), 0);
    is(do_stat("/hard", 0, &stat), 0);
    is(stat.nlink, 2);
    is(do_link("/a", "/hard2"), -EPERM);
    is(do_link("/a/f", "/hard"), -EEXIST);
    is(do_unlink("/a/f"), 0);
    tap_ok(file_holds("/hard", "hello"), "the other name keeps the file");
    is(do_link("/hard", "/a/f"), 0);
    is(do_unlink("/a"), -EISDIR);
    is(do_rmdir("/a"), -ENOTEMPTY);
    is(do_rmdir("/a/f"), -ENOTDIR);
    is(do_rmdir("/a/b/."), -EINVAL);
    is(do_rmdir("/a/b/.."), -ENOTEMPTY);
    is(do_rmdir("/"), -EBUSY);
    is(do_stat("/a", 0, &stat), 0);
    is(stat.nlink, 3);
}

static void test_rename(void)
{
    struct vfs_stat stat;

    is(make_file("/r1", "one"), 0);
    is(make_file("/r2", "two"), 0);
    is(do_rename("/r1", "/r2", RENAME_NOREPLACE), -EEXIST);
    is(do_rename("/r1", "/r2", RENAME_EXCHANGE), 0);
    tap_ok(file_holds("/r1", "two") && file_holds("/r2", "one"), "exchange swaps");
    is(do_rename("/r1", "/r2", 0), 0);
    tap_ok(file_holds("/r2", "two"), "rename replaces");
    is(do_stat("/r1", 0, &stat), -ENOENT);
    is(do_mkdir("/d1", 0755), 0);
    is(do_mkdir("/d1/sub", 0755), 0);
    is(do_mkdir("/d2", 0755), 0);
    is(do_rename("/d1", "/d1/sub/x", 0), -EINVAL);
    is(do_rename("/d1/sub", "/d1", 0), -ENOTEMPTY);
    is(do_rename("/r2", "/d2", 0), -EISDIR);
    is(do_rename("/d1", "/r2", 0), -ENOTDIR);
    is(do_rename("/d2", "/d1", 0), -ENOTEMPTY);
    is(do_rename("/d1", "/d2", 0), 0);
    is(do_stat("/d2/sub", 0, &stat), 0);
    is(do_rename("/d2/sub", "/a/moved-to-a-name-that-is-longer-than-the-inline-one", 0), 0);
    is(do_stat("/d2", 0, &stat), 0);
    is(stat.nlink, 2);
    is(do_stat("/a/moved-to-a-name-that-is-longer-than-the-inline-one", 0, &stat), 0);
    is(do_rename("/a/moved-to-a-name-that-is-longer-than-the-inline-one", "/back", 0), 0);
    is(do_rename("/r2", "/r2", 0), 0);
    is(do_rename("/none", "/x", 0), -ENOENT);
    is(do_rename("/r2/", "/x", 0), -ENOTDIR);
    is(do_rename("/r2", "/x/", 0), -ENOTDIR);
    is(do_rename("/back", "/renamed/", 0), 0);
    is(do_rename("/r2", "/.", 0), -EBUSY);
}

static void test_permissions(void)
{
    struct path_at private = at_user("/private/x");
    struct path_at sticky = at_user("/sticky/root");
    struct path_at file = at_user("/sticky/mine");
    struct path_at shared = at_user("/shared");
    struct vfs_stat stat;
    struct file *open;

    is(do_mkdir("/private", 0700), 0);
    is(vfs_stat(&private, 0, &stat), -EACCES);
    is(try_open(user_cred, "/newfile", O_WRONLY | O_CREAT), -EACCES);
    is(make_file("/readable", "r"), 0);
    is(try_open(user_cred, "/readable", O_RDONLY), 0);
    is(try_open(user_cred, "/readable", O_RDWR), -EACCES);
    atomic_store(&ctx->umask, 0);
    is(do_mkdir("/sticky", 01777), 0);
    is(make_file("/sticky/root", "r"), 0);
    is(vfs_unlink(&sticky), -EPERM);
    is(vfs_open(&file, O_WRONLY | O_CREAT, 0640, &open), 0);
    vfs_file_stat(open, &stat);
    is(stat.uid, 1000);
    is(stat.mode, S_IFREG | 0640);
    is(vfs_file_chown(open, user_cred, 0, (uint32_t)-1), -EPERM);
    is(vfs_file_chmod(open, user_cred, 04755), 0);
    is(vfs_file_chown(open, root_cred, 1000, 1000), 0);
    vfs_file_stat(open, &stat);
    is(stat.mode, S_IFREG | 0755);
    file_put(open);
    is(vfs_chmod(&sticky, 0777, 0), -EPERM);
    is(vfs_unlink(&file), 0);
    is(vfs_mkdir(&shared, 0755), -EACCES);
    struct path_at setgid = at_root("/setgid");

    is(do_mkdir("/setgid", 0777), 0);
    is(vfs_chown(&setgid, 0, 77, 0), 0);
    is(vfs_chmod(&setgid, 02777, 0), 0);
    is(do_mkdir("/setgid/sub", 0755), 0);
    is(do_stat("/setgid/sub", 0, &stat), 0);
    tap_ok(stat.gid == 77 && (stat.mode & S_ISGID), "set-group-ID directories hand down");
    struct path_at unreadable = at_user("/private");

    is(vfs_access(&unreadable, 4, 0), -EACCES);
    is(vfs_access(&unreadable, 0, 0), 0);
    atomic_store(&ctx->umask, 022);
}

static void test_exec(void)
{
    struct path_at where = at_root("/prog");
    struct file *program;

    is(make_file("/prog", "#!"), 0);
    is(vfs_open_exec(&where, 0, &program), -EACCES);
    is(vfs_chmod(&where, 0755, 0), 0);
    is(vfs_open_exec(&where, 0, &program), 0);
    is(try_open(root_cred, "/prog", O_WRONLY), -ETXTBSY);
    is(vfs_truncate(&where, 0, UINT64_MAX), -ETXTBSY);
    file_put(program);
    is(do_open("/prog", O_WRONLY, 0, &program), 0);
    struct file *second;

    is(vfs_open_exec(&where, 0, &second), -ETXTBSY);
    file_put(program);
    where.name = "/a";
    is(vfs_open_exec(&where, 0, &program), -EACCES);
}

static void test_mounts(void)
{
    struct path_at mnt = at_root("/mnt");
    struct vfs_stat before, after;
    struct vfs_statfs statfs;
    struct file *file;

    is(do_mkdir("/mnt", 0755), 0);
    is(vfs_mount(&mnt, "none", "nofs", 0, NULL), -ENODEV);
    struct path_at as_user = at_user("/mnt");

    is(vfs_mount(&as_user, "none", "tmpfs", 0, NULL), -EPERM);
    is(do_stat("/mnt", 0, &before), 0);
    is(vfs_mount(&mnt, "none", "tmpfs", 0, "size=64k,mode=750"), 0);
    is(do_stat("/mnt", 0, &after), 0);
    tap_ok(after.dev != before.dev && (after.mode & 07777) == 0750, "the mount covers");
    is(vfs_statfs(&mnt, &statfs), 0);
    is(statfs.stats.magic, 0x01021994);
    is(statfs.stats.nr_blocks, 16);
    is(make_file("/mnt/f", "in"), 0);
    is(do_stat("/mnt/../a/f", 0, &after), 0);
    is(do_rename("/mnt/f", "/f", 0), -EXDEV);
    is(do_link("/mnt/f", "/f"), -EXDEV);
    is(do_rmdir("/mnt"), -EBUSY);
    is(do_rename("/mnt", "/mnt2", 0), -EBUSY);
    is(do_open("/mnt/f", O_WRONLY, 0, &file), 0);
    is(vfs_umount(&mnt, 0), -EBUSY);
    char page[4096] = {1};
    int64_t n = 0;

    for (int i = 0; i < 17; i++) {
        n = put(file, page, sizeof(page));
    }
    is(n, -ENOSPC);
    file_put(file);
    is(vfs_umount(&mnt, 0), 0);
    is(vfs_umount(&mnt, 0), -EINVAL);
    is(do_stat("/mnt/f", 0, &after), -ENOENT);
    is(vfs_mount(&mnt, "none", "tmpfs", 0, NULL), 0);
    is(make_file("/mnt/f", "in"), 0);
    is(do_open("/mnt/f", O_RDONLY, 0, &file), 0);
    is(vfs_umount(&mnt, 2), 0);
    is(get(file, page, 2), 2);
    file_put(file);
    is(vfs_umount(&mnt, 0), -EINVAL);
}

static void test_directories(void)
{
    struct path_at where = at_root("/a/b");
    struct fs_context *other = fs_context_copy(ctx);
    struct path_at chroot = {other, root_cred, NULL, "/a"};
    struct vfs_stat stat;
    char buf[64];

    is(vfs_chdir(&where), 0);
    is(vfs_getcwd(ctx, buf, sizeof(buf)), 5);
    tap_ok(strcmp(buf, "/a/b") == 0, "getcwd");
    is(vfs_getcwd(ctx, buf, 4), -ERANGE);
    is(do_stat("../f", 0, &stat), 0);
    is(do_rmdir("/a/b"), 0);
    is(vfs_getcwd(ctx, buf, sizeof(buf)), -ENOENT);
    is(do_mkdir("inside", 0755), -ENOENT);
    is(do_stat("..", 0, &stat), 0);
    where.name = "/";
    is(vfs_chdir(&where), 0);
    is(vfs_chroot(&chroot), 0);
    chroot.name = "/../../f";
    is(vfs_stat(&chroot, 0, &stat), 0);
    chroot.name = "..";
    is(vfs_stat(&chroot, 0, &stat), 0);
    chroot.name = "/";
    is(vfs_chdir(&chroot), 0);
    is(vfs_getcwd(other, buf, sizeof(buf)), 2);
    fs_context_put(other);
}

/* Names made, read in small pieces and removed meanwhile. */
static void test_readdir(void)
{
    char buf[256];
    char name[32];
    struct file *dir;
    unsigned seen = 0;
    int64_t n;

    is(do_mkdir("/many", 0755), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "/many/%d", i);
        if (make_file(name, "") != 0) {
            break;
        }
    }
    is(do_open("/many", O_RDONLY | O_DIRECTORY, 0, &dir), 0);
    while ((n = file_getdents(dir, buf, sizeof(buf))) > 0) {
        for (int64_t at = 0; at < n;) {
            uint16_t len;

            memcpy(&len, buf + at + 16, sizeof(len));
            snprintf(name, sizeof(name), "/many/%s", buf + at + 19);
            seen += buf[at + 19] != '.' && do_unlink(name) == 0;
            at += len;
        }
    }
    is(n, 0);
    is(seen, 100);
    is(file_getdents(dir, buf, 8), 0);
    is(file_seek(dir, 0, SEEK_SET), 0);
    is(file_getdents(dir, buf, 8), -EINVAL);
    is(do_rmdir("/many"), 0);
    is(file_getdents(dir, buf, sizeof(buf)), -ENOENT);
    file_put(dir);
}

int main(void)
{
    fs_start();
    test_walk();
    test_symlinks();
    test_links();
    test_rename();
    test_permissions();
    test_exec();
    test_mounts();
    test_directories();
    test_readdir();
    return tap_done();
}
