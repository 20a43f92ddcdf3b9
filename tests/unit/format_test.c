/* kernel/format.c against the host's snprintf: same text, same length, same truncation. */
#include <stdio.h>
#include <string.h>

#include "kernel/format.h"
#include "tests/unit/tap.h"

#pragma GCC diagnostic ignored "-Wformat"

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        char want_[256], got_[256];                                                                \
        int a_ = snprintf(want_, sizeof(want_), __VA_ARGS__);                                      \
        int b_ = ksnprintf(got_, sizeof(got_), __VA_ARGS__);                                       \
        tap_ok(a_ == b_ && strcmp(want_, got_) == 0, "\"%s\" is \"%s\"", got_, want_);             \
    } while (0)

static void test_truncation(void)
{
    char buf[4] = "xyz";

    tap_ok(ksnprintf(buf, sizeof(buf), "%s", "hello") == 5 && strcmp(buf, "hel") == 0, "cut off");
    tap_ok(ksnprintf(NULL, 0, "%d", 1234) == 4, "length only");
    tap_ok(ksnprintf(buf, 1, "%d", 1234) == 4 && buf[0] == 0, "one byte");
}

int main(void)
{
    CHECK("plain");
    CHECK("%d %i %u", -5, 7, 4000000000u);
    CHECK("%ld %lld %zu %lu", -1L, -9223372036854775807LL - 1, (size_t)123, 18446744073709551615UL);
    CHECK("%hhd %hhu %hd %hu", 200, 300, 40000, 70000);
    CHECK("%x %X %#x %#X %#x %o %#o", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0, 8, 8);
    CHECK("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, -42, 42, 42);
    CHECK("[%.3d] [%8.3d] [%-8.3d] [%.0d]", 7, 7, 7, 0);
    CHECK("[%#018lx] [%016lx]", 0xffffffff80001234UL, 0x1234UL);
    CHECK("[%s] [%10s] [%-10s] [%.2s] [%*s] [%-*s] [%.*s]", "abc", "abc", "abc", "abc", 5, "x", 5,
          "y", 1, "zz");
    CHECK("[%c] [%3c] [%-3c] %%", 'a', 'b', 'c');
    CHECK("%p", (void *)0x1234);
    CHECK("%5lu.%06lu", 3UL, 42UL);
    test_truncation();
    return tap_done();
}
