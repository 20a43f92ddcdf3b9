/* The state of one path walk; private to fs/path.c. */
#pragma once

#include "fs/path.h"

#define WALK_LAST (1u << 31) /* stop before the last name, as path_resolve_last() wants */

struct walk_link {
    const char *rest;    /* where to go on behind the link */
    struct inode *inode; /* keeps its text alive */
    char *text;          /* kmalloc'ed text, or NULL */
};

struct walk {
    const struct cred *cred;
    struct dentry *root; /* of the process: ".." ends there */
    struct dentry *at;
    struct dentry *found; /* WALK_LAST: what the last name is; a reference if pinned */
    struct dentry *drop;  /* to be put behind the lock */
    const char *rest;
    uint32_t flags;
    unsigned depth, nr_links;
    bool pinned, slash, missing;
    bool jumped; /* the last step was a magic link */
    struct path_last last;
    struct walk_link links[FS_SYMLINKS_MAX];
};

static inline size_t strspn_slash(const char *s)
{
    size_t n = 0;

    while (s[n] == '/') {
        n++;
    }
    return n;
}
