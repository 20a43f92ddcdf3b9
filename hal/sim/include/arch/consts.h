/* The codec's architecture, but with the direct map where the host keeps the RAM arena. */
#pragma once

#include_next <arch/consts.h>

#undef DIRECT_MAP_BASE
#undef DIRECT_MAP_END
#define DIRECT_MAP_BASE 0x200000000000ull
#define DIRECT_MAP_END 0x210000000000ull
