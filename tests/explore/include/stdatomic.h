/*
 * The explorer's <stdatomic.h>: C11's types, but every operation is a point where the explorer may
 * let another CPU go on, and a store waits in its CPU's buffer. For the sources under test alone.
 */
#pragma once

#include_next <stdatomic.h>

#include "tests/explore/hooks.h"

#define EXPLORE_TYPE(at) __typeof__((void)0, *(at))
#define EXPLORE_RMW(at, op, operand, order)                                                        \
    ({                                                                                             \
        (EXPLORE_TYPE(at))                                                                         \
            explore_rmw(at, sizeof(*(at)), op, (explore_word)(operand), order, __func__);          \
    })

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#undef atomic_thread_fence

#define atomic_load_explicit(at, order)                                                            \
    ((EXPLORE_TYPE(at))explore_load(at, sizeof(*(at)), order, __func__))
#define atomic_load(at) atomic_load_explicit(at, memory_order_seq_cst)
#define atomic_store_explicit(at, value, order)                                                    \
    explore_store(at, sizeof(*(at)), (explore_word)(value), order, __func__)
#define atomic_store(at, value) atomic_store_explicit(at, value, memory_order_seq_cst)
#define atomic_exchange_explicit(at, value, order) EXPLORE_RMW(at, EXPLORE_XCHG, value, order)
#define atomic_exchange(at, value) atomic_exchange_explicit(at, value, memory_order_seq_cst)
#define atomic_fetch_add_explicit(at, value, order) EXPLORE_RMW(at, EXPLORE_ADD, value, order)
#define atomic_fetch_add(at, value) atomic_fetch_add_explicit(at, value, memory_order_seq_cst)
#define atomic_fetch_sub_explicit(at, value, order) EXPLORE_RMW(at, EXPLORE_SUB, value, order)
#define atomic_fetch_sub(at, value) atomic_fetch_sub_explicit(at, value, memory_order_seq_cst)
#define atomic_fetch_or_explicit(at, value, order) EXPLORE_RMW(at, EXPLORE_OR, value, order)
#define atomic_fetch_or(at, value) atomic_fetch_or_explicit(at, value, memory_order_seq_cst)
#define atomic_fetch_and_explicit(at, value, order) EXPLORE_RMW(at, EXPLORE_AND, value, order)
#define atomic_fetch_and(at, value) atomic_fetch_and_explicit(at, value, memory_order_seq_cst)
#define atomic_compare_exchange_strong_explicit(at, expected, desired, order, failure)             \
    ((void)(failure),                                                                              \
     explore_cas(at, sizeof(*(at)), expected, (explore_word)(desired), order, __func__))
#define atomic_compare_exchange_strong(at, expected, desired)                                      \
    explore_cas(at, sizeof(*(at)), expected, (explore_word)(desired), memory_order_seq_cst,        \
                __func__)
#define atomic_thread_fence(order) explore_fence(order, __func__)
