/* The direct map where ThreadSanitizer lets a program have memory. */
#pragma once

#include_next <arch/consts.h>

#undef DIRECT_MAP_BASE
#undef DIRECT_MAP_END
#define DIRECT_MAP_BASE 0x004000000000ull
#define DIRECT_MAP_END  0x005000000000ull
