/* poll(2) and ppoll(2). */
#include "fs/poll.h"

#include "mm/slab.h"
#include "sched/rlimit.h"
#include "sched/signal.h"
#include "syscall/calls.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

#define POLL_ITEMS_INLINE 8u

/* A descriptor that is not open is ready as an item without a file. */
static void items_get(struct poll_item *items, const struct pollfd *fds, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        items[i] = (struct poll_item){NULL, (uint16_t)fds[i].events | POLL_ALWAYS, 0};
        if (fds[i].fd < 0) {
            continue;
        }
        items[i].file = user_file(fds[i].fd);
        if (items[i].file == NULL) {
            items[i].revents = POLLNVAL;
        }
    }
}

static void items_put(struct poll_item *items, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        if (items[i].file != NULL) {
            file_put(items[i].file);
        }
    }
}

/* Only revents is written, as Linux does: the rest may be read-only to the program's other threads. */
static int put_revents(vaddr_t addr, const struct poll_item *items, uint32_t nr)
{
    int result = 0;

    for (uint32_t i = 0; i < nr && result == 0; i++) {
        uint16_t revents = (uint16_t)items[i].revents;

        result = user_copy_out(addr + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents),
                               &revents, sizeof(revents));
    }
    return result;
}

static int64_t poll_copied(vaddr_t addr, const struct pollfd *fds, struct poll_item *items,
                           uint32_t nr, uint64_t deadline_ns)
{
    int64_t result;

    items_get(items, fds, nr);
    result = poll_files(items, nr, deadline_ns);
    items_put(items, nr);
    if (result >= 0) {
        int error = put_revents(addr, items, nr);

        result = error != 0 ? error : result;
    }
    return result;
}

int64_t call_poll(vaddr_t addr, uint32_t nr, uint64_t deadline_ns)
{
    struct poll_item inline_items[POLL_ITEMS_INLINE], *items = inline_items;
    struct pollfd inline_fds[POLL_ITEMS_INLINE], *fds = inline_fds;
    void *memory = NULL;
    int64_t result;

    if (nr > rlimit_get(RLIMIT_NOFILE)) {
        return -EINVAL;
    }
    if (nr > POLL_ITEMS_INLINE) {
        memory = kmalloc(nr * (sizeof(*items) + sizeof(*fds)));
        if (memory == NULL) {
            return -ENOMEM;
        }
        items = memory;
        fds = (struct pollfd *)(items + nr);
    }
    result = user_copy_in(fds, addr, nr * sizeof(*fds));
    if (result == 0) {
        result = poll_copied(addr, fds, items, nr, deadline_ns);
    }
    kfree(memory);
    return result;
}

SYSCALL_5(ppoll, vaddr_t, fds, uint32_t, nr, vaddr_t, timeout, vaddr_t, mask, size_t, mask_size)
{
    uint64_t deadline = WAIT_FOREVER, ns = 0, set;
    int64_t result;

    if (timeout != 0) {
        result = user_get_timespec(timeout, &ns);
        if (result != 0) {
            return result;
        }
        deadline = ns == 0 ? 0 : user_deadline(ns);
    }
    if (mask != 0) {
        result = user_get_sigset(mask, mask_size, &set);
        if (result != 0) {
            return result;
        }
        signal_set_temporary_mask(set);
    }
    result = call_poll(fds, nr, deadline);
    if (timeout != 0) {
        uint64_t now = time_now_ns();

        /* What is left is told where that is possible, and no error where not. */
        (void)!user_put_timespec(timeout, deadline > now ? deadline - now : 0);
    }
    return result == -EINTR ? -ERESTARTNOHAND : result;
}
