/* A growing text, doubled as it fills. */
#include "fs/text.h"

#include "kernel/errno.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define TEXT_FIRST_SIZE 256u

static bool text_grow(struct text *text, size_t len)
{
    size_t size = MAX(text->size, (size_t)TEXT_FIRST_SIZE);
    char *data;

    if (text->error != 0) {
        return false;
    }
    if (len <= text->size - text->len) {
        return true;
    }
    while (size - text->len < len && size <= TEXT_MAX) {
        size *= 2;
    }
    data = size <= TEXT_MAX ? kmalloc(size) : NULL;
    if (data == NULL) {
        text->error = -ENOMEM;
        return false;
    }
    if (text->len > 0) {
        memcpy(data, text->data, text->len);
    }
    kfree(text->data);
    text->data = data;
    text->size = size;
    return true;
}

void text_free(struct text *text)
{
    kfree(text->data);
    text_init(text);
}

void text_put(struct text *text, const void *data, size_t len)
{
    if (len > 0 && text_grow(text, len)) {
        memcpy(text->data + text->len, data, len);
        text->len += len;
    }
}

void text_vprint(struct text *text, const char *fmt, va_list args)
{
    va_list again;
    size_t len;

    va_copy(again, args);
    len = (size_t)kvsnprintf(NULL, 0, fmt, again);
    va_end(again);
    /* kvsnprintf() wants room for its NUL, which the next text overwrites. */
    if (text_grow(text, len + 1)) {
        kvsnprintf(text->data + text->len, len + 1, fmt, args);
        text->len += len;
    }
}

void text_print(struct text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    text_vprint(text, fmt, args);
    va_end(args);
}

void text_put_path(struct text *text, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == ' ' || *path == '\t' || *path == '\n' || *path == '\\') {
            text_print(text, "\\%03o", (unsigned)(unsigned char)*path);
        } else {
            text_put(text, path, 1);
        }
    }
}

char *text_reserve(struct text *text, size_t len)
{
    return text_grow(text, len) ? text->data + text->len : NULL;
}
