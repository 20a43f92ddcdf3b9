/* For host tests: what no cache holds either, so that equal numbers mean that nothing is lost. */
#pragma once

#include "mm/frame.h"
#include "mm/slab.h"

static inline uint64_t free_frames(void)
{
    struct frame_stats stats;

    slab_drain();
    frame_drain();
    frame_get_stats(&stats);
    return stats.nr_free;
}
