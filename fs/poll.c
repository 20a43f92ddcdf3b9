/* Waiting for many files: a waiter on each queue, and a scan after each wake. */
#include "fs/poll.h"

#include "fs/file.h"
#include "kernel/time.h"
#include "mm/slab.h"

#define POLL_CHUNK 60u

struct poll_chunk {
    struct poll_chunk *next;
    uint32_t nr;
    struct poll_entry entries[POLL_CHUNK];
};

void poll_table_init(struct poll_table *table)
{
    table->nr_inline = 0;
    table->chunks = NULL;
    table->error = 0;
}

static struct poll_entry *poll_entry_new(struct poll_table *table)
{
    struct poll_chunk *chunk = table->chunks;

    if (table->nr_inline < POLL_INLINE) {
        return &table->inline_entries[table->nr_inline++];
    }
    if (chunk == NULL || chunk->nr == POLL_CHUNK) {
        chunk = kmalloc(sizeof(*chunk));
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = table->chunks;
        chunk->nr = 0;
        table->chunks = chunk;
    }
    return &chunk->entries[chunk->nr++];
}

void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
    struct poll_entry *entry;

    if (table == NULL) {
        return;
    }
    entry = poll_entry_new(table);
    if (entry == NULL) {
        table->error = -ENOMEM;
        return;
    }
    entry->queue = queue;
    wait_add(queue, &entry->waiter);
}

void poll_table_release(struct poll_table *table)
{
    for (uint32_t i = 0; i < table->nr_inline; i++) {
        wait_remove(table->inline_entries[i].queue, &table->inline_entries[i].waiter);
    }
    while (table->chunks != NULL) {
        struct poll_chunk *chunk = table->chunks;

        for (uint32_t i = 0; i < chunk->nr; i++) {
            wait_remove(chunk->entries[i].queue, &chunk->entries[i].waiter);
        }
        table->chunks = chunk->next;
        kfree(chunk);
    }
    table->nr_inline = 0;
}

/* Once one is ready there is no sleep ahead, and the rest need no waiters. */
static int poll_scan(struct poll_item *items, size_t nr, struct poll_table *table)
{
    int ready = 0;

    for (size_t i = 0; i < nr; i++) {
        struct poll_item *item = &items[i];

        if (item->file == NULL) {
            ready += item->revents != 0;
            continue;
        }
        item->revents = file_poll(item->file, ready > 0 ? NULL : table) & item->events;
        ready += item->revents != 0;
    }
    return ready;
}

static int poll_sleep(struct poll_item *items, size_t nr, uint64_t deadline_ns)
{
    int error = 0;

    for (;;) {
        int ready;

        sched_prepare(WAIT_INTERRUPTIBLE);
        ready = poll_scan(items, nr, NULL);
        if (ready > 0 || error != 0) {
            sched_unprepare();
            if (ready > 0 || error == -ETIMEDOUT) {
                return ready;
            }
            return -EINTR;
        }
        error = sched_block(deadline_ns);
    }
}

int poll_files(struct poll_item *items, size_t nr, uint64_t deadline_ns)
{
    struct poll_table table;
    int result;

    if (deadline_ns == 0) {
        return poll_scan(items, nr, NULL);
    }
    poll_table_init(&table);
    result = poll_scan(items, nr, &table);
    if (result == 0) {
        result = table.error != 0 ? table.error : poll_sleep(items, nr, deadline_ns);
    }
    poll_table_release(&table);
    return result;
}
