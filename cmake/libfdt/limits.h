/* What libfdt.h wants of <limits.h>; gcc's own would include libc's. */
#pragma once

#ifndef INT_MAX
#define INT_MAX __INT_MAX__
#endif
