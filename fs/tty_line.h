/*
 * Line discipline: what happens to bytes between a terminal and its readers and writers
 * (termios(3)). Pure state: no locks, no sleeping, no signals sent. The owner serialises all calls
 * (fs/tty.c, under the tty's spinlock, also in IRQ context), sends the signals that
 * tty_line_receive() returns and takes the output from the ring. Runs on the host in
 * tests/unit/tty_test.c.
 */
#pragma once

#include <asm/termbits.h>

#include "kernel/types.h"

#define TTY_INPUT_SIZE  4096u /* N_TTY_BUF_SIZE: a line has at most 4095 bytes and its end */
#define TTY_OUTPUT_SIZE 4096u

/* What a received byte asks of the owner. */
enum tty_event {
    TTY_EVENT_INT = 1 << 0,
    TTY_EVENT_QUIT = 1 << 1,
    TTY_EVENT_SUSP = 1 << 2,
    TTY_EVENT_READABLE = 1 << 3, /* readers may have something to do */
};

struct tty_line {
    struct termios2 termios;

    /* Input: free-running positions, tail <= canon_head <= head. */
    uint32_t head;
    uint32_t canon_head; /* end of the last complete line; the line being edited follows */
    uint32_t tail;
    uint8_t input[TTY_INPUT_SIZE];
    uint8_t
        line_end[TTY_INPUT_SIZE / 8]; /* bit: a line ends with this byte; a 0 byte there is EOF */
    bool literal_next;                /* VLNEXT was typed */
    bool erasing;                     /* ECHOPRT: inside \.../ */

    /* Output. */
    uint32_t out_head, out_tail;
    uint32_t column;       /* where the cursor is */
    uint32_t canon_column; /* where it was when the line being edited began */
    bool stopped;          /* by VSTOP or TCOOFF */
    uint8_t output[TTY_OUTPUT_SIZE];
};

/* Does: sets Linux's initial modes: cooked, echoing, signals on, 115200 baud. */
void tty_line_init(struct tty_line *line);
/* Does: changes the modes; what was read ahead stays, as one line if ICANON comes on. */
void tty_line_set_termios(struct tty_line *line, const struct termios2 *termios);

/* Returns whether tty_line_receive() can take a byte without losing it. */
bool tty_line_has_room(const struct tty_line *line);
/* Does: one byte from the terminal: editing, echo, storing. Returns enum tty_event bits. */
unsigned tty_line_receive(struct tty_line *line, uint8_t byte);

/* Returns whether a read would not wait: a line (or its EOF), or at least `min` raw bytes. */
bool tty_line_readable(const struct tty_line *line, uint32_t min);
/* FIONREAD: bytes that read would give without waiting. */
uint32_t tty_line_available(const struct tty_line *line);
/*
 * Does: moves at most len bytes, in canonical mode of one line at most, to buf.
 * *ended: a line ended here, so the read is over (0 bytes: end of file).
 */
size_t tty_line_read(struct tty_line *line, uint8_t *buf, size_t len, bool *ended);
void tty_line_flush_input(struct tty_line *line);

/* Does: processes as many bytes as fit to the output ring (OPOST). Returns how many it took. */
size_t tty_line_write(struct tty_line *line, const uint8_t *buf, size_t len);
void tty_line_flush_output(struct tty_line *line);

static inline uint32_t tty_line_out_used(const struct tty_line *line)
{
    return line->out_head - line->out_tail;
}

static inline uint32_t tty_line_out_room(const struct tty_line *line)
{
    return TTY_OUTPUT_SIZE - tty_line_out_used(line);
}

/* Requires: tty_line_out_used() > 0. The byte stays until tty_line_out_drop(). */
static inline uint8_t tty_line_out_peek(const struct tty_line *line)
{
    return line->output[line->out_tail % TTY_OUTPUT_SIZE];
}

static inline void tty_line_out_drop(struct tty_line *line)
{
    line->out_tail++;
}

/* Between tty_line.c and tty_echo.c. */

static inline bool tty_line_iflag(const struct tty_line *line, tcflag_t flag)
{
    return (line->termios.c_iflag & flag) != 0;
}

static inline bool tty_line_lflag(const struct tty_line *line, tcflag_t flag)
{
    return (line->termios.c_lflag & flag) != 0;
}

static inline bool tty_line_is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* Returns whether the byte continues a UTF-8 sequence and thus has no column of its own. */
static inline bool tty_line_is_continuation(const struct tty_line *line, uint8_t byte)
{
    return tty_line_iflag(line, IUTF8) && (byte & 0xc0) == 0x80;
}

/* As typed: control characters as ^X with ECHOCTL. */
void tty_echo(struct tty_line *line, uint8_t byte);
/* Through OPOST only. */
void tty_echo_raw(struct tty_line *line, uint8_t byte);
void tty_echo_end_erasing(struct tty_line *line);
/* Does: shows that [from, head) of the input, one character, is gone. */
void tty_echo_erase(struct tty_line *line, uint32_t from, bool single);
/* Does: shows the whole line being edited again (VREPRINT). */
void tty_echo_reprint(struct tty_line *line);
