/*
 * Process 1. Mounts what is missing, then serves one of two masters and powers the machine off:
 * a shell on the console, or with `quoin.exec` on the kernel command line the host's command.
 */
#include "init.h"

#include "sys.h"

static char cmdline[CMDLINE_MAX];
static char term[64] = "TERM=linux";

char *init_environment[] = {
    "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "SHELL=/bin/sh",
    term,
    NULL,
};

void init_print(const char *text)
{
    sys_write(2, text, strlen(text));
}

bool init_option(const char *name, char *value, size_t size)
{
    size_t len = strlen(name);
    const char *word = cmdline;

    while (*word != '\0') {
        size_t end = 0;

        while (word[end] != '\0' && word[end] != ' ' && word[end] != '\n')
            end++;
        if (end >= len && memcmp(word, name, len) == 0 && (end == len || word[len] == '=')) {
            size_t count = end > len ? end - len - 1 : 0;

            if (count >= size)
                count = size - 1;
            memcpy(value, word + end - (end > len ? end - len - 1 : 0), count);
            value[count] = '\0';
            return true;
        }
        word += end;
        while (*word == ' ' || *word == '\n')
            word++;
    }
    return false;
}

static void mount_missing(const char *probe, const char *target, const char *type)
{
    if (sys_exists(probe))
        return;
    sys_mkdir(target, 0755);
    sys_mount(type, target, type);
}

static void read_cmdline(void)
{
    int fd = (int)sys_open("/proc/cmdline", O_RDONLY);
    long len = fd < 0 ? 0 : sys_read(fd, cmdline, sizeof(cmdline) - 1);

    if (len < 0)
        len = 0;
    cmdline[len] = '\0';
    if (fd >= 0)
        sys_close(fd);
    init_option("quoin.term", term + strlen("TERM="), sizeof(term) - strlen("TERM="));
}

static void open_console(void)
{
    int fd;

    for (fd = 0; fd < 3; fd++)
        sys_close(fd);
    fd = (int)sys_open("/dev/console", O_RDWR);
    if (fd < 0)
        fd = (int)sys_open("/dev/null", O_RDWR);
    if (fd > 0)
        sys_dup3(fd, 0);
    if (fd != 1)
        sys_dup3(0, 1);
    if (fd != 2)
        sys_dup3(0, 2);
    if (fd > 2)
        sys_close(fd);
}

int main(void)
{
    char value[8];

    mount_missing("/dev/null", "/dev", "devtmpfs");
    mount_missing("/proc/self", "/proc", "proc");
    mount_missing("/sys/devices", "/sys", "sysfs");
    mount_missing("/dev/shm/.", "/dev/shm", "tmpfs");
    open_console();
    read_cmdline();
    sys_sethostname("quoin");
    if (init_option("quoin.exec", value, sizeof(value)))
        agent_run();
    else
        shell_run();
    sys_power_off();
    init_print("init: the machine does not power off\n");
    for (;;)
        sys_poll(NULL, 0, 60000);
}
