/*
 * The kernel log: formatted lines to the board's console and to a ring that
 * syslog(2) reads. Safe in any context, also before memory management is up.
 * Formats: %d %i %u %x %X %o %c %s %p %% with l, ll, z, h, hh, width, '-', '0', '#' and precision.
 */
#pragma once

#include <stdarg.h>

#include "kernel/types.h"

#define PRINTK_RING_SIZE 65536u

void printk(const char *fmt, ...) PRINTF_LIKE(1, 2);
void vprintk(const char *fmt, va_list args);

/* Does: formats into buf, always NUL-terminated. Returns the length that an unlimited buf had got. */
int ksnprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args);

/* Does: copies up to len bytes of the log from byte `from` on (0 = oldest kept). Returns the count. */
size_t printk_read(size_t from, char *buf, size_t len);
/* Returns the number of bytes that the ring holds. */
size_t printk_size(void);
/*
 * The same by positions in all that was ever logged: the oldest whole line kept, the end, and one
 * line with its newline, as far as there is room. Fails: -EPIPE when the line is lost.
 */
uint64_t printk_oldest(void);
uint64_t printk_end(void);
NODISCARD ssize64_t printk_read_line(uint64_t at, char *buf, size_t len);
/* Does: hides what was logged so far from all of the above. */
void printk_clear(void);
/* Does: keeps the log in the ring but off the console (quoin.quiet), panics excepted. */
void printk_set_quiet(bool quiet);
