/* The counters of tests/fuzz/fuzz.h, printed when the process ends. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t fuzz_nr_ops, fuzz_nr_changed;

static void print_counts(void)
{
    fprintf(stderr, "operations %lu changed %lu\n", (unsigned long)fuzz_nr_ops,
            (unsigned long)fuzz_nr_changed);
}

__attribute__((constructor)) static void start(void)
{
    atexit(print_counts);
}
