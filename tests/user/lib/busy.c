/* What a thread can be at when its process is stopped or ends. */
#include <linux/time_types.h>

#include "test.h"

static int leave(void *arg)
{
    (void)arg;
    return 0;
}

NORETURN int busy(void *way)
{
    static int never;
    struct __kernel_timespec hundred_s = { 100, 0 };
    int quiet_pipe[2];
    char c;

    switch ((long)way) {
    case BUSY_SPIN:
        for (;;)
            __asm__ volatile("" ::: "memory");
    case BUSY_FUTEX:
        for (;;)
            sys(futex, &never, FUTEX_WAIT, 0, 0, 0, 0);
    case BUSY_READ:
        sys(pipe2, quiet_pipe, 0);
        for (;;)
            sys(read, quiet_pipe[0], &c, 1);
    case BUSY_CALL:
        for (;;)
            sys(getppid);
    case BUSY_SLEEP:
        for (;;)
            sys(nanosleep, &hundred_s, 0);
    case BUSY_NAP:
        for (;;)
            sleep_ms(1);
    case BUSY_FORK:
        for (;;)
            wait_status(fork_child(leave, 0));
    default:
        for (;;) {
            char *page = map_anon(3 * PAGE, PROT_READ | PROT_WRITE);

            if (!is_err((long)page))
                page[PAGE] = 1;
            sys(munmap, page, 3 * PAGE);
        }
    }
}
