/*
 * The line discipline on the host: bytes typed in, compared with what a reader gets and with what
 * the terminal shows. Expected strings are what Linux's n_tty gives for the same keys.
 */
#include <stdlib.h>
#include <string.h>

#include "fs/tty_line.h"
#include "tests/unit/tap.h"

static struct tty_line line;
static unsigned events;

static void start(void)
{
    tty_line_init(&line);
    events = 0;
}

static void type_bytes(const char *keys, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        events |= tty_line_receive(&line, (uint8_t)keys[i]);
    }
}

static void type(const char *keys)
{
    type_bytes(keys, strlen(keys));
}

static const char *shown(void)
{
    static char text[TTY_OUTPUT_SIZE + 1];
    size_t len = 0;

    while (tty_line_out_used(&line) > 0) {
        text[len++] = (char)tty_line_out_peek(&line);
        tty_line_out_drop(&line);
    }
    text[len] = '\0';
    return text;
}

static const char *take(size_t len)
{
    static char text[TTY_INPUT_SIZE + 1];
    bool ended;

    if (!tty_line_readable(&line, 1)) {
        return "(would wait)";
    }
    text[tty_line_read(&line, (uint8_t *)text, len, &ended)] = '\0';
    return text;
}

static void expect_shown(const char *want, const char *name)
{
    const char *got = shown();

    tap_ok(strcmp(got, want) == 0, "%s", name);
    if (strcmp(got, want) != 0) {
        printf("# shown [%s] wanted [%s]\n", got, want);
    }
}

static void expect_read(const char *want, const char *name)
{
    const char *got = take(TTY_INPUT_SIZE);

    tap_ok(strcmp(got, want) == 0, "%s", name);
    if (strcmp(got, want) != 0) {
        printf("# read [%s] wanted [%s]\n", got, want);
    }
}

static void set_lflag(tcflag_t on, tcflag_t off)
{
    struct termios2 termios = line.termios;

    termios.c_lflag = (termios.c_lflag | on) & ~off;
    tty_line_set_termios(&line, &termios);
}

static void set_iflag(tcflag_t on, tcflag_t off)
{
    struct termios2 termios = line.termios;

    termios.c_iflag = (termios.c_iflag | on) & ~off;
    tty_line_set_termios(&line, &termios);
}

static void test_lines(void)
{
    start();
    type("abc");
    expect_read("(would wait)", "an incomplete line is not readable");
    expect_shown("abc", "typed characters are echoed");
    type("\r");
    expect_shown("\r\n", "return is echoed as a new line");
    tap_ok((events & TTY_EVENT_READABLE) != 0, "a complete line wakes readers");
    expect_read("abc\n", "a line is read with its end");

    start();
    type("one\ntwo\n");
    tap_ok(tty_line_available(&line) == 8, "FIONREAD counts all complete lines");
    expect_read("one\n", "a read takes one line");
    expect_read("two\n", "the next read takes the next line");

    start();
    type("abcdef\n");
    tap_ok(strcmp(take(4), "abcd") == 0, "a short read takes part of a line");
    expect_read("ef\n", "the rest of the line follows");
}

static void test_end_of_file(void)
{
    bool ended;
    uint8_t buf[8];

    start();
    type("\4");
    tap_ok(tty_line_readable(&line, 1), "EOF makes the terminal readable");
    tap_ok(tty_line_available(&line) == 0, "EOF is no byte");
    tap_ok(tty_line_read(&line, buf, sizeof(buf), &ended) == 0 && ended, "EOF reads as 0 bytes");
    tap_ok(!tty_line_readable(&line, 1), "EOF is read once");
    type("ab\4");
    expect_read("ab", "EOF after text ends the line without a byte");
    tap_ok(!tty_line_readable(&line, 1), "EOF after text gives no second end");
    type("ab\4");
    tap_ok(strcmp(take(2), "ab") == 0 && !tty_line_readable(&line, 1),
           "EOF after the last byte that fits goes with it");
    expect_shown("abab", "EOF is not echoed");
}

static void test_erase(void)
{
    start();
    type("ab\177");
    expect_shown("ab\b \b", "erase rubs out one column");
    type("\n");
    expect_read("a\n", "erase takes the character away");

    start();
    type("\177\177a\n");
    expect_shown("a\r\n", "erase on an empty line shows nothing");
    expect_read("a\n", "erase on an empty line does nothing");

    start();
    type("one\n\177two\n");
    take(TTY_INPUT_SIZE);
    expect_read("two\n", "erase does not reach into the line before");

    start();
    type("a\1\177");
    expect_shown("a^A\b \b\b \b", "a control character has two columns");

    start();
    type("ab\tc\177\177");
    expect_shown("ab\tc\b \b\b\b\b\b\b\b", "a tab is rubbed out by its width");

    start();
    tty_line_write(&line, (const uint8_t *)"$ ", 2);
    type("\t\177");
    expect_shown("$ \t\b\b\b\b\b\b", "a tab's width counts the prompt");

    start();
    type("one two_2  \27");
    expect_shown("one two_2  \b \b\b \b\b \b\b \b\b \b\b \b\b \b", "word erase");
    type("\n");
    expect_read("one \n", "word erase takes blanks and one word");

    start();
    type("abc\25x\n");
    expect_shown("abc\b \b\b \b\b \bx\r\n", "kill rubs the line out");
    expect_read("x\n", "kill takes the line away");

    start();
    set_lflag(0, ECHOKE);
    type("abc\25x\n");
    expect_shown("abc^U\r\nx\r\n", "kill without ECHOKE starts a new line");
    expect_read("x\n", "kill without ECHOKE takes the line away");

    start();
    set_lflag(ECHOPRT, 0);
    type("abc\177\177d\n");
    expect_shown("abc\\cb/d\r\n", "ECHOPRT shows what is erased");
    expect_read("ad\n", "ECHOPRT erases");

    start();
    set_iflag(IUTF8, 0);
    type("a\303\251\177\n");
    expect_shown("a\303\251\b \b\r\n", "with IUTF8 a character of two bytes is one column");
    expect_read("a\n", "with IUTF8 erase takes the whole character");
}

static void test_special(void)
{
    start();
    type("a\26\3b\n");
    tap_ok((events & TTY_EVENT_INT) == 0, "a quoted interrupt is no signal");
    expect_shown("a^\b^Cb\r\n", "a quoted character is shown over the caret");
    expect_read("a\3b\n", "a quoted character is read");

    start();
    type("ab\22c\n");
    expect_shown("ab^R\r\nabc\r\n", "reprint shows the line again");
    expect_read("abc\n", "reprint is not read");

    start();
    line.termios.c_cc[VEOL] = ';';
    type("ab;c\n");
    expect_read("ab;", "VEOL ends a line and is read");
    expect_read("c\n", "what follows VEOL is a line of its own");

    start();
    set_iflag(INLCR | IGNCR, ICRNL);
    type("a\rb\n");
    expect_read("(would wait)", "IGNCR drops and INLCR maps, so no line ends");
    set_lflag(0, ICANON);
    expect_read("ab\r", "IGNCR drops and INLCR maps");

    start();
    set_lflag(ECHONL, ECHO);
    type("pw\n");
    expect_shown("\r\n", "ECHONL shows only the end of the line");
    start();
    set_lflag(0, ECHO);
    type("pw\177\n");
    expect_shown("", "without ECHO nothing is shown");
    expect_read("p\n", "without ECHO editing works");
}

static void test_signals(void)
{
    start();
    type("abc\3");
    tap_ok(events == TTY_EVENT_INT, "interrupt");
    expect_shown("^C", "interrupt drops the echo before it and is shown");
    type("\n");
    expect_read("\n", "interrupt drops the line");
    events = 0;
    type("\34\32");
    tap_ok(events == (TTY_EVENT_QUIT | TTY_EVENT_SUSP), "quit and suspend");

    start();
    set_lflag(NOFLSH, 0);
    type("abc\3d\n");
    expect_read("abcd\n", "NOFLSH keeps the line");

    start();
    set_lflag(0, ISIG);
    type("a\3\n");
    tap_ok(events == TTY_EVENT_READABLE, "without ISIG no signal");
    expect_read("a\3\n", "without ISIG the byte is read");

    start();
    line.termios.c_cc[VINTR] = 0;
    type_bytes("\0\n", 2);
    tap_ok(events == TTY_EVENT_READABLE, "a disabled character is no signal");
}

static void test_flow(void)
{
    start();
    type("\23");
    tap_ok(line.stopped, "stop");
    type("\21");
    tap_ok(!line.stopped, "start");
    type("\23x");
    tap_ok(line.stopped, "other bytes do not start");
    set_iflag(IXANY, 0);
    type("x");
    tap_ok(!line.stopped, "with IXANY any byte starts");
    type("\23\3");
    tap_ok(!line.stopped, "a signal starts");
    set_iflag(0, IXON);
    type("\23");
    tap_ok(!line.stopped, "without IXON nothing stops");
}

static void test_raw(void)
{
    start();
    set_lflag(0, ICANON | ECHO | ISIG);
    type("a");
    tap_ok((events & TTY_EVENT_READABLE) != 0, "raw bytes wake readers");
    tap_ok(!tty_line_readable(&line, 2) && tty_line_readable(&line, 1), "raw readable by count");
    type("\4\177\3");
    expect_read("a\4\177\3", "raw bytes are read as they are");

    start();
    type("part");
    set_lflag(0, ICANON);
    expect_read("part", "leaving canonical mode makes the part of a line readable");

    start();
    set_lflag(0, ICANON);
    type("ahead");
    set_lflag(ICANON, 0);
    expect_read("ahead", "what was read ahead is a line in canonical mode");
    type("x\177y\n");
    expect_read("y\n", "editing works after the change");

    start();
    type("flushed\n");
    tty_line_flush_input(&line);
    expect_read("(would wait)", "flush drops input");
}

static void test_room(void)
{
    static char got[TTY_INPUT_SIZE + 1];
    bool ended;
    size_t len;

    start();
    set_lflag(0, ECHO);
    for (int i = 0; i < 5000; i++) {
        type("x");
    }
    tap_ok(tty_line_has_room(&line), "a line that is too long still takes its end");
    type("\n");
    tap_ok(!tty_line_has_room(&line), "a full store of lines takes nothing more");
    len = tty_line_read(&line, (uint8_t *)got, sizeof(got), &ended);
    tap_ok(len == 4096 && ended && got[4095] == '\n' && got[4094] == 'x',
           "a line has at most 4095 bytes and its end");
    tap_ok(tty_line_has_room(&line), "reading makes room");

    start();
    set_lflag(0, ICANON | ECHO);
    for (unsigned i = 0; i < TTY_INPUT_SIZE; i++) {
        type("r");
    }
    tap_ok(!tty_line_has_room(&line), "a full raw store takes nothing more");
    tap_ok(tty_line_available(&line) == TTY_INPUT_SIZE, "all raw bytes are there");
}

static void set_oflag(tcflag_t oflag)
{
    line.termios.c_oflag = oflag;
}

static void put(const char *text)
{
    tty_line_write(&line, (const uint8_t *)text, strlen(text));
}

static void test_output(void)
{
    static uint8_t many[2 * TTY_OUTPUT_SIZE];
    size_t done;

    start();
    put("a\nb");
    expect_shown("a\r\nb", "ONLCR");
    set_oflag(0);
    put("a\nb\r");
    expect_shown("a\nb\r", "without OPOST nothing changes");

    start();
    set_oflag(OPOST | XTABS);
    put("ab\tc\n");
    expect_shown("ab      c\n", "XTABS fills with blanks");

    start();
    set_oflag(OPOST | OCRNL | ONOCR);
    put("\ra\r");
    expect_shown("a\n", "ONOCR drops a return in column 0, OCRNL maps the other");

    start();
    set_oflag(OPOST | OLCUC);
    put("aBz");
    expect_shown("ABZ", "OLCUC");

    start();
    memset(many, '\n', sizeof(many));
    done = tty_line_write(&line, many, sizeof(many));
    tap_ok(done < sizeof(many) && strlen(shown()) == 2 * done,
           "a full ring takes fewer bytes, all whole");
    tap_ok(tty_line_write(&line, many, 3) == 3, "an empty ring takes more");
}

/* Every key in every mode: positions stay in order and nothing is written out of bounds. */
static void test_random(void)
{
    bool good = true;
    uint8_t buf[64];

    srand(1);
    start();
    for (int i = 0; i < 2000000 && good; i++) {
        bool ended;

        if (rand() % 64 == 0) {
            set_lflag((tcflag_t)rand() & 0177777, (tcflag_t)rand() & 0177777);
            set_iflag((tcflag_t)rand() & 0177777, (tcflag_t)rand() & 0177777);
            set_oflag((tcflag_t)rand() & 0177777);
        }
        if (tty_line_has_room(&line)) {
            tty_line_receive(&line, (uint8_t)(rand() % 3 == 0 ? rand() % 32 : rand()));
        }
        if (rand() % 8 == 0) {
            tty_line_read(&line, buf, (size_t)rand() % sizeof(buf), &ended);
        }
        if (rand() % 4 == 0) {
            shown();
        }
        good = line.head - line.tail <= TTY_INPUT_SIZE &&
               line.canon_head - line.tail <= line.head - line.tail &&
               tty_line_out_used(&line) <= TTY_OUTPUT_SIZE;
    }
    tap_ok(good, "random keys in random modes keep the positions in order");
}

int main(void)
{
    test_lines();
    test_end_of_file();
    test_erase();
    test_special();
    test_signals();
    test_flow();
    test_raw();
    test_room();
    test_output();
    test_random();
    return tap_done();
}
