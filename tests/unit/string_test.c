/* kernel/string.c against the host's functions, over lengths, alignments and overlaps. */
#include <stdlib.h>
#include <string.h>

#define memcpy quoin_memcpy
#define memmove quoin_memmove
#define memset quoin_memset
#define memcmp quoin_memcmp
#define memchr quoin_memchr
#define strlen quoin_strlen
#define strnlen quoin_strnlen
#define strcmp quoin_strcmp
#define strncmp quoin_strncmp
#define strchr quoin_strchr
#define strrchr quoin_strrchr
#define strstr quoin_strstr
#define strlcpy quoin_strlcpy
#define strtoul quoin_strtoul
#include "kernel/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#undef strtoul

#include "tests/unit/tap.h"

#define SIZE 400u

static void fill(unsigned char *a, unsigned char *b)
{
    for (unsigned i = 0; i < SIZE; i++) {
        a[i] = b[i] = (unsigned char)rand();
    }
}

static int copies_agree(void)
{
    unsigned char a[SIZE], b[SIZE];

    for (unsigned from = 100; from < 110; from++) {
        for (unsigned to = 20; to < 190; to++) {
            for (unsigned len = 0; len < 150; len += 1 + len / 9) {
                fill(a, b);
                memmove(a + to, a + from, len);
                quoin_memmove(b + to, b + from, len);
                if (memcmp(a, b, SIZE) != 0) {
                    return 0;
                }
            }
        }
    }
    return 1;
}

static int fills_agree(void)
{
    unsigned char a[SIZE], b[SIZE];

    for (unsigned to = 0; to < 16; to++) {
        for (unsigned len = 0; len < 200; len++) {
            fill(a, b);
            memset(a + to, 0xa5, len);
            quoin_memset(b + to, 0xa5, len);
            if (memcmp(a, b, SIZE) != 0) {
                return 0;
            }
            memcpy(a + to, a + 200, len > 180 ? 180 : len);
            quoin_memcpy(b + to, b + 200, len > 180 ? 180 : len);
            if (memcmp(a, b, SIZE) != 0) {
                return 0;
            }
        }
    }
    return 1;
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int compares_agree(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        unsigned char a[SIZE], b[SIZE];
        unsigned len = (unsigned)rand() % 40, at = (unsigned)rand() % 40;

        fill(a, b);
        a[at] = (unsigned char)rand();
        if (sign(memcmp(a, b, len)) != sign(quoin_memcmp(a, b, len))) {
            return 0;
        }
    }
    return 1;
}

static void test_strings(void)
{
    char buf[4], *end;

    tap_ok(quoin_strlen("") == 0 && quoin_strlen("abc") == 3 && quoin_strnlen("abc", 2) == 2,
           "strlen");
    tap_ok(quoin_strcmp("a", "b") < 0 && quoin_strcmp("b", "a") > 0 && !quoin_strcmp("a", "a") &&
               quoin_strcmp("\xff", "a") > 0,
           "strcmp");
    tap_ok(!quoin_strncmp("abc", "abd", 2) && quoin_strncmp("abc", "abd", 3) < 0, "strncmp");
    tap_ok(quoin_strchr("abcb", 'b')[1] == 'c' && !quoin_strchr("a", 'x') &&
               *quoin_strchr("a", 0) == 0,
           "strchr");
    tap_ok(quoin_strrchr("abcb", 'b')[1] == 0 && !quoin_strrchr("a", 'x'), "strrchr");
    tap_ok(quoin_strstr("hello", "ll")[0] == 'l' && !quoin_strstr("hello", "x") &&
               quoin_strstr("a", "")[0] == 'a',
           "strstr");
    tap_ok(quoin_strlcpy(buf, "hello", 4) == 5 && !strcmp(buf, "hel"), "strlcpy");
    tap_ok(quoin_strtoul("0x1Fz", &end, 0) == 31 && *end == 'z', "strtoul hex");
    tap_ok(quoin_strtoul("017", NULL, 0) == 15 && quoin_strtoul("19", NULL, 10) == 19, "strtoul");
    tap_ok(quoin_strtoul("0x", &end, 16) == 0 && *end == 'x', "strtoul prefix alone");
    tap_ok(quoin_strtoul("z", &end, 10) == 0 && *end == 'z', "strtoul nothing");
    tap_ok(quoin_memchr("abc", 'c', 3) != NULL && quoin_memchr("abc", 'c', 2) == NULL, "memchr");
}

int main(void)
{
    tap_ok(copies_agree(), "memmove");
    tap_ok(fills_agree(), "memset and memcpy");
    tap_ok(compares_agree(), "memcmp");
    test_strings();
    return tap_done();
}
