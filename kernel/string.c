/*
 * Memory and string functions. Copies and fills move 8-byte words, eight at a time: the kernel
 * uses no vector registers. Unaligned words are fine on both architectures for normal memory.
 * Built without loop idiom recognition, which would turn these functions into calls to themselves.
 */
#include "kernel/string.h"

typedef uint64_t word_t __attribute__((may_alias, aligned(1)));

void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
    char *d = dst;
    const char *s = src;

    for (; len >= 64; len -= 64, d += 64, s += 64) {
        const word_t *from = (const word_t *)s;
        word_t *to = (word_t *)d;
        uint64_t a = from[0], b = from[1], c = from[2], e = from[3];
        uint64_t f = from[4], g = from[5], h = from[6], i = from[7];

        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = e;
        to[4] = f;
        to[5] = g;
        to[6] = h;
        to[7] = i;
    }
    for (; len >= 8; len -= 8, d += 8, s += 8) {
        *(word_t *)d = *(const word_t *)s;
    }
    for (; len > 0; len--) {
        *d++ = *s++;
    }
    return dst;
}

static void copy_backwards(char *dst, const char *src, size_t len)
{
    for (; len >= 8; len -= 8) {
        *(word_t *)(dst + len - 8) = *(const word_t *)(src + len - 8);
    }
    for (; len > 0; len--) {
        dst[len - 1] = src[len - 1];
    }
}

static void copy_forwards(char *dst, const char *src, size_t len)
{
    for (; len >= 8; len -= 8, dst += 8, src += 8) {
        *(word_t *)dst = *(const word_t *)src;
    }
    for (; len > 0; len--) {
        *dst++ = *src++;
    }
}

void *memmove(void *dst, const void *src, size_t len)
{
    uintptr_t distance = (uintptr_t)dst - (uintptr_t)src;

    if (distance >= len && 0 - distance >= len) {
        return memcpy(dst, src, len);
    }
    if (distance < len) {
        copy_backwards(dst, src, len);
    } else {
        copy_forwards(dst, src, len);
    }
    return dst;
}

void *memset(void *dst, int byte, size_t len)
{
    uint64_t word = (uint8_t)byte * 0x0101010101010101ull;
    char *d = dst;

    for (; len >= 64; len -= 64, d += 64) {
        word_t *to = (word_t *)d;

        to[0] = word;
        to[1] = word;
        to[2] = word;
        to[3] = word;
        to[4] = word;
        to[5] = word;
        to[6] = word;
        to[7] = word;
    }
    for (; len >= 8; len -= 8, d += 8) {
        *(word_t *)d = word;
    }
    for (; len > 0; len--) {
        *d++ = (char)byte;
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;

    for (; len >= 8 && *(const word_t *)x == *(const word_t *)y; len -= 8) {
        x += 8;
        y += 8;
    }
    for (; len > 0; len--, x++, y++) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}

void *memchr(const void *s, int byte, size_t len)
{
    const uint8_t *p = s;

    for (; len > 0; len--, p++) {
        if (*p == (uint8_t)byte) {
            return (void *)p;
        }
    }
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p != 0) {
        p++;
    }
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t len = 0;

    while (len < max && s[len] != 0) {
        len++;
    }
    return len;
}

int strcmp(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t len)
{
    for (; len > 0; len--, a++, b++) {
        if (*a != *b || *a == 0) {
            return (uint8_t)*a - (uint8_t)*b;
        }
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c) {
            return (char *)s;
        }
        if (*s == 0) {
            return NULL;
        }
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    for (;; s++) {
        if (*s == (char)c) {
            found = s;
        }
        if (*s == 0) {
            return (char *)found;
        }
    }
}

char *strstr(const char *s, const char *what)
{
    size_t len = strlen(what);

    for (; strncmp(s, what, len) != 0; s++) {
        if (*s == 0) {
            return NULL;
        }
    }
    return (char *)s;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);

    if (size > 0) {
        size_t count = MIN(len, size - 1);

        memcpy(dst, src, count);
        dst[count] = 0;
    }
    return len;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 10;
    }
    return 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    const char *p = s;
    unsigned long value = 0;

    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') &&
        digit_value(p[2]) < 16) {
        base = 16;
        p += 2;
    } else if (base == 0) {
        base = p[0] == '0' ? 8 : 10;
    }
    for (; digit_value(*p) < base; p++) {
        unsigned long digit = (unsigned long)digit_value(*p);

        /* Past the end it stays at the largest value, which never fits again. */
        value = value > (~0ul - digit) / (unsigned long)base ? ~0ul
                                                             : value * (unsigned long)base + digit;
    }
    if (end != NULL) {
        *end = (char *)p;
    }
    return value;
}
