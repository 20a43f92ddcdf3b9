/*
 * A growing text: what a read of a proc or sys file is made of. Running out of memory is remembered
 * and reported once, by text_error(), so that writers need no checks of their own.
 */
#pragma once

#include <stdarg.h>

#include "kernel/types.h"

#define TEXT_MAX MIB(4)

struct text {
    char *data;
    size_t len;  /* bytes of content */
    size_t size; /* bytes allocated */
    int error;   /* 0 or -ENOMEM */
};

static inline void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_free(struct text *text);
/* Does: appends; past TEXT_MAX or without memory the text turns to -ENOMEM and stays as it is. */
void text_put(struct text *text, const void *data, size_t len);
void text_print(struct text *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_vprint(struct text *text, const char *fmt, va_list args);
/* Does: appends the string with blank, tab, newline and backslash as \ooo, as proc(5) writes paths.
 */
void text_put_path(struct text *text, const char *path);
/* Does: makes room for len bytes and returns where they go (text_commit() takes them), or NULL. */
char *text_reserve(struct text *text, size_t len);
static inline void text_commit(struct text *text, size_t len)
{
    text->len += len;
}
