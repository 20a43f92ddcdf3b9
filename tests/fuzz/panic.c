/* panic() for fuzzers of code that does not run on the simulated machine. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/assert.h"

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "panic: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}
