/*
 * Pairing heap of timers by deadline: insert O(1), pop and remove O(log n) amortised.
 * The caller serialises.
 */
#pragma once

#include "kernel/time.h"

/* Requires: timer in no heap. Does: inserts it and updates *root. */
void timer_heap_insert(struct timer **root, struct timer *timer);
/* Requires: timer in this heap. Does: takes it out. The earliest is *root itself. */
void timer_heap_remove(struct timer **root, struct timer *timer);
