/*
 * The path walk against a model of a small tree that resolves names another way: by pasting the text
 * of links into the name. Errors are Linux's, path_resolution(7) and fs/namei.c's order of checks.
 */
#include "tests/fuzz/tree.h"

#define NODES     128u
#define NAMES     4u /* "a" to "d" */
#define TEXT_MAX  4096u
#define LINKS_MAX 40u
#define NOWHERE   NODES

enum kind { FREE, FOLDER, REGULAR, LINK };

struct node {
    enum kind kind;
    unsigned parent;
    unsigned child[NAMES];
    uint64_t ino;
    char target[32];
};

static struct node nodes[NODES]; /* 0 is the root */

enum last_kind { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct found {
    unsigned node; /* NOWHERE: the last name is not there */
    unsigned parent;
    unsigned name;
    enum last_kind last;
    bool slash;
};

static void reset(void)
{
    memset(nodes, 0, sizeof(nodes));
    for (unsigned i = 0; i < NODES; i++) {
        for (unsigned j = 0; j < NAMES; j++) {
            nodes[i].child[j] = NOWHERE;
        }
    }
    nodes[0].kind = FOLDER;
}

/* for_parent: the last name is not looked into; else it is followed if `follow` or a slash says so. */
static int resolve(const char *path, bool for_parent, bool follow, struct found *out)
{
    static char text[TEXT_MAX], joined[TEXT_MAX];
    unsigned at = 0, nr_links = 0;
    const char *rest = text;

    strlcpy(text, path, sizeof(text));
    *out = (struct found){.node = 0, .last = LAST_ROOT};
    if (path[0] == '\0') {
        return -ENOENT;
    }
    for (;;) {
        size_t len = 0, gap = 0;

        while (*rest == '/') {
            rest++;
        }
        if (*rest == '\0') {
            out->node = at;
            return 0;
        }
        while (rest[len] != '\0' && rest[len] != '/') {
            len++;
        }
        while (rest[len + gap] == '/') {
            gap++;
        }
        bool last = rest[len + gap] == '\0';

        if (nodes[at].kind != FOLDER) {
            return -ENOTDIR;
        }
        if (len > 255) {
            return -ENAMETOOLONG;
        }
        out->slash = gap != 0;
        if (rest[0] == '.') {
            out->last = len == 1 ? LAST_DOT : LAST_DOTDOT;
            at = len == 1 ? at : nodes[at].parent;
            rest += len;
            continue;
        }
        unsigned name = (unsigned)(rest[0] - 'a');
        unsigned child = len == 1 ? nodes[at].child[name] : NOWHERE; /* a link's text was cut */

        out->last = LAST_NAME;
        out->parent = at;
        out->name = name;
        if (last && for_parent) {
            out->node = child;
            return 0;
        }
        if (child == NOWHERE) {
            return -ENOENT;
        }
        if (nodes[child].kind == LINK && (!last || follow || gap != 0)) {
            if (nr_links++ >= LINKS_MAX) {
                return -ELOOP;
            }
            strlcpy(joined, nodes[child].target, sizeof(joined));
            strlcpy(joined + strlen(joined), rest + len, sizeof(joined) - strlen(joined));
            memcpy(text, joined, sizeof(text));
            rest = text;
            at = text[0] == '/' ? 0 : at;
            out->last = LAST_ROOT;
            continue;
        }
        if (last) {
            out->node = child;
            return gap != 0 && nodes[child].kind != FOLDER ? -ENOTDIR : 0;
        }
        at = child;
        rest += len;
    }
}

static size_t make_path(struct fuzz_input *input, char *out, unsigned parts_max)
{
    unsigned nr = 1 + fuzz_below(input, parts_max);
    size_t len = 0;
    unsigned ends = fuzz_byte(input);

    if (ends % 4 == 0) {
        out[len++] = '/';
    }
    for (unsigned i = 0; i < nr; i++) {
        unsigned part = fuzz_byte(input);

        if (i != 0) {
            out[len++] = '/';
        }
        if (part >= 254) {
            memset(out + len, 'a', 256);
            len += 256;
        } else if (part >= 216) {
            memcpy(out + len, "..", 2);
            len += part % 2 + 1u;
        } else {
            out[len++] = (char)('a' + part % NAMES);
        }
    }
    if (ends >= 200) {
        out[len++] = '/';
    }
    out[len] = '\0';
    return len;
}

static bool is_empty(unsigned node)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (nodes[node].child[i] != NOWHERE) {
            return false;
        }
    }
    return true;
}

static int model_create(const char *path, enum kind kind, const char *target, struct found *found)
{
    unsigned node = 1;
    int error = resolve(path, true, false, found);

    if (error != 0) {
        return error;
    }
    if (found->last != LAST_NAME || found->node != NOWHERE) {
        return -EEXIST;
    }
    if (found->slash && kind != FOLDER) {
        return -ENOENT;
    }
    while (node < NODES && nodes[node].kind != FREE) {
        node++;
    }
    fuzz_require(node < NODES, "the model is too small");
    nodes[node].kind = kind;
    nodes[node].parent = found->parent;
    strlcpy(nodes[node].target, target, sizeof(nodes[node].target));
    nodes[found->parent].child[found->name] = node;
    found->node = node;
    return 0;
}

static int model_remove(const char *path, bool folder)
{
    static const int dots[] = {[LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY,
                               [LAST_ROOT] = -EBUSY};
    struct found found;
    int error = resolve(path, true, false, &found);

    if (error != 0) {
        return error;
    }
    if (found.last != LAST_NAME) {
        return folder ? dots[found.last] : -EISDIR;
    }
    if (found.node == NOWHERE) {
        return -ENOENT;
    }
    bool is_folder = nodes[found.node].kind == FOLDER;

    if (!folder && (is_folder || found.slash)) {
        return is_folder ? -EISDIR : -ENOTDIR;
    }
    if (folder && (!is_folder || !is_empty(found.node))) {
        return is_folder ? -ENOTEMPTY : -ENOTDIR;
    }
    nodes[found.node].kind = FREE;
    nodes[found.parent].child[found.name] = NOWHERE;
    return 0;
}

static bool is_below(unsigned node, unsigned top)
{
    while (node != top && node != 0) {
        node = nodes[node].parent;
    }
    return node == top;
}

/* Only whether it succeeds: the order of rename(2)'s many errors is not worth a model. */
static bool model_rename(const char *from, const char *to)
{
    struct found old, new;

    if (resolve(from, true, false, &old) != 0 || resolve(to, true, false, &new) != 0 ||
        old.last != LAST_NAME || new.last != LAST_NAME || old.node == NOWHERE) {
        return false;
    }
    bool folder = nodes[old.node].kind == FOLDER;

    if ((!folder && (old.slash || new.slash)) || is_below(new.parent, old.node)) {
        return false;
    }
    if (new.node == old.node) {
        return true;
    }
    if (new.node != NOWHERE) {
        bool over = nodes[new.node].kind == FOLDER;

        if (over != folder || (over && !is_empty(new.node)) || is_below(old.parent, new.node)) {
            return false;
        }
        nodes[new.node].kind = FREE;
    }
    nodes[old.parent].child[old.name] = NOWHERE;
    nodes[new.parent].child[new.name] = old.node;
    nodes[old.node].parent = new.parent;
    return true;
}

static void check_stat(const char *path, bool follow)
{
    struct path_at where = tree_at(path);
    struct vfs_stat stat;
    struct found found;
    int expected = resolve(path, false, follow, &found);
    int error = vfs_stat(&where, follow ? 0 : AT_SYMLINK_NOFOLLOW, &stat);

    fuzz_require(error == expected, "stat %s: %d, the model says %d", path, error, expected);
    fuzz_require(error != 0 || found.node == 0 || stat.ino == nodes[found.node].ino,
                 "stat %s: another file", path);
}

static bool create(struct fuzz_input *input, const char *path, enum kind kind)
{
    struct path_at where = tree_at(path);
    static char target[TEXT_MAX];
    struct found found;
    struct vfs_stat stat;
    int error;

    target[0] = '\0';
    if (kind == LINK) {
        make_path(input, target, 3);
        target[sizeof(nodes[0].target) - 1] = '\0'; /* the model keeps no more */
    }
    int expected = model_create(path, kind, target, &found);

    error = kind == FOLDER   ? vfs_mkdir(&where, 0755)
            : kind == LINK   ? vfs_symlink(&where, target)
                             : vfs_mknod(&where, S_IFREG | 0644, 0);
    fuzz_require(error == expected, "create %u %s: %d, the model says %d", kind, path, error,
                 expected);
    if (error == 0) {
        /* A slash at the end would follow; there is none but behind a folder. */
        fuzz_require(vfs_stat(&where, AT_SYMLINK_NOFOLLOW, &stat) == 0, "%s is not there", path);
        nodes[found.node].ino = stat.ino;
    }
    return error == 0;
}

static bool step(struct fuzz_input *input)
{
    static char path[TEXT_MAX], other[TEXT_MAX];
    unsigned what = fuzz_below(input, 16);
    struct path_at where = tree_at(path), to = tree_at(other);
    int error, expected;

    make_path(input, path, 5);
    switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
        return create(input, path, FOLDER);
    case 4:
        return create(input, path, REGULAR);
    case 5:
    case 6:
    case 7:
        return create(input, path, LINK);
    case 8:
    case 9:
        expected = model_remove(path, what == 9);
        error = what == 9 ? vfs_rmdir(&where) : vfs_unlink(&where);
        fuzz_require(error == expected, "remove %u %s: %d, the model says %d", what, path, error,
                     expected);
        return error == 0;
    case 10:
        make_path(input, other, 5);
        bool good = model_rename(path, other);

        error = vfs_rename(&where, &to, 0);
        fuzz_require((error == 0) == good, "rename %s %s: %d, the model says %d", path, other,
                     error, good);
        return good;
    default:
        check_stat(path, what % 2 == 0);
        return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    tree_start();
    reset();
    for (unsigned nr = 0; nr < NODES - 2 && input.left > 0; nr++) {
        fuzz_done(step(&input));
    }
    tree_end();
    return 0;
}
