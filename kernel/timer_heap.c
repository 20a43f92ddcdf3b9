/*
 * Pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986), intrusive. `prev` of a first child is
 * its parent, of another its left sibling; the root has neither prev nor next.
 */
#include "kernel/timer_heap.h"

/* Requires: both are roots, or NULL. Equal deadlines keep a on top. */
static struct timer *merge(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    if (b->deadline_ns < a->deadline_ns) {
        struct timer *t = a;

        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next != NULL) {
        b->next->prev = b;
    }
    b->prev = a;
    a->child = b;
    return a;
}

static struct timer *detach(struct timer *timer)
{
    timer->next = NULL;
    timer->prev = NULL;
    return timer;
}

/* Merges a list of siblings into one heap: pairs from left to right, then from right to left. */
static struct timer *merge_siblings(struct timer *first)
{
    struct timer *pairs = NULL, *root = NULL;

    while (first != NULL) {
        struct timer *a = first, *b = a->next, *pair;

        first = b != NULL ? b->next : NULL;
        pair = merge(detach(a), b != NULL ? detach(b) : NULL);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        struct timer *next = pairs->next;

        root = merge(detach(pairs), root);
        pairs = next;
    }
    return root;
}

void timer_heap_insert(struct timer **root, struct timer *timer)
{
    timer->child = NULL;
    *root = merge(*root, detach(timer));
}

void timer_heap_remove(struct timer **root, struct timer *timer)
{
    struct timer *rest = merge_siblings(timer->child);

    timer->child = NULL;
    if (timer == *root) {
        *root = rest;
        return;
    }
    if (timer->prev->child == timer) {
        timer->prev->child = timer->next;
    } else {
        timer->prev->next = timer->next;
    }
    if (timer->next != NULL) {
        timer->next->prev = timer->prev;
    }
    detach(timer);
    *root = merge(*root, rest);
}
