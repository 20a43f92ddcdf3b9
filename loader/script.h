/* "#!" scripts: the first line's interpreter and its one optional argument. Pure. */
#pragma once

#include "kernel/types.h"

#define SCRIPT_HEAD_LEN 256u /* bytes of the file that are looked at (linux/binfmts.h) */

struct script_line {
    char *interpreter;
    char *argument; /* NULL: none */
};

static inline bool script_is(const char *head, size_t len)
{
    return len >= 2 && head[0] == '#' && head[1] == '!';
}

/* Cuts the line in head (of len bytes, with room for one more) into its parts. Fails: -ENOEXEC. */
NODISCARD int script_parse(char *head, size_t len, struct script_line *out);
