/* The kernel command line, kept in a copy of our own because boot memory is reused. */
#include "kernel/cmdline.h"

#include <hal/boot.h>

#include "kernel/string.h"

static char cmdline[BOOT_CMDLINE_MAX];

void cmdline_init(const char *line)
{
    strlcpy(cmdline, line, sizeof(cmdline));
}

const char *cmdline_get(void)
{
    return cmdline;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Returns the value of the last word of that name, not NUL-terminated, or NULL. The last one wins. */
static const char *find_value(const char *name, size_t *len)
{
    size_t name_len = strlen(name);
    const char *found = NULL, *p = cmdline;

    while (*p != 0) {
        const char *word = p;

        while (*p != 0 && !is_blank(*p)) {
            p++;
        }
        if ((size_t)(p - word) >= name_len && memcmp(word, name, name_len) == 0) {
            const char *value = word + name_len;

            if (value == p || *value == '=') {
                found = value == p ? value : value + 1;
                *len = (size_t)(p - found);
            }
        }
        while (is_blank(*p)) {
            p++;
        }
    }
    return found;
}

bool cmdline_option(const char *name, char *buf, size_t size)
{
    size_t len;
    const char *value = find_value(name, &len);

    if (value == NULL) {
        return false;
    }
    if (buf != NULL && size > 0) {
        len = MIN(len, size - 1);
        memcpy(buf, value, len);
        buf[len] = 0;
    }
    return true;
}

uint64_t cmdline_number(const char *name, uint64_t otherwise)
{
    char text[32], *end;
    uint64_t value;

    if (!cmdline_option(name, text, sizeof(text))) {
        return otherwise;
    }
    value = strtoul(text, &end, 0);
    return end == text || *end != 0 ? otherwise : value;
}
