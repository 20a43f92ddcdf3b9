/* The formatter's core; most code wants kernel/printk.h instead. */
#pragma once

#include "kernel/printk.h"

struct format_sink {
    void (*put)(struct format_sink *sink, const char *text, size_t len);
};

/* Does: sends the formatted text to the sink, in pieces. */
void format_to(struct format_sink *sink, const char *fmt, va_list args);
