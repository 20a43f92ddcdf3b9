/* What the sources under test call in place of atomic operations, barriers and table stores. */
#pragma once

typedef unsigned long explore_word;

enum explore_rmw { EXPLORE_XCHG, EXPLORE_ADD, EXPLORE_SUB, EXPLORE_OR, EXPLORE_AND };

/* order: C11's memory_order; where: the function that does it. */
explore_word explore_load(const volatile void *at, unsigned size, int order, const char *where);
void explore_store(volatile void *at, unsigned size, explore_word value, int order,
                   const char *where);
explore_word explore_rmw(volatile void *at, unsigned size, enum explore_rmw op,
                         explore_word operand, int order, const char *where);
_Bool explore_cas(volatile void *at, unsigned size, void *expected, explore_word desired, int order,
                  const char *where);
void explore_fence(int order, const char *where);

/* Tables are edited under as->lock, so that a load of an entry races with nobody's store. */
explore_word explore_pte_load(const explore_word *entry);
void explore_pte_store(explore_word *entry, explore_word value);
void explore_pte_sync(const char *where);
void explore_irq_save(const char *where);
void explore_relax(void);
