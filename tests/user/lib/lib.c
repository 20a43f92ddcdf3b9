/* C library functions that the compiler or the tests expect; plain loops, no dependencies. */

#include "sys.h"
#include "test.h"

void start_c(unsigned long *sp);

void *memcpy(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    while (n--)
        *d++ = *s++;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if (d < s)
        return memcpy(dst, src, n);
    while (n--)
        d[n] = s[n];
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    char *d = dst;

    while (n--)
        *d++ = (char)byte;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n; n--, x++, y++) {
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    }
    return 0;
}

char *strstr(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (; *text; text++) {
        if (!strncmp(text, word, len))
            return (char *)(uintptr_t)text;
    }
    return NULL;
}

long parse_long(const char *text)
{
    long v = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        v = v * 10 + (*text - '0');
    return v;
}

NORETURN void exit_now(long status)
{
    for (;;)
        sys(exit_group, status);
}

void start_c(unsigned long *sp)
{
    int argc = (int)sp[0];
    char **argv = (char **)(sp + 1);
    char **envp = argv + argc + 1;
    char **end = envp;

    while (*end)
        end++;
    exit_now(main(argc, argv, envp, (unsigned long *)(end + 1)));
}
