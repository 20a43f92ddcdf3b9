/*
 * The kernel log. Every line gets a time stamp; bytes go to a ring of 64 KiB (oldest lost first)
 * and, unless quiet, to the board's polled console. Ring positions count bytes since boot.
 * During a panic the lock is not taken: the CPU that held it may be the one that panics.
 */
#include <hal/board.h>

#include "kernel/errno.h"
#include "kernel/format.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"

static struct spinlock log_lock = SPINLOCK_INIT;
static char log_ring[PRINTK_RING_SIZE];
static uint64_t log_end;   /* bytes ever written */
static uint64_t log_start; /* of what printk_clear() left */
static bool log_quiet;
static bool line_started;

static void log_byte(char c)
{
    log_ring[log_end++ % PRINTK_RING_SIZE] = c;
    if ((log_quiet && !panic_active()) || hal_board == NULL) {
        return;
    }
    if (c == '\n') {
        hal_board->putc('\r');
    }
    hal_board->putc(c);
}

static void log_raw(struct format_sink *sink UNUSED, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        log_byte(text[i]);
    }
}

static void log_stamp(uint64_t now_ns)
{
    char stamp[32];
    int len = ksnprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ", (unsigned long)(now_ns / NS_PER_SEC),
                        (unsigned long)(now_ns % NS_PER_SEC / NS_PER_US));

    log_raw(NULL, stamp, (size_t)len);
}

static void log_put(struct format_sink *sink UNUSED, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!line_started && !panic_active()) {
            log_stamp(hal_board != NULL ? hal_board->now_ns() : 0);
        }
        line_started = text[i] != '\n';
        log_byte(text[i]);
    }
}

/* Whether the lock is taken depends on the panic, which the analysis cannot follow. */
void vprintk(const char *fmt, va_list args) NO_LOCK_ANALYSIS
{
    struct format_sink sink = {log_put};
    bool locked = !panic_active();

    if (locked) {
        spin_lock(&log_lock);
    }
    format_to(&sink, fmt, args);
    if (locked) {
        spin_unlock(&log_lock);
    }
}

void printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vprintk(fmt, args);
    va_end(args);
}

void printk_finish_line(void)
{
    if (line_started) {
        line_started = false;
        log_byte('\n');
    }
}

static size_t log_size_locked(void)
{
    return (size_t)MIN(log_end - log_start, PRINTK_RING_SIZE);
}

size_t printk_size(void)
{
    size_t size;

    spin_lock(&log_lock);
    size = log_size_locked();
    spin_unlock(&log_lock);
    return size;
}

size_t printk_read(size_t from, char *buf, size_t len)
{
    size_t size, count;
    uint64_t start;

    spin_lock(&log_lock);
    size = log_size_locked();
    start = log_end - size + from;
    count = from < size ? MIN(len, size - from) : 0;
    for (size_t i = 0; i < count; i++) {
        buf[i] = log_ring[(start + i) % PRINTK_RING_SIZE];
    }
    spin_unlock(&log_lock);
    return count;
}

/* The first line that is whole. */
static uint64_t log_oldest_locked(void) REQUIRES(&log_lock)
{
    uint64_t at = log_end - log_size_locked();

    if (at == log_start) {
        return at;
    }
    /* The byte before the oldest is overwritten. */
    do {
        at++;
    } while (at < log_end && log_ring[(at - 1) % PRINTK_RING_SIZE] != '\n');
    return at;
}

uint64_t printk_oldest(void)
{
    uint64_t at;

    spin_lock(&log_lock);
    at = log_oldest_locked();
    spin_unlock(&log_lock);
    return at;
}

uint64_t printk_end(void)
{
    uint64_t end;

    spin_lock(&log_lock);
    end = log_end;
    spin_unlock(&log_lock);
    return end;
}

ssize64_t printk_read_line(uint64_t at, char *buf, size_t len)
{
    ssize64_t count = 0;

    spin_lock(&log_lock);
    if (at < log_end - log_size_locked()) {
        count = -EPIPE;
    }
    while (count >= 0 && (size_t)count < len && at + (size_t)count < log_end) {
        char c = log_ring[(at + (size_t)count) % PRINTK_RING_SIZE];

        buf[count++] = c;
        if (c == '\n') {
            break;
        }
    }
    spin_unlock(&log_lock);
    return count;
}

void printk_clear(void)
{
    spin_lock(&log_lock);
    log_start = log_end;
    spin_unlock(&log_lock);
}

void printk_set_quiet(bool quiet)
{
    log_quiet = quiet;
}
