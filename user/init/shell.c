/* The interactive half of init: a login shell with the console as its controlling terminal. */
#include "init.h"

#include <asm/ioctls.h>
#include <asm/termios.h>

#include "sys.h"

static unsigned short parse_number(const char **text)
{
    unsigned int value = 0;

    while (**text >= '0' && **text <= '9' && value < 10000)
        value = value * 10 + (unsigned int)(*(*text)++ - '0');
    return (unsigned short)value;
}

/* The host's window has ROWSxCOLUMNS: no serial line can say so itself. */
static void set_window_size(void)
{
    char text[32];
    const char *at = text;
    struct winsize size = {0};

    if (!init_option("quoin.size", text, sizeof(text)))
        return;
    size.ws_row = parse_number(&at);
    if (*at == 'x')
        at++;
    size.ws_col = parse_number(&at);
    if (size.ws_row != 0 && size.ws_col != 0)
        sys_ioctl(0, TIOCSWINSZ, &size);
}

static void start_shell(void)
{
    char *const argv[] = {"-sh", NULL};
    int fd;

    sys_setsid();
    fd = (int)sys_open("/dev/console", O_RDWR);
    if (fd >= 0) {
        sys_dup3(fd, 0);
        sys_dup3(fd, 1);
        sys_dup3(fd, 2);
        if (fd > 2)
            sys_close(fd);
    }
    sys_ioctl(0, TIOCSCTTY, NULL);
    set_window_size();
    sys_chdir("/root");
    sys_execve("/bin/sh", argv, init_environment);
    init_print("init: cannot run /bin/sh\n");
    sys_exit(127);
}

void shell_run(void)
{
    int status;
    long child = sys_fork();
    long done;

    if (child == 0)
        start_shell();
    if (child < 0) {
        init_print("init: cannot fork\n");
        return;
    }
    do {
        done = sys_wait(&status, 0);
    } while (done > 0 && done != child);
    init_print("init: the shell has ended, powering off\n");
}
