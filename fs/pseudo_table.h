/*
 * Directories of fixed names, as tables: most of /proc and all of /sys. Their inodes are made per
 * look-up and have the numbers of their places in the tables.
 */
#pragma once

#include "fs/pseudo.h"

/* What a name is: exactly one of file, children, dir and link is set. A table ends with a NULL
 * name. */
struct pseudo_entry {
    const char *name;
    uint32_t permissions;                /* 0: 0444 or 0555 */
    const struct pseudo_file *file;      /* a text */
    const struct pseudo_entry *children; /* a directory of fixed names */
    const struct pseudo_dir *dir;        /* a directory of computed names */
    const char *link;                    /* a symlink */
    const void *private;                 /* inode->private of file and dir */
};

/* Returns the entry, or NULL. */
const struct pseudo_entry *pseudo_table_find(const struct pseudo_entry *table, const char *name,
                                             size_t len);
/* Returns an inode for the entry, or NULL. */
struct inode *pseudo_table_inode(struct super *super, const struct pseudo_entry *entry);
/* Returns the root inode of a file system whose names are the table's, or NULL. */
struct inode *pseudo_table_root(struct super *super, const struct pseudo_entry *table);
/* Emits from *pos on; positions are 2 + index. Returns false when the emitter is full. */
bool pseudo_table_emit(const struct pseudo_entry *table, uint64_t *pos,
                       struct dir_emitter *emitter);

/* Prints the number as "n\n". */
void pseudo_print_number(struct text *text, uint64_t number);
/* Parses a decimal number with optional blanks and newline around. Fails: -EINVAL. */
NODISCARD int pseudo_parse_number(const char *data, int64_t *out);
