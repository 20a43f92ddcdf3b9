/*
 * TLB: which translations go, on which CPUs, and what may be freed after. Every removal or downgrade
 * of a user entry goes through a batch; frames and tables reach the allocator only after the shot.
 */
#pragma once

#include <hal/mmu.h>

#include "mm/frame.h"

struct address_space;

#define TLB_BATCH_MAX 64u
/* Past this many pages a range is shot as a whole space. */
#define TLB_RANGE_MAX 32u
#define TLB_LEVEL_FRAME 0xffu

/* On the stack; as->lock is held from begin to finish. */
struct tlb_batch {
    struct address_space *as;
    vaddr_t start, end; /* shot still owed; empty if start >= end */
    bool tables;
    unsigned nr;
    struct {
        struct frame *frame;
        uint8_t level; /* of the table, or TLB_LEVEL_FRAME */
    } drop[TLB_BATCH_MAX];
};

void tlb_batch_begin(struct tlb_batch *batch, struct address_space *as);
/* Translations of [start, end) were removed or lost rights; `tables`: table entries too. */
void tlb_batch_add(struct tlb_batch *batch, vaddr_t start, vaddr_t end, bool tables);
/* The reference that a removed leaf held. Full batches are flushed. */
void tlb_batch_drop_frame(struct tlb_batch *batch, struct frame *frame);
/* The reference that a removed table entry held; what the table refers to goes with its last one. */
void tlb_batch_drop_table(struct tlb_batch *batch, struct frame *table, unsigned level);
/* Does: shoots what is owed now, then drops references. The batch can go on. */
void tlb_batch_flush(struct tlb_batch *batch);

/* Requires: IRQs off. See as_activate(). */
void tlb_activate(struct address_space *as);
/*
 * Requires: no user of the space is left; IRQs on. Does: moves the CPUs that hold its root lazily to
 * the empty space, others by an interrupt.
 */
void tlb_evict(struct address_space *as);
/* Kernel range: all CPUs, all tags. */
void tlb_shoot_kernel(vaddr_t start, vaddr_t end);

struct tlb_counters {
    _Atomic uint64_t switches, root_writes, drops_tag, drops_all;
    _Atomic uint64_t shots_page, shots_range, shots_space, shots_global, ipis;
};

/* Sums over the CPUs since boot; ipis: times that other CPUs were interrupted for a shot or a teardown. */
void tlb_get_counters(struct tlb_counters *out);
