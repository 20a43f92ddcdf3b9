/* kernel/timer_heap.c: random inserts and removals always leave the earliest at the root. */
#include <stdlib.h>
#include <string.h>

#include "kernel/timer_heap.h"
#include "tests/unit/tap.h"

#define NR 500

static struct timer timers[NR];

static uint64_t earliest(void)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < NR; i++) {
        if (timers[i].armed && timers[i].deadline_ns < best) {
            best = timers[i].deadline_ns;
        }
    }
    return best;
}

static int random_use(struct timer **root)
{
    for (int round = 0; round < 50000; round++) {
        struct timer *timer = &timers[rand() % NR];

        if (rand() % 4 == 0 && *root != NULL) {
            timer = *root;
        }
        if (timer->armed) {
            timer_heap_remove(root, timer);
        } else {
            timer->deadline_ns = (uint64_t)rand() % 1000;
            timer_heap_insert(root, timer);
        }
        timer->armed = !timer->armed;
        if ((*root == NULL ? UINT64_MAX : (*root)->deadline_ns) != earliest()) {
            return 0;
        }
    }
    return 1;
}

static int drains_in_order(struct timer **root)
{
    uint64_t last = 0;
    int left = 0;

    for (int i = 0; i < NR; i++) {
        left += timers[i].armed;
    }
    for (; *root != NULL; left--) {
        struct timer *timer = *root;

        if (timer->deadline_ns < last) {
            return 0;
        }
        last = timer->deadline_ns;
        timer_heap_remove(root, timer);
    }
    return left == 0;
}

int main(void)
{
    struct timer *root = NULL;

    tap_ok(random_use(&root), "random inserts and removals");
    tap_ok(drains_in_order(&root), "drained in order");
    return tap_done();
}
