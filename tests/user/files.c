/*
 * Files as Linux does them: path walk, links, permissions, descriptors, locks, pipes, FIFOs, poll,
 * vectors, directories, rename, truncate, statfs, devices, /proc, chroot, mount, limits.
 * Everything happens under /tmp/files.d, which is made new.
 */

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define CWD AT_FDCWD
#define TOP "/tmp/files.d"

static char big[128 * 1024];

static long open_file(const char *path, long flags)
{
    return sys(openat, CWD, path, flags, 0644);
}

static long put(const char *path, const char *text)
{
    return file_write(path, text, strlen(text));
}

static struct stat st;

static long stat_of(const char *path, long flags)
{
    memset(&st, 0, sizeof(st));
    return sys(newfstatat, CWD, path, &st, flags);
}

/* Runs fn as uid and gid `id` in a child. */
struct as_user {
    long id;
    int (*fn)(void *);
    void *arg;
};

static int become(void *arg)
{
    struct as_user *u = arg;

    if (sys(setgroups, 0, 0) || sys(setresgid, u->id, u->id, u->id) ||
        sys(setresuid, u->id, u->id, u->id))
        return 99;
    return u->fn(u->arg);
}

static int as_user(long id, int (*fn)(void *), void *arg)
{
    struct as_user u = { id, fn, arg };

    return child_result(become, &u);
}

/* errno of open(path, flags) as the user */
struct open_call {
    const char *path;
    long flags;
};

static int try_open(void *arg)
{
    struct open_call *c = arg;
    long fd = open_file(c->path, c->flags);

    return fd < 0 ? (int)-fd : 0;
}

static int open_as(long id, const char *path, long flags)
{
    struct open_call c = { path, flags };

    return as_user(id, try_open, &c);
}

static void test_path(void)
{
    char buf[64], name[300];
    long fd;

    EQ("path.mkdir", sys(mkdirat, CWD, "d", 0755), 0);
    EQ("path.mkdir_again", sys(mkdirat, CWD, "d", 0755), -EEXIST);
    EQ("path.mkdir_slash", sys(mkdirat, CWD, "d2/", 0755), 0);
    EQ("path.mkdir_missing", sys(mkdirat, CWD, "none/d", 0755), -ENOENT);
    EQ("path.mkdir_root", sys(mkdirat, CWD, "/", 0755), -EEXIST);
    EQ("path.mkdir_dot", sys(mkdirat, CWD, "d/.", 0755), -EEXIST);
    put("d/f", "text");
    EQ("path.dots", stat_of("d/../d/./f", 0), 0);
    EQ("path.slashes", stat_of("d////f", 0), 0);
    EQ("path.trailing_slash_file", stat_of("d/f/", 0), -ENOTDIR);
    EQ("path.through_file", stat_of("d/f/x", 0), -ENOTDIR);
    EQ("path.dotdot_file", stat_of("d/f/..", 0), -ENOTDIR);
    EQ("path.empty", stat_of("", 0), -ENOENT);
    EQ("path.empty_flag", stat_of("", AT_EMPTY_PATH), 0);
    EQ("path.root_dotdot", stat_of("/../../tmp", 0), 0);
    EQ("path.missing", stat_of("none", 0), -ENOENT);
    memset(name, 'n', 256);
    name[256] = 0;
    EQ("path.name_256", open_file(name, O_CREAT | O_RDWR), -ENAMETOOLONG);
    name[255] = 0;
    fd = open_file(name, O_CREAT | O_RDWR);
    CHECK("path.name_255", fd >= 0);
    sys(close, fd);
    sys(unlinkat, CWD, name, 0);
    memset(big, '/', 5000);
    big[5000] = 0;
    EQ("path.too_long", stat_of(big, 0), -ENAMETOOLONG);
    big[4095] = 0;
    EQ("path.longest", stat_of(big, 0), 0);
    EQ("path.create", (fd = open_file("d/new", O_CREAT | O_EXCL | O_WRONLY)) >= 0, 1);
    EQ("path.create_excl", open_file("d/new", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
    sys(close, fd);
    EQ("path.open_dir_write", open_file("d", O_WRONLY), -EISDIR);
    EQ("path.create_dir", open_file("d", O_CREAT | O_RDONLY), -EISDIR);
    EQ("path.create_slash", open_file("d/x/", O_CREAT | O_WRONLY), -EISDIR);
    EQ("path.directory_flag", open_file("d/f", O_DIRECTORY), -ENOTDIR);
    /* Relative to a directory descriptor. */
    fd = open_file("d", O_RDONLY | O_DIRECTORY);
    EQ("path.at", sys(newfstatat, fd, "f", &st, 0), 0);
    EQ("path.at_size", st.st_size, 4);
    EQ("path.at_bad", sys(newfstatat, 99, "f", &st, 0), -EBADF);
    EQ("path.at_absolute", sys(newfstatat, 99, "/tmp", &st, 0), 0);
    EQ("path.read_dir", sys(read, fd, buf, 4), -EISDIR);
    EQ("path.fchdir", sys(fchdir, fd), 0);
    EQ("path.getcwd", sys(getcwd, buf, sizeof(buf)), sizeof(TOP "/d"));
    CHECK("path.getcwd_text", !strcmp(buf, TOP "/d"));
    EQ("path.getcwd_small", sys(getcwd, buf, 5), -ERANGE);
    EQ("path.chdir", sys(chdir, ".."), 0);
    EQ("path.chdir_file", sys(chdir, "d/f"), -ENOTDIR);
    EQ("path.chdir_missing", sys(chdir, "none"), -ENOENT);
    sys(close, fd);
    fd = open_file("d/f", O_RDONLY);
    EQ("path.fchdir_file", sys(fchdir, fd), -ENOTDIR);
    EQ("path.at_file", sys(newfstatat, fd, "x", &st, 0), -ENOTDIR);
    sys(close, fd);
    EQ("path.opath", (fd = open_file("d/f", O_PATH)) >= 0, 1);
    EQ("path.opath_read", sys(read, fd, buf, 1), -EBADF);
    sys(close, fd);
    EQ("path.faccessat", sys(faccessat, CWD, "d/f", R_OK | W_OK), 0);
    EQ("path.faccessat_x", sys(faccessat, CWD, "d/f", X_OK), -EACCES);
    EQ("path.faccessat_bad", sys(faccessat, CWD, "d/f", 99), -EINVAL);
#ifdef __NR_open
    EQ("path.open_call", (fd = sys(open, "d/f", O_RDONLY, 0)) >= 0, 1);
    sys(close, fd);
    EQ("path.access_call", sys(access, "d/f", R_OK), 0);
    EQ("path.stat_call", sys(stat, "d/f", &st), 0);
    EQ("path.lstat_call", sys(lstat, "d/f", &st), 0);
    EQ("path.mkdir_call", sys(mkdir, "d9", 0700), 0);
    EQ("path.rmdir_call", sys(rmdir, "d9"), 0);
    EQ("path.creat_call", (fd = sys(creat, "c9", 0600)) >= 0, 1);
    sys(close, fd);
    EQ("path.unlink_call", sys(unlink, "c9"), 0);
#endif
}

static void test_stat(void)
{
    struct statx stx;
    long fd;
    struct statfs fs;
    struct __kernel_timespec times[2] = { { 1000, 5 }, { 2000, 6 } };

    put("s", "12345");
    EQ("stat.call", stat_of("s", 0), 0);
    EQ("stat.mode", st.st_mode, S_IFREG | 0644);
    EQ("stat.size", st.st_size, 5);
    EQ("stat.nlink", st.st_nlink, 1);
    EQ("stat.uid", st.st_uid | st.st_gid, 0);
    EQ("stat.blksize", st.st_blksize, 4096);
    EQ("stat.blocks", st.st_blocks, 8);
    CHECK("stat.ino", st.st_ino != 0);
    EQ("stat.dir", (stat_of("d", 0), st.st_mode), S_IFDIR | 0755);
    EQ("stat.dir_nlink", st.st_nlink, 2);
    EQ("stat.statx", sys(statx, CWD, "s", 0, STATX_BASIC_STATS, &stx), 0);
    EQ("stat.statx_mode", stx.stx_mode, S_IFREG | 0644);
    EQ("stat.statx_size", stx.stx_size, 5);
    EQ("stat.statx_mask", stx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    EQ("stat.statx_bad", sys(statx, CWD, "s", 0x7000000, STATX_BASIC_STATS, &stx), -EINVAL);
    EQ("stat.utimens", sys(utimensat, CWD, "s", times, 0), 0);
    stat_of("s", 0);
    EQ("stat.atime", st.st_atime, 1000);
    EQ("stat.mtime", st.st_mtime, 2000);
    EQ("stat.mtime_ns", st.st_mtime_nsec, 6);
    times[0].tv_nsec = 0x3ffffffe; /* UTIME_OMIT */
    times[1].tv_nsec = 0x3fffffff; /* UTIME_NOW */
    EQ("stat.utimens_now", sys(utimensat, CWD, "s", times, 0), 0);
    stat_of("s", 0);
    EQ("stat.omit", st.st_atime, 1000);
    CHECK("stat.now", st.st_mtime > 2000);
    times[0].tv_nsec = 1000000000;
    EQ("stat.utimens_bad", sys(utimensat, CWD, "s", times, 0), -EINVAL);
    EQ("stat.utimens_missing", sys(utimensat, CWD, "none", 0, 0), -ENOENT);
    EQ("stat.chmod", sys(fchmodat, CWD, "s", 07777), 0);
    EQ("stat.chmod_mode", (stat_of("s", 0), st.st_mode), S_IFREG | 07777);
    fd = open_file("s", O_RDWR);
    EQ("stat.fchmod", sys(fchmod, fd, 0600), 0);
    EQ("stat.fstat", sys(fstat, fd, &st), 0);
    EQ("stat.fstat_mode", st.st_mode, S_IFREG | 0600);
    EQ("stat.fchown", sys(fchown, fd, 5, 6), 0);
    EQ("stat.fchownat", sys(fchownat, CWD, "s", -1, 7, 0), 0);
    stat_of("s", 0);
    EQ("stat.owner", st.st_uid * 100 + st.st_gid, 507);
    EQ("stat.fstatfs", sys(fstatfs, fd, &fs), 0);
    EQ("stat.tmpfs_magic", fs.f_type, TMPFS_MAGIC);
    EQ("stat.namelen", fs.f_namelen, 255);
    EQ("stat.bsize", fs.f_bsize, 4096);
    sys(close, fd);
    EQ("stat.proc", sys(statfs, "/proc", &fs), 0);
    EQ("stat.proc_magic", fs.f_type, PROC_SUPER_MAGIC);
    EQ("stat.statfs_missing", sys(statfs, "none", &fs), -ENOENT);
    EQ("stat.fstat_bad", sys(fstat, 99, &st), -EBADF);
    sys(umask, 027);
    sys(mkdirat, CWD, "um", 0777);
    EQ("stat.umask_dir", (stat_of("um", 0), st.st_mode & 0777), 0750);
    sys(close, sys_call6(__NR_openat, CWD, (long)"um/f", O_CREAT | O_WRONLY, 0666, 0, 0));
    EQ("stat.umask_file", (stat_of("um/f", 0), st.st_mode & 0777), 0640);
    EQ("stat.umask_old", sys(umask, 022), 027);
    EQ("stat.sgid_dir", (sys(fchmodat, CWD, "um", 02755), sys(fchownat, CWD, "um", 0, 9, 0)), 0);
    put("um/g", "x");
    EQ("stat.sgid_inherit", (stat_of("um/g", 0), st.st_gid), 9);
}

static void test_link(void)
{
    char buf[64];
    long fd;
    int i;

    put("a", "one");
    EQ("link.hard", sys(linkat, CWD, "a", CWD, "b", 0), 0);
    EQ("link.nlink", (stat_of("b", 0), st.st_nlink), 2);
    EQ("link.exists", sys(linkat, CWD, "a", CWD, "b", 0), -EEXIST);
    EQ("link.dir", sys(linkat, CWD, "d", CWD, "dl", 0), -EPERM);
    EQ("link.missing", sys(linkat, CWD, "none", CWD, "x", 0), -ENOENT);
    EQ("link.cross", sys(linkat, CWD, "/proc/version", CWD, "x", 0), -EXDEV);
    EQ("link.sym", sys(symlinkat, "a", CWD, "sl"), 0);
    EQ("link.sym_exists", sys(symlinkat, "a", CWD, "sl"), -EEXIST);
    EQ("link.sym_empty", sys(symlinkat, "", CWD, "se"), -ENOENT);
    EQ("link.readlink", sys(readlinkat, CWD, "sl", buf, sizeof(buf)), 1);
    EQ("link.readlink_file", sys(readlinkat, CWD, "a", buf, sizeof(buf)), -EINVAL);
    EQ("link.readlink_zero", sys(readlinkat, CWD, "sl", buf, 0), -EINVAL);
    EQ("link.follow", (stat_of("sl", 0), st.st_mode & S_IFMT), S_IFREG);
    EQ("link.nofollow", (stat_of("sl", AT_SYMLINK_NOFOLLOW), st.st_mode), S_IFLNK | 0777);
    EQ("link.size", st.st_size, 1);
    EQ("link.open_nofollow", open_file("sl", O_NOFOLLOW), -ELOOP);
    sys(symlinkat, "target-long", CWD, "sl2");
    EQ("link.truncated", sys(readlinkat, CWD, "sl2", buf, 4), 4);
    EQ("link.dangling", stat_of("sl2", 0), -ENOENT);
    fd = open_file("sl2", O_CREAT | O_WRONLY);
    CHECK("link.create_through", fd >= 0 && stat_of("target-long", 0) == 0);
    sys(close, fd);
    EQ("link.excl", open_file("sl2", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
    sys(symlinkat, "loop", CWD, "loop");
    EQ("link.loop", stat_of("loop", 0), -ELOOP);
    sys(symlinkat, "d/", CWD, "sd");
    EQ("link.through_dir", stat_of("sd/f", 0), 0);
    EQ("link.dir_slash", (stat_of("sd/", AT_SYMLINK_NOFOLLOW), st.st_mode & S_IFMT), S_IFDIR);
    EQ("link.rmdir_symlink", sys(unlinkat, CWD, "sd", AT_REMOVEDIR), -ENOTDIR);
    sys(symlinkat, TOP "/d/f", CWD, "abs");
    EQ("link.absolute", stat_of("abs", 0), 0);
    for (i = 0; i < 41; i++) {
        char from[16], to[16];

        text_format(from, sizeof(from), "k%d", i);
        text_format(to, sizeof(to), "k%d", i + 1);
        sys(symlinkat, i == 40 ? "a" : to, CWD, from);
    }
    EQ("link.depth40", stat_of("k1", 0), 0);
    EQ("link.depth41", stat_of("k0", 0), -ELOOP);
    EQ("link.hard_of_sym", sys(linkat, CWD, "sl", CWD, "hs", 0), 0);
    EQ("link.hard_of_sym_is", (stat_of("hs", AT_SYMLINK_NOFOLLOW), st.st_mode & S_IFMT), S_IFLNK);
    EQ("link.follow_flag", sys(linkat, CWD, "sl", CWD, "hf", AT_SYMLINK_FOLLOW), 0);
    EQ("link.follow_flag_is", (stat_of("hf", AT_SYMLINK_NOFOLLOW), st.st_mode & S_IFMT), S_IFREG);
    /* An open file outlives its name. */
    fd = open_file("b", O_RDWR);
    EQ("link.unlink", sys(unlinkat, CWD, "b", 0), 0);
    sys(unlinkat, CWD, "a", 0);
    sys(unlinkat, CWD, "hf", 0);
    EQ("link.unlinked_nlink", (sys(fstat, fd, &st), st.st_nlink), 0);
    EQ("link.unlinked_write", sys(pwrite64, fd, "two", 3, 3), 3);
    EQ("link.unlinked_read", sys(pread64, fd, buf, 10, 0), 6);
    CHECK("link.unlinked_data", !memcmp(buf, "onetwo", 6));
    sys(close, fd);
    EQ("link.unlink_missing", sys(unlinkat, CWD, "b", 0), -ENOENT);
    EQ("link.unlink_dir", sys(unlinkat, CWD, "d", 0), -EISDIR);
    EQ("link.rmdir_file", sys(unlinkat, CWD, "d/f", AT_REMOVEDIR), -ENOTDIR);
    EQ("link.rmdir_full", sys(unlinkat, CWD, "d", AT_REMOVEDIR), -ENOTEMPTY);
    EQ("link.rmdir_dot", sys(unlinkat, CWD, "d/.", AT_REMOVEDIR), -EINVAL);
    EQ("link.rmdir_root", sys(unlinkat, CWD, "/", AT_REMOVEDIR), -EBUSY);
    EQ("link.rmdir", sys(unlinkat, CWD, "d2", AT_REMOVEDIR), 0);
    EQ("link.unlink_flags", sys(unlinkat, CWD, "d2", 0x1), -EINVAL);
}

static void test_rename(void)
{
    char buf[8];

    sys(mkdirat, CWD, "r", 0755);
    sys(chdir, "r");
    sys(mkdirat, CWD, "full", 0755);
    sys(mkdirat, CWD, "empty", 0755);
    sys(mkdirat, CWD, "dir", 0755);
    put("full/x", "x");
    put("f1", "1");
    put("f2", "2");
#define MOVE(a, b) sys(renameat2, CWD, a, CWD, b, 0)
    EQ("rename.file_new", MOVE("f1", "f3"), 0);
    EQ("rename.file_over", MOVE("f3", "f2"), 0);
    file_read("f2", buf, sizeof(buf));
    EQ("rename.content", buf[0], '1');
    EQ("rename.gone", stat_of("f3", 0), -ENOENT);
    EQ("rename.self", MOVE("f2", "f2"), 0);
    EQ("rename.missing", MOVE("none", "x"), -ENOENT);
    EQ("rename.file_over_dir", MOVE("f2", "empty"), -EISDIR);
    EQ("rename.dir_over_file", MOVE("empty", "f2"), -ENOTDIR);
    EQ("rename.dir_over_full", MOVE("dir", "full"), -ENOTEMPTY);
    EQ("rename.dir_over_empty", MOVE("dir", "empty"), 0);
    EQ("rename.dir_gone", stat_of("dir", 0), -ENOENT);
    EQ("rename.into_self", MOVE("full", "full/sub"), -EINVAL);
    EQ("rename.over_parent", MOVE("full/x", "full"), -ENOTEMPTY);
    EQ("rename.dot", MOVE(".", "y"), -EBUSY);
    EQ("rename.dir_slash", MOVE("empty/", "moved/"), 0);
    EQ("rename.file_slash", MOVE("f2", "f9/"), -ENOTDIR);
    EQ("rename.cross_dir", MOVE("moved", "full/moved"), 0);
    EQ("rename.dotdot", (sys(chdir, "full/moved"), stat_of("../x", 0)), 0);
    sys(chdir, TOP "/r");
    EQ("rename.noreplace", sys(renameat2, CWD, "f2", CWD, "full/x", RENAME_NOREPLACE), -EEXIST);
    EQ("rename.exchange", sys(renameat2, CWD, "f2", CWD, "full/x", RENAME_EXCHANGE), 0);
    file_read("full/x", buf, sizeof(buf));
    EQ("rename.exchanged", buf[0], '1');
    EQ("rename.bad_flags", sys(renameat2, CWD, "f2", CWD, "f8", 0x100), -EINVAL);
    EQ("rename.cross_fs", MOVE("f2", "/proc/x"), -EXDEV);
    sys(linkat, CWD, "f2", CWD, "f2l", 0);
    EQ("rename.same_inode", MOVE("f2", "f2l"), 0);
    EQ("rename.same_inode_both", stat_of("f2", 0) | stat_of("f2l", 0), 0);
#ifdef __NR_rename
    EQ("rename.call", sys(rename, "f2", "f7"), 0);
#endif
    sys(chdir, TOP);
}

static int user_checks(void *arg)
{
    (void)arg;
    if (sys(openat, CWD, "p/secret", O_RDONLY, 0) != -EACCES)
        return 1;
    if (sys(newfstatat, CWD, "p/closed/f", &st, 0) != -EACCES)
        return 2;
    if (sys(openat, CWD, "p/new", O_CREAT | O_WRONLY, 0644) != -EACCES)
        return 3;
    if (sys(unlinkat, CWD, "p/open", 0) != -EACCES)
        return 4;
    if (sys(fchmodat, CWD, "p/open", 0777) != -EPERM)
        return 5;
    if (sys(fchownat, CWD, "p/mine", 0, 0, 0) != -EPERM)
        return 6;
    if (sys(fchmodat, CWD, "p/mine", 0640) != 0)
        return 7;
    if (sys(utimensat, CWD, "p/open", 0, 0) != -EACCES)
        return 8;
    if (sys(faccessat, CWD, "p/secret", R_OK) != -EACCES)
        return 9;
    if (sys(setresuid, 0, 0, 0) != -EPERM || sys(setuid, 0) != -EPERM)
        return 10;
    if (sys(chroot, "p") != -EPERM)
        return 11;
    if (sys(mount, "x", "p", "tmpfs", 0, 0) != -EPERM)
        return 12;
    if (sys(mknodat, CWD, "sticky/dev", S_IFCHR | 0600, 0x103) != -EPERM)
        return 13;
    if (sys(unlinkat, CWD, "sticky/roots", 0) != -EPERM)
        return 14;
    if (sys(openat, CWD, "sticky/own", O_CREAT | O_WRONLY, 0600) < 0 ||
        sys(unlinkat, CWD, "sticky/own", 0) != 0)
        return 15;
    if (sys(setgroups, 0, 0) != -EPERM)
        return 16;
    return 0;
}

static int id_checks(void *arg)
{
    unsigned r, e, s;

    (void)arg;
    if (sys(setresuid, 1, 2, 3) || sys(getresuid, &r, &e, &s) || r != 1 || e != 2 || s != 3)
        return 1;
    if (sys(geteuid) != 2 || sys(getuid) != 1)
        return 2;
    if (sys(setresuid, -1, 3, -1) || sys(geteuid) != 3)
        return 3;
    if (sys(setresuid, -1, 7, -1) != -EPERM)
        return 4;
    if (sys(setuid, 1) || sys(geteuid) != 1)
        return 5;
    if (sys(setreuid, -1, 3) || sys(geteuid) != 3)
        return 6;
    return 0;
}

static int group_checks(void *arg)
{
    unsigned list[4] = { 50, 60, 70, 0 }, got[4];

    (void)arg;
    if (sys(setgroups, 3, list) || sys(getgroups, 4, got) != 3 || got[1] != 60)
        return 1;
    if (sys(getgroups, 1, got) != -EINVAL || sys(getgroups, 0, 0) != 3)
        return 2;
    if (sys(setresgid, 5, 5, 5) || sys(getegid) != 5 || sys(setresuid, 1000, 1000, 1000))
        return 3;
    return sys(openat, CWD, "p/group", O_RDONLY, 0) >= 0 ? 0 : 4;
}

static void test_permission(void)
{
    sys(mkdirat, CWD, "p", 0755);
    sys(mkdirat, CWD, "p/closed", 0700);
    put("p/closed/f", "x");
    put("p/secret", "x");
    put("p/open", "x");
    put("p/mine", "x");
    put("p/group", "x");
    sys(fchmodat, CWD, "p/secret", 0600);
    sys(fchmodat, CWD, "p/group", 0040);
    sys(fchownat, CWD, "p/group", 0, 60, 0);
    sys(fchownat, CWD, "p/mine", 1000, 1000, 0);
    sys(mkdirat, CWD, "sticky", 0755);
    sys(fchmodat, CWD, "sticky", 01777);
    put("sticky/roots", "x");
    EQ("permission.user", as_user(1000, user_checks, 0), 0);
    EQ("permission.read", open_as(1000, "p/open", O_RDONLY), 0);
    EQ("permission.write", open_as(1000, "p/open", O_WRONLY), EACCES);
    EQ("permission.owner", open_as(1000, "p/mine", O_RDWR), 0);
    EQ("permission.other", open_as(1001, "p/mine", O_RDWR), EACCES);
    EQ("permission.trunc", open_as(1000, "p/open", O_RDONLY | O_TRUNC), EACCES);
    EQ("permission.root", open_file("p/secret", O_RDWR) >= 0, 1);
    EQ("permission.ids", child_result(id_checks, 0), 0);
    EQ("permission.groups", child_result(group_checks, 0), 0);
}

static void test_rw(void)
{
    char buf[64];
    long fd = open_file("w", O_CREAT | O_RDWR | O_TRUNC), fd2;
    struct iov v[3] = { { (void *)(uintptr_t)"abc", 3 }, { 0, 0 }, { (void *)(uintptr_t)"defg", 4 } };
    struct iov r[2] = { { buf, 2 }, { buf + 10, 20 } };

    EQ("rw.writev", sys(writev, fd, v, 3), 7);
    EQ("rw.seek_end", sys(lseek, fd, 0, SEEK_END), 7);
    EQ("rw.seek_set", sys(lseek, fd, 1, SEEK_SET), 1);
    EQ("rw.readv", sys(readv, fd, r, 2), 6);
    CHECK("rw.readv_data", !memcmp(buf, "bc", 2) && !memcmp(buf + 10, "defg", 4));
    EQ("rw.seek_cur", sys(lseek, fd, -2, SEEK_CUR), 5);
    EQ("rw.seek_negative", sys(lseek, fd, -9, SEEK_CUR), -EINVAL);
    EQ("rw.seek_bad", sys(lseek, fd, 0, 99), -EINVAL);
    EQ("rw.seek_beyond", sys(lseek, fd, 10000, SEEK_SET), 10000);
    EQ("rw.eof", sys(read, fd, buf, 5), 0);
    EQ("rw.hole_write", sys(write, fd, "z", 1), 1);
    EQ("rw.hole_size", (sys(fstat, fd, &st), st.st_size), 10001);
    EQ("rw.hole_read", sys(pread64, fd, buf, 4, 9997), 4);
    CHECK("rw.hole_data", !memcmp(buf, "\0\0\0z", 4));
    EQ("rw.pread_keeps_offset", sys(lseek, fd, 0, SEEK_CUR), 10001);
    EQ("rw.pread_negative", sys(pread64, fd, buf, 4, -1), -EINVAL);
    EQ("rw.seek_data", sys(lseek, fd, 0, 3), 0);
    EQ("rw.seek_hole", sys(lseek, fd, 0, 4) > 0, 1);
    EQ("rw.ftruncate", sys(ftruncate, fd, 2), 0);
    EQ("rw.truncated", sys(pread64, fd, buf, 9, 0), 2);
    EQ("rw.ftruncate_grow", sys(ftruncate, fd, 5000), 0);
    sys(pread64, fd, buf, 4, 1);
    CHECK("rw.grown_zero", !memcmp(buf, "b\0\0\0", 4));
    EQ("rw.ftruncate_negative", sys(ftruncate, fd, -1), -EINVAL);
    EQ("rw.truncate", sys(truncate, "w", 3), 0);
    EQ("rw.truncate_dir", sys(truncate, "d", 3), -EISDIR);
    EQ("rw.truncate_missing", sys(truncate, "none", 3), -ENOENT);
    fd2 = open_file("w", O_WRONLY | O_APPEND);
    sys(lseek, fd2, 0, SEEK_SET);
    EQ("rw.append", sys(write, fd2, "END", 3), 3);
    EQ("rw.append_read", sys(pread64, fd, buf, 9, 0), 6);
    CHECK("rw.append_data", !memcmp(buf, "abcEND", 6) || !memcmp(buf, "ab\0END", 6));
    EQ("rw.read_wronly", sys(read, fd2, buf, 1), -EBADF);
    sys(close, fd2);
    fd2 = open_file("w", O_RDONLY);
    EQ("rw.write_rdonly", sys(write, fd2, "x", 1), -EBADF);
    EQ("rw.ftruncate_rdonly", sys(ftruncate, fd2, 1), -EINVAL);
    EQ("rw.trunc_open", sys(close, sys_call6(__NR_openat, CWD, (long)"w", O_WRONLY | O_TRUNC, 0, 0, 0)),
       0);
    EQ("rw.trunc_seen", sys(read, fd2, buf, 9), 0);
    sys(close, fd2);
    EQ("rw.bad_fd", sys(read, 99, buf, 1), -EBADF);
    EQ("rw.bad_fd_neg", sys(write, -1, buf, 1), -EBADF);
    EQ("rw.iov_count", sys(writev, fd, v, 1025), -EINVAL);
    EQ("rw.iov_negative", sys(writev, fd, v, -1), -EINVAL);
    EQ("rw.iov_zero", sys(writev, fd, v, 0), 0);
    v[0].len = (size_t)-1;
    EQ("rw.iov_len", sys(writev, fd, v, 3), -EINVAL);
    EQ("rw.read0", sys(read, fd, 8, 0), 0);
    EQ("rw.fsync", sys(fsync, fd), 0);
    EQ("rw.fdatasync", sys(fdatasync, fd), 0);
    EQ("rw.fallocate", sys(fallocate, fd, 0, 0, 8192), 0);
    EQ("rw.fallocate_size", (sys(fstat, fd, &st), st.st_size), 8192);
    /* Large transfer, and sendfile to a pipe and to a file. */
    {
        size_t i;
        long out, off = 8;
        bool good = true;

        for (i = 0; i < sizeof(big); i++)
            big[i] = (char)(i * 7 + (i >> 8));
        EQ("rw.big_write", sys(pwrite64, fd, big, sizeof(big), 0), sizeof(big));
        memset(big, 0, sizeof(big));
        EQ("rw.big_read", sys(pread64, fd, big, sizeof(big), 0), sizeof(big));
        for (i = 0; i < sizeof(big); i++)
            good = good && big[i] == (char)(i * 7 + (i >> 8));
        CHECK("rw.big_data", good);
        out = open_file("w2", O_CREAT | O_RDWR | O_TRUNC);
        sys(lseek, fd, 0, SEEK_SET);
        EQ("rw.sendfile", sys(sendfile, out, fd, 0, 5000), 5000);
        EQ("rw.sendfile_moves", sys(lseek, fd, 0, SEEK_CUR), 5000);
        EQ("rw.sendfile_off", sys(sendfile, out, fd, &off, 100), 100);
        EQ("rw.sendfile_off_out", off, 108);
        EQ("rw.sendfile_keeps", sys(lseek, fd, 0, SEEK_CUR), 5000);
        sys(pread64, out, buf, 1, 5000);
        EQ("rw.sendfile_data", buf[0], big[8]);
        EQ("rw.sendfile_eof", (sys(lseek, fd, 0, SEEK_END), sys(sendfile, out, fd, 0, 10)), 0);
        sys(close, out);
    }
    sys(close, fd);
}

static void test_fd(void)
{
    long fd = open_file("w", O_RDWR), a, b;
    struct flock lk = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
    long pid;

    EQ("fd.lowest", (a = sys(dup, fd)) == fd + 1, 1);
    sys(close, a);
    EQ("fd.reuse", sys(dup, fd), a);
    EQ("fd.dup3", sys(dup3, fd, 50, O_CLOEXEC), 50);
    EQ("fd.cloexec", sys(fcntl, 50, F_GETFD, 0), FD_CLOEXEC);
    EQ("fd.dup3_same", sys(dup3, fd, fd, 0), -EINVAL);
    EQ("fd.dup3_bad", sys(dup3, 99, 51, 0), -EBADF);
    EQ("fd.dup3_flags", sys(dup3, fd, 51, 1), -EINVAL);
    EQ("fd.dup3_high", sys(dup3, fd, 1 << 28, 0), -EBADF);
#ifdef __NR_dup2
    EQ("fd.dup2", sys(dup2, fd, 52), 52);
    EQ("fd.dup2_same", sys(dup2, fd, fd), fd);
    EQ("fd.dup2_same_bad", sys(dup2, 99, 99), -EBADF);
    sys(close, 52);
#endif
    sys(lseek, fd, 3, SEEK_SET);
    EQ("fd.shared_offset", sys(lseek, 50, 0, SEEK_CUR), 3);
    EQ("fd.dupfd", sys(fcntl, fd, F_DUPFD, 60), 60);
    EQ("fd.dupfd_cloexec", sys(fcntl, fd, F_DUPFD_CLOEXEC, 60), 61);
    EQ("fd.dupfd_bad", sys(fcntl, fd, F_DUPFD, -1), -EINVAL);
    EQ("fd.setfd", sys(fcntl, 60, F_SETFD, FD_CLOEXEC), 0);
    EQ("fd.getfd", sys(fcntl, 60, F_GETFD, 0), FD_CLOEXEC);
    EQ("fd.getfl", sys(fcntl, fd, F_GETFL, 0) & (O_ACCMODE | O_APPEND), O_RDWR);
    EQ("fd.setfl", sys(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
    EQ("fd.setfl_shared", sys(fcntl, 50, F_GETFL, 0) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
    EQ("fd.bad_command", sys(fcntl, fd, 9999, 0), -EINVAL);
    EQ("fd.fcntl_bad", sys(fcntl, 99, F_GETFL, 0), -EBADF);
    EQ("fd.close_range", sys(close_range, 50, 61, 0), 0);
    EQ("fd.closed", sys(fcntl, 60, F_GETFD, 0), -EBADF);
    EQ("fd.close_bad", sys(close, 60), -EBADF);
    /* Locks. */
    EQ("fd.lock", sys(fcntl, fd, F_SETLK, &lk), 0);
    pid = fork_now();
    if (pid == 0) {
        struct flock q = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1 };
        long r = sys(fcntl, fd, F_SETLK, &q), parent = sys(getppid);

        if (r != -EAGAIN)
            exit_now(1);
        if (sys(fcntl, fd, F_GETLK, &q) || q.l_type != F_WRLCK || q.l_start != 10 || q.l_pid != parent)
            exit_now(2);
        q.l_start = 20;
        q.l_type = F_WRLCK;
        exit_now(sys(fcntl, fd, F_SETLK, &q) == 0 ? 0 : 3);
    }
    EQ("fd.lock_conflict", wait_status(pid), 0);
    lk.l_type = F_UNLCK;
    lk.l_start = 12;
    lk.l_len = 2;
    EQ("fd.unlock_part", sys(fcntl, fd, F_SETLK, &lk), 0);
    lk.l_type = F_RDLCK;
    EQ("fd.getlk_free", sys(fcntl, fd, F_GETLK, &lk), 0);
    EQ("fd.getlk_type", lk.l_type, F_UNLCK);
    EQ("fd.flock", sys(flock, fd, 2), 0);
    b = open_file("w", O_RDWR);
    EQ("fd.flock_busy", sys(flock, b, 2 | 4), -EAGAIN);
    EQ("fd.flock_shared_busy", sys(flock, b, 1 | 4), -EAGAIN);
    EQ("fd.flock_same", sys(flock, a, 2 | 4), 0);
    EQ("fd.flock_unlock", sys(flock, fd, 8), 0);
    EQ("fd.flock_now", sys(flock, b, 1 | 4), 0);
    EQ("fd.flock_bad", sys(flock, b, 77), -EINVAL);
    pid = fork_now();
    if (pid == 0) {
        long c = open_file("w", O_RDWR);

        sys(close, b); /* the lock belongs to the open file, which both have */
        exit_now(sys(flock, c, 2) == 0 ? 0 : 1); /* waits for the parent */
    }
    sleep_ms(20);
    sys(close, b);
    EQ("fd.flock_wait", wait_status(pid), 0);
    sys(close, a);
    sys(close, fd);
}

static long pfd[2];

static long pipe_new(long flags)
{
    int p[2] = { -1, -1 };
    long r = sys(pipe2, p, flags);

    pfd[0] = p[0];
    pfd[1] = p[1];
    return r;
}

static void pipe_drop(void)
{
    sys(close, pfd[0]);
    sys(close, pfd[1]);
}

static long poll1(long fd, short events, long ms)
{
    struct pollfd p = { (int)fd, events, 0 };
    struct __kernel_timespec ts = { ms / 1000, ms % 1000 * 1000000 };
    long r = sys(ppoll, &p, 1, &ts, 0, 8);

    return r < 0 ? r : p.revents;
}

static int pipe_writer(void *arg)
{
    long i;

    sys(close, pfd[0]);
    memset(big, (int)(long)arg, 1000);
    for (i = 0; i < 100; i++) {
        if (sys(write, pfd[1], big, 1000) != 1000)
            return 1;
    }
    return 0;
}

static int pipe_big_writer(void *arg)
{
    (void)arg;
    sys(close, pfd[0]);
    return sys(write, pfd[1], big, sizeof(big)) == sizeof(big) ? 0 : 1;
}

static void test_pipe(void)
{
    char buf[5000], path[64];
    long pid, n, pids[3], i;
    int left = 0;
    bool good = true;

    EQ("pipe.make", pipe_new(0), 0);
    EQ("pipe.bad_flags", sys(pipe2, buf, 0x1), -EINVAL);
    EQ("pipe.bad_ptr", sys(pipe2, 8, 0), -EFAULT);
    EQ("pipe.seek", sys(lseek, pfd[0], 0, SEEK_CUR), -ESPIPE);
    EQ("pipe.write_reader", sys(write, pfd[0], "x", 1), -EBADF);
    EQ("pipe.stat", (sys(fstat, pfd[0], &st), st.st_mode & S_IFMT), S_IFIFO);
    EQ("pipe.write", sys(write, pfd[1], "hello", 5), 5);
    EQ("pipe.fionread", sys(ioctl, pfd[0], 0x541b, &left), 0);
    EQ("pipe.fionread_n", left, 5);
    EQ("pipe.read_part", sys(read, pfd[0], buf, 2), 2);
    EQ("pipe.read_rest", sys(read, pfd[0], buf, 100), 3);
    pipe_drop();
    EQ("pipe.nonblock", pipe_new(O_NONBLOCK), 0);
    EQ("pipe.empty", sys(read, pfd[0], buf, 1), -EAGAIN);
    EQ("pipe.poll_empty", poll1(pfd[0], POLLIN, 0), 0);
    EQ("pipe.poll_room", poll1(pfd[1], POLLOUT, 0), POLLOUT);
    for (n = 0; sys(write, pfd[1], big, 4096) == 4096;)
        n += 4096;
    EQ("pipe.capacity", n, 65536);
    EQ("pipe.full", sys(write, pfd[1], "x", 1), -EAGAIN);
    EQ("pipe.poll_full", poll1(pfd[1], POLLOUT, 0), 0);
    EQ("pipe.poll_data", poll1(pfd[0], POLLIN, 0), POLLIN);
    EQ("pipe.size", sys(fcntl, pfd[0], F_LINUX_SPECIFIC_BASE + 8, 0), 65536);
    sys(read, pfd[0], buf, 4096);
    EQ("pipe.room_again", poll1(pfd[1], POLLOUT, 0), POLLOUT);
    EQ("pipe.fill", sys(write, pfd[1], big, 5000), 4096);
    sys(close, pfd[1]);
    EQ("pipe.hup_data", poll1(pfd[0], POLLIN, 0), POLLIN | POLLHUP);
    for (n = 0; (i = sys(read, pfd[0], buf, sizeof(buf))) > 0;)
        n += i;
    EQ("pipe.drained", n, 65536);
    EQ("pipe.eof", i, 0);
    EQ("pipe.hup", poll1(pfd[0], POLLIN, 0), POLLHUP);
    sys(close, pfd[0]);
    sig_ignore(SIGPIPE);
    pipe_new(0);
    sys(close, pfd[0]);
    EQ("pipe.epipe", sys(write, pfd[1], "x", 1), -EPIPE);
    EQ("pipe.poll_err", poll1(pfd[1], POLLOUT, 0), POLLOUT | POLLERR);
    sys(close, pfd[1]);
    sig_default(SIGPIPE);
    /* Writes up to PIPE_BUF are not interleaved. */
    pipe_new(0);
    for (i = 0; i < 3; i++)
        pids[i] = fork_child(pipe_writer, (void *)(i + 'a'));
    sys(close, pfd[1]);
    for (n = 0;;) {
        long got = 0, j;

        while (got < 1000 && (i = sys(read, pfd[0], buf + got, 1000 - got)) > 0)
            got += i;
        if (got < 1000)
            break;
        n++;
        for (j = 1; j < 1000; j++)
            good = good && buf[j] == buf[0];
    }
    EQ("pipe.records", n, 300);
    CHECK("pipe.atomic", good);
    /* A shell's <(...): opened again by its descriptor, when the writer has come and gone. */
    pipe_new(0);
    sys(write, pfd[1], "late", 4);
    sys(close, pfd[1]);
    text_format(path, sizeof(path), "/proc/self/fd/%d", (int)pfd[0]);
    i = open_file(path, O_RDONLY);
    CHECK("pipe.reopen", i >= 0);
    EQ("pipe.reopen_read", sys(read, i, buf, 16), 4);
    EQ("pipe.reopen_end", sys(read, i, buf, 16), 0);
    EQ("pipe.reopen_hup", poll1(i, POLLIN, 0), POLLHUP);
    sys(close, i);
    sys(close, pfd[0]);
    for (i = 0; i < 3; i++)
        EQ("pipe.writer", wait_status(pids[i]), 0);
    sys(close, pfd[0]);
    /* A write larger than the pipe goes through in one call. */
    pipe_new(0);
    for (i = 0; i < (long)sizeof(big); i++)
        big[i] = (char)(i % 251);
    pid = fork_child(pipe_big_writer, 0);
    sys(close, pfd[1]);
    for (good = true, n = 0; (i = sys(read, pfd[0], buf, 3001)) > 0;) {
        long j;

        for (j = 0; j < i; j++)
            good = good && buf[j] == (char)((n + j) % 251);
        n += i;
    }
    EQ("pipe.big", n, sizeof(big));
    CHECK("pipe.big_data", good);
    EQ("pipe.big_writer", wait_status(pid), 0);
    sys(close, pfd[0]);
    /* What splice cannot write stays in its pipe: from a full one, from one page of two, to a file. */
    for (n = 5; n <= 5000; n += 4995) {
        long full[2], target[2];

        pipe_new(O_NONBLOCK);
        sys(write, pfd[1], "12345", 5);
        sys(read, pfd[0], buf, 3);
        sys(write, pfd[1], big, (size_t)n);
        full[0] = pfd[0];
        full[1] = pfd[1];
        pipe_new(O_NONBLOCK);
        target[0] = pfd[0];
        target[1] = pfd[1];
        while (sys(write, target[1], big, 4096) > 0)
            ;
        EQ("pipe.splice_full", sys(splice, full[0], 0, target[1], 0, 8192, 0), -EAGAIN);
        EQ("pipe.splice_full_left", sys(read, full[0], buf, 2), 2);
        CHECK("pipe.splice_full_order", buf[0] == '4' && buf[1] == '5');
        for (i = 0; i < n;) {
            long got = sys(read, full[0], buf, sizeof(buf));

            if (got <= 0)
                break;
            i += got;
        }
        EQ("pipe.splice_full_rest", i, n);
        sys(close, full[0]);
        sig_ignore(SIGPIPE);
        EQ("pipe.splice_no_reader", sys(splice, target[0], 0, full[1], 0, 4096, 0), -EPIPE);
        sys(close, full[1]);
        for (i = 0; sys(read, target[0], buf, 4096) == 4096; i++)
            ;
        EQ("pipe.splice_no_reader_left", i, 16);
        sig_default(SIGPIPE);
        sys(close, target[0]);
        sys(close, target[1]);
    }
    /* A pipe's descriptors are closed by exit. */
    pipe_new(0);
    pid = fork_now();
    if (pid == 0)
        exit_now(0);
    sys(close, pfd[1]);
    EQ("pipe.eof_by_exit", sys(read, pfd[0], buf, 1), 0);
    wait_status(pid);
    sys(close, pfd[0]);
}

static int fifo_writer(void *arg)
{
    long fd;

    sleep_ms(20);
    fd = open_file("fifo", O_WRONLY);
    (void)arg;
    return sys(write, fd, "fifo!", 5) == 5 ? 0 : 1;
}

static void test_fifo(void)
{
    struct __kernel_timespec soon = { 0, 100000000 };
    struct pollfd p = { .events = POLLIN };
    char buf[16];
    long fd, pid;

    EQ("fifo.make", sys(mknodat, CWD, "fifo", S_IFIFO | 0644, 0), 0);
    EQ("fifo.exists", sys(mknodat, CWD, "fifo", S_IFIFO | 0644, 0), -EEXIST);
    EQ("fifo.stat", (stat_of("fifo", 0), st.st_mode), S_IFIFO | 0644);
    EQ("fifo.nonblock_write", open_file("fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
    pid = fork_child(fifo_writer, 0);
    fd = open_file("fifo", O_RDONLY);
    CHECK("fifo.open", fd >= 0);
    EQ("fifo.read", sys(read, fd, buf, 16), 5);
    EQ("fifo.eof", sys(read, fd, buf, 16), 0);
    EQ("fifo.writer", wait_status(pid), 0);
    sys(close, fd);
    fd = open_file("fifo", O_RDONLY | O_NONBLOCK);
    EQ("fifo.nonblock_read", sys(read, fd, buf, 16), 0);
    sys(close, fd);
    fd = open_file("fifo", O_RDWR);
    EQ("fifo.rdwr", sys(write, fd, "ab", 2), 2);
    EQ("fifo.rdwr_read", sys(read, fd, buf, 16), 2);
    sys(close, fd);
    /* A writer that has come and gone before the reader's open returned. */
    pid = fork_child(fifo_writer, 0);
    p.fd = (int)open_file("fifo", O_RDONLY);
    wait_status(pid);
    EQ("fifo.late_read", sys(read, p.fd, buf, 16), 5);
    EQ("fifo.late_poll", sys(ppoll, &p, 1, &soon, 0, 8), 1);
    EQ("fifo.late_hup", p.revents, POLLHUP);
    sys(close, p.fd);
}

static int poll_waker(void *arg)
{
    sleep_ms((long)arg);
    sys(write, pfd[1], "x", 1);
    return 0;
}

static void test_poll(void)
{
    struct pollfd p[3];
    struct __kernel_timespec ts = { 0, 30000000 };
    unsigned long set[16] = { 0 }, wset[16] = { 0 };
    uint64_t t0;
    long pid;

    pipe_new(0);
    p[0] = (struct pollfd){ -1, POLLIN, 77 };
    p[1] = (struct pollfd){ 99, POLLIN, 0 };
    p[2] = (struct pollfd){ (int)pfd[0], POLLIN, 0 };
    EQ("poll.nval", sys(ppoll, p, 3, &ts, 0, 8), 1);
    EQ("poll.negative_fd", p[0].revents, 0);
    EQ("poll.nval_bit", p[1].revents, POLLNVAL);
    ts.tv_nsec = 30000000;
    t0 = now_ns();
    EQ("poll.timeout", sys(ppoll, &p[2], 1, &ts, 0, 8), 0);
    CHECK("poll.timeout_time", now_ns() - t0 >= 30000000);
    pid = fork_child(poll_waker, (void *)20L);
    EQ("poll.wakes", sys(ppoll, &p[2], 1, 0, 0, 8), 1);
    wait_status(pid);
    EQ("poll.bits", p[2].revents, POLLIN);
    ts.tv_nsec = -1;
    EQ("poll.bad_time", sys(ppoll, p, 1, &ts, 0, 8), -EINVAL);
    EQ("poll.bad_ptr", sys(ppoll, 8, 1, 0, 0, 8), -EFAULT);
    set[pfd[0] / 64] |= 1UL << (pfd[0] % 64);
    wset[pfd[1] / 64] |= 1UL << (pfd[1] % 64);
    ts.tv_nsec = 0;
    EQ("poll.select", sys(pselect6, pfd[1] + 1, set, wset, 0, &ts, 0), 2);
    CHECK("poll.select_bits", set[pfd[0] / 64] & 1UL << (pfd[0] % 64));
    sys(read, pfd[0], big, 1);
    EQ("poll.select_empty", sys(pselect6, pfd[0] + 1, set, 0, 0, &ts, 0), 0);
    EQ("poll.select_cleared", set[pfd[0] / 64], 0);
    set[0] = 1UL << 40;
    EQ("poll.select_bad_fd", sys(pselect6, 41, set, 0, 0, &ts, 0), -EBADF);
    EQ("poll.select_negative", sys(pselect6, -1, 0, 0, 0, &ts, 0), -EINVAL);
    pipe_drop();
    EQ("poll.file", (pid = open_file("w", O_RDWR), poll1(pid, POLLIN | POLLOUT, 0)),
       POLLIN | POLLOUT);
    sys(close, pid);
#ifdef __NR_poll
    EQ("poll.call", sys(poll, 0, 0, 10), 0);
    ts.tv_nsec = 0;
    EQ("poll.select_call", sys(select, 0, 0, 0, 0, &ts), 0);
#endif
}

struct dirent64 {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
};

static void test_dir(void)
{
    long fd, n, off;
    int count = 0, types = 0;
    char name[16];

    sys(mkdirat, CWD, "many", 0755);
    for (n = 0; n < 200; n++) {
        text_format(name, sizeof(name), "many/%d", (int)n);
        put(name, "");
    }
    sys(mkdirat, CWD, "many/sub", 0755);
    sys(symlinkat, "x", CWD, "many/sym");
    fd = open_file("many", O_RDONLY | O_DIRECTORY);
    while ((n = sys(getdents64, fd, big, 1000)) > 0) {
        for (off = 0; off < n;) {
            struct dirent64 *e = (struct dirent64 *)(void *)(big + off);

            count++;
            if (!strcmp(e->name, "sub") || !strcmp(e->name, "."))
                types += e->type == 4;
            else if (!strcmp(e->name, "sym"))
                types += e->type == 10;
            else if (!strcmp(e->name, "7"))
                types += e->type == 8;
            off += e->reclen;
        }
    }
    EQ("dir.end", n, 0);
    EQ("dir.count", count, 204);
    EQ("dir.types", types, 4);
    EQ("dir.rewind", sys(lseek, fd, 0, SEEK_SET), 0);
    EQ("dir.again", sys(getdents64, fd, big, sizeof(big)) > 4000, 1);
    sys(lseek, fd, 0, SEEK_SET);
    EQ("dir.small", sys(getdents64, fd, big, 10), -EINVAL);
    EQ("dir.bad_ptr", sys(getdents64, fd, 8, 1000), -EFAULT);
    EQ("dir.nlink", (stat_of("many", 0), st.st_nlink), 3);
    /* Unlink while reading: every other entry is still seen once. */
    sys(lseek, fd, 0, SEEK_SET);
    count = 0;
    while ((n = sys(getdents64, fd, big, 600)) > 0) {
        for (off = 0; off < n;) {
            struct dirent64 *e = (struct dirent64 *)(void *)(big + off);

            if (e->type == 8) {
                count++;
                sys(unlinkat, fd, e->name, 0);
            }
            off += e->reclen;
        }
    }
    EQ("dir.unlink_all", count, 200);
    sys(close, fd);
    fd = open_file("w", O_RDONLY);
    EQ("dir.not_dir", sys(getdents64, fd, big, 1000), -ENOTDIR);
    sys(close, fd);
    /* A removed working directory. */
    sys(mkdirat, CWD, "gone", 0755);
    sys(chdir, "gone");
    sys(unlinkat, CWD, TOP "/gone", AT_REMOVEDIR);
    EQ("dir.removed_cwd", sys(getcwd, big, 100), -ENOENT);
    EQ("dir.removed_create", open_file("x", O_CREAT | O_WRONLY), -ENOENT);
    EQ("dir.removed_dotdot", sys(chdir, ".."), 0);
    sys(chdir, TOP);
}

static void test_dev(void)
{
    char buf[256];
    long fd;

    fd = open_file("/dev/null", O_RDWR);
    EQ("dev.null_read", sys(read, fd, buf, 10), 0);
    EQ("dev.null_write", sys(write, fd, buf, 10), 10);
    EQ("dev.null_write_bad", sys(write, fd, 8, 10), 10);
    EQ("dev.null_stat", (sys(fstat, fd, &st), st.st_mode & S_IFMT), S_IFCHR);
    EQ("dev.null_rdev", st.st_rdev, 0x103);
    EQ("dev.null_ioctl", sys(ioctl, fd, 0x5401, buf), -ENOTTY);
    sys(close, fd);
    fd = open_file("/dev/zero", O_RDWR);
    memset(buf, 1, 256);
    EQ("dev.zero_read", sys(read, fd, buf, 100), 100);
    CHECK("dev.zero_data", buf[0] == 0 && buf[99] == 0 && buf[100] == 1);
    sys(close, fd);
    fd = open_file("/dev/full", O_RDWR);
    EQ("dev.full_write", sys(write, fd, buf, 1), -ENOSPC);
    EQ("dev.full_read", sys(read, fd, buf, 1), 1);
    sys(close, fd);
    fd = open_file("/dev/urandom", O_RDONLY);
    EQ("dev.urandom", sys(read, fd, buf, 200), 200);
    CHECK("dev.urandom_data", memcmp(buf, buf + 100, 100) != 0);
    sys(close, fd);
    fd = open_file("/dev/random", O_RDONLY);
    EQ("dev.random", sys(read, fd, buf, 20), 20);
    sys(close, fd);
    EQ("dev.tty", open_file("/dev/tty", O_RDWR) >= 0 || open_file("/dev/tty", O_RDWR) == -ENXIO, 1);
    EQ("dev.console", (stat_of("/dev/console", 0), st.st_rdev), 0x501);
    EQ("dev.missing", open_file("/dev/none", O_RDONLY), -ENOENT);
    EQ("dev.mknod", sys(mknodat, CWD, "mynull", S_IFCHR | 0666, 0x103), 0);
    fd = open_file("mynull", O_RDWR);
    EQ("dev.mknod_write", sys(write, fd, "x", 1), 1);
    sys(close, fd);
    EQ("dev.mknod_none", (sys(mknodat, CWD, "nodev", S_IFCHR | 0666, 0xfa00), open_file("nodev", 0)),
       -ENXIO);
    EQ("dev.shm", (stat_of("/dev/shm", 0), st.st_mode), S_IFDIR | 01777);
}

static bool proc_has(const char *path, const char *word)
{
    return file_read(path, big, sizeof(big)) > 0 && (!word || strstr(big, word));
}

static void test_proc(void)
{
    char path[64], buf[128];
    long me = sys(getpid), fd, r;

    CHECK("proc.status_name", proc_has("/proc/self/status", "Name:\tfiles\n"));
    text_format(buf, sizeof(buf), "Pid:\t%d\n", (int)me);
    CHECK("proc.status_pid", proc_has("/proc/self/status", buf));
    CHECK("proc.status_uid", proc_has("/proc/self/status", "Uid:\t0\t0\t0\t0\n"));
    CHECK("proc.status_vm", proc_has("/proc/self/status", "VmSize:"));
    text_format(buf, sizeof(buf), "%d (files) R ", (int)me);
    text_format(path, sizeof(path), "/proc/%d/stat", (int)me);
    CHECK("proc.stat", proc_has(path, buf));
    r = file_read("/proc/self/cmdline", buf, sizeof(buf));
    CHECK("proc.cmdline", r > 5 && !strcmp(buf + r - 6, "files"));
    r = sys(readlinkat, CWD, "/proc/self/exe", buf, sizeof(buf));
    CHECK("proc.exe", r > 5 && !memcmp(buf + r - 5, "files", 5));
    r = sys(readlinkat, CWD, "/proc/self/cwd", buf, sizeof(buf));
    CHECK("proc.cwd", r == sizeof(TOP) - 1 && !memcmp(buf, TOP, sizeof(TOP) - 1));
    text_format(path, sizeof(path), "%d", (int)me);
    r = sys(readlinkat, CWD, "/proc/self", buf, sizeof(buf));
    CHECK("proc.self", r == (long)strlen(path) && !memcmp(buf, path, (size_t)r));
    fd = open_file("w", O_RDONLY);
    text_format(path, sizeof(path), "/proc/self/fd/%d", (int)fd);
    r = sys(readlinkat, CWD, path, buf, sizeof(buf));
    CHECK("proc.fd_link", r == sizeof(TOP "/w") - 1 && !memcmp(buf, TOP "/w", (size_t)r));
    r = open_file(path, O_RDONLY);
    CHECK("proc.fd_open", r >= 0);
    sys(close, r);
    sys(close, fd);
    EQ("proc.fd_gone", open_file(path, O_RDONLY), -ENOENT);
    CHECK("proc.maps", proc_has("/proc/self/maps", "[stack]"));
    CHECK("proc.meminfo", proc_has("/proc/meminfo", "MemTotal:") && strstr(big, "MemFree:") &&
                              strstr(big, "MemAvailable:"));
    CHECK("proc.cpuinfo", proc_has("/proc/cpuinfo", "processor\t: 0\n"));
    CHECK("proc.mounts", proc_has("/proc/mounts", " /proc proc "));
    CHECK("proc.uptime", proc_has("/proc/uptime", "."));
    CHECK("proc.version", proc_has("/proc/version", "Linux version 6."));
    CHECK("proc.stat_cpu", proc_has("/proc/stat", "cpu ") && strstr(big, "btime "));
    CHECK("proc.loadavg", proc_has("/proc/loadavg", "/"));
    CHECK("proc.pid_max", proc_has("/proc/sys/kernel/pid_max", "\n"));
    CHECK("proc.ostype", proc_has("/proc/sys/kernel/ostype", "Linux\n"));
    CHECK("proc.filesystems", proc_has("/proc/filesystems", "nodev\ttmpfs\n"));
    CHECK("proc.oom_score_adj", proc_has("/proc/self/oom_score_adj", "0\n"));
    EQ("proc.oom_write", file_write("/proc/self/oom_score_adj", "7", 1), 1);
    CHECK("proc.oom_read", proc_has("/proc/self/oom_score_adj", "7\n"));
    CHECK("proc.online", proc_has("/sys/devices/system/cpu/online", "0"));
    EQ("proc.missing_pid", open_file("/proc/3999999/stat", O_RDONLY), -ENOENT);
    EQ("proc.create", open_file("/proc/new", O_CREAT | O_WRONLY) < 0, 1);
    EQ("proc.unlink", sys(unlinkat, CWD, "/proc/version", 0) < 0, 1);
    fd = open_file("/proc", O_RDONLY | O_DIRECTORY);
    {
        bool found = false;
        long n, off;

        text_format(path, sizeof(path), "%d", (int)me);
        while ((n = sys(getdents64, fd, big, sizeof(big))) > 0) {
            for (off = 0; off < n; off += ((struct dirent64 *)(void *)(big + off))->reclen)
                found = found || !strcmp(((struct dirent64 *)(void *)(big + off))->name, path);
        }
        CHECK("proc.listed", found);
    }
    sys(close, fd);
    fd = open_file("/proc/version", O_RDONLY);
    sys(read, fd, buf, 5);
    EQ("proc.pread", sys(pread64, fd, buf + 10, 5, 0), 5);
    CHECK("proc.pread_same", !memcmp(buf, buf + 10, 5));
    sys(close, fd);
}

static int in_chroot(void *arg)
{
    char buf[64];

    (void)arg;
    if (sys(chroot, "root") || sys(chdir, "/"))
        return 1;
    if (stat_of("/inside", 0) || stat_of("/../../inside", 0))
        return 2;
    if (stat_of("/tmp", 0) != -ENOENT)
        return 3;
    if (sys(getcwd, buf, sizeof(buf)) != 2 || strcmp(buf, "/"))
        return 4;
    if (stat_of("/link", 0)) /* an absolute link is resolved inside */
        return 5;
    return 0;
}

static void test_mount(void)
{
    struct statfs fs;
    long fd;

    sys(mkdirat, CWD, "root", 0755);
    put("root/inside", "x");
    sys(symlinkat, "/inside", CWD, "root/link");
    EQ("mount.chroot", child_result(in_chroot, 0), 0);
    EQ("mount.chroot_file", sys(chroot, "w"), -ENOTDIR);
    EQ("mount.chroot_missing", sys(chroot, "none"), -ENOENT);
    sys(mkdirat, CWD, "m", 0755);
    put("m/below", "x");
    EQ("mount.tmpfs", sys(mount, "none", "m", "tmpfs", 0, "mode=0750"), 0);
    EQ("mount.hidden", stat_of("m/below", 0), -ENOENT);
    EQ("mount.mode", (stat_of("m", 0), st.st_mode), S_IFDIR | 0750);
    put("m/f", "data");
    EQ("mount.file", (stat_of("m/f", 0), st.st_size), 4);
    EQ("mount.magic", (sys(statfs, "m", &fs), fs.f_type), TMPFS_MAGIC);
    EQ("mount.dotdot", stat_of("m/../w", 0), 0);
    EQ("mount.rename_cross", sys(renameat2, CWD, "m/f", CWD, "f", 0), -EXDEV);
    EQ("mount.rmdir_busy", sys(unlinkat, CWD, "m", AT_REMOVEDIR), -EBUSY);
    CHECK("mount.listed", proc_has("/proc/mounts", TOP "/m tmpfs"));
    fd = open_file("m/f", O_RDONLY);
    EQ("mount.busy", sys(umount2, "m", 0), -EBUSY);
    sys(close, fd);
    EQ("mount.umount", sys(umount2, "m", 0), 0);
    EQ("mount.visible", stat_of("m/below", 0), 0);
    EQ("mount.umount_again", sys(umount2, "m", 0), -EINVAL);
    EQ("mount.bad_type", sys(mount, "none", "m", "nofs", 0, 0), -ENODEV);
    EQ("mount.missing", sys(mount, "none", "none", "tmpfs", 0, 0), -ENOENT);
    EQ("mount.on_file", sys(mount, "none", "w", "tmpfs", 0, 0), -ENOTDIR);
    EQ("mount.proc", sys(mount, "proc", "m", "proc", 0, 0), 0);
    EQ("mount.proc_works", stat_of("m/self/stat", 0), 0);
    EQ("mount.proc_umount", sys(umount2, "m", 0), 0);
    EQ("mount.ro", sys(mount, "none", "m", "tmpfs", 1, 0), 0);
    EQ("mount.ro_write", open_file("m/x", O_CREAT | O_WRONLY), -EROFS);
    sys(umount2, "m", 0);
}

static int limit_nofile(void *arg)
{
    struct rlimit64 lim = { 20, 20 };
    long r, n = 0;

    (void)arg;
    sys(prlimit64, 0, RLIMIT_NOFILE, &lim, 0);
    while ((r = open_file("/dev/null", O_RDONLY)) >= 0)
        n = r;
    if (r != -EMFILE || n != 19)
        return 1;
    if (sys(fcntl, 0, F_DUPFD, 20) != -EINVAL || sys(dup3, 0, 20, 0) != -EBADF)
        return 2;
    return sys(fcntl, 0, F_DUPFD, 5) == -EMFILE ? 0 : 3;
}

static int limit_fsize(void *arg)
{
    struct rlimit64 lim = { 1000, 1000 };
    long fd = open_file("limited", O_CREAT | O_RDWR);

    (void)arg;
    sig_ignore(SIGXFSZ);
    sys(prlimit64, 0, RLIMIT_FSIZE, &lim, 0);
    if (sys(write, fd, big, 900) != 900 || sys(write, fd, big, 900) != 100)
        return 1;
    return sys(write, fd, big, 1) == -EFBIG ? 0 : 2;
}

static int limit_nproc(void *arg)
{
    struct rlimit64 lim = { 4, 4 };
    long r = 0;
    int n;

    (void)arg;
    sys(prlimit64, 0, RLIMIT_NPROC, &lim, 0);
    for (n = 0; n < 10; n++) {
        r = fork_now();
        if (r == 0) {
            sleep_ms(30);
            exit_now(0);
        }
        if (r < 0)
            break;
    }
    while (sys(wait4, -1, 0, 0, 0) > 0)
        ;
    return r == -EAGAIN && n == 3 ? 0 : 1 + n;
}

static int limit_raise(void *arg)
{
    struct rlimit64 lim = { 64, 1 << 19 };

    (void)arg;
    if (sys(prlimit64, 0, RLIMIT_NOFILE, &lim, 0) == 0)
        lim.rlim_max = 1 << 20;
    return sys(prlimit64, 0, RLIMIT_NOFILE, &lim, 0) == -EPERM ? 0 : 1;
}

static int on_xfsz(void *arg)
{
    struct rlimit64 lim = { 10, 10 };
    long fd = open_file("limited2", O_CREAT | O_RDWR);

    (void)arg;
    sys(prlimit64, 0, RLIMIT_FSIZE, &lim, 0);
    sys(pwrite64, fd, "x", 1, 100);
    return 0;
}

static void test_limit(void)
{
    EQ("limit.nofile", child_result(limit_nofile, 0), 0);
    EQ("limit.fsize", child_result(limit_fsize, 0), 0);
    EQ("limit.fsize_signal", child_result(on_xfsz, 0), KILLED(SIGXFSZ));
    EQ("limit.nproc", as_user(1234, limit_nproc, 0), 0);
    EQ("limit.raise", as_user(1000, limit_raise, 0), 0);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } groups[] = {
        { "path", test_path },     { "stat", test_stat }, { "link", test_link },
        { "rename", test_rename }, { "rw", test_rw },     { "permission", test_permission },
        { "fd", test_fd },         { "pipe", test_pipe }, { "fifo", test_fifo },
        { "poll", test_poll },     { "dir", test_dir },   { "dev", test_dev },
        { "proc", test_proc },     { "mount", test_mount }, { "limit", test_limit },
    };
    struct rlimit64 no_core = { 0, 0 };
    size_t i;

    (void)envp;
    (void)auxv;
    sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    sys(umask, 022);
    /* A file system of our own, so that a second run starts with nothing. */
    sys(mkdirat, CWD, TOP, 0755);
    sys(umount2, TOP, 0);
    EQ("files.top", sys(mount, "none", TOP, "tmpfs", 0, "mode=0755"), 0);
    EQ("files.chdir", sys(chdir, TOP), 0);
    sys(mkdirat, CWD, "d", 0755);
    put("w", "abc");
    if (test_wanted(argc, argv, "path"))
        sys(unlinkat, CWD, "d", AT_REMOVEDIR);
    else
        put("d/f", "text");
    for (i = 0; i < ARRAY_LEN(groups); i++) {
        if (i == 0 ? argc == 1 || !strcmp(argv[1], "path") : test_wanted(argc, argv, groups[i].name))
            groups[i].fn();
    }
    sys(chdir, "/");
    EQ("files.umount", sys(umount2, TOP, 2), 0);
    return test_end();
}
