/*
 * The input half of the line discipline: signals, flow control, mapping, line editing, and the
 * store that reads take from. Bytes past the room of a line replace its last one, so that its
 * end always fits (n_tty's rule).
 */
#include "fs/tty_line.h"

#include "kernel/string.h"

#define DISABLED 0 /* _POSIX_VDISABLE */

static const cc_t initial_cc[] = {
    [VINTR] = 'C' - 0x40,
    [VQUIT] = '\\' - 0x40,
    [VERASE] = 0x7f,
    [VKILL] = 'U' - 0x40,
    [VEOF] = 'D' - 0x40,
    [VTIME] = 0,
    [VMIN] = 1,
    [VSTART] = 'Q' - 0x40,
    [VSTOP] = 'S' - 0x40,
    [VSUSP] = 'Z' - 0x40,
    [VREPRINT] = 'R' - 0x40,
    [VDISCARD] = 'O' - 0x40,
    [VWERASE] = 'W' - 0x40,
    [VLNEXT] = 'V' - 0x40,
};

void tty_line_init(struct tty_line *line)
{
    *line = (struct tty_line){0};
    line->termios.c_iflag = ICRNL | IXON;
    line->termios.c_oflag = OPOST | ONLCR;
    line->termios.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
    line->termios.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    line->termios.c_ispeed = 115200;
    line->termios.c_ospeed = 115200;
    memcpy(line->termios.c_cc, initial_cc, sizeof(initial_cc));
}

static bool cc_is(const struct tty_line *line, unsigned index, uint8_t byte)
{
    return byte != DISABLED && line->termios.c_cc[index] == byte;
}

static void set_line_end(struct tty_line *line, uint32_t at)
{
    at %= TTY_INPUT_SIZE;
    line->line_end[at / 8] = (uint8_t)(line->line_end[at / 8] | 1u << at % 8);
}

static void clear_line_end(struct tty_line *line, uint32_t at)
{
    at %= TTY_INPUT_SIZE;
    line->line_end[at / 8] = (uint8_t)(line->line_end[at / 8] & ~(1u << at % 8));
}

static bool is_line_end(const struct tty_line *line, uint32_t at)
{
    at %= TTY_INPUT_SIZE;
    return (line->line_end[at / 8] >> at % 8) & 1;
}

void tty_line_set_termios(struct tty_line *line, const struct termios2 *termios)
{
    bool was_canonical = tty_line_lflag(line, ICANON);

    line->termios = *termios;
    if (tty_line_lflag(line, ICANON) == was_canonical) {
        return;
    }
    memset(line->line_end, 0, sizeof(line->line_end));
    line->canon_head = line->tail;
    if (!was_canonical && line->head != line->tail) {
        set_line_end(line, line->head - 1);
        line->canon_head = line->head;
    }
    line->erasing = false;
    line->literal_next = false;
}

bool tty_line_has_room(const struct tty_line *line)
{
    /* A full line without an end takes more, as store() says; complete lines wait for a reader. */
    return line->head - line->tail < TTY_INPUT_SIZE ||
           (tty_line_lflag(line, ICANON) && line->canon_head == line->tail);
}

static void store(struct tty_line *line, uint8_t byte)
{
    if (line->head - line->tail == TTY_INPUT_SIZE) {
        line->head--;
    }
    clear_line_end(line, line->head);
    line->input[line->head++ % TTY_INPUT_SIZE] = byte;
}

static unsigned finish_line(struct tty_line *line, uint8_t byte)
{
    store(line, byte);
    set_line_end(line, line->head - 1);
    line->canon_head = line->head;
    return TTY_EVENT_READABLE;
}

/* Returns where the last character of the line being edited starts, or head if none does. */
static uint32_t last_character(const struct tty_line *line)
{
    uint32_t at = line->head;

    while (at != line->canon_head) {
        at--;
        if (!tty_line_is_continuation(line, line->input[at % TTY_INPUT_SIZE])) {
            return at;
        }
    }
    return line->head;
}

static bool is_word_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '_' || byte >= 0x80;
}

static void erase_character(struct tty_line *line)
{
    uint32_t from = last_character(line);

    if (from != line->head) {
        tty_echo_erase(line, from, true);
        line->head = from;
    }
}

static void erase_word(struct tty_line *line)
{
    bool in_word = false;

    for (;;) {
        uint32_t from = last_character(line);
        bool word_byte = from != line->head && is_word_byte(line->input[from % TTY_INPUT_SIZE]);

        if (from == line->head || (in_word && !word_byte)) {
            return;
        }
        in_word |= word_byte;
        tty_echo_erase(line, from, false);
        line->head = from;
    }
}

static void erase_line(struct tty_line *line)
{
    if (tty_line_lflag(line, ECHO) &&
        (!tty_line_lflag(line, ECHOK) || !tty_line_lflag(line, ECHOKE) ||
         !tty_line_lflag(line, ECHOE))) {
        line->head = line->canon_head;
        tty_echo_end_erasing(line);
        tty_echo(line, line->termios.c_cc[VKILL]);
        if (tty_line_lflag(line, ECHOK)) {
            tty_echo_raw(line, '\n');
        }
        return;
    }
    while (line->head != line->canon_head) {
        uint32_t from = last_character(line);

        if (from == line->head) {
            from = line->canon_head; /* stray continuation bytes */
        }
        tty_echo_erase(line, from, false);
        line->head = from;
    }
}

/* Returns whether the byte was an editing character. */
static bool edit(struct tty_line *line, uint8_t byte)
{
    bool extended = tty_line_lflag(line, IEXTEN);

    if (cc_is(line, VERASE, byte)) {
        erase_character(line);
    } else if (cc_is(line, VKILL, byte)) {
        erase_line(line);
    } else if (extended && cc_is(line, VWERASE, byte)) {
        erase_word(line);
    } else {
        return false;
    }
    if (line->head == line->canon_head && tty_line_lflag(line, ECHO)) {
        tty_echo_end_erasing(line);
    }
    return true;
}

static void echo_stored(struct tty_line *line, uint8_t byte)
{
    tty_echo_end_erasing(line);
    if (byte == '\n') {
        tty_echo_raw(line, byte);
        return;
    }
    if (line->canon_head == line->head) {
        line->canon_column = line->column;
    }
    tty_echo(line, byte);
}

static unsigned receive_plain(struct tty_line *line, uint8_t byte)
{
    if (tty_line_lflag(line, ECHO)) {
        echo_stored(line, byte);
    }
    store(line, byte);
    return tty_line_lflag(line, ICANON) ? 0 : TTY_EVENT_READABLE;
}

static unsigned receive_canonical(struct tty_line *line, uint8_t byte)
{
    bool echo = tty_line_lflag(line, ECHO);
    bool extended = tty_line_lflag(line, IEXTEN);

    if (edit(line, byte)) {
        return 0;
    }
    if (extended && cc_is(line, VLNEXT, byte)) {
        line->literal_next = true;
        if (echo) {
            tty_echo_end_erasing(line);
            if (tty_line_lflag(line, ECHOCTL)) {
                tty_echo_raw(line, '^');
                tty_echo_raw(line, '\b');
            }
        }
        return 0;
    }
    if (echo && extended && cc_is(line, VREPRINT, byte)) {
        tty_echo_reprint(line);
        return 0;
    }
    if (byte == '\n') {
        if (echo || tty_line_lflag(line, ECHONL)) {
            tty_echo_end_erasing(line);
            tty_echo_raw(line, '\n');
        }
        return finish_line(line, byte);
    }
    if (cc_is(line, VEOF, byte)) {
        return finish_line(line, DISABLED);
    }
    if (cc_is(line, VEOL, byte) || (extended && cc_is(line, VEOL2, byte))) {
        if (echo) {
            echo_stored(line, byte);
        }
        return finish_line(line, byte);
    }
    return receive_plain(line, byte);
}

static unsigned signal_event(const struct tty_line *line, uint8_t byte)
{
    if (!tty_line_lflag(line, ISIG)) {
        return 0;
    }
    if (cc_is(line, VINTR, byte)) {
        return TTY_EVENT_INT;
    }
    if (cc_is(line, VQUIT, byte)) {
        return TTY_EVENT_QUIT;
    }
    return cc_is(line, VSUSP, byte) ? TTY_EVENT_SUSP : 0;
}

static unsigned receive_signal(struct tty_line *line, uint8_t byte, unsigned event)
{
    if (!tty_line_lflag(line, NOFLSH)) {
        tty_line_flush_output(line);
        tty_line_flush_input(line);
    }
    if (tty_line_iflag(line, IXON)) {
        line->stopped = false;
    }
    if (tty_line_lflag(line, ECHO)) {
        tty_echo_end_erasing(line);
        tty_echo(line, byte);
    }
    return event;
}

/* Returns whether the byte was for flow control and is used up. */
static bool flow_control(struct tty_line *line, uint8_t byte)
{
    if (!tty_line_iflag(line, IXON)) {
        return false;
    }
    if (cc_is(line, VSTART, byte)) {
        line->stopped = false;
        return true;
    }
    if (cc_is(line, VSTOP, byte)) {
        line->stopped = true;
        return true;
    }
    return false;
}

unsigned tty_line_receive(struct tty_line *line, uint8_t byte)
{
    unsigned event;

    if (tty_line_iflag(line, ISTRIP)) {
        byte &= 0x7f;
    }
    if (tty_line_iflag(line, IUCLC) && tty_line_lflag(line, IEXTEN) && byte >= 'A' && byte <= 'Z') {
        byte = (uint8_t)(byte - 'A' + 'a');
    }
    if (line->literal_next) {
        line->literal_next = false;
        return receive_plain(line, byte);
    }
    if (flow_control(line, byte)) {
        return 0;
    }
    event = signal_event(line, byte);
    if (event != 0) {
        return receive_signal(line, byte, event);
    }
    if (line->stopped && tty_line_iflag(line, IXON) && tty_line_iflag(line, IXANY)) {
        line->stopped = false;
    }
    if (byte == '\r' && tty_line_iflag(line, IGNCR)) {
        return 0;
    }
    if (byte == '\r' && tty_line_iflag(line, ICRNL)) {
        byte = '\n';
    } else if (byte == '\n' && tty_line_iflag(line, INLCR)) {
        byte = '\r';
    }
    return tty_line_lflag(line, ICANON) ? receive_canonical(line, byte) : receive_plain(line, byte);
}

bool tty_line_readable(const struct tty_line *line, uint32_t min)
{
    if (tty_line_lflag(line, ICANON)) {
        return line->canon_head != line->tail;
    }
    return line->head - line->tail >= min;
}

uint32_t tty_line_available(const struct tty_line *line)
{
    uint32_t count = 0;

    if (!tty_line_lflag(line, ICANON)) {
        return line->head - line->tail;
    }
    for (uint32_t at = line->tail; at != line->canon_head; at++) {
        count += !is_line_end(line, at) || line->input[at % TTY_INPUT_SIZE] != DISABLED;
    }
    return count;
}

static size_t read_line(struct tty_line *line, uint8_t *buf, size_t len, bool *ended)
{
    size_t done = 0;

    while (line->tail != line->canon_head) {
        uint8_t byte = line->input[line->tail % TTY_INPUT_SIZE];
        bool end = is_line_end(line, line->tail);
        bool eof = end && byte == DISABLED;

        /* An EOF right after the last byte that fits belongs to it. */
        if (done == len && !eof) {
            break;
        }
        line->tail++;
        if (!eof) {
            buf[done++] = byte;
        }
        if (end) {
            clear_line_end(line, line->tail - 1);
            *ended = true;
            break;
        }
    }
    return done;
}

size_t tty_line_read(struct tty_line *line, uint8_t *buf, size_t len, bool *ended)
{
    size_t done = 0;

    *ended = false;
    if (tty_line_lflag(line, ICANON)) {
        return read_line(line, buf, len, ended);
    }
    while (done < len && line->tail != line->head) {
        buf[done++] = line->input[line->tail++ % TTY_INPUT_SIZE];
    }
    line->canon_head = line->tail;
    return done;
}

void tty_line_flush_input(struct tty_line *line)
{
    line->tail = line->canon_head = line->head;
    memset(line->line_end, 0, sizeof(line->line_end));
    line->literal_next = false;
    line->erasing = false;
}
