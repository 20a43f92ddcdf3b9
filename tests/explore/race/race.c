/*
 * race-<arch> [--steps N] [--seed N]: 8 CPUs as host threads, under ThreadSanitizer, in the whole
 * of mm/ and hal/<arch>/mmu.c: they switch between spaces that they share, map, unmap, fault, copy,
 * fork and exit. Interrupts are polled for. The TLBs are not here: tests/model and the explorer
 * have them. What this shows is that plain data is ordered by locks and atomics.
 */
#include <arch/cpu.h>
#include <hal/board.h>
#include <hal/boot.h>
#include <linux/mman.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/wait.h"
#include "mm/address_space.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/oom.h"
#include "mm/slab.h"
#include "tests/explore/race/race.h"

#define CPUS      8u
#define RAM_BYTES MIB(64)
#define SHARED    4u
#define PAGES     16u
#define AT        0x10000000ull
#define TAGS      (CPUS + 2)

struct cpu cpus[CPU_MAX];
uint32_t nr_cpus = CPUS;
_Atomic unsigned race_fence;
_Thread_local uint32_t race_cpu;
_Thread_local bool race_irqs_off;

static _Thread_local struct address_space *own;
static _Thread_local uint64_t random_state;
static _Atomic cpumask_t due;
static _Atomic uint32_t nr_done;
static _Atomic uint64_t nr_refused;
static uint64_t nr_steps = 20000, seed = 1;
static struct mutex shared_lock;
static struct address_space *shared[SHARED];

static void ipi(cpumask_t to)
{
    atomic_fetch_or(&due, to);
}

static const struct hal_board board = {.name = "threads", .ipi = ipi};
const struct hal_board *hal_board = &board;

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "panic: cpu %u: ", race_cpu);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

void printk(const char *fmt, ...)
{
    (void)fmt;
}

bool cmdline_option(const char *name, char *buf, size_t size)
{
    (void)name;
    (void)buf;
    (void)size;
    return false;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    return (size_t)snprintf(dst, size, "%s", src);
}

struct task *sched_current(void)
{
    return (struct task *)(void *)&cpus[race_cpu];
}

int sched_point(void)
{
    return 0;
}

uint64_t *oom_fail_countdown(void)
{
    static _Thread_local uint64_t countdown;

    return &countdown;
}

int oom_reclaim(void)
{
    return -4;
}

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->waiters);
}

void mutex_init(struct mutex *mutex)
{
    *mutex = (struct mutex)MUTEX_INIT(*mutex);
}

/* Nobody sleeps: who waits polls, so that it answers interrupts. */
void mutex_lock_slow(struct mutex *mutex)
{
    struct task *expected = NULL;

    while (!atomic_compare_exchange_strong_explicit(&mutex->owner, &expected, sched_current(),
                                                    memory_order_acquire, memory_order_relaxed)) {
        expected = NULL;
        race_relax();
    }
}

void mutex_unlock_slow(struct mutex *mutex)
{
    (void)mutex;
}

void race_poll(void)
{
    cpumask_t bit = 1ull << race_cpu;

    if (race_irqs_off || (atomic_load_explicit(&due, memory_order_relaxed) & bit) == 0) {
        return;
    }
    atomic_fetch_and(&due, ~bit);
    race_irqs_off = true;
    race_arch_ipi();
    as_ipi();
    race_irqs_off = false;
}

void race_relax(void)
{
    race_poll();
    sched_yield();
}

static uint32_t choose(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16) % n;
}

static void run(struct address_space *as)
{
    irqflags_t flags = cpu_irq_save();

    as_activate(as);
    cpu_irq_restore(flags);
}

/* This CPU's task goes on in the space, whose reference it gets. */
static void become(struct address_space *as)
{
    struct address_space *old = own;

    run(as);
    own = as;
    if (old != NULL) {
        as_put(old);
    }
}

static struct address_space *take_shared(uint32_t n)
{
    struct address_space *as;

    mutex_lock(&shared_lock);
    as = shared[n];
    as_get(as);
    mutex_unlock(&shared_lock);
    return as;
}

static void publish(uint32_t n, struct address_space *as)
{
    struct address_space *old;

    mutex_lock(&shared_lock);
    old = shared[n];
    shared[n] = as;
    mutex_unlock(&shared_lock);
    if (old != NULL) {
        as_put(old);
    }
}

static struct address_space *new_space(void)
{
    struct address_space *as;
    const struct as_map_request request = {
        .addr = AT,
        .len = PAGES * PAGE_SIZE,
        .prot = PROT_READ | PROT_WRITE,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = AS_FIXED,
    };
    vaddr_t at;

    if (as_create(&as) != 0) {
        panic("no memory for a space");
    }
    if (as_map(as, &request, &at) != 0) {
        panic("no memory for a mapping");
    }
    return as;
}

static int map(vaddr_t at, size_t len)
{
    const struct as_map_request request = {
        .addr = at,
        .len = len,
        .prot = PROT_READ | PROT_WRITE,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = AS_FIXED | (choose(4) == 0 ? AS_POPULATE : 0),
    };
    vaddr_t got;

    return as_map(own, &request, &got);
}

static void fork_one(void)
{
    struct address_space *child;

    if (as_fork(own, &child) == 0) {
        if (choose(2) == 0) {
            publish(choose(SHARED), child);
        } else {
            become(child);
        }
    }
}

static void step(void)
{
    vaddr_t at = AT + choose(PAGES) * PAGE_SIZE;
    size_t len = (1 + choose(4)) * PAGE_SIZE;
    struct as_fault_signal signal;
    uint64_t word = at;
    int error = 0;

    switch (choose(14)) {
    case 0:
        become(take_shared(choose(SHARED)));
        break;
    case 1:
        run(choose(2) == 0 ? NULL : own);
        break;
    case 2:
        error = map(at, len);
        break;
    case 3:
        error = as_unmap(own, at, len);
        break;
    case 4:
        error = as_protect(own, at, len, choose(2) == 0 ? PROT_READ : PROT_READ | PROT_WRITE);
        break;
    case 5:
        fork_one();
        break;
    case 6:
        publish(choose(SHARED), new_space());
        break;
    case 7:
        error = as_advise(own, at, len, MADV_DONTNEED);
        break;
    case 8:
    case 9:
        error = as_copy_out(own, at, &word, sizeof(word));
        break;
    case 10:
        error = as_copy_in(own, &word, at, sizeof(word));
        break;
    default:
        error = as_fault(own, at, choose(2) == 0 ? PTE_READ : PTE_WRITE, &signal);
        break;
    }
    if (error != 0) {
        atomic_fetch_add_explicit(&nr_refused, 1, memory_order_relaxed);
    }
    race_poll();
}

static void *cpu_main(void *arg)
{
    race_cpu = (uint32_t)(uintptr_t)arg;
    random_state = (seed * 64 + race_cpu + 1) * 0x9e3779b97f4a7c15ull;
    become(take_shared(race_cpu % SHARED));
    for (uint64_t i = 0; i < nr_steps; i++) {
        step();
    }
    as_put(own);
    atomic_fetch_add(&nr_done, 1);
    while (atomic_load(&nr_done) != CPUS) {
        race_relax();
    }
    return NULL;
}

static void boot(void)
{
    static struct boot_info info;
    struct frame *root;

    if (mmap((void *)DIRECT_MAP_BASE, RAM_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)DIRECT_MAP_BASE) {
        panic("no memory at the direct map");
    }
    info.ram[0] = (struct boot_range){0, RAM_BYTES};
    info.nr_ram = 1;
    info.early_map_end = RAM_BYTES;
    for (uint32_t i = 0; i < CPUS; i++) {
        cpus[i].id = i;
    }
    frame_init(&info);
    root = frame_alloc_zeroed(FRAME_KERNEL);
    hal_mmu.cpu_init();
    hal_mmu.kernel_activate(frame_pa(root));
    slab_init();
    as_init();
    asid_init(TAGS);
    mutex_init(&shared_lock);
    for (uint32_t i = 0; i < SHARED; i++) {
        shared[i] = new_space();
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[CPUS];

    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);

        nr_steps = strcmp(argv[i], "--steps") == 0 ? value : nr_steps;
        seed = strcmp(argv[i], "--seed") == 0 ? value : seed;
    }
    boot();
    for (uintptr_t i = 0; i < CPUS; i++) {
        if (pthread_create(&threads[i], NULL, cpu_main, (void *)i) != 0) {
            panic("no thread");
        }
    }
    for (uint32_t i = 0; i < CPUS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("ok race: %u CPUs, %lu steps each, %lu refused, %lu rollovers\n", CPUS,
           (unsigned long)nr_steps, (unsigned long)atomic_load(&nr_refused),
           (unsigned long)asid_nr_rollovers());
    return 0;
}
