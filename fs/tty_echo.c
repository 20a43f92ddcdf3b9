/*
 * The output half of the line discipline: OPOST processing into the output ring, and what the
 * terminal shows while a line is typed and erased. Echo that finds the ring full is lost; written
 * bytes are not: tty_line_write() then takes fewer.
 */
#include "fs/tty_line.h"

#define TAB_WIDTH 8u

static bool oflag(const struct tty_line *line, tcflag_t flag)
{
    return (line->termios.c_oflag & flag) != 0;
}

static void output_put(struct tty_line *line, uint8_t byte)
{
    if (tty_line_out_room(line) > 0) {
        line->output[line->out_head++ % TTY_OUTPUT_SIZE] = byte;
    }
}

static void output_newline(struct tty_line *line)
{
    if (oflag(line, ONLRET | ONLCR)) {
        line->column = 0;
    }
    if (oflag(line, ONLCR)) {
        output_put(line, '\r');
    }
    line->canon_column = line->column;
    output_put(line, '\n');
}

static void output_return(struct tty_line *line)
{
    if (oflag(line, ONOCR) && line->column == 0) {
        return;
    }
    if (oflag(line, OCRNL)) {
        if (oflag(line, ONLRET)) {
            line->canon_column = line->column = 0;
        }
        output_put(line, '\n');
        return;
    }
    line->canon_column = line->column = 0;
    output_put(line, '\r');
}

static void output_tab(struct tty_line *line)
{
    uint32_t width = TAB_WIDTH - line->column % TAB_WIDTH;

    line->column += width;
    if ((line->termios.c_oflag & TABDLY) != XTABS) {
        output_put(line, '\t');
        return;
    }
    while (width-- > 0) {
        output_put(line, ' ');
    }
}

static void output_plain(struct tty_line *line, uint8_t byte)
{
    if (oflag(line, OLCUC) && byte >= 'a' && byte <= 'z') {
        byte = (uint8_t)(byte - 'a' + 'A');
    }
    if (!tty_line_is_control(byte) && !tty_line_is_continuation(line, byte)) {
        line->column++;
    }
    output_put(line, byte);
}

void tty_echo_raw(struct tty_line *line, uint8_t byte)
{
    if (!oflag(line, OPOST)) {
        output_put(line, byte);
        return;
    }
    switch (byte) {
    case '\n':
        output_newline(line);
        break;
    case '\r':
        output_return(line);
        break;
    case '\t':
        output_tab(line);
        break;
    case '\b':
        if (line->column > 0) {
            line->column--;
        }
        output_put(line, byte);
        break;
    default:
        output_plain(line, byte);
        break;
    }
}

size_t tty_line_write(struct tty_line *line, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    /* A byte becomes at most a tab's width of blanks. */
    while (done < len && tty_line_out_room(line) >= TAB_WIDTH) {
        tty_echo_raw(line, buf[done++]);
    }
    return done;
}

void tty_line_flush_output(struct tty_line *line)
{
    line->out_tail = line->out_head;
}

void tty_echo(struct tty_line *line, uint8_t byte)
{
    if (tty_line_lflag(line, ECHOCTL) && tty_line_is_control(byte) && byte != '\t') {
        tty_echo_raw(line, '^');
        tty_echo_raw(line, byte ^ 0x40);
        return;
    }
    tty_echo_raw(line, byte);
}

void tty_echo_end_erasing(struct tty_line *line)
{
    if (line->erasing) {
        tty_echo_raw(line, '/');
        line->erasing = false;
    }
}

static void rub_out(struct tty_line *line)
{
    tty_echo_raw(line, '\b');
    tty_echo_raw(line, ' ');
    tty_echo_raw(line, '\b');
}

/* How far a tab before `end` had moved depends on what stands before it on the line. */
static void rub_out_tab(struct tty_line *line, uint32_t end)
{
    uint32_t columns = 0;
    uint32_t at = end;
    bool after_tab = false;

    while (at != line->canon_head && !after_tab) {
        uint8_t byte = line->input[--at % TTY_INPUT_SIZE];

        if (byte == '\t') {
            after_tab = true;
        } else if (tty_line_is_control(byte)) {
            columns += tty_line_lflag(line, ECHOCTL) ? 2 : 0;
        } else if (!tty_line_is_continuation(line, byte)) {
            columns++;
        }
    }
    if (!after_tab) {
        columns += line->canon_column;
    }
    for (uint32_t back = TAB_WIDTH - columns % TAB_WIDTH; back > 0; back--) {
        tty_echo_raw(line, '\b');
    }
}

static void show_erased(struct tty_line *line, uint32_t from)
{
    if (!line->erasing) {
        tty_echo_raw(line, '\\');
        line->erasing = true;
    }
    for (uint32_t at = from; at != line->head; at++) {
        tty_echo(line, line->input[at % TTY_INPUT_SIZE]);
    }
}

void tty_echo_erase(struct tty_line *line, uint32_t from, bool single)
{
    uint8_t byte = line->input[from % TTY_INPUT_SIZE];

    if (!tty_line_lflag(line, ECHO)) {
        return;
    }
    if (tty_line_lflag(line, ECHOPRT)) {
        show_erased(line, from);
    } else if (single && !tty_line_lflag(line, ECHOE)) {
        tty_echo(line, line->termios.c_cc[VERASE]);
    } else if (byte == '\t') {
        rub_out_tab(line, from);
    } else {
        if (tty_line_is_control(byte) && tty_line_lflag(line, ECHOCTL)) {
            rub_out(line);
        }
        if (!tty_line_is_control(byte) || tty_line_lflag(line, ECHOCTL)) {
            rub_out(line);
        }
    }
}

void tty_echo_reprint(struct tty_line *line)
{
    tty_echo_end_erasing(line);
    tty_echo(line, line->termios.c_cc[VREPRINT]);
    tty_echo_raw(line, '\n');
    for (uint32_t at = line->canon_head; at != line->head; at++) {
        tty_echo(line, line->input[at % TTY_INPUT_SIZE]);
    }
}
