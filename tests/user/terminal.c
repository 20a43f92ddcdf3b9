/*
 * Pseudo-terminals: who waits on one side goes on when the other makes room or lets output go, and the
 * other side gets all that was written, each write(2) in one piece.
 */
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
    if (master < 0 || slave < 0)
        CHECK("open", false);
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

static int write_last_words(void *arg)
{
    (void)arg;
    return (int)sys(write, slave, "bye", 3);
}

/* The master reads all before it hears of the end. */
static void test_last_words(void)
{
    int lost = 0, wrong_end = 0;

    for (int i = 0; i < 300; i++) {
        char buf[16];
        long count, all = 0, pid;

        open_pair(0);
        pid = fork_child(write_last_words, 0);
        sys(close, slave);
        while ((count = sys(read, master, buf, sizeof(buf))) > 0)
            all += count;
        lost += all != 3;
        wrong_end += count != -EIO;
        wait_status(pid);
        sys(close, master);
    }
    EQ("last_words.lost", lost, 0);
    EQ("last_words.end", wrong_end, 0);
}

#define BLOCK  3000
#define BLOCKS 20

static int write_blocks(void *arg)
{
    static char block[BLOCK];

    memset(block, (int)(long)arg, BLOCK);
    for (int i = 0; i < BLOCKS; i++) {
        if (sys(write, slave, block, BLOCK) != BLOCK)
            return 1;
    }
    return 0;
}

static void test_whole(void)
{
    long pids[2], total = 0, run = 0, count = 0;
    char buf[512], last = 0;
    int torn = 0;

    open_pair(0);
    for (int i = 0; i < 2; i++)
        pids[i] = fork_child(write_blocks, (void *)(long)('a' + i));
    while (total < 2 * BLOCKS * BLOCK && (count = sys(read, master, buf, sizeof(buf))) > 0) {
        for (long i = 0; i < count; i++) {
            torn += buf[i] != last && run % BLOCK != 0;
            run = buf[i] == last ? run + 1 : 1;
            last = buf[i];
        }
        total += count;
    }
    EQ("whole.all", total, 2 * BLOCKS * BLOCK);
    EQ("whole.torn", torn, 0);
    EQ("whole.writers", wait_status(pids[0]) + wait_status(pids[1]), 0);
    close_pair();
}

static int write_for_ever(void *arg)
{
    while (write_blocks(arg) == 0)
        ;
    return 1;
}

static int write_once(void *arg)
{
    (void)arg;
    return (int)sys(write, slave, "b", 1);
}

/*
 * Who waits to write beside one that writes all the time gets its turn: soon after what was on its way
 * then, which is up to 64 KiB on Linux.
 */
static void test_turns(void)
{
    long pids[2], total = 0, count = 1;
    bool turn = false;
    char buf[512];

    open_pair(0);
    pids[0] = fork_child(write_for_ever, (void *)(long)'a');
    sys(read, master, buf, sizeof(buf));
    pids[1] = fork_child(write_once, 0);
    wait_asleep(pids[1]);
    while (!turn && count > 0 && total < 50 * BLOCK) {
        count = sys(read, master, buf, sizeof(buf));
        for (long i = 0; i < count; i++)
            turn = turn || buf[i] == 'b';
        total += count;
    }
    test_ok(turn, "turns", "%ld bytes of the other writer went before", total);
    for (int i = 0; i < 2; i++) {
        sys(kill, pids[i], SIGKILL);
        wait_status(pids[i]);
    }
    close_pair();
}

static int drain(void *arg)
{
    struct itimerval limit = { { 0, 0 }, { 5, 0 } };
    struct termios termios;

    (void)arg;
    sys(setitimer, ITIMER_REAL, &limit, 0);
    sys(write, slave, "x", 1);
    sys(ioctl, slave, TCGETS, &termios);
    return sys(ioctl, slave, TCSBRK, 1) == 0 && sys(ioctl, slave, TCSETSW, &termios) == 0 ? 7 : 1;
}

/* What the master has not read yet holds up nobody. */
static void test_drain(void)
{
    open_pair(0);
    EQ("drain", child_result(drain, 0), 7);
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
    if (test_wanted(argc, argv, "last_words"))
        test_last_words();
    if (test_wanted(argc, argv, "whole"))
        test_whole();
    if (test_wanted(argc, argv, "turns"))
        test_turns();
    if (test_wanted(argc, argv, "drain"))
        test_drain();
    return test_end();
}
