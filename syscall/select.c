/* select(2) and pselect6(2), over poll_files(). */
#include <linux/posix_types.h>

#include "fs/poll.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "sched/signal.h"
#include "syscall/calls.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* Which events make a descriptor readable, writable, exceptional (Linux's fs/select.c documents). */
#define IN_EVENTS ((uint32_t)(POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR))
#define OUT_EVENTS ((uint32_t)(POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR))
#define EXCEPT_EVENTS ((uint32_t)POLLPRI)

#define NR_SETS 3

static const uint32_t set_events[NR_SETS] = {IN_EVENTS, OUT_EVENTS, EXCEPT_EVENTS};

struct select_state {
    uint64_t *bits[NR_SETS]; /* from the user, then the answer; NULL: not given */
    size_t nr_words;
    struct poll_item *items; /* one for each descriptor below nr */
    uint32_t nr;
};

static bool test_bit(const uint64_t *bits, uint32_t n)
{
    return bits != NULL && (bits[n / 64] >> (n % 64)) & 1;
}

/* The sets are read and written in whole words, as Linux does. */
static int sets_get(struct select_state *state, const vaddr_t addr[NR_SETS])
{
    for (unsigned i = 0; i < NR_SETS; i++) {
        if (addr[i] != 0) {
            int result = user_copy_in(state->bits[i], addr[i], state->nr_words * sizeof(uint64_t));

            if (result != 0) {
                return result;
            }
        } else {
            state->bits[i] = NULL;
        }
    }
    return 0;
}

static int items_get(struct select_state *state)
{
    for (uint32_t fd = 0; fd < state->nr; fd++) {
        uint32_t events = 0;

        for (unsigned i = 0; i < NR_SETS; i++) {
            events |= test_bit(state->bits[i], fd) ? set_events[i] : 0;
        }
        state->items[fd] = (struct poll_item){NULL, events, 0};
        if (events != 0) {
            state->items[fd].file = user_file((int)fd);
            if (state->items[fd].file == NULL) {
                return -EBADF;
            }
        }
    }
    return 0;
}

static int64_t sets_answer(struct select_state *state)
{
    int64_t count = 0;

    for (unsigned i = 0; i < NR_SETS; i++) {
        if (state->bits[i] == NULL) {
            continue;
        }
        for (uint32_t fd = 0; fd < state->nr; fd++) {
            bool ready = test_bit(state->bits[i], fd) && state->items[fd].revents & set_events[i];

            count += ready;
            if (!ready) {
                state->bits[i][fd / 64] &= ~(1ull << (fd % 64));
            }
        }
        if (state->nr % 64 != 0) {
            state->bits[i][state->nr / 64] &= (1ull << (state->nr % 64)) - 1;
        }
    }
    return count;
}

/* A descriptor counts once for each set that it is ready in, so what wakes must be in some set. */
static int64_t select_wait(struct select_state *state, uint64_t deadline_ns)
{
    int64_t result = poll_files(state->items, state->nr, deadline_ns);

    return result < 0 ? result : sets_answer(state);
}

static int64_t select_run(struct select_state *state, const vaddr_t addr[NR_SETS],
                          uint64_t deadline_ns)
{
    int64_t result = sets_get(state, addr);

    if (result != 0) {
        return result;
    }
    result = items_get(state);
    if (result == 0) {
        result = select_wait(state, deadline_ns);
    }
    for (uint32_t fd = 0; fd < state->nr; fd++) {
        if (state->items[fd].file != NULL) {
            file_put(state->items[fd].file);
        }
    }
    for (unsigned i = 0; i < NR_SETS && result >= 0; i++) {
        if (state->bits[i] != NULL) {
            int error = user_copy_out(addr[i], state->bits[i], state->nr_words * sizeof(uint64_t));

            result = error != 0 ? error : result;
        }
    }
    return result;
}

int64_t call_select(int nr, const struct select_sets *sets, uint64_t deadline_ns)
{
    const vaddr_t addr[NR_SETS] = {sets->in, sets->out, sets->except};
    struct select_state state = {0};
    size_t set_bytes;
    int64_t result;
    char *memory;

    if (nr < 0) {
        return -EINVAL;
    }
    state.nr = MIN((uint32_t)nr, task_fds()->size);
    state.nr_words = (state.nr + 63) / 64;
    set_bytes = state.nr_words * sizeof(uint64_t);
    memory = kzalloc(NR_SETS * set_bytes + state.nr * sizeof(struct poll_item) + 1);
    if (memory == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < NR_SETS; i++) {
        state.bits[i] = (uint64_t *)(memory + i * set_bytes);
    }
    state.items = (struct poll_item *)(memory + NR_SETS * set_bytes);
    result = select_run(&state, addr, deadline_ns);
    kfree(memory);
    return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* The sixth argument of pselect6(2). */
struct sigset_argument {
    vaddr_t mask;
    uint64_t size;
};

static int apply_mask(vaddr_t addr)
{
    struct sigset_argument argument;
    uint64_t mask;
    int result;

    if (addr == 0) {
        return 0;
    }
    result = user_copy_in(&argument, addr, sizeof(argument));
    if (result != 0 || argument.mask == 0) {
        return result;
    }
    result = user_get_sigset(argument.mask, argument.size, &mask);
    if (result == 0) {
        signal_set_temporary_mask(mask);
    }
    return result;
}

SYSCALL_6(pselect6, int, nr, vaddr_t, in, vaddr_t, out, vaddr_t, except, vaddr_t, timeout, vaddr_t,
          mask)
{
    struct select_sets sets = {in, out, except};
    uint64_t deadline = WAIT_FOREVER, ns;
    int64_t result;

    if (timeout != 0) {
        result = user_get_timespec(timeout, &ns);
        if (result != 0) {
            return result;
        }
        deadline = ns == 0 ? 0 : user_deadline(ns);
    }
    result = apply_mask(mask);
    if (result != 0) {
        return result;
    }
    result = call_select(nr, &sets, deadline);
    if (timeout != 0) {
        uint64_t now = time_now_ns();

        (void)!user_put_timespec(timeout, deadline > now ? deadline - now : 0);
    }
    return result;
}
