/*
 * Path walk, path_resolution(7). A walk starts "fast": fs_tree_lock held, no references, since the
 * lock keeps every hashed dentry, its ancestors and every directory in use alive. The first step
 * that must leave the lock (a generated name or link) makes it "pinned": from then on it owns
 * references on all that it holds.
 */
#include "fs/path.h"

#include "fs/walk.h"
#include "kernel/string.h"
#include "mm/slab.h"

static int walk_begin(struct walk *walk, const struct path_at *where, uint32_t flags)
    ACQUIRES(&fs_tree_lock)
{
    const char *name = where->name;

    walk->cred = where->cred;
    walk->rest = name;
    walk->flags = flags;
    walk->depth = 0;
    walk->nr_links = 0;
    walk->pinned = false;
    walk->slash = false;
    walk->found = NULL;
    walk->drop = NULL;
    walk->last.kind = PATH_LAST_ROOT;
    walk->last.name = name;
    walk->last.len = 0;
    spin_lock(&fs_tree_lock);
    walk->root = where->ctx->root;
    if (name[0] == '/') {
        walk->at = walk->root;
    } else if (where->at != NULL) {
        walk->at = where->at->dentry;
    } else {
        walk->at = where->ctx->cwd;
    }
    if (name[0] == '\0') {
        if (!(flags & PATH_EMPTY)) {
            return -ENOENT;
        }
    } else if (!inode_is(walk->at->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    return 0;
}

static void walk_pin(struct walk *walk)
{
    if (walk->pinned) {
        return;
    }
    walk->pinned = true;
    dentry_get(walk->root);
    dentry_get(walk->at);
    for (unsigned i = 0; i < walk->depth; i++) {
        inode_get(walk->links[i].inode);
    }
}

/* Steps to a dentry; `owned`: the caller hands over a reference (pinned walks only). */
static void walk_step(struct walk *walk, struct dentry *to, bool owned) REQUIRES(&fs_tree_lock)
{
    if (walk->pinned) {
        if (!owned) {
            dentry_get(to);
        }
        struct dentry *old = walk->at;

        walk->at = to;
        spin_unlock(&fs_tree_lock);
        dentry_put(old);
        spin_lock(&fs_tree_lock);
        return;
    }
    walk->at = to;
}

static struct dentry *walk_cross(struct dentry *dentry)
{
    while (dentry->mounted != NULL) {
        dentry = dentry->mounted->root;
    }
    return dentry;
}

static struct dentry *walk_parent(const struct walk *walk, struct dentry *dentry)
{
    while (dentry != walk->root && dentry->parent == dentry &&
           dentry->inode->super->covered != NULL) {
        dentry = dentry->inode->super->covered;
    }
    if (dentry == walk->root) {
        return dentry;
    }
    return walk_cross(dentry->parent);
}

/* Frees what a finished or abandoned link text held. */
static void walk_pop(struct walk *walk) REQUIRES(&fs_tree_lock)
{
    struct walk_link *link = &walk->links[--walk->depth];

    walk->rest = link->rest;
    kfree(link->text);
    if (walk->pinned) {
        spin_unlock(&fs_tree_lock);
        inode_put(link->inode);
        spin_lock(&fs_tree_lock);
    }
}

static int walk_push(struct walk *walk, struct inode *inode, const char *target, char *text,
                     const char *rest) REQUIRES(&fs_tree_lock)
{
    if (target[0] == '\0') {
        kfree(text);
        return -ENOENT;
    }
    walk->links[walk->depth++] = (struct walk_link){rest, inode, text};
    if (walk->pinned) {
        inode_get(inode);
    }
    walk->rest = target;
    if (target[0] == '/') {
        walk->last.kind = PATH_LAST_ROOT;
        walk_step(walk, walk->root, false);
    }
    return 0;
}

/* Where the link leads: text of the file system's making, or an object itself. */
static int walk_generated_link(struct walk *walk, struct dentry *link, const char *rest)
    REQUIRES(&fs_tree_lock)
{
    struct inode *inode = link->inode;
    struct dentry *target = NULL;
    char *text = NULL;
    int error = 0;

    walk_pin(walk);
    dentry_get(link);
    spin_unlock(&fs_tree_lock);
    if (inode->ops->follow != NULL) {
        error = inode->ops->follow(inode, &target);
    } else if ((text = kmalloc(FS_PATH_MAX)) == NULL) {
        error = -ENOMEM;
    } else {
        ssize64_t len = inode->ops->readlink(inode, text, FS_PATH_MAX);

        if (len < 0) {
            kfree(text);
            error = (int)len;
        }
    }
    spin_lock(&fs_tree_lock);
    if (error == 0 && target != NULL) {
        walk->rest = rest;
        walk->last.kind = PATH_LAST_ROOT;
        walk->jumped = true;
        walk_step(walk, target, true);
    } else if (error == 0) {
        error = walk_push(walk, inode, text, text, rest);
    }
    spin_unlock(&fs_tree_lock);
    dentry_put(link);
    spin_lock(&fs_tree_lock);
    return error;
}

static int walk_follow(struct walk *walk, struct dentry *link, const char *rest)
    REQUIRES(&fs_tree_lock)
{
    if (walk->nr_links++ >= FS_SYMLINKS_MAX) {
        return -ELOOP;
    }
    inode_accessed(link->inode);
    if (link->inode->link == NULL) {
        return walk_generated_link(walk, link, rest);
    }
    return walk_push(walk, link->inode, link->inode->link, NULL, rest);
}

/*
 * Finds a child. *owned says that *out carries a reference (made just now, not hashed). -ENOENT and
 * the like as the file system says.
 */
static int walk_child(struct walk *walk, const char *name, size_t len, struct dentry **out,
                      bool *owned) REQUIRES(&fs_tree_lock)
{
    struct inode *dir = walk->at->inode;
    struct dentry *child = dentry_find_locked(walk->at, name, len);
    struct inode *inode;
    int error;

    *owned = false;
    if (child != NULL) {
        *out = child;
        return 0;
    }
    if (dir->ops->lookup == NULL) {
        return -ENOENT;
    }
    walk_pin(walk);
    spin_unlock(&fs_tree_lock);
    error = dir->ops->lookup(dir, name, len, &inode);
    if (error == 0) {
        child = dentry_create(walk->at, inode, name, len);
        error = child == NULL ? -ENOMEM : 0;
        inode_put(inode);
    }
    spin_lock(&fs_tree_lock);
    *out = child;
    *owned = true;
    return error;
}

/* Whether nothing but slashes follows, here and behind the links that are being followed. */
static bool walk_is_last(const struct walk *walk, const char *rest, bool *slash)
{
    for (unsigned i = walk->depth;; i--) {
        if (*rest == '/') {
            *slash = true;
            rest += strspn_slash(rest);
        }
        if (*rest != '\0') {
            return false;
        }
        if (i == 0) {
            return true;
        }
        rest = walk->links[i - 1].rest;
    }
}

/* Steps through one ordinary name. `last`: it is the final one. */
static int walk_name(struct walk *walk, const char *name, size_t len, bool last)
    REQUIRES(&fs_tree_lock)
{
    bool owned;
    struct dentry *child;
    int error = walk_child(walk, name, len, &child, &owned);

    if (error == -ENOENT && last && (walk->flags & WALK_LAST)) {
        walk->missing = true;
        return 0;
    }
    if (error != 0) {
        return error;
    }
    child = walk_cross(child);
    /* Slashes at the end follow a link, but not where the name itself is made or removed. */
    if (inode_is(child->inode, S_IFLNK) &&
        (!last || (walk->slash && !(walk->flags & WALK_LAST)) ||
         !(walk->flags & PATH_NOFOLLOW))) {
        error = walk_follow(walk, child, name + len);
        if (owned) {
            spin_unlock(&fs_tree_lock);
            dentry_put(child);
            spin_lock(&fs_tree_lock);
        }
        return error;
    }
    walk->rest = name + len;
    if (last && (walk->flags & WALK_LAST)) {
        if (walk->pinned && !owned) {
            dentry_get(child);
        }
        walk->found = child;
        return 0;
    }
    walk_step(walk, child, owned);
    return 0;
}

static int walk_component(struct walk *walk) REQUIRES(&fs_tree_lock)
{
    const char *name = walk->rest;
    size_t len = 0;
    bool slash = false;
    bool last;
    int error;

    while (name[len] != '/' && name[len] != '\0') {
        len++;
    }
    if (!inode_is(walk->at->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    /* Most directories let everybody search them. */
    if ((inode_mode(walk->at->inode) & 0111) != 0111) {
        error = inode_permission(walk->at->inode, walk->cred, MAY_EXEC);
        if (error != 0) {
            return error;
        }
    }
    if (len > FS_NAME_MAX) {
        return -ENAMETOOLONG;
    }
    walk->jumped = false;
    last = walk_is_last(walk, name + len, &slash);
    walk->slash = last && slash;
    walk->last.name = name;
    walk->last.len = len;
    if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))) {
        walk->last.kind = len == 1 ? PATH_LAST_DOT : PATH_LAST_DOTDOT;
        walk->rest = name + len;
        if (len == 2) {
            walk_step(walk, walk_parent(walk, walk->at), false);
        }
        return 0;
    }
    walk->last.kind = PATH_LAST_NAME;
    return walk_name(walk, name, len, last);
}

/* Walks to the end: walk->at (and, with WALK_LAST, walk->found or walk->missing). */
static int walk_run(struct walk *walk) REQUIRES(&fs_tree_lock)
{
    walk->missing = false;
    walk->jumped = false;
    for (;;) {
        int error;

        walk->rest += strspn_slash(walk->rest);
        if (walk->found != NULL || walk->missing) {
            return 0;
        }
        if (*walk->rest == '\0') {
            if (walk->depth == 0) {
                return 0;
            }
            walk_pop(walk);
            continue;
        }
        error = walk_component(walk);
        if (error != 0) {
            return error;
        }
    }
}

/* Leaves the lock and all references but those that are handed out. */
static void walk_end(struct walk *walk, bool keep_at) RELEASES(&fs_tree_lock)
{
    while (walk->depth > 0) {
        walk_pop(walk);
    }
    if (!walk->pinned && keep_at) {
        dentry_get(walk->at);
    }
    spin_unlock(&fs_tree_lock);
    if (walk->pinned) {
        dentry_put(walk->root);
        if (!keep_at) {
            dentry_put(walk->at);
        }
    }
}

int path_resolve(const struct path_at *where, uint32_t flags, struct dentry **out)
{
    struct walk walk;
    int error = walk_begin(&walk, where, flags);

    if (error == 0) {
        error = walk_run(&walk);
    }
    if (error == 0 && (walk.slash || (flags & PATH_DIRECTORY)) &&
        !inode_is(walk.at->inode, S_IFDIR)) {
        error = -ENOTDIR;
    }
    *out = walk.at;
    walk_end(&walk, error == 0);
    return error;
}

/* A copy of the last name, whose text goes with its link; made without the lock. Or NULL. */
static char *walk_copy_name(struct walk *walk) REQUIRES(&fs_tree_lock)
{
    char *text;

    if (!walk->pinned) {
        walk_pin(walk);
        if (walk->found != NULL) {
            dentry_get(walk->found);
        }
    }
    spin_unlock(&fs_tree_lock);
    text = kmalloc(walk->last.len + 1);
    if (text != NULL) {
        memcpy(text, walk->last.name, walk->last.len);
    }
    spin_lock(&fs_tree_lock);
    return text;
}

/* Hands out parent and found, both referenced, from what the walk ended with. */
static int walk_take_last(struct walk *walk, struct path_last *out) REQUIRES(&fs_tree_lock)
{
    *out = walk->last;
    out->slash = walk->slash;
    out->text = NULL;
    if (walk->jumped) {
        out->kind = PATH_LAST_ROOT;
    }
    if (walk->depth > 0 && out->kind == PATH_LAST_NAME) {
        out->text = walk_copy_name(walk);
        if (out->text == NULL) {
            walk->drop = walk->found;
            return -ENOMEM;
        }
        out->name = out->text;
    }
    if (out->kind == PATH_LAST_NAME) {
        out->parent = walk->at;
        out->found = walk->found;
        if (!walk->pinned && walk->found != NULL) {
            dentry_get(walk->found);
        }
        return 0;
    }
    out->found = walk->at;
    out->parent = walk->at->parent;
    dentry_get(out->parent);
    return 0;
}

int path_resolve_last(const struct path_at *where, uint32_t flags, struct path_last *out)
{
    struct walk walk;
    int error = walk_begin(&walk, where, flags | WALK_LAST);

    if (error == 0) {
        error = walk_run(&walk);
    }
    if (error == 0) {
        error = walk_take_last(&walk, out);
    }
    walk_end(&walk, error == 0);
    if (walk.drop != NULL) {
        dentry_put(walk.drop);
    }
    return error;
}

bool path_last_holds_locked(const struct path_last *last)
{
    struct dentry *found;

    if (last->kind != PATH_LAST_NAME || last->parent->inode->ops->lookup != NULL) {
        return true;
    }
    found = dentry_find_locked(last->parent, last->name, last->len);
    return (found == NULL ? NULL : walk_cross(found)) == last->found;
}

void path_last_put(struct path_last *last)
{
    dentry_put(last->parent);
    if (last->found != NULL) {
        dentry_put(last->found);
    }
    kfree(last->text);
}
