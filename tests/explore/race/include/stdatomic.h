/* ThreadSanitizer knows no fences: a read-modify-write of one word that all share stands for each. */
#pragma once

#include_next <stdatomic.h>

extern _Atomic unsigned race_fence;

#undef atomic_thread_fence
#define atomic_thread_fence(order) ((void)atomic_fetch_add_explicit(&race_fence, 1u, order))
