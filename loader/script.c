/* The first line of a script: execve(2), "Interpreter scripts". */
#include "loader/script.h"

#include "kernel/errno.h"
#include "kernel/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *s)
{
    while (is_blank(*s)) {
        s++;
    }
    return s;
}

static char *find_blank(char *s)
{
    while (*s != '\0' && !is_blank(*s)) {
        s++;
    }
    return s;
}

int script_parse(char *head, size_t len, struct script_line *out)
{
    char *newline = memchr(head, '\n', len);
    char *end = newline != NULL ? newline : head + len;

    while (end > head && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    out->interpreter = skip_blanks(head + 2);
    char *after = find_blank(out->interpreter);

    /* A line that was cut off may still be a whole argument, but not a whole path. */
    if (out->interpreter[0] == '\0' ||
        (newline == NULL && len >= SCRIPT_HEAD_LEN && *after == '\0')) {
        return -ENOEXEC;
    }
    out->argument = NULL;
    if (*after != '\0') {
        *after = '\0';
        out->argument = skip_blanks(after + 1);
    }
    return 0;
}
