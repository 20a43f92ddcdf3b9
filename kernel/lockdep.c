/*
 * The order of locks; see kernel/lockdep.h. Spinlocks and mutexes have one graph: below a mutex a
 * spinlock may be taken, never the other way round, so that no cycle crosses the two. The graph
 * only grows; its lock is a flag of its own, taken with IRQs off.
 */
#include "kernel/lockdep.h"

#include <arch/cpu.h>

#include "kernel/cpu.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/wait.h"

#if defined(QUOIN_LOCKDEP)

#define CLASSES_MAX 256u
#define PATH_SHOWN_MAX 8u

extern char image_start[], image_end[];

static const struct lock_class *classes[CLASSES_MAX];
static const void *class_lock[CLASSES_MAX]; /* of a class without a place: its one lock */
static uint64_t after[CLASSES_MAX][CLASSES_MAX / 64]; /* bit b of [a]: b was taken while a was held */
static uint32_t nr_classes = 1;
static _Atomic bool graph_busy;
static struct lockdep_held held_spins[CPU_MAX];

static irqflags_t graph_lock(void)
{
    irqflags_t flags = cpu_irq_save();

    while (atomic_exchange(&graph_busy, true)) {
        cpu_relax();
    }
    return flags;
}

static void graph_unlock(irqflags_t flags)
{
    atomic_store(&graph_busy, false);
    cpu_irq_restore(flags);
}

static bool has_edge(uint16_t from, uint16_t to)
{
    return (__atomic_load_n(&after[from][to / 64], __ATOMIC_RELAXED) >> (to % 64) & 1) != 0;
}

static void print_class(uint16_t number)
{
    if (classes[number] != NULL) {
        printk("  lock of %s:%d\n", classes[number]->file, classes[number]->line);
    } else {
        printk("  static lock at %p\n", class_lock[number]);
    }
}

struct path {
    uint64_t seen[CLASSES_MAX / 64];
    uint16_t via[CLASSES_MAX]; /* the last first */
    uint32_t len;
};

/* Returns whether `to` can be reached from `from`. Requires: the graph's lock. */
static bool find_path(uint16_t from, uint16_t to, struct path *path)
{
    path->seen[from / 64] |= 1ull << (from % 64);
    for (uint16_t next = 1; next < nr_classes; next++) {
        if (has_edge(from, next) && (path->seen[next / 64] >> (next % 64) & 1) == 0 &&
            (next == to || find_path(next, to, path))) {
            path->via[path->len++] = next;
            return true;
        }
    }
    return false;
}

static void add_edge(uint16_t from, uint16_t to)
{
    static struct path path;
    uint16_t via[PATH_SHOWN_MAX];
    uint32_t len;
    irqflags_t flags = graph_lock();
    bool cycle;

    path = (struct path){.len = 0};
    cycle = find_path(to, from, &path);
    if (!cycle) {
        __atomic_fetch_or(&after[from][to / 64], 1ull << (to % 64), __ATOMIC_RELAXED);
    }
    len = MIN(path.len, PATH_SHOWN_MAX);
    for (uint32_t i = 0; i < len; i++) {
        via[i] = path.via[i];
    }
    graph_unlock(flags);
    if (cycle) {
        /* Printing takes locks too, which may use the graph. */
        for (uint32_t i = 0; i < len; i++) {
            print_class(via[i]);
        }
        print_class(to);
        panic("lockdep: taking the last lock above while the first is held closes a cycle");
    }
}

/* A lock of the image without a place of initialisation is a class by itself; others have none. */
static uint16_t number_new(struct lock_class *place, const void *lock)
{
    irqflags_t flags = graph_lock();
    uint16_t number = place != NULL ? place->number : 0;

    if (place == NULL) {
        for (uint16_t i = 1; i < nr_classes && number == 0; i++) {
            number = class_lock[i] == lock ? i : 0;
        }
    }
    if (number == 0 && nr_classes < CLASSES_MAX) {
        number = (uint16_t)nr_classes++;
        classes[number] = place;
        class_lock[number] = place == NULL ? lock : NULL;
    }
    if (place != NULL) {
        place->number = number;
    }
    graph_unlock(flags);
    return number;
}

static uint16_t number_of(struct lock_class *place, uint16_t *cached, const void *lock)
{
    if (likely(*cached != 0)) {
        return *cached;
    }
    if (place == NULL && ((const char *)lock < image_start || (const char *)lock >= image_end)) {
        return 0;
    }
    *cached = place != NULL && place->number != 0 ? place->number : number_new(place, lock);
    return *cached;
}

static void push(struct lockdep_held *held, const void *lock, uint16_t number)
{
    for (uint32_t i = 0; i < held->nr; i++) {
        uint16_t from = held->number[i];

        if (held->lock[i] == lock) {
            panic("lockdep: lock %p is already held here", lock);
        }
        if (from != number && from != 0 && number != 0 && unlikely(!has_edge(from, number))) {
            add_edge(from, number);
        }
    }
    if (held->nr == LOCKDEP_HELD_MAX) {
        panic("lockdep: more than %u locks held", LOCKDEP_HELD_MAX);
    }
    held->lock[held->nr] = lock;
    held->number[held->nr++] = number;
}

static void pop(struct lockdep_held *held, const void *lock)
{
    uint32_t at = held->nr;

    while (at > 0 && held->lock[at - 1] != lock) {
        at--;
    }
    if (at == 0) {
        return;
    }
    for (; at < held->nr; at++) {
        held->lock[at - 1] = held->lock[at];
        held->number[at - 1] = held->number[at];
    }
    held->nr--;
}

void lockdep_spin_acquire(struct spinlock *lock)
{
    if (likely(!panic_active())) {
        push(&held_spins[cpu_id()], lock, number_of(lock->place, &lock->class_number, lock));
    }
}

void lockdep_spin_release(struct spinlock *lock)
{
    if (likely(!panic_active())) {
        pop(&held_spins[cpu_id()], lock);
    }
}

void lockdep_mutex_acquire(struct mutex *mutex)
{
    struct lockdep_held *held = sched_held_mutexes();

    lockdep_may_sleep();
    if (held != NULL) {
        push(held, mutex, number_of(mutex->place, &mutex->class_number, mutex));
    }
}

void lockdep_mutex_release(struct mutex *mutex)
{
    struct lockdep_held *held = sched_held_mutexes();

    if (held != NULL) {
        pop(held, mutex);
    }
}

void lockdep_may_sleep(void)
{
    if (panic_active()) {
        return;
    }
    if (held_spins[cpu_id()].nr != 0) {
        print_class(held_spins[cpu_id()].number[0]);
        panic("lockdep: sleeping under a spinlock");
    }
    if (!cpu_irqs_on()) {
        panic("lockdep: sleeping with interrupts off");
    }
}
#endif
