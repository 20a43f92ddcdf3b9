/* Directories of fixed names. Inode numbers are the entries' addresses, which never change. */
#include "fs/pseudo_table.h"

#include <linux/stat.h>

#include "kernel/string.h"

/* <dirent.h>'s values, which no kernel header gives. */
#define TYPE_DIRECTORY 4u
#define TYPE_FILE      8u
#define TYPE_LINK      10u

static int table_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    const struct pseudo_entry *entry = pseudo_table_find(dir->private, name, len);

    if (entry == NULL) {
        return -ENOENT;
    }
    *out = pseudo_table_inode(dir->super, entry);
    return *out != NULL ? 0 : -ENOMEM;
}

static int table_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    pseudo_table_emit(dir->private, pos, emitter);
    return 0;
}

static const struct pseudo_dir table_dir = {table_lookup, table_iterate};

static uint64_t entry_ino(const struct pseudo_entry *entry)
{
    return (uintptr_t)entry & 0xffffffff;
}

const struct pseudo_entry *pseudo_table_find(const struct pseudo_entry *table, const char *name,
                                             size_t len)
{
    for (const struct pseudo_entry *entry = table; entry->name != NULL; entry++) {
        if (strlen(entry->name) == len && memcmp(entry->name, name, len) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void *entry_private(const void *private)
{
    return (void *)(uintptr_t) private;
}

struct inode *pseudo_table_inode(struct super *super, const struct pseudo_entry *entry)
{
    uint32_t permissions = entry->permissions;
    struct inode *inode;

    if (permissions == 0) {
        permissions = entry->file != NULL ? 0444 : 0555;
    }
    if (entry->link != NULL) {
        inode = pseudo_link_inode(super, entry->link);
    } else if (entry->file != NULL) {
        inode = pseudo_file_inode(super, permissions, entry->file, entry_private(entry->private));
    } else if (entry->dir != NULL) {
        inode = pseudo_dir_inode(super, permissions, entry->dir, entry_private(entry->private));
    } else {
        inode = pseudo_dir_inode(super, permissions, &table_dir, entry_private(entry->children));
    }
    if (inode != NULL) {
        inode->ino = entry_ino(entry);
    }
    return inode;
}

struct inode *pseudo_table_root(struct super *super, const struct pseudo_entry *table)
{
    struct inode *inode = pseudo_dir_inode(super, 0555, &table_dir, entry_private(table));

    if (inode != NULL) {
        inode->ino = 1;
    }
    return inode;
}

static unsigned entry_type(const struct pseudo_entry *entry)
{
    if (entry->link != NULL) {
        return TYPE_LINK;
    }
    return entry->file != NULL ? TYPE_FILE : TYPE_DIRECTORY;
}

bool pseudo_table_emit(const struct pseudo_entry *table, uint64_t *pos, struct dir_emitter *emitter)
{
    uint64_t at = 2;

    for (const struct pseudo_entry *entry = table; entry->name != NULL; entry++, at++) {
        if (at < *pos) {
            continue;
        }
        if (!dir_emit(emitter, entry->name, strlen(entry->name), entry_ino(entry),
                      entry_type(entry), at + 1)) {
            return false;
        }
        *pos = at + 1;
    }
    return true;
}

void pseudo_print_number(struct text *text, uint64_t number)
{
    text_print(text, "%llu\n", (unsigned long long)number);
}

int pseudo_parse_number(const char *data, int64_t *out)
{
    bool negative;
    char *end;
    unsigned long value;

    while (*data == ' ' || *data == '\t') {
        data++;
    }
    negative = *data == '-';
    data += negative;
    value = strtoul(data, &end, 10);
    if (end == data || value > INT64_MAX) {
        return -EINVAL;
    }
    while (*end == ' ' || *end == '\t' || *end == '\n') {
        end++;
    }
    if (*end != '\0') {
        return -EINVAL;
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return 0;
}
