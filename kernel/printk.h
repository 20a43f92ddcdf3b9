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
/* Does: hides what was logged so far from the two above. */
void printk_clear(void);
/* Does: keeps the log in the ring but off the console (quoin.quiet), panics excepted. */
void printk_set_quiet(bool quiet);
