/*
 * Boot-time self-tests: smep (pxn), smap (pan), nx, wx, nullderef, stackoverflow, bootoverflow,
 * kernelmap, panic, contract; of debug builds also spinorder, mutexorder, spinsleep.
 * The user page of the first two belongs to a space made for the test.
 */
#include "kernel/selftest.h"

#include <arch/cpu.h>
#include <hal/board.h>
#include <linux/mman.h>

#include "kernel/assert.h"
#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "kernel/wait.h"
#include "mm/address_space.h"
#include "mm/kernel_map.h"

#define CODE_LEN 64u

/* Its code is what user and data pages get: it returns wherever it runs. */
static __attribute__((noinline)) void do_nothing(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* A page at *out that user mode can read and execute, in a space that is active on return. */
static void make_user_page(vaddr_t *out)
{
    struct as_map_request request = {.len = PAGE_SIZE,
                                     .prot = PROT_READ | PROT_WRITE,
                                     .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC};
    struct address_space *as;

    kverify(as_create(&as) == 0);
    as_set_layout(as, 0x10000000, 0x40000000);
    kverify(as_map(as, &request, out) == 0);
    kverify(as_copy_out(as, *out, (const void *)do_nothing, CODE_LEN) == 0);
    kverify(as_protect(as, *out, PAGE_SIZE, PROT_READ | PROT_EXEC) == 0);
    cpu_irq_disable();
    as_activate(as);
}

static void test_user_exec(void)
{
    vaddr_t page;

    make_user_page(&page);
    ((void (*)(void))page)();
}

static void test_user_read(void)
{
    vaddr_t page;

    make_user_page(&page);
    (void)*(volatile uint8_t *)page;
}

static struct spinlock spin_a = SPINLOCK_INIT, spin_b = SPINLOCK_INIT;
static struct mutex mutex_a = MUTEX_INIT(mutex_a), mutex_b = MUTEX_INIT(mutex_b);

/* One CPU takes the two locks in both orders, one after the other: nothing waits, and yet it is wrong. */
static NO_LOCK_ANALYSIS void test_spin_order(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct spinlock *first = i == 0 ? &spin_a : &spin_b, *second = i == 0 ? &spin_b : &spin_a;

        spin_lock(first);
        spin_lock(second);
        spin_unlock(second);
        spin_unlock(first);
    }
}

static NO_LOCK_ANALYSIS void test_mutex_order(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct mutex *first = i == 0 ? &mutex_a : &mutex_b, *second = i == 0 ? &mutex_b : &mutex_a;

        mutex_lock(first);
        mutex_lock(second);
        mutex_unlock(second);
        mutex_unlock(first);
    }
}

static NO_LOCK_ANALYSIS void test_spin_sleep(void)
{
    spin_lock(&spin_a);
    sched_prepare(WAIT_UNINTERRUPTIBLE);
    (void)!sched_block(time_now_ns() + NS_PER_MS);
    spin_unlock(&spin_a);
}

static void test_data_exec(void)
{
    static uint8_t code[CODE_LEN] ALIGNED(64);

    memcpy(code, (const void *)do_nothing, sizeof(code));
    ((void (*)(void))code)();
}

static void test_text_write(void)
{
    *(volatile uint8_t *)do_nothing = 0;
}

static void test_null(void)
{
    volatile uint8_t *volatile nowhere = NULL;

    (void)*nowhere;
}

static __attribute__((noinline)) unsigned recurse(volatile unsigned *depth)
{
    volatile unsigned pad[64];

    pad[0] = *depth;
    (*depth)++;
    return *depth == 0 ? 0 : recurse(depth) + pad[0];
}

static void test_stack(void)
{
    volatile unsigned depth = 1;

    recurse(&depth);
}

static void test_kernel_map(void)
{
    printk("selftest kernelmap: %lu leaves, none writable and executable, none the user's\n",
           (unsigned long)kernel_map_check());
    hal_board->power(POWER_OFF);
}

static void test_panic(void)
{
    panic("selftest");
}

/* Linked in where the build has QUOIN_CONTRACT (tests/contract). */
static void test_contract(void)
{
    if (contract_run != NULL) {
        contract_run();
    }
}

struct selftest {
    const char *name;
    void (*run)(void);
};
static const struct selftest selftests[] = {
    {"smep", test_user_exec},  {"pxn", test_user_exec},       {"smap", test_user_read},
    {"pan", test_user_read},   {"nx", test_data_exec},        {"wx", test_text_write},
    {"nullderef", test_null},  {"stackoverflow", test_stack}, {"kernelmap", test_kernel_map},
    {"panic", test_panic},     {"contract", test_contract},
    {"spinorder", test_spin_order}, {"mutexorder", test_mutex_order},
    {"spinsleep", test_spin_sleep},
};
static const struct selftest boot_selftests[] = {
    {"bootoverflow", test_stack},
};

/* Returns whether the table has the test; then it has run and was not stopped. */
static bool run(const struct selftest *table, size_t nr, const char *name)
{
    for (size_t i = 0; i < nr; i++) {
        if (strcmp(table[i].name, name) == 0) {
            printk("selftest %s\n", name);
            table[i].run();
            printk("selftest %s: not stopped\n", name);
            return true;
        }
    }
    return false;
}

void selftest_run_boot(void)
{
    char name[32];

    if (cmdline_option("quoin.selftest", name, sizeof(name)) &&
        run(boot_selftests, ARRAY_SIZE(boot_selftests), name)) {
        hal_board->power(POWER_OFF);
    }
}

void selftest_run(void)
{
    char name[32];

    if (cmdline_option("quoin.selftest", name, sizeof(name))) {
        if (!run(selftests, ARRAY_SIZE(selftests), name)) {
            panic("selftest %s: unknown", name);
        }
        hal_board->power(POWER_OFF);
    }
}
