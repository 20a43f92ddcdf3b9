/* Pseudo-terminals: who waits on one side goes on when the other makes room or lets output go. */
#include "test.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>

static long master, slave;

static void open_pair(tcflag_t iflag)
{
    struct termios termios;
    int number = 0, unlock = 0;
    char name[32];

    master = sys(openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
    sys(ioctl, master, TIOCSPTLCK, &unlock);
    sys(ioctl, master, TIOCGPTN, &number);
    text_format(name, sizeof(name), "/dev/pts/%d", number);
    slave = sys(openat, AT_FDCWD, name, O_RDWR | O_NOCTTY, 0);
    CHECK("open", master >= 0 && slave >= 0);
    sys(ioctl, slave, TCGETS, &termios);
    termios.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    termios.c_iflag = iflag;
    sys(ioctl, slave, TCSETS, &termios);
}

static void close_pair(void)
{
    sys(close, slave);
    sys(close, master);
}

static bool readable(long fd, long ms)
{
    struct pollfd pfd = { (int)fd, POLLIN, 0 };
    struct __kernel_timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    return sys(ppoll, &pfd, 1, &ts, 0, 8) == 1;
}

static int write_slave(void *arg)
{
    (void)arg;
    return (int)sys(write, slave, "x", 1);
}

/* ^S, and then the end of IXON instead of ^Q. */
static void test_ixon(void)
{
    struct termios termios;
    long pid;

    open_pair(IXON);
    sys(write, master, "\023", 1);
    sleep_ms(50);
    pid = fork_child(write_slave, 0);
    CHECK("ixon.stopped", !readable(master, 100));
    sys(ioctl, slave, TCGETS, &termios);
    termios.c_iflag &= ~(tcflag_t)IXON;
    sys(ioctl, slave, TCSETS, &termios);
    CHECK("ixon.cleared", readable(master, 2000));
    sys(kill, pid, SIGKILL);
    wait_status(pid);
    close_pair();
}

static int write_master(void *arg)
{
    static char block[256 * 1024];

    (void)arg;
    return sys(write, master, block, sizeof(block)) == sizeof(block) ? 3 : 4;
}

static void test_flush(void)
{
    bool ended = false;
    int status = 0;
    long pid;

    open_pair(0);
    pid = fork_child(write_master, 0);
    sleep_ms(100);
    EQ("flush.waits", sys(wait4, pid, &status, WNOHANG, 0), 0);
    for (int i = 0; i < 2000 && !ended; i++) {
        sys(ioctl, slave, TCFLSH, 0); /* TCIFLUSH */
        sleep_ms(1);
        ended = sys(wait4, pid, &status, WNOHANG, 0) == pid;
    }
    if (!ended) {
        sys(kill, pid, SIGKILL);
        wait_status(pid);
    }
    EQ("flush.wakes", status, 3 << 8);
    close_pair();
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    (void)envp;
    (void)auxv;
    if (test_wanted(argc, argv, "ixon"))
        test_ixon();
    if (test_wanted(argc, argv, "flush"))
        test_flush();
    return test_end();
}
