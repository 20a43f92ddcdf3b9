/*
 * Every order of the steps, depth first, over states: what the program's data, the RAM and the
 * virtual CPUs' stacks hold. A state that was met before is not searched again; the number of
 * interleavings is that of paths through the graph of states. No bound but the number of states.
 * Pages of memory are watched from their first change on; a step's changes are kept and taken back.
 */
#include "tests/explore/explore.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/assert.h"

#define PAGE        4096u
#define REGIONS     3u
#define WATCHED_MAX 512u
#define DEPTH_MAX   4096u
#define IN_PROGRESS (-1.0)

extern char __data_start[], _end[];

struct undo {
    uint32_t watched;
    char before[PAGE];
};

struct level {
    uint64_t hash;
    double paths;
    size_t undo_mark;
    unsigned nr, next;
    struct step steps[STEPS_MAX];
};

struct seen {
    uint64_t hash; /* 0: unused */
    double paths;
};

/* All of it lies outside of what a state is. */
static struct search {
    struct {
        char *start;
        size_t len;
    } region[REGIONS];
    char *live[WATCHED_MAX];
    char (*shadow)[PAGE];
    uint64_t first[WATCHED_MAX], now[WATCHED_MAX];
    uint32_t nr_watched;
    struct undo *undo;
    size_t nr_undo, undo_size;
    struct level level[DEPTH_MAX];
    unsigned depth;
    struct seen *seen;
    size_t nr_seen, seen_size;
    uint64_t hash;
    char alt_stack[65536];
} * search;

static void *reserve(size_t len)
{
    void *at =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return at;
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}

static uint64_t hash_page(uint32_t number, const char *page)
{
    uint64_t h[4] = {number + 1, 0x9e3779b97f4a7c15ull, 0x632be59bd9b4e019ull,
                     0x2545f4914f6cdd1dull};

    for (size_t i = 0; i < PAGE; i += 32) {
        for (size_t lane = 0; lane < 4; lane++) {
            uint64_t word;

            memcpy(&word, page + i + lane * 8, 8);
            h[lane] = (h[lane] ^ word) * 0x9fb21c651e98df25ull;
            h[lane] ^= h[lane] >> 29;
        }
    }
    return mix(h[0] + mix(h[1] + mix(h[2] + mix(h[3]))));
}

static void watch(char *page)
{
    uint32_t number = search->nr_watched++;

    if (number == WATCHED_MAX) {
        abort();
    }
    search->live[number] = page;
    memcpy(search->shadow[number], page, PAGE);
    search->first[number] = hash_page(number, page);
    search->now[number] = search->first[number];
}

/* The first store to a page. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

    (void)context;
    for (unsigned i = 0; i < REGIONS; i++) {
        if (page >= search->region[i].start &&
            page < search->region[i].start + search->region[i].len) {
            watch(page);
            mprotect(page, PAGE, PROT_READ | PROT_WRITE);
            return;
        }
    }
    signal(signal_number, SIG_DFL);
}

static void add_region(unsigned i, void *start, size_t len)
{
    uintptr_t from = (uintptr_t)start & ~(uintptr_t)(PAGE - 1);
    uintptr_t to = ((uintptr_t)start + len + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

    search->region[i].start = (char *)from;
    search->region[i].len = to - from;
    mprotect((void *)from, to - from, PROT_READ);
}

static void begin(uint64_t states_max)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct search *made = reserve(sizeof(*made));
    size_t len;

    made->shadow = reserve(WATCHED_MAX * PAGE);
    made->undo_size = 1u << 20;
    made->undo = reserve(made->undo_size * sizeof(struct undo));
    made->seen_size = 1024;
    while (made->seen_size < 2 * states_max) {
        made->seen_size *= 2;
    }
    made->seen = reserve(made->seen_size * sizeof(struct seen));
    search = made;
    sigaltstack(&(stack_t){.ss_sp = made->alt_stack, .ss_size = sizeof(made->alt_stack)}, NULL);
    sigaction(SIGSEGV, &action, NULL);
    void *ram = machine_ram(&len);

    add_region(1, ram, len);
    void *stacks = vcpu_stacks(&len);

    add_region(2, stacks, len);
    add_region(0, __data_start, (size_t)(_end - __data_start));
}

/* Does: notes what the step changed, and the hash of the state that it led to. */
static void commit(void)
{
    for (uint32_t i = 0; i < search->nr_watched; i++) {
        if (memcmp(search->live[i], search->shadow[i], PAGE) == 0) {
            continue;
        }
        struct undo *undo = &search->undo[search->nr_undo++];

        if (search->nr_undo == search->undo_size) {
            abort();
        }
        undo->watched = i;
        memcpy(undo->before, search->shadow[i], PAGE);
        memcpy(search->shadow[i], search->live[i], PAGE);
        search->hash ^= mix(search->now[i] ^ search->first[i]);
        search->now[i] = hash_page(i, search->live[i]);
        search->hash ^= mix(search->now[i] ^ search->first[i]);
    }
}

static void take_back(size_t mark)
{
    while (search->nr_undo > mark) {
        const struct undo *undo = &search->undo[--search->nr_undo];
        uint32_t i = undo->watched;

        memcpy(search->live[i], undo->before, PAGE);
        memcpy(search->shadow[i], undo->before, PAGE);
        search->hash ^= mix(search->now[i] ^ search->first[i]);
        search->now[i] = hash_page(i, undo->before);
        search->hash ^= mix(search->now[i] ^ search->first[i]);
    }
}

static struct seen *find(uint64_t hash)
{
    hash |= hash == 0;
    for (size_t i = hash & (search->seen_size - 1);; i = (i + 1) & (search->seen_size - 1)) {
        if (search->seen[i].hash == hash || search->seen[i].hash == 0) {
            search->seen[i].hash = hash;
            return &search->seen[i];
        }
    }
}

static bool fail(struct search_result *out, const char *why)
{
    snprintf(out->failure, sizeof(out->failure), "%s", why);
    return false;
}

/* Goes one level down into a state that is new. */
static bool enter(size_t undo_mark, struct search_result *out)
{
    struct level *level = &search->level[search->depth++];

    if (search->depth == DEPTH_MAX) {
        return fail(out, "a run without an end");
    }
    *level = (struct level){.hash = search->hash, .undo_mark = undo_mark};
    level->nr = vcpu_steps(level->steps);
    out->states++;
    out->depth = MAX(out->depth, search->depth);
    if (level->nr == 0) {
        if (!vcpu_all_done()) {
            return fail(out, "deadlock: no CPU can go on");
        }
        level->paths = 1;
    }
    return true;
}

static void leave(void)
{
    struct level *level = &search->level[--search->depth];

    find(level->hash)->paths = level->paths;
    take_back(level->undo_mark);
    if (search->depth > 0) {
        search->level[search->depth - 1].paths += level->paths;
    }
}

static bool advance(struct level *level, struct search_result *out)
{
    size_t mark = search->nr_undo;
    const char *wrong = vcpu_take(level->steps[level->next++]);

    out->steps++;
    if (wrong == NULL) {
        machine_refill();
        wrong = machine_check();
    }
    if (wrong != NULL) {
        return fail(out, wrong);
    }
    machine_forget_counts();
    commit();
    struct seen *seen = find(search->hash);

    if (seen->paths == IN_PROGRESS) {
        return fail(out, "livelock: a run comes back to where it was");
    }
    if (seen->paths != 0) {
        level->paths += seen->paths;
        take_back(mark);
        return true;
    }
    seen->paths = IN_PROGRESS;
    return enter(mark, out);
}

/* The steps that led to the failure, told by taking them again. */
static void print_run(void)
{
    unsigned depth = search->depth;
    struct step taken[DEPTH_MAX];

    for (unsigned i = 0; i < depth; i++) {
        taken[i] = search->level[i].steps[MAX(search->level[i].next, 1u) - 1];
    }
    commit();
    take_back(0);
    for (unsigned i = 0; i < depth && search->level[i].next != 0; i++) {
        char text[200];

        vcpu_describe(taken[i], text, sizeof(text));
        printf("    %s\n", text);
        if (vcpu_take(taken[i]) != NULL) {
            return;
        }
        machine_refill();
    }
    vcpu_print_waiting();
}

void search_run(uint64_t states_max, struct search_result *out)
{
    bool good;

    *out = (struct search_result){0};
    begin(states_max);
    good = enter(0, out);
    while (good && search->depth > 0) {
        struct level *level = &search->level[search->depth - 1];

        if (level->next == level->nr) {
            if (search->depth == 1) {
                out->interleavings = level->paths;
            }
            leave();
        } else if (out->states >= states_max) {
            return;
        } else {
            good = advance(level, out);
        }
    }
    out->complete = good;
    if (!good) {
        print_run();
    }
}
