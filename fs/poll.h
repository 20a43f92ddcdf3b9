/*
 * poll(2), select(2), epoll: one waiter of the running task on each wait queue that a file's poll
 * operation names. The files are held by the caller as long as the table is.
 */
#pragma once

#include <linux/poll.h>

#include "kernel/wait.h"

struct file;

#define POLL_INLINE 8u
/* What poll(2) reports unasked. */
#define POLL_ALWAYS (POLLERR | POLLHUP | POLLNVAL)

struct poll_entry {
    struct wait_queue *queue;
    struct waiter waiter;
};

struct poll_chunk;

struct poll_table {
    uint32_t nr_inline;
    struct poll_entry inline_entries[POLL_INLINE];
    struct poll_chunk *chunks; /* further entries */
    int error;                 /* -ENOMEM when one could not be queued */
};

void poll_table_init(struct poll_table *table);
/* Called by poll operations: queues the running task. table may be NULL (no wait wanted). */
void poll_wait(struct poll_table *table, struct wait_queue *queue);
/* Does: leaves every queue. */
void poll_table_release(struct poll_table *table);

struct poll_item {
    struct file *file; /* NULL: a negative descriptor, ignored; revents stays as it is */
    uint32_t events;   /* POLL*, all that counts: poll(2) adds POLL_ALWAYS, select(2) does not */
    uint32_t revents;
};

/*
 * Does: waits until an item is ready, the deadline (ns of time_now_ns; 0: only look) or a signal.
 * Returns the number of ready items; 0 at the deadline. Fails: -EINTR, -ENOMEM.
 * The caller turns -EINTR into its own restart rule (poll and ppoll: -EINTR or -ERESTARTNOHAND).
 */
NODISCARD int poll_files(struct poll_item *items, size_t nr, uint64_t deadline_ns);
