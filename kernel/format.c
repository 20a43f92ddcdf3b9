/*
 * The formatter behind printk() and ksnprintf(): integers, characters, strings and pointers.
 * It writes into a sink one run of bytes at a time and never allocates. No floating point.
 */
#include "kernel/format.h"

#include "kernel/string.h"

enum format_flags {
    FORMAT_LEFT = 1,
    FORMAT_ZERO = 2,
    FORMAT_ALT = 4,
    FORMAT_PLUS = 8,
    FORMAT_SPACE = 16,
    FORMAT_UPPER = 32,
};

struct format_spec {
    unsigned flags;
    size_t width;
    int precision; /* -1: none */
    int size;      /* -2 hh, -1 h, 0 int, 1 long and wider */
};

static void emit_repeat(struct format_sink *sink, char c, size_t count)
{
    while (count-- > 0) {
        sink->put(sink, &c, 1);
    }
}

static void emit_padded(struct format_sink *sink, const struct format_spec *spec, const char *text,
                        size_t len)
{
    size_t pad = spec->width > len ? spec->width - len : 0;

    if (!(spec->flags & FORMAT_LEFT)) {
        emit_repeat(sink, ' ', pad);
    }
    sink->put(sink, text, len);
    if (spec->flags & FORMAT_LEFT) {
        emit_repeat(sink, ' ', pad);
    }
}

static void emit_number(struct format_sink *sink, const struct format_spec *spec, uint64_t value,
                        unsigned base, const char *prefix)
{
    const char *digits = spec->flags & FORMAT_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
    char buf[24];
    char *p = buf + sizeof(buf);
    size_t prefix_len = strlen(prefix), len, zeros = 0, pad;

    while (value != 0) {
        *--p = digits[value % base];
        value /= base;
    }
    if (p == buf + sizeof(buf) && spec->precision != 0) {
        *--p = '0';
    }
    len = (size_t)(buf + sizeof(buf) - p);
    if (spec->precision >= 0) {
        zeros = (size_t)spec->precision > len ? (size_t)spec->precision - len : 0;
    } else if ((spec->flags & (FORMAT_ZERO | FORMAT_LEFT)) == FORMAT_ZERO) {
        zeros = spec->width > len + prefix_len ? spec->width - len - prefix_len : 0;
    }
    len += zeros + prefix_len;
    pad = spec->width > len ? spec->width - len : 0;
    if (!(spec->flags & FORMAT_LEFT)) {
        emit_repeat(sink, ' ', pad);
    }
    sink->put(sink, prefix, prefix_len);
    emit_repeat(sink, '0', zeros);
    sink->put(sink, p, (size_t)(buf + sizeof(buf) - p));
    if (spec->flags & FORMAT_LEFT) {
        emit_repeat(sink, ' ', pad);
    }
}

static void emit_signed(struct format_sink *sink, const struct format_spec *spec, int64_t value)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    const char *sign = "";

    if (value < 0) {
        sign = "-";
    } else if (spec->flags & FORMAT_PLUS) {
        sign = "+";
    } else if (spec->flags & FORMAT_SPACE) {
        sign = " ";
    }
    emit_number(sink, spec, magnitude, 10, sign);
}

static int64_t narrow_signed(int64_t value, int size)
{
    switch (size) {
    case -2:
        return (signed char)value;
    case -1:
        return (short)value;
    case 0:
        return (int)value;
    default:
        return value;
    }
}

static uint64_t narrow_unsigned(uint64_t value, int size)
{
    switch (size) {
    case -2:
        return (unsigned char)value;
    case -1:
        return (unsigned short)value;
    case 0:
        return (unsigned int)value;
    default:
        return value;
    }
}

static const char *parse_flags(const char *fmt, struct format_spec *spec)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-':
            spec->flags |= FORMAT_LEFT;
            break;
        case '0':
            spec->flags |= FORMAT_ZERO;
            break;
        case '#':
            spec->flags |= FORMAT_ALT;
            break;
        case '+':
            spec->flags |= FORMAT_PLUS;
            break;
        case ' ':
            spec->flags |= FORMAT_SPACE;
            break;
        default:
            return fmt;
        }
    }
}

static const char *parse_count(const char *fmt, int *out)
{
    int value = 0;

    while (*fmt >= '0' && *fmt <= '9' && value < 10000) {
        value = value * 10 + (*fmt++ - '0');
    }
    *out = value;
    return fmt;
}

static const char *parse_size(const char *fmt, struct format_spec *spec)
{
    for (;; fmt++) {
        if (*fmt == 'l' || *fmt == 'z' || *fmt == 'j' || *fmt == 't') {
            spec->size = 1;
        } else if (*fmt == 'h') {
            spec->size--;
        } else {
            return fmt;
        }
    }
}

/* va_list as a struct member, so that it can be passed by address on every ABI. */
struct format_args {
    va_list list;
};

static void emit_string(struct format_sink *sink, const struct format_spec *spec, const char *text)
{
    if (text == NULL) {
        text = "(null)";
    }
    emit_padded(sink, spec, text,
                spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision));
}

static void emit_conversion(struct format_sink *sink, struct format_spec *spec, char kind,
                            struct format_args *args)
{
    uint64_t value;
    char c;

    switch (kind) {
    case 'd':
    case 'i':
        emit_signed(sink, spec,
                    spec->size > 0 ? va_arg(args->list, long)
                                   : narrow_signed(va_arg(args->list, int), spec->size));
        break;
    case 'X':
        spec->flags |= FORMAT_UPPER;
        /* fallthrough */
    case 'x':
    case 'o':
    case 'u':
        value = spec->size > 0 ? va_arg(args->list, unsigned long)
                               : narrow_unsigned(va_arg(args->list, unsigned int), spec->size);
        if (kind == 'u') {
            emit_number(sink, spec, value, 10, "");
        } else if (kind == 'o') {
            emit_number(sink, spec, value, 8, spec->flags & FORMAT_ALT && value ? "0" : "");
        } else {
            emit_number(sink, spec, value, 16,
                        !(spec->flags & FORMAT_ALT) || !value ? "" : kind == 'x' ? "0x" : "0X");
        }
        break;
    case 'p':
        emit_number(sink, spec, (uintptr_t)va_arg(args->list, void *), 16, "0x");
        break;
    case 'c':
        c = (char)va_arg(args->list, int);
        emit_padded(sink, spec, &c, 1);
        break;
    case 's':
        emit_string(sink, spec, va_arg(args->list, const char *));
        break;
    default:
        sink->put(sink, &kind, 1);
    }
}

void format_to(struct format_sink *sink, const char *fmt, va_list list)
{
    struct format_args args;

    va_copy(args.list, list);
    while (*fmt != 0) {
        struct format_spec spec = {0, 0, -1, 0};
        const char *run = fmt;
        int count = 0;

        while (*fmt != 0 && *fmt != '%') {
            fmt++;
        }
        if (fmt != run) {
            sink->put(sink, run, (size_t)(fmt - run));
        }
        if (*fmt == 0) {
            break;
        }
        fmt = parse_flags(fmt + 1, &spec);
        if (*fmt == '*') {
            count = va_arg(args.list, int);
            if (count < 0) {
                spec.flags |= FORMAT_LEFT;
                count = -count;
            }
            fmt++;
        } else {
            fmt = parse_count(fmt, &count);
        }
        spec.width = (size_t)count;
        if (*fmt == '.') {
            fmt++;
            if (*fmt == '*') {
                spec.precision = va_arg(args.list, int);
                fmt++;
            } else {
                fmt = parse_count(fmt, &spec.precision);
            }
        }
        fmt = parse_size(fmt, &spec);
        if (*fmt == 0) {
            break;
        }
        emit_conversion(sink, &spec, *fmt++, &args);
    }
    va_end(args.list);
}

struct buffer_sink {
    struct format_sink sink;
    char *buf;
    size_t size;
    size_t len;
};

static void buffer_put(struct format_sink *sink, const char *text, size_t len)
{
    struct buffer_sink *buffer = container_of(sink, struct buffer_sink, sink);

    if (buffer->len < buffer->size) {
        memcpy(buffer->buf + buffer->len, text, MIN(len, buffer->size - buffer->len));
    }
    buffer->len += len;
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct buffer_sink buffer = {{buffer_put}, buf, size, 0};

    format_to(&buffer.sink, fmt, args);
    if (size > 0) {
        buf[MIN(buffer.len, size - 1)] = 0;
    }
    return (int)buffer.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = kvsnprintf(buf, size, fmt, args);
    va_end(args);
    return len;
}
