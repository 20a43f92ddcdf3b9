/*
 * Descriptor tables. The first 64 slots are inside the table; bigger arrays are allocated outside
 * the lock and swapped in under it. A slot whose bit is set and whose file is NULL is reserved.
 */
#include "fs/fd_table.h"

#include "fs/lock.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define FD_WORD_BITS 64u

static struct slab_cache fd_table_cache;

void fd_table_cache_init(void)
{
    slab_cache_init(&fd_table_cache, "fd_table", sizeof(struct fd_table));
}

struct fd_table *fd_table_create(void)
{
    struct fd_table *table = slab_alloc(&fd_table_cache);

    if (table == NULL) {
        return NULL;
    }
    atomic_init(&table->refs, 1);
    spin_init(&table->lock);
    table->size = FD_INLINE;
    table->first_free = 0;
    table->files = table->inline_files;
    table->taken = &table->inline_taken;
    table->cloexec = &table->inline_cloexec;
    table->inline_taken = 0;
    table->inline_cloexec = 0;
    memset(table->inline_files, 0, sizeof(table->inline_files));
    return table;
}

static bool fd_bit(const uint64_t *map, uint32_t fd)
{
    return (map[fd / FD_WORD_BITS] >> (fd % FD_WORD_BITS)) & 1;
}

static void fd_bit_set(uint64_t *map, uint32_t fd, bool on)
{
    uint64_t bit = 1ull << (fd % FD_WORD_BITS);

    map[fd / FD_WORD_BITS] = on ? map[fd / FD_WORD_BITS] | bit : map[fd / FD_WORD_BITS] & ~bit;
}

static size_t fd_map_bytes(uint32_t size)
{
    return size / 8;
}

/* One block: files, then both maps. */
static void *fd_block_alloc(uint32_t size)
{
    return kzalloc(size * sizeof(struct file *) + 2 * fd_map_bytes(size));
}

static void fd_block_use_locked(struct fd_table *table, void *block, uint32_t size)
{
    struct file **files = block;
    uint64_t *taken = (uint64_t *)(files + size);
    uint64_t *cloexec = taken + size / FD_WORD_BITS;

    memcpy(files, table->files, table->size * sizeof(*files));
    memcpy(taken, table->taken, fd_map_bytes(table->size));
    memcpy(cloexec, table->cloexec, fd_map_bytes(table->size));
    table->files = files;
    table->taken = taken;
    table->cloexec = cloexec;
    table->size = size;
}

/* Makes the table hold at least `want` slots. */
static int fd_grow(struct fd_table *table, uint32_t want)
{
    uint32_t size = FD_INLINE;
    void *block;
    void *old;

    while (size < want) {
        size *= 2;
    }
    block = fd_block_alloc(size);
    if (block == NULL) {
        return -ENOMEM;
    }
    spin_lock(&table->lock);
    if (table->size < size) {
        old = table->files == table->inline_files ? NULL : table->files;
        fd_block_use_locked(table, block, size);
    } else {
        old = block;
    }
    spin_unlock(&table->lock);
    kfree(old);
    return 0;
}

/* The lowest set bit of ~map (or of map) at or past `from`, or size. */
static uint32_t fd_scan(const uint64_t *map, uint32_t size, uint32_t from, bool set)
{
    for (uint32_t word = from / FD_WORD_BITS; word < size / FD_WORD_BITS; word++) {
        uint64_t bits = set ? map[word] : ~map[word];

        if (word == from / FD_WORD_BITS) {
            bits &= ~0ull << (from % FD_WORD_BITS);
        }
        if (bits != 0) {
            return word * FD_WORD_BITS + (uint32_t)__builtin_ctzll(bits);
        }
    }
    return size;
}

void fd_table_get(struct fd_table *table)
{
    atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
}

static void fd_drop_file(struct fd_table *table, struct file *file)
{
    lock_release_posix(file, table);
    file_put(file);
}

void fd_table_put(struct fd_table *table)
{
    if (atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t word = 0; word < table->size / FD_WORD_BITS; word++) {
        for (uint64_t bits = table->taken[word]; bits != 0; bits &= bits - 1) {
            fd_drop_file(table,
                         table->files[word * FD_WORD_BITS + (uint32_t)__builtin_ctzll(bits)]);
        }
        (void)!sched_point();
    }
    if (table->files != table->inline_files) {
        kfree(table->files);
    }
    slab_free(&fd_table_cache, table);
}

/* Requires: copy is empty, private and as large as table. A slot that a racing open reserved stays
 * free. */
static void fd_table_copy_locked(struct fd_table *table, struct fd_table *copy)
{
    for (uint32_t word = 0; word < table->size / FD_WORD_BITS; word++) {
        uint64_t taken = 0;

        for (uint64_t bits = table->taken[word]; bits != 0; bits &= bits - 1) {
            uint32_t fd = word * FD_WORD_BITS + (uint32_t)__builtin_ctzll(bits);
            struct file *file = table->files[fd];

            if (file != NULL) {
                file_get(file);
                copy->files[fd] = file;
                taken |= bits & -bits;
            }
        }
        copy->taken[word] = taken;
        copy->cloexec[word] = table->cloexec[word] & taken;
    }
}

struct fd_table *fd_table_copy(struct fd_table *table)
{
    struct fd_table *copy = fd_table_create();

    if (copy == NULL) {
        return NULL;
    }
    for (;;) {
        uint32_t size;

        spin_lock(&table->lock);
        size = table->size;
        if (copy->size >= size) {
            break;
        }
        spin_unlock(&table->lock);
        if (fd_grow(copy, size) != 0) {
            fd_table_put(copy);
            return NULL;
        }
    }
    fd_table_copy_locked(table, copy);
    spin_unlock(&table->lock);
    return copy;
}

int fd_reserve(struct fd_table *table, uint32_t from, uint64_t limit)
{
    uint32_t max = (uint32_t)MIN(limit, (uint64_t)FD_MAX);
    uint32_t fd;

    if (from > 0 && from >= max) {
        return -EINVAL;
    }
    for (;;) {
        int error;

        spin_lock(&table->lock);
        fd = fd_scan(table->taken, table->size, MAX(from, table->first_free), false);
        if (fd >= max) {
            spin_unlock(&table->lock);
            return -EMFILE;
        }
        if (fd < table->size) {
            break;
        }
        spin_unlock(&table->lock);
        error = fd_grow(table, fd + 1);
        if (error != 0) {
            return error;
        }
    }
    fd_bit_set(table->taken, fd, true);
    if (from <= table->first_free) {
        table->first_free = fd + 1;
    }
    spin_unlock(&table->lock);
    return (int)fd;
}

void fd_commit(struct fd_table *table, int fd, struct file *file, bool cloexec)
{
    spin_lock(&table->lock);
    kassert(fd_bit(table->taken, (uint32_t)fd) && table->files[fd] == NULL);
    table->files[fd] = file;
    fd_bit_set(table->cloexec, (uint32_t)fd, cloexec);
    spin_unlock(&table->lock);
}

static void fd_free_locked(struct fd_table *table, uint32_t fd)
{
    table->files[fd] = NULL;
    fd_bit_set(table->taken, fd, false);
    fd_bit_set(table->cloexec, fd, false);
    table->first_free = MIN(table->first_free, fd);
}

void fd_cancel(struct fd_table *table, int fd)
{
    spin_lock(&table->lock);
    fd_free_locked(table, (uint32_t)fd);
    spin_unlock(&table->lock);
}

int fd_install(struct fd_table *table, struct file *file, uint32_t from, uint64_t limit,
               bool cloexec)
{
    int fd = fd_reserve(table, from, limit);

    if (fd >= 0) {
        fd_commit(table, fd, file, cloexec);
    }
    return fd;
}

static struct file *fd_file_locked(struct fd_table *table, int fd)
{
    return fd < 0 || (uint32_t)fd >= table->size ? NULL : table->files[fd];
}

struct file *fd_get_raw(struct fd_table *table, int fd)
{
    struct file *file;

    spin_lock(&table->lock);
    file = fd_file_locked(table, fd);
    if (file != NULL) {
        file_get(file);
    }
    spin_unlock(&table->lock);
    return file;
}

struct file *fd_get(struct fd_table *table, int fd)
{
    struct file *file = fd_get_raw(table, fd);

    if (file != NULL && (file_mode(file) & FILE_PATH)) {
        file_put(file);
        return NULL;
    }
    return file;
}

/* Takes the file out of its slot, or NULL. */
static struct file *fd_take(struct fd_table *table, int fd)
{
    struct file *file;

    spin_lock(&table->lock);
    file = fd_file_locked(table, fd);
    if (file != NULL) {
        fd_free_locked(table, (uint32_t)fd);
    }
    spin_unlock(&table->lock);
    return file;
}

int fd_close(struct fd_table *table, int fd)
{
    struct file *file = fd_take(table, fd);

    if (file == NULL) {
        return -EBADF;
    }
    fd_drop_file(table, file);
    return 0;
}

int fd_next(struct fd_table *table, uint32_t from)
{
    int found = -1;

    spin_lock(&table->lock);
    for (uint32_t fd = from; (fd = fd_scan(table->taken, table->size, fd, true)) < table->size;
         fd++) {
        if (table->files[fd] != NULL) {
            found = (int)fd;
            break;
        }
    }
    spin_unlock(&table->lock);
    return found;
}

void fd_close_range(struct fd_table *table, uint32_t first, uint32_t last, bool cloexec_only)
{
    int fd = first > FD_MAX ? -1 : fd_next(table, first);

    while (fd >= 0 && (uint32_t)fd <= last) {
        if (cloexec_only) {
            int error = fd_set_cloexec(table, fd, true);

            (void)error;
        } else {
            struct file *file = fd_take(table, fd);

            if (file != NULL) {
                fd_drop_file(table, file);
            }
        }
        if ((uint32_t)fd % FD_WORD_BITS == 0) {
            (void)!sched_point();
        }
        fd = fd_next(table, (uint32_t)fd + 1);
    }
}

/* The lowest descriptor at or past `from` that execve closes, or -1. */
static int fd_next_cloexec(struct fd_table *table, uint32_t from)
{
    uint32_t fd;

    spin_lock(&table->lock);
    fd = fd_scan(table->cloexec, table->size, from, true);
    fd = fd < table->size ? fd : UINT32_MAX;
    spin_unlock(&table->lock);
    return (int)fd;
}

void fd_table_close_on_exec(struct fd_table *table)
{
    for (int fd = 0; (fd = fd_next_cloexec(table, (uint32_t)fd)) >= 0; fd++) {
        struct file *file = fd_take(table, fd);

        if (file != NULL) {
            fd_drop_file(table, file);
        }
    }
}

int fd_dup_to(struct fd_table *table, int from, int to, uint64_t limit, bool cloexec)
{
    struct file *file;
    struct file *old;

    if (to < 0 || (uint64_t)to >= MIN(limit, (uint64_t)FD_MAX)) {
        return -EBADF;
    }
    if ((uint32_t)to >= table->size) {
        int error = fd_grow(table, (uint32_t)to + 1);

        if (error != 0) {
            return error;
        }
    }
    spin_lock(&table->lock);
    file = fd_file_locked(table, from);
    old = table->files[to];
    if (file == NULL || (old == NULL && fd_bit(table->taken, (uint32_t)to))) {
        spin_unlock(&table->lock);
        return file == NULL ? -EBADF : -EBUSY;
    }
    file_get(file);
    table->files[to] = file;
    fd_bit_set(table->taken, (uint32_t)to, true);
    fd_bit_set(table->cloexec, (uint32_t)to, cloexec);
    spin_unlock(&table->lock);
    if (old != NULL) {
        fd_drop_file(table, old);
    }
    return to;
}

int fd_get_cloexec(struct fd_table *table, int fd)
{
    int result = -EBADF;

    spin_lock(&table->lock);
    if (fd_file_locked(table, fd) != NULL) {
        result = fd_bit(table->cloexec, (uint32_t)fd) ? FD_CLOEXEC : 0;
    }
    spin_unlock(&table->lock);
    return result;
}

int fd_set_cloexec(struct fd_table *table, int fd, bool cloexec)
{
    int result = -EBADF;

    spin_lock(&table->lock);
    if (fd_file_locked(table, fd) != NULL) {
        fd_bit_set(table->cloexec, (uint32_t)fd, cloexec);
        result = 0;
    }
    spin_unlock(&table->lock);
    return result;
}
