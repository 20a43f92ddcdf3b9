/*
 * Archives for the root: entries of all kinds with names that meet each other, numbers that lie, and
 * bytes that were hit. Unpacking ends in 0 or in one of its errors, and nothing leaks.
 */
#include "tests/fuzz/tree.h"

#include <stdio.h>

#define ARCHIVE_MAX 16384u

void __wrap_printk(const char *fmt, ...);

void __wrap_printk(const char *fmt, ...) /* the log of broken entries */
{
    (void)fmt;
}

static size_t make_name(struct fuzz_input *input, char *out)
{
    static const char *const parts[] = {"a", "b", "cc", ".", "..", "", "dir", "link"};
    unsigned nr = 1 + fuzz_below(input, 4);
    size_t len = 0;

    for (unsigned i = 0; i < nr; i++) {
        const char *part = parts[fuzz_below(input, ARRAY_SIZE(parts))];

        len += (size_t)sprintf(out + len, "%s%s", i == 0 ? "" : "/", part);
    }
    return len;
}

static size_t add_entry(struct fuzz_input *input, char *out)
{
    static const uint32_t types[] = {S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFLNK,
                                     S_IFCHR, S_IFIFO, 0};
    char name[64], body[64];
    size_t name_len = make_name(input, name), body_len = fuzz_below(input, 64);
    uint32_t mode = types[fuzz_below(input, ARRAY_SIZE(types))] | fuzz_byte(input);
    unsigned ino = fuzz_below(input, 4), nlink = fuzz_below(input, 3), lie = fuzz_byte(input);
    uint32_t name_field = (uint32_t)name_len + 1, body_field = (uint32_t)body_len;

    if ((mode & S_IFMT) == S_IFLNK) {
        body_len = make_name(input, body);
        body_field = (uint32_t)body_len;
    } else {
        memset(body, 'x', sizeof(body));
    }
    if (lie < 8) {
        name_field = (uint32_t)fuzz_word(input);
    } else if (lie < 16) {
        body_field = (uint32_t)fuzz_word(input);
    }
    size_t len = (size_t)sprintf(
        out, "07070%c%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", lie < 250 ? '1' : '2',
        ino, mode, fuzz_byte(input), fuzz_byte(input), nlink, (unsigned)fuzz_byte(input),
        body_field, 0u, 1u, 5u, 1u, name_field, 0u);

    memcpy(out + len, name, name_len + 1);
    len = ALIGN_UP(len + name_len + 1, 4);
    memcpy(out + len, body, body_len);
    return ALIGN_UP(len + body_len, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char archive[ARCHIVE_MAX];
    struct fuzz_input input = {data, size};
    size_t len = 0;
    unsigned nr = 0;

    tree_start();
    memset(archive, 0, sizeof(archive));
    for (unsigned most = 1 + fuzz_below(&input, 24); nr < most && len < ARCHIVE_MAX - 512; nr++) {
        len += add_entry(&input, archive + len);
    }
    for (unsigned hits = fuzz_below(&input, 4); hits > 0; hits--) {
        archive[fuzz_word(&input) % len] = (char)fuzz_byte(&input);
    }
    if (fuzz_byte(&input) < 32) {
        len = fuzz_word(&input) % len;
    }
    char *exact = kmalloc(MAX(len, (size_t)1)); /* what lies behind it is another object's */

    memcpy(exact, archive, len);
    int error = initramfs_unpack(exact, len);

    kfree(exact);
    fuzz_require(error == 0 || error == -EINVAL || error == -ENOMEM, "error %d", error);
    for (unsigned i = 0; i < nr; i++) {
        fuzz_done(error == 0);
    }
    tree_end();
    return 0;
}
