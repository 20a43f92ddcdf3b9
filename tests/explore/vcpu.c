/*
 * Virtual CPUs: a coroutine each, on its own stack, that stops before every visible operation. A
 * store waits in the CPU's buffer and leaves it whenever the search says, in any order that the C11
 * arguments allow: weaker than both architectures, since a sequentially consistent load or
 * read-modify-write orders no more than acquire and release do here. Only a full fence, pte_sync()
 * and what the HAL promises (an interrupt sent, a DSB) wait for the buffer. Loads are not
 * reordered.
 */
#include "tests/explore/explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "hal/sim/internal.h"
#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "mm/address_space.h"
#include "tests/explore/hooks.h"

#define STACK_BYTES 16384u
#define DEAD_BYTES  6144u
#define BUFFER_MAX  10u
#define READS_MAX   8u

enum want_kind {
    WANT_ALWAYS,
    WANT_DRAINED, /* an empty buffer */
    WANT_ROOM,    /* in the buffer */
    WANT_RMW,     /* nobody's store to the word under way */
    WANT_CHANGE,  /* of a word that it read since it last waited */
    WANT_NOTHING, /* the program is over */
};

struct want {
    enum want_kind kind;
    const volatile void *at;
    const char *where;
};

struct store {
    volatile void *at;
    uint64_t value;
    const char *where;
    uint8_t size;
    uint8_t after; /* stores of a lower number leave first: a release fence stood between */
    bool release, rmw;
};

struct read {
    const volatile void *at;
    uint64_t value;
    uint32_t size;
};

static struct vcpu {
    jmp_buf here;
    char *sp;
    void (*program)(void);
    struct want want;
    struct store buffer[BUFFER_MAX];
    struct read reads[READS_MAX];
    unsigned nr_stores, nr_reads;
    uint8_t fences;
    bool irqs_off, take_irq, recording;
} vcpus[VCPUS_MAX];

struct vcpu_view vcpu_view[VCPUS_MAX];
uint32_t sim_cpu;
bool sim_irqs_off;
bool explore_direct = true;
const volatile void *explore_stored;

static cpumask_t due; /* interrupts on their way */
static char *stacks;
static struct { /* no part of the machine's state */
    jmp_buf search;
    ucontext_t back;
    bool in_step;
    char failure[512];
} * outside;

void panic(const char *fmt, ...)
{
    va_list args;
    char text[400];

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (outside == NULL || !outside->in_step) {
        fprintf(stderr, "panic: %s\n", text);
        exit(2);
    }
    snprintf(outside->failure, sizeof(outside->failure), "cpu %u: %s", sim_cpu, text);
    _longjmp(outside->search, 2);
}

static struct vcpu *self(void)
{
    return &vcpus[sim_cpu];
}

static uint64_t load_now(const volatile void *at, unsigned size)
{
    uint64_t value = 0;

    memcpy(&value, (const void *)(uintptr_t)at, size);
    return value;
}

static void store_now(volatile void *at, unsigned size, uint64_t value)
{
    memcpy((void *)(uintptr_t)at, &value, size);
}

static void take_interrupt(struct vcpu *cpu)
{
    struct read reads[READS_MAX];
    unsigned nr = cpu->nr_reads;
    bool recording = cpu->recording;

    memcpy(reads, cpu->reads, sizeof(reads));
    sim_irqs_off = true;
    due &= ~(1ull << sim_cpu);
    sim_arch_ipi();
    as_ipi();
    sim_irqs_off = false;
    memcpy(cpu->reads, reads, sizeof(reads));
    cpu->nr_reads = nr;
    cpu->recording = recording;
}

static __attribute__((noinline)) void stop_here(struct vcpu *cpu)
{
    cpu->sp = __builtin_alloca(16);
    if (_setjmp(cpu->here) == 0) {
        _longjmp(outside->search, 1);
    }
}

static void wait_for(struct want want)
{
    struct vcpu *cpu = self();

    if (explore_direct) {
        return;
    }
    for (;;) {
        cpu->want = want;
        stop_here(cpu);
        cpu = self();
        if (!cpu->take_irq) {
            break;
        }
        cpu->take_irq = false;
        take_interrupt(cpu);
    }
    cpu->want = (struct want){WANT_ALWAYS, NULL, NULL};
}

void vcpu_visible(const char *where, bool drained)
{
    wait_for((struct want){drained ? WANT_DRAINED : WANT_ALWAYS, NULL, where});
}

/* The CPU's own view of the word: the latest of its stores, else memory. */
static const struct store *own_store(const struct vcpu *cpu, const volatile void *at)
{
    for (unsigned i = cpu->nr_stores; i-- > 0;) {
        if (cpu->buffer[i].at == at) {
            return &cpu->buffer[i];
        }
    }
    return NULL;
}

static uint64_t view(const struct vcpu *cpu, const volatile void *at, unsigned size)
{
    const struct store *store = own_store(cpu, at);

    return store != NULL ? store->value : load_now(at, size);
}

static void note_read(struct vcpu *cpu, const volatile void *at, unsigned size, uint64_t value)
{
    if (!cpu->recording) {
        return;
    }
    if (cpu->nr_reads == READS_MAX) {
        cpu->recording = false; /* not waiting after all */
        cpu->nr_reads = 0;
        memset(cpu->reads, 0, sizeof(cpu->reads));
        return;
    }
    cpu->reads[cpu->nr_reads++] = (struct read){at, value, size};
}

static bool is_release(int order)
{
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static void buffer_store(volatile void *at, unsigned size, uint64_t value, bool release, bool rmw,
                         const char *where)
{
    if (explore_direct) {
        store_now(at, size, value);
        return;
    }
    if (self()->nr_stores == BUFFER_MAX) {
        wait_for((struct want){WANT_ROOM, at, where});
    }
    struct vcpu *cpu = self();

    machine_touched(at);
    cpu->buffer[cpu->nr_stores++] =
        (struct store){at, value, where, (uint8_t)size, cpu->fences, release, rmw};
}

explore_word explore_load(const volatile void *at, unsigned size, int order, const char *where)
{
    (void)order;
    if (machine_ignores(at)) {
        return load_now(at, size);
    }
    if (own_store(self(), at) == NULL) {
        wait_for((struct want){WANT_ALWAYS, at, where});
    }
    machine_touched(at);
    uint64_t value = view(self(), at, size);

    note_read(self(), at, size, value);
    return value;
}

void explore_store(volatile void *at, unsigned size, explore_word value, int order,
                   const char *where)
{
    if (explore_direct) {
        explore_stored = at;
    }
    if (machine_ignores(at)) {
        store_now(at, size, value);
    } else {
        buffer_store(at, size, value, is_release(order), false, where);
    }
}

static uint64_t apply(enum explore_rmw op, uint64_t old, uint64_t operand)
{
    switch (op) {
    case EXPLORE_XCHG:
        return operand;
    case EXPLORE_ADD:
        return old + operand;
    case EXPLORE_SUB:
        return old - operand;
    case EXPLORE_OR:
        return old | operand;
    default:
        return old & operand;
    }
}

static uint64_t cut(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((1ull << (size * 8)) - 1);
}

explore_word explore_rmw(volatile void *at, unsigned size, enum explore_rmw op,
                         explore_word operand, int order, const char *where)
{
    if (machine_ignores(at)) {
        uint64_t before = load_now(at, size);

        store_now(at, size, apply(op, before, operand));
        return before;
    }
    wait_for((struct want){WANT_RMW, at, where});
    machine_touched(at);
    uint64_t old = load_now(at, size);

    note_read(self(), at, size, old);
    buffer_store(at, size, cut(apply(op, old, operand), size), is_release(order), true, where);
    return old;
}

_Bool explore_cas(volatile void *at, unsigned size, void *expected, explore_word desired, int order,
                  const char *where)
{
    wait_for((struct want){WANT_RMW, at, where});
    machine_touched(at);
    uint64_t old = load_now(at, size);

    note_read(self(), at, size, old);
    if (old != load_now(expected, size)) {
        store_now(expected, size, old);
        return false;
    }
    buffer_store(at, size, desired, is_release(order), true, where);
    return true;
}

void explore_fence(int order, const char *where)
{
    struct vcpu *cpu = self();

    if (cpu->nr_stores == 0) {
        cpu->fences = 0;
    } else if (order == memory_order_seq_cst) {
        vcpu_visible(where, true);
        self()->fences = 0;
    } else if (is_release(order)) {
        cpu->fences++;
    }
}

explore_word explore_pte_load(const explore_word *entry)
{
    return view(self(), entry, sizeof(*entry));
}

void explore_pte_store(explore_word *entry, explore_word value)
{
    buffer_store(entry, sizeof(*entry), value, false, false, "pte_store");
}

/* On x86_64 a barrier for the compiler; its walkers see stores in order. */
void explore_pte_sync(const char *where)
{
    if (HAL_TLB_BROADCAST && self()->nr_stores != 0) {
        vcpu_visible(where, true);
    }
}

void explore_irq_save(const char *where)
{
    if (!sim_irqs_off) {
        vcpu_visible(where, false);
    }
    sim_irqs_off = true;
}

/* A waiting CPU goes on when a word that it read since it last waited has changed. */
void explore_relax(void)
{
    struct vcpu *cpu = self();

    if (explore_direct) {
        panic("the set-up waits for nobody");
    }
    wait_for((struct want){cpu->recording ? WANT_CHANGE : WANT_ALWAYS, NULL, "cpu_relax"});
    cpu = self();
    cpu->recording = true;
    cpu->nr_reads = 0;
    memset(cpu->reads, 0, sizeof(cpu->reads));
}

void sim_relax(void)
{
    explore_relax();
}

/* The HAL promises that the handler sees what was stored before. */
void vcpu_ipi(cpumask_t to)
{
    vcpu_visible("ipi", true);
    due |= to;
}

void vcpu_set_user(struct address_space *as)
{
    vcpu_view[sim_cpu].user = as;
}

void vcpu_set_switching(bool switching)
{
    vcpu_view[sim_cpu].switching = switching;
}

static void run_program(void)
{
    struct vcpu *cpu = self();

    if (_setjmp(cpu->here) == 0) {
        swapcontext(&(ucontext_t){0}, &outside->back);
    }
    self()->program();
    for (;;) {
        wait_for((struct want){WANT_NOTHING, NULL, "end"});
    }
}

void *vcpu_stacks(size_t *len)
{
    if (stacks == NULL) {
        *len = VCPUS_MAX * STACK_BYTES;
        stacks = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        outside = mmap(NULL, sizeof(*outside), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
    }
    *len = VCPUS_MAX * STACK_BYTES;
    return stacks;
}

void vcpu_create(uint32_t cpu, void (*program)(void))
{
    vcpus[cpu].program = program;
}

void vcpu_begin(void)
{
    for (sim_cpu = 0; sim_cpu < nr_cpus; sim_cpu++) {
        ucontext_t context;

        getcontext(&context);
        context.uc_stack.ss_sp = stacks + sim_cpu * STACK_BYTES;
        context.uc_stack.ss_size = STACK_BYTES;
        makecontext(&context, run_program, 0);
        self()->sp = stacks + (sim_cpu + 1) * STACK_BYTES - 1024;
        self()->want = (struct want){WANT_ALWAYS, NULL, "begin"};
        swapcontext(&outside->back, &context);
    }
    sim_cpu = 0;
    explore_direct = false;
}

static bool others_rmw(uint32_t cpu, const volatile void *at)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        for (unsigned n = 0; i != cpu && n < vcpus[i].nr_stores; n++) {
            if (vcpus[i].buffer[n].rmw && vcpus[i].buffer[n].at == at) {
                return true;
            }
        }
    }
    return false;
}

static bool has_changed(const struct vcpu *cpu)
{
    for (unsigned i = 0; i < cpu->nr_reads; i++) {
        const struct read *read = &cpu->reads[i];

        if (view(cpu, read->at, read->size) != read->value) {
            return true;
        }
    }
    return false;
}

static bool can_run(uint32_t index)
{
    const struct vcpu *cpu = &vcpus[index];

    switch (cpu->want.kind) {
    case WANT_ALWAYS:
        return true;
    case WANT_DRAINED:
        return cpu->nr_stores == 0;
    case WANT_ROOM:
        return cpu->nr_stores < BUFFER_MAX;
    case WANT_RMW:
        return own_store(cpu, cpu->want.at) == NULL && !others_rmw(index, cpu->want.at);
    case WANT_CHANGE:
        return has_changed(cpu);
    default:
        return false;
    }
}

static bool can_drain(uint32_t index, unsigned n)
{
    const struct vcpu *cpu = &vcpus[index];
    const struct store *store = &cpu->buffer[n];

    for (unsigned i = 0; i < n; i++) {
        if (store->release || cpu->buffer[i].at == store->at ||
            cpu->buffer[i].after < store->after) {
            return false;
        }
    }
    return !others_rmw(index, store->at);
}

unsigned vcpu_steps(struct step out[STEPS_MAX])
{
    unsigned nr = 0;

    for (uint8_t i = 0; i < nr_cpus; i++) {
        if (can_run(i)) {
            out[nr++] = (struct step){STEP_RUN, i, 0};
        }
        if (!vcpus[i].irqs_off && ((due >> i) & 1) != 0) {
            out[nr++] = (struct step){STEP_IRQ, i, 0};
        }
        for (uint8_t n = 0; n < vcpus[i].nr_stores; n++) {
            if (can_drain(i, n)) {
                out[nr++] = (struct step){STEP_DRAIN, i, n};
            }
        }
    }
    return nr;
}

static void drain(struct vcpu *cpu, unsigned n)
{
    struct store *store = &cpu->buffer[n];

    machine_touched(store->at);
    store_now(store->at, store->size, store->value);
    cpu->nr_stores--;
    memmove(store, store + 1, (cpu->nr_stores - n) * sizeof(*store));
    memset(&cpu->buffer[cpu->nr_stores], 0, sizeof(*store));
    if (cpu->nr_stores == 0) {
        cpu->fences = 0;
    }
}

/* What lies below the stack pointer is dead: it shall not tell two states apart. */
static void clear_dead_stack(const struct vcpu *cpu)
{
    char *low = stacks + sim_cpu * STACK_BYTES;
    char *end = cpu->sp - 64;

    if (end - low > (ptrdiff_t)DEAD_BYTES) {
        low = end - DEAD_BYTES;
    }
    if (end > low) {
        memset(low, 0, (size_t)(end - low));
    }
}

const char *vcpu_take(struct step step)
{
    struct vcpu *cpu = &vcpus[step.cpu];

    sim_cpu = step.cpu;
    outside->in_step = true;
    switch (_setjmp(outside->search)) {
    case 0:
        if (step.kind == STEP_DRAIN) {
            drain(cpu, step.store);
            break;
        }
        cpu->take_irq = step.kind == STEP_IRQ;
        sim_irqs_off = cpu->irqs_off;
        _longjmp(cpu->here, 1);
    case 1:
        cpu->irqs_off = sim_irqs_off;
        clear_dead_stack(cpu);
        break;
    default:
        outside->in_step = false;
        return outside->failure;
    }
    outside->in_step = false;
    sim_cpu = 0;
    sim_irqs_off = false;
    return NULL;
}

bool vcpu_all_done(void)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        if (vcpus[i].want.kind != WANT_NOTHING || vcpus[i].nr_stores != 0) {
            return false;
        }
    }
    return due == 0;
}

uint64_t vcpu_latest(const void *at)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        const struct store *store = own_store(&vcpus[i], at);

        if (store != NULL) {
            return store->value;
        }
    }
    return load_now(at, sizeof(uint64_t));
}

void vcpu_describe(struct step step, char *out, size_t size)
{
    const struct vcpu *cpu = &vcpus[step.cpu];
    char name[64] = "";

    if (step.kind == STEP_DRAIN) {
        const struct store *store = &cpu->buffer[step.store];

        machine_name(store->at, name, sizeof(name));
        snprintf(out, size, "cpu %u   stored: %s := %#lx (%s%s)", step.cpu, name,
                 (unsigned long)store->value, store->where,
                 store->rmw ? ", read-modify-write" : "");
    } else if (step.kind == STEP_IRQ) {
        snprintf(out, size, "cpu %u takes its interrupt, before %s", step.cpu, cpu->want.where);
    } else {
        if (cpu->want.at != NULL) {
            machine_name(cpu->want.at, name, sizeof(name));
        }
        snprintf(out, size, "cpu %u %s%s %s", step.cpu, cpu->want.where,
                 cpu->want.kind == WANT_RMW ? ": read-modify-write"
                 : cpu->want.at != NULL     ? ": load"
                                            : "",
                 name);
    }
}

void vcpu_print_waiting(void)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        printf("    cpu %u waits at %s, %u stores buffered, interrupts %s%s\n", i,
               vcpus[i].want.where, vcpus[i].nr_stores, vcpus[i].irqs_off ? "off" : "on",
               ((due >> i) & 1) != 0 ? ", one due" : "");
    }
}
