/* The file system of pseudo-terminals' names; it belongs on /dev/pts. */
#pragma once

/* Boot: registers the type "devpts". */
void devpts_init(void);
