/* The kernel command line: words `name` or `name=value`, separated by blanks. */
#pragma once

#include "kernel/types.h"

void cmdline_init(const char *line);
const char *cmdline_get(void);
/* Returns whether the word `name` or `name=...` is there; copies the value (or "") to buf. */
bool cmdline_option(const char *name, char *buf, size_t size);
uint64_t cmdline_number(const char *name, uint64_t otherwise);
