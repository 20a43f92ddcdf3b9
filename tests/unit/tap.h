/* TAP lines for the host's unit tests. */
#pragma once

#include <stdio.h>

static int tap_count, tap_failed;

#define tap_ok(cond, ...)                                                                          \
    do {                                                                                           \
        int tap_good_ = (cond) ? 1 : 0;                                                            \
        tap_failed += !tap_good_;                                                                  \
        printf("%sok %d - ", tap_good_ ? "" : "not ", ++tap_count);                                \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
    } while (0)

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}
