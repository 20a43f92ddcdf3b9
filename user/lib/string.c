/* The memory functions that a compiler may call, written so that it cannot turn them into calls. */
#include "sys.h"

void *memcpy(void *to, const void *from, size_t len)
{
    return memmove(to, from, len);
}

void *memmove(void *to, const void *from, size_t len)
{
    volatile unsigned char *d = to;
    const unsigned char *s = from;

    if ((uintptr_t)to <= (uintptr_t)from) {
        for (size_t i = 0; i < len; i++)
            d[i] = s[i];
    } else {
        for (size_t i = len; i > 0; i--)
            d[i - 1] = s[i - 1];
    }
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    volatile unsigned char *d = to;

    for (size_t i = 0; i < len; i++)
        d[i] = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t len = 0;

    while (((const volatile char *)s)[len] != '\0')
        len++;
    return len;
}
