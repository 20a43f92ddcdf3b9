/* Directories whose names are pinned dentries. */
#pragma once

#include "fs/file.h"

/* Keeps the last emitted dentry in file->private. */
extern const struct file_ops dir_file_ops;

/* As file_ops.readdir, for ops that use file->private as dir_file_ops does. */
NODISCARD int readdir_pinned(struct file *file, struct dir_emitter *emitter);
