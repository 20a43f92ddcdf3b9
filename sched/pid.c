/* The table of numbers: a hash for look-ups, a bitmap for the next free and the next used one. */
#include "sched/pid.h"

#include "kernel/string.h"
#include "mm/slab.h"

#define HASH_SIZE 256u
#define WORD_BITS 64

struct spinlock task_table_lock = SPINLOCK_INIT;

static struct list hash[HASH_SIZE];
static uint64_t used[PID_MAX / WORD_BITS];
static pid_nr_t last_pid;

void pid_init(void)
{
    for (uint32_t i = 0; i < HASH_SIZE; i++) {
        list_init(&hash[i]);
    }
    used[0] = 1; /* 0 names no process */
}

static bool is_used(pid_nr_t nr)
{
    return (used[nr / WORD_BITS] >> (nr % WORD_BITS) & 1) != 0;
}

/* Low numbers are for the system's first processes, as Linux has it (RESERVED_PIDS 300). */
static pid_nr_t next_free(void)
{
    pid_nr_t nr = last_pid;

    for (uint32_t i = 0; i < PID_MAX; i++) {
        nr = nr + 1 >= PID_MAX ? 300 : nr + 1;
        if (!is_used(nr)) {
            return nr;
        }
    }
    return 0;
}

bool pid_assign_locked(struct pid_entry *entry)
{
    pid_nr_t nr = next_free();

    if (nr == 0) {
        return false;
    }
    last_pid = nr;
    used[nr / WORD_BITS] |= 1ull << (nr % WORD_BITS);
    *entry = (struct pid_entry){.nr = nr};
    list_init(&entry->members);
    list_push_front(&hash[(uint32_t)nr % HASH_SIZE], &entry->hash_node);
    return true;
}

struct pid_entry *pid_find_locked(pid_nr_t nr)
{
    list_for_each(it, &hash[(uint32_t)nr % HASH_SIZE])
    {
        struct pid_entry *entry = list_entry(it, struct pid_entry, hash_node);

        if (entry->nr == nr) {
            return entry;
        }
    }
    return NULL;
}

void pid_release_locked(struct pid_entry *entry)
{
    if (entry->task != NULL || entry->nr_session > 0 || !list_empty(&entry->members)) {
        return;
    }
    used[entry->nr / WORD_BITS] &= ~(1ull << (entry->nr % WORD_BITS));
    list_remove(&entry->hash_node);
    kfree(entry);
}

pid_nr_t pid_next_locked(pid_nr_t from)
{
    pid_nr_t nr = MAX(from, 1);

    while (nr < PID_MAX) {
        uint64_t word = used[nr / WORD_BITS] >> (nr % WORD_BITS);

        if (word != 0) {
            return nr + __builtin_ctzll(word);
        }
        nr = (nr / WORD_BITS + 1) * WORD_BITS;
    }
    return 0;
}

pid_nr_t task_last_pid(void)
{
    return last_pid;
}
