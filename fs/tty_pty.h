/* Pseudo-terminals: /dev/ptmx and the pairs that it makes (pty(7)). */
#pragma once

#include "kernel/types.h"

#define TTY_PTY_MAX   64u
#define TTY_PTY_MAJOR 136u /* of the slaves; the minor number is the index */
#define TTY_PTY_GROUP 5u   /* "tty", which the slaves belong to */

/* Boot: registers /dev/ptmx and devpts. */
void tty_pty_init(void);
/* Returns whether the pair's master is open, and then who opened it. */
bool tty_pty_owner(uint32_t index, uint32_t *uid);
