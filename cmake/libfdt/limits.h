/* gcc's <limits.h> includes the next one, libc's; there is none here. */
#pragma once
