/*
 * The tree of names: a hash of (parent, name) over dentries, and paths as text. fs_tree_lock guards
 * it all. A hashed dentry owns a reference on itself, so what look-up finds under the lock is
 * alive, and dropping a last reference needs no lock.
 */
#include "fs/inode.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define DENTRY_BUCKETS 4096u

struct spinlock fs_tree_lock = SPINLOCK_INIT;

static struct dentry *dentry_buckets[DENTRY_BUCKETS];
static struct slab_cache dentry_cache;

void dentry_cache_init(void)
{
    slab_cache_init(&dentry_cache, "dentry", sizeof(struct dentry));
}

/* FNV-1a, mixed with the parent's address. */
static uint32_t dentry_hash(const struct dentry *parent, const char *name, size_t len)
{
    uint32_t hash = (uint32_t)((uintptr_t)parent >> 6) * 0x9e3779b1u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 0x01000193u;
    }
    return hash ^ (hash >> 15);
}

static struct dentry **dentry_bucket(uint32_t hash)
{
    return &dentry_buckets[hash % DENTRY_BUCKETS];
}

void dentry_get(struct dentry *dentry)
{
    atomic_fetch_add_explicit(&dentry->refs, 1, memory_order_relaxed);
}

static void dentry_free_name(struct dentry *dentry)
{
    if (dentry->name != dentry->name_inline) {
        kfree(dentry->name);
    }
}

void dentry_put(struct dentry *dentry)
{
    while (atomic_fetch_sub_explicit(&dentry->refs, 1, memory_order_acq_rel) == 1) {
        struct dentry *parent = dentry->parent;

        kassert(!(dentry->flags & DENTRY_HASHED) && list_empty(&dentry->children));
        inode_put(dentry->inode);
        dentry_free_name(dentry);
        slab_free(&dentry_cache, dentry);
        if (parent == dentry) {
            return;
        }
        dentry = parent;
    }
}

static struct dentry *dentry_alloc(struct inode *inode, const char *name, size_t len)
{
    struct dentry *dentry = slab_alloc(&dentry_cache);

    if (dentry == NULL) {
        return NULL;
    }
    memset(dentry, 0, offsetof(struct dentry, name_inline));
    dentry->name = dentry->name_inline;
    if (len >= sizeof(dentry->name_inline)) {
        dentry->name = kmalloc(len + 1);
        if (dentry->name == NULL) {
            slab_free(&dentry_cache, dentry);
            return NULL;
        }
    }
    memcpy(dentry->name, name, len);
    dentry->name[len] = '\0';
    dentry->name_len = (uint32_t)len;
    atomic_init(&dentry->refs, 1);
    list_init(&dentry->children);
    list_init(&dentry->sibling);
    dentry->next_cookie = 3;
    dentry->parent = dentry;
    inode_get(inode);
    dentry->inode = inode;
    return dentry;
}

struct dentry *dentry_create_root(struct inode *inode)
{
    return dentry_alloc(inode, "/", 1);
}

struct dentry *dentry_create_anon(struct inode *inode, const char *name)
{
    struct dentry *dentry = dentry_alloc(inode, name, strlen(name));

    if (dentry != NULL) {
        dentry->flags = DENTRY_ANON;
    }
    return dentry;
}

struct dentry *dentry_create(struct dentry *parent, struct inode *inode, const char *name,
                             size_t len)
{
    struct dentry *dentry = dentry_alloc(inode, name, len);

    if (dentry != NULL) {
        dentry_get(parent);
        dentry->parent = parent;
    }
    return dentry;
}

struct dentry *dentry_find_locked(struct dentry *parent, const char *name, size_t len)
{
    uint32_t hash = dentry_hash(parent, name, len);

    for (struct dentry *it = *dentry_bucket(hash); it != NULL; it = it->hash_next) {
        if (it->hash == hash && it->parent == parent && it->name_len == len &&
            memcmp(it->name, name, len) == 0) {
            return it;
        }
    }
    return NULL;
}

static void dentry_count_locked(struct dentry *parent, int64_t entries)
{
    if (parent->inode->super->flags & SUPER_DIR_SIZE) {
        atomic_fetch_add(&parent->inode->size, (uint64_t)(entries * SUPER_ENTRY_SIZE));
    }
}

static void dentry_hash_locked(struct dentry *dentry)
{
    struct dentry *parent = dentry->parent;
    struct dentry **bucket;

    dentry->hash = dentry_hash(parent, dentry->name, dentry->name_len);
    bucket = dentry_bucket(dentry->hash);
    dentry->hash_next = *bucket;
    *bucket = dentry;
    dentry->cookie = parent->next_cookie++;
    list_push_back(&parent->children, &dentry->sibling);
    dentry_count_locked(parent, 1);
}

static void dentry_unhash_locked(struct dentry *dentry)
{
    struct dentry **link = dentry_bucket(dentry->hash);

    while (*link != dentry) {
        link = &(*link)->hash_next;
    }
    *link = dentry->hash_next;
    dentry->hash_next = NULL;
    list_remove(&dentry->sibling);
    dentry_count_locked(dentry->parent, -1);
}

int dentry_link_locked(struct dentry *dentry)
{
    struct dentry *parent = dentry->parent;

    if (parent->inode->flags & INODE_DEAD) {
        return -ENOENT;
    }
    if (dentry_find_locked(parent, dentry->name, dentry->name_len) != NULL) {
        return -EEXIST;
    }
    dentry_get(dentry);
    dentry->flags |= DENTRY_HASHED;
    dentry_hash_locked(dentry);
    return 0;
}

int dentry_link(struct dentry *dentry)
{
    int error;

    spin_lock(&fs_tree_lock);
    error = dentry_link_locked(dentry);
    spin_unlock(&fs_tree_lock);
    return error;
}

void dentry_unlink_locked(struct dentry *dentry)
{
    dentry_unhash_locked(dentry);
    dentry->flags &= ~(uint32_t)DENTRY_HASHED;
    dentry->flags |= DENTRY_DELETED;
}

/* Names are swapped as a whole, so that nothing is allocated and nothing can fail. */
static void dentry_swap_names(struct dentry *a, struct dentry *b)
{
    bool a_inline = a->name == a->name_inline;
    bool b_inline = b->name == b->name_inline;
    char *name = a->name;
    uint32_t len = a->name_len;

    for (size_t i = 0; i < sizeof(a->name_inline); i++) {
        char byte = a->name_inline[i];

        a->name_inline[i] = b->name_inline[i];
        b->name_inline[i] = byte;
    }
    a->name = b_inline ? a->name_inline : b->name;
    b->name = a_inline ? b->name_inline : name;
    a->name_len = b->name_len;
    b->name_len = len;
}

void dentry_exchange_locked(struct dentry *dentry, struct dentry *other)
{
    bool both = (other->flags & DENTRY_HASHED) != 0;
    struct dentry *parent = dentry->parent;

    dentry_unhash_locked(dentry);
    if (both) {
        dentry_unhash_locked(other);
    }
    dentry->parent = other->parent;
    other->parent = parent;
    dentry_swap_names(dentry, other);
    dentry_hash_locked(dentry);
    if (both) {
        dentry_hash_locked(other);
    }
}

bool dentry_is_below_locked(const struct dentry *dentry, const struct dentry *above)
{
    for (;;) {
        if (dentry == above) {
            return true;
        }
        if (dentry->parent == dentry) {
            return false;
        }
        dentry = dentry->parent;
    }
}

int dentry_add(struct dentry *parent, const char *name, struct inode *inode, struct dentry **out)
{
    struct dentry *dentry = dentry_create(parent, inode, name, strlen(name));
    int error;

    if (dentry == NULL) {
        return -ENOMEM;
    }
    spin_lock(&fs_tree_lock);
    error = dentry_link_locked(dentry);
    if (error == 0 && inode_is(inode, S_IFDIR)) {
        parent->inode->nlink++;
    }
    spin_unlock(&fs_tree_lock);
    if (error != 0 || out == NULL) {
        dentry_put(dentry);
    } else {
        *out = dentry;
    }
    return error;
}

static char *dentry_prepend(char *at, char *buf, const char *text, size_t len)
{
    if (at == NULL || (size_t)(at - buf) < len) {
        return NULL;
    }
    at -= len;
    memcpy(at, text, len);
    return at;
}

char *dentry_path_locked(struct dentry *dentry, struct dentry *root, char *buf, size_t size,
                         bool *reachable)
{
    char *at = dentry_prepend(buf + size, buf, "", 1);
    bool found = true;

    if (dentry->flags & DENTRY_DELETED) {
        at = dentry_prepend(at, buf, " (deleted)", 10);
    }
    if (dentry->flags & DENTRY_ANON) {
        at = dentry_prepend(at, buf, dentry->name, dentry->name_len);
        goto done;
    }
    char *end = at;

    while (dentry != root) {
        if (dentry->parent == dentry) {
            if (dentry->inode->super->covered == NULL) {
                found = root == NULL;
                break;
            }
            dentry = dentry->inode->super->covered;
            continue;
        }
        at = dentry_prepend(at, buf, dentry->name, dentry->name_len);
        at = dentry_prepend(at, buf, "/", 1);
        dentry = dentry->parent;
    }
    if (at == end) {
        at = dentry_prepend(at, buf, "/", 1);
    }
done:
    if (reachable != NULL) {
        *reachable = found;
    }
    return at;
}

char *dentry_path(struct dentry *dentry, struct dentry *root, char *buf, size_t size,
                  bool *reachable)
{
    char *path;

    spin_lock(&fs_tree_lock);
    path = dentry_path_locked(dentry, root, buf, size, reachable);
    spin_unlock(&fs_tree_lock);
    return path;
}
