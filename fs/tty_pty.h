/* Pseudo-terminals: /dev/ptmx and the devpts file system (pty(7), pts(4)). */
#pragma once

/* Boot: registers /dev/ptmx and the type "devpts", which belongs on /dev/pts. */
void tty_pty_init(void);
