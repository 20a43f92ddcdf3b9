/*
 * The exec half of init: runs one command for the host, over a byte channel of its own.
 *
 * A frame is a stream id (1 byte), a length (4 bytes, little-endian) and that many bytes.
 *   host to guest:  C the command   0 standard input, length 0 = its end   A the status has come
 *                   K more room: a stream's id, then 4 bytes of count   Z nobody reads that stream
 *   guest to host:  H hello   1 standard output   2 standard error   X the exit status, 4 bytes
 *                   K more room for stream 0, 4 bytes of count
 * Each data stream starts with WINDOW bytes of room, so whoever reads the channel can always
 * store what comes, and a full pipe on one stream holds up no other.
 */
#include "init.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/errno.h>
#include <linux/wait.h>

#include "sys.h"

#define WINDOW (256 * 1024)
#define COMMAND_MAX (128 * 1024)
#define CHUNK_MAX (32 * 1024)
#define HEADER_LEN 5
#define GREETING "quoin/1\n"
#define REAP_POLL_MAX_MS 50

enum { STREAM_OUT, STREAM_ERR, NR_OUTPUTS };

struct output {
    int fd; /* the pipe's end, or -1 */
    uint32_t room;
    bool drained; /* nothing more can come: the command has ended and the pipe is empty */
};

static int channel;
static struct output outputs[NR_OUTPUTS];

static int input_fd = -1;
static unsigned char input[WINDOW];
static uint32_t input_start;
static uint32_t input_len;
static bool input_ended;

static unsigned char header[HEADER_LEN];
static uint32_t header_len;
static uint32_t frame_left;
static unsigned char control[HEADER_LEN];
static uint32_t control_len;

static char command[COMMAND_MAX];
static uint32_t command_len;
static bool command_complete;
static bool status_taken;

static uint32_t get_u32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static void put_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static void channel_write(const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        long done = sys_write(channel, at, len);

        if (done == -EAGAIN || done == -EINTR)
            continue;
        if (done <= 0)
            sys_power_off();
        at += done;
        len -= (size_t)done;
    }
}

static void send_frame(char stream, const void *data, uint32_t len)
{
    unsigned char head[HEADER_LEN] = {(unsigned char)stream};

    put_u32(head + 1, len);
    channel_write(head, sizeof(head));
    if (len > 0)
        channel_write(data, len);
}

static void protocol_error(void)
{
    init_print("init: the host broke the channel's protocol\n");
    sys_power_off();
}

static void take_input(const unsigned char *data, uint32_t len)
{
    if (len > WINDOW - input_len)
        protocol_error();
    for (uint32_t i = 0; i < len; i++)
        input[(input_start + input_len + i) % WINDOW] = data[i];
    input_len += len;
}

static void take_control(const unsigned char *data, uint32_t len)
{
    for (uint32_t i = 0; i < len && control_len < sizeof(control); i++)
        control[control_len++] = data[i];
}

static void take_payload(const unsigned char *data, uint32_t len)
{
    switch (header[0]) {
    case '0':
        take_input(data, len);
        break;
    case 'C':
        if (len >= COMMAND_MAX - command_len)
            protocol_error();
        memcpy(command + command_len, data, len);
        command_len += len;
        break;
    default:
        take_control(data, len);
        break;
    }
}

static struct output *controlled_output(void)
{
    return &outputs[control[0] == '2' ? STREAM_ERR : STREAM_OUT];
}

static void close_output(struct output *output)
{
    if (output->fd >= 0)
        sys_close(output->fd);
    output->fd = -1;
    output->drained = true;
}

static void finish_frame(void)
{
    switch (header[0]) {
    case '0':
        if (get_u32(header + 1) == 0)
            input_ended = true;
        break;
    case 'C':
        command_complete = true;
        break;
    case 'K':
        controlled_output()->room += get_u32(control + 1);
        break;
    case 'Z':
        close_output(controlled_output());
        break;
    case 'A':
        status_taken = true;
        break;
    default:
        protocol_error();
    }
    control_len = 0;
    header_len = 0;
}

/* Frames come in arbitrary pieces; what a piece completes takes effect at once. */
static void take_bytes(const unsigned char *data, uint32_t len)
{
    while (len > 0) {
        uint32_t count;

        if (header_len < HEADER_LEN) {
            header[header_len++] = *data++;
            len--;
            if (header_len < HEADER_LEN)
                continue;
            frame_left = get_u32(header + 1);
        }
        count = frame_left < len ? frame_left : len;
        take_payload(data, count);
        data += count;
        len -= count;
        frame_left -= count;
        if (frame_left == 0)
            finish_frame();
    }
}

static void channel_read(void)
{
    static unsigned char buf[CHUNK_MAX];
    long len = sys_read(channel, buf, sizeof(buf));

    if (len == -EAGAIN || len == -EINTR)
        return;
    if (len <= 0)
        sys_power_off();
    take_bytes(buf, (uint32_t)len);
}

static void close_input(void)
{
    if (input_fd >= 0)
        sys_close(input_fd);
    input_fd = -1;
    input_len = 0;
}

static void pump_input(void)
{
    uint32_t count = WINDOW - input_start < input_len ? WINDOW - input_start : input_len;
    unsigned char more[4];
    long done;

    if (count > 0) {
        done = sys_write(input_fd, input + input_start, count);
        if (done == -EAGAIN || done == -EINTR)
            return;
        if (done < 0) {
            close_input();
            return;
        }
        input_start = (input_start + (uint32_t)done) % WINDOW;
        input_len -= (uint32_t)done;
        put_u32(more, (uint32_t)done);
        send_frame('K', more, sizeof(more));
    }
    if (input_len == 0 && input_ended)
        close_input();
}

static void pump_output(struct output *output, char stream)
{
    static unsigned char buf[CHUNK_MAX];
    long len = sys_read(output->fd, buf, output->room < sizeof(buf) ? output->room : sizeof(buf));

    if (len == -EAGAIN || len == -EINTR)
        return;
    if (len <= 0) {
        close_output(output);
        return;
    }
    output->room -= (uint32_t)len;
    send_frame(stream, buf, (uint32_t)len);
}

/* One round of the pump: waits for any end of it, then moves what can move. */
static void pump(long timeout_ms, bool ended)
{
    struct sys_pollfd fds[2 + NR_OUTPUTS];
    bool wants_input = input_fd >= 0 && (input_len > 0 || input_ended);

    fds[0] = (struct sys_pollfd){.fd = channel, .events = SYS_POLLIN};
    fds[1] = (struct sys_pollfd){.fd = wants_input ? input_fd : -1, .events = SYS_POLLOUT};
    for (int i = 0; i < NR_OUTPUTS; i++) {
        fds[2 + i] = (struct sys_pollfd){
            .fd = outputs[i].room > 0 ? outputs[i].fd : -1,
            .events = SYS_POLLIN,
        };
    }
    if (sys_poll(fds, 2 + NR_OUTPUTS, timeout_ms) < 0)
        return;
    if (fds[0].revents != 0)
        channel_read();
    if (fds[1].revents != 0 && input_fd >= 0)
        pump_input();
    for (int i = 0; i < NR_OUTPUTS; i++) {
        if (fds[2 + i].revents != 0 && outputs[i].fd >= 0)
            pump_output(&outputs[i], i == STREAM_ERR ? '2' : '1');
        else if (ended && fds[2 + i].fd >= 0)
            outputs[i].drained = true;
    }
}

static bool outputs_done(void)
{
    return outputs[STREAM_OUT].drained && outputs[STREAM_ERR].drained;
}

/* Whether a poll would tell if some output that is still open has anything left. */
static bool outputs_have_room(void)
{
    return (!outputs[STREAM_OUT].drained && outputs[STREAM_OUT].room > 0) ||
           (!outputs[STREAM_ERR].drained && outputs[STREAM_ERR].room > 0);
}

static int exit_status(int status)
{
    int signal = status & 0x7f;

    return signal != 0 ? 128 + signal : (status >> 8) & 0xff;
}

/* Returns whether the command has ended; other children are orphans that nobody else collects. */
static bool reap(long child, int *out)
{
    int status;
    long pid;

    while ((pid = sys_wait(&status, WNOHANG)) > 0) {
        if (pid == child) {
            *out = exit_status(status);
            return true;
        }
    }
    return false;
}

/* While the command runs, a job in the background may hold the pipes open after its end, and a
 * command may close them long before: only wait tells, so the pump never sleeps long. */
static int serve(long child)
{
    long reap_ms = 1;
    int status = 0;
    bool ended = false;

    while (!ended || !outputs_done()) {
        long timeout_ms = REAP_POLL_MAX_MS;

        if (ended && outputs_have_room()) {
            timeout_ms = 0;
        } else if (outputs_done()) {
            timeout_ms = reap_ms;
            reap_ms = reap_ms * 2 < REAP_POLL_MAX_MS ? reap_ms * 2 : REAP_POLL_MAX_MS;
        }
        pump(timeout_ms, ended);
        if (!ended)
            ended = reap(child, &status);
    }
    return status;
}

static void start_command(const int in[2], const int out[2], const int err[2])
{
    char *const argv[] = {"sh", "-c", command, NULL};

    sys_setsid();
    sys_ignore_sigpipe(false);
    sys_dup3(in[0], 0);
    sys_dup3(out[1], 1);
    sys_dup3(err[1], 2);
    sys_execve("/bin/sh", argv, init_environment);
    init_print("init: cannot run /bin/sh\n");
    sys_exit(127);
}

static int run_command(void)
{
    int in[2], out[2], err[2];
    long child;

    if (sys_pipe(in, O_CLOEXEC) < 0 || sys_pipe(out, O_CLOEXEC) < 0 ||
        sys_pipe(err, O_CLOEXEC) < 0) {
        init_print("init: cannot make pipes\n");
        return 126;
    }
    child = sys_fork();
    if (child == 0)
        start_command(in, out, err);
    sys_close(in[0]);
    sys_close(out[1]);
    sys_close(err[1]);
    if (child < 0) {
        init_print("init: cannot fork\n");
        return 126;
    }
    sys_fcntl(in[1], F_SETFL, O_WRONLY | O_NONBLOCK);
    input_fd = in[1];
    outputs[STREAM_OUT] = (struct output){.fd = out[0], .room = WINDOW};
    outputs[STREAM_ERR] = (struct output){.fd = err[0], .room = WINDOW};
    return serve(child);
}

/* A terminal device must pass every byte as it is; a plain device refuses the call. */
static void make_raw(int fd)
{
    struct termios mode;

    if (sys_ioctl(fd, TCGETS, &mode) < 0)
        return;
    mode.c_iflag = 0;
    mode.c_oflag = 0;
    mode.c_lflag = 0;
    mode.c_cflag = B115200 | CS8 | CREAD | CLOCAL;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    sys_ioctl(fd, TCSETS, &mode);
}

static bool open_channel(void)
{
    char path[64] = "/dev/channel";

    init_option("quoin.channel", path, sizeof(path));
    channel = (int)sys_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (channel < 0)
        return false;
    make_raw(channel);
    return true;
}

void agent_run(void)
{
    unsigned char status[4];

    if (!open_channel()) {
        init_print("init: cannot open the channel\n");
        return;
    }
    sys_ignore_sigpipe(true);
    send_frame('H', GREETING, sizeof(GREETING) - 1);
    while (!command_complete)
        channel_read();
    command[command_len] = '\0';
    put_u32(status, (uint32_t)run_command());
    send_frame('X', status, sizeof(status));
    while (!status_taken)
        channel_read();
}
