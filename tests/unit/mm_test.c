/*
 * Corners of mm/ that random programs seldom meet: references of files behind mappings, limits,
 * statistics, futex words, strings, page stores, slabs, blocks of frames.
 */
#include <arch/cpu.h>
#include <asm/mman.h>
#include <linux/mman.h>
#include <sim/machine.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/frame.h"
#include "mm/page_store.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "tests/free_frames.h"
#include "tests/unit/tap.h"

#define AT 0x400000ull

#define is(call, want)                                                                             \
    do {                                                                                           \
        long got_ = (long)(call);                                                                  \
                                                                                                   \
        tap_ok(got_ == (long)(want), "%s is %ld (got %ld)", #call, (long)(want), got_);            \
    } while (0)

static struct address_space *as;

static struct as_map_request fixed(vaddr_t addr, unsigned pages, uint32_t prot)
{
    return (struct as_map_request){.addr = addr, .len = pages * PAGE_SIZE, .prot = prot,
                                   .max_prot = 7, .flags = AS_FIXED};
}

static int map(struct as_map_request request)
{
    vaddr_t at;

    return as_map(as, &request, &at);
}

/* An object over one page store whose files are counted. */
static struct {
    struct vm_object object;
    struct page_store store;
    int nr_files, nr_pages;
    bool destroyed;
} thing;

static int thing_get_page(struct vm_object *object, uint64_t index, struct frame **out)
{
    (void)object;
    return index >= 4 ? -EFAULT : page_store_get(&thing.store, index, out);
}

static struct frame *thing_peek(struct vm_object *object, uint64_t index)
{
    (void)object;
    return page_store_peek(&thing.store, index);
}

static int thing_clear(struct vm_object *object, uint64_t offset, uint64_t len)
{
    (void)object;
    thing.nr_pages = (int)(offset / PAGE_SIZE * 100 + len / PAGE_SIZE);
    return 0;
}

static void thing_destroy(struct vm_object *object)
{
    (void)object;
    page_store_truncate(&thing.store, 0);
    thing.destroyed = true;
}

static void thing_file_get(void *file)
{
    ++*(int *)file;
}

static void thing_file_put(void *file)
{
    --*(int *)file;
}

static void thing_describe(void *file, char *path, size_t size, uint64_t *dev, uint64_t *ino)
{
    (void)file;
    strlcpy(path, "/thing", size);
    *dev = 7;
    *ino = 9;
}

static const struct vm_object_ops thing_ops = {.get_page = thing_get_page, .peek_page = thing_peek,
                                               .clear = thing_clear, .destroy = thing_destroy,
                                               .file_get = thing_file_get,
                                               .file_put = thing_file_put,
                                               .file_describe = thing_describe};

static void test_files(void)
{
    struct as_map_request request = fixed(AT, 6, PROT_READ | PROT_WRITE);
    struct address_space *child;
    struct as_area area;
    uint8_t byte = 5;

    vm_object_init(&thing.object, &thing_ops);
    page_store_init(&thing.store);
    request.object = &thing.object;
    request.file = &thing.nr_files;
    request.flags |= AS_SHARED;
    is(map(request), 0);
    is(thing.nr_files, 1);
    is(as_copy_out(as, AT, &byte, 1), 0);
    is(as_copy_out(as, AT + 4 * PAGE_SIZE, &byte, 1), -EFAULT);
    tap_ok(as_area_at(as, AT, &area) && strcmp(area.path, "/thing") == 0 && area.dev == 7 &&
               area.ino == 9 && area.resident == PAGE_SIZE,
           "the area tells its file");
    is(as_unmap(as, AT + 2 * PAGE_SIZE, PAGE_SIZE), 0);
    is(thing.nr_files, 2);
    is(as_fork(as, &child), 0);
    is(thing.nr_files, 4);
    is(as_unmap(child, AT, PAGE_SIZE), 0);
    is(map(fixed(AT + MIB(1), 1, 3)), 0);
    struct as_map_request again = request;

    again.addr = AT + MIB(2);
    is(map(again), 0);
    is(as_residency(as, AT + MIB(2), PAGE_SIZE, AT + MIB(1)), 0); /* in the store, not mapped */
    is(as_copy_in(as, &byte, AT + MIB(1), 1), 0);
    is(byte, 1);
    is(as_unmap(as, AT + MIB(1), 2 * MIB(1)), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_REMOVE), 0);
    is(thing.nr_pages, 1);
    is(as_advise(as, AT, 4 * PAGE_SIZE, MADV_REMOVE), -ENOMEM);
    is(as_sync(as, AT, 2 * PAGE_SIZE, MS_SYNC), 0);
    is(as_sync(as, AT, 4 * PAGE_SIZE, MS_SYNC), -ENOMEM);
    is(as_sync(as, AT, PAGE_SIZE, MS_SYNC | MS_ASYNC), -EINVAL);
    is(as_sync(as, AT + 1, PAGE_SIZE, MS_SYNC), -EINVAL);
    vm_object_unmap_from(&thing.object, 0);
    is(as_area_at(as, AT, &area) ? (long)area.resident : -1, 0);
    as_put(child);
    is(thing.nr_files, 2);
    is(as_unmap(as, AT, 6 * PAGE_SIZE), 0);
    is(thing.nr_files, 0);
    tap_ok(!thing.destroyed, "the object stays with its creator's reference");
    vm_object_put(&thing.object);
    tap_ok(thing.destroyed, "and goes with it");
}

static uint32_t nr_areas(void)
{
    struct as_stats stats;

    as_get_stats(as, &stats);
    return (uint32_t)stats.nr_areas;
}

/* What became equal again is one area again. */
static void test_merging(void)
{
    vaddr_t got;

    is(map(fixed(AT, 8, 3)), 0);
    is(as_advise(as, AT + 2 * PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK), 0);
    is(nr_areas(), 3);
    is(as_advise(as, AT + 2 * PAGE_SIZE, PAGE_SIZE, MADV_DOFORK), 0);
    is(nr_areas(), 1);
    is(as_lock_range(as, AT + 2 * PAGE_SIZE, PAGE_SIZE, true), 0);
    is(nr_areas(), 3);
    is(as_lock_range(as, AT + 2 * PAGE_SIZE, PAGE_SIZE, false), 0);
    is(nr_areas(), 1);
    is(as_lock_range(as, AT, PAGE_SIZE, true), 0);
    is(as_lock_all(as, false, false, false), 0);
    is(nr_areas(), 1);
    is(as_protect(as, AT, PAGE_SIZE, 1), 0);
    is(as_protect(as, AT, PAGE_SIZE, 3), 0);
    is(nr_areas(), 1);
    is(as_unmap(as, AT + 4 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    is(nr_areas(), 2);
    is(as_remap(as, AT, 4 * PAGE_SIZE, 6 * PAGE_SIZE, 0, 0, &got), 0);
    is(nr_areas(), 1);
    is(as_unmap(as, AT + 2 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    is(as_remap(as, AT + 6 * PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
                MREMAP_MAYMOVE | MREMAP_FIXED, AT + 2 * PAGE_SIZE, &got), 0);
    is(nr_areas(), 1);
    is(as_unmap(as, AT, 8 * PAGE_SIZE), 0);
}

/* More frames than a batch holds, and more pages than a shot names. */
static void test_many_pages(void)
{
    struct address_space *child;

    is(map(fixed(AT, 300, 3)), 0);
    is(as_clear(as, AT, 300 * PAGE_SIZE), 0);
    is(as_fork(as, &child), 0);
    is(as_clear(as, AT, 300 * PAGE_SIZE), 0);
    as_put(child);
    is(as_advise(as, AT, 300 * PAGE_SIZE, MADV_DONTNEED), 0);
    is(as_clear(as, AT, 300 * PAGE_SIZE), 0);
    is(map(fixed(AT + 300 * PAGE_SIZE, 1, 3)), 0);
    is(as_unmap(as, AT, 300 * PAGE_SIZE), 0);
    is(as_unmap(as, AT + 300 * PAGE_SIZE, PAGE_SIZE), 0);
}

static bool executes(vaddr_t at, uint64_t code)
{
    struct as_fault_signal signal;
    uint64_t fetched;

    if (as_fault(as, at, PTE_EXEC, &signal) != 0) {
        return false;
    }
    for (unsigned line = 0; line < PAGE_SIZE; line += 16) {
        if (!sim_fetch(at + line, &fetched) || fetched != code) {
            return false;
        }
    }
    return true;
}

static int write_code(vaddr_t at, uint64_t code)
{
    uint64_t page[PAGE_SIZE / 8];

    for (unsigned i = 0; i < ARRAY_SIZE(page); i++) {
        page[i] = code;
    }
    return as_copy_out(as, at, page, sizeof(page));
}

/* A page that was executed, written by the kernel while it is data, and executed again. */
static void test_code(void)
{
    struct vm_object *object = anon_object_create(PAGE_SIZE);
    struct as_map_request data = fixed(AT, 1, 3), code = fixed(AT, 1, PROT_READ | PROT_EXEC);
    irqflags_t flags = cpu_irq_save();

    as_activate(as);
    cpu_irq_restore(flags);
    is(map(data), 0);
    for (unsigned i = 1; i <= 3; i++) {
        is(write_code(AT, i * 0x1111), 0);
        is(as_protect(as, AT, PAGE_SIZE, PROT_READ | PROT_EXEC), 0);
        tap_ok(executes(AT, i * 0x1111), "the CPU executes what was written");
        is(as_protect(as, AT, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    }
    data.object = code.object = object;
    data.flags |= AS_SHARED;
    code.flags |= AS_SHARED;
    for (unsigned i = 1; i <= 3; i++) {
        is(map(data), 0);
        is(write_code(AT, i * 0x2222), 0);
        is(map(code), 0);
        tap_ok(executes(AT, i * 0x2222), "and through another mapping");
    }
    is(as_unmap(as, AT, PAGE_SIZE), 0);
    vm_object_put(object);
}

static void test_limits(void)
{
    const struct as_limits none = {UINT64_MAX, UINT64_MAX, MIB(8), UINT64_MAX};
    struct as_limits limits = none;

    limits.as_bytes = 4 * PAGE_SIZE;
    as_set_limits(as, &limits);
    is(map(fixed(AT, 4, 3)), 0);
    is(map(fixed(AT + MIB(1), 1, 3)), -ENOMEM);
    is(map(fixed(AT, 4, 3)), 0); /* what is replaced does not count */
    is(as_unmap(as, AT, 4 * PAGE_SIZE), 0);
    limits = none;
    limits.data_bytes = 2 * PAGE_SIZE;
    as_set_limits(as, &limits);
    is(map(fixed(AT, 3, 3)), -ENOMEM);
    is(map(fixed(AT, 3, 1)), 0);
    limits = none;
    limits.memlock_bytes = PAGE_SIZE;
    as_set_limits(as, &limits);
    is(as_lock_range(as, AT, 2 * PAGE_SIZE, true), -ENOMEM);
    is(as_lock_range(as, AT, PAGE_SIZE, true), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
    is(as_sync(as, AT, PAGE_SIZE, MS_INVALIDATE), -EBUSY);
    is(as_lock_range(as, AT, PAGE_SIZE, false), 0);
    is(as_lock_range(as, AT + MIB(4), PAGE_SIZE, true), -ENOMEM);
    as_set_limits(as, &none);
    is(as_lock_all(as, true, true, true), 0);
    is(map(fixed(AT + MIB(1), 1, 3)), 0);
    struct as_stats stats;

    as_get_stats(as, &stats);
    tap_ok(stats.locked_bytes >= 2 * PAGE_SIZE && stats.nr_areas == 2, "locked bytes and areas");
    is(as_lock_all(as, false, false, false), 0);
    as_get_stats(as, &stats);
    is(stats.locked_bytes, 0);
    is(as_unmap(as, AT, MIB(2)), 0);
    as_get_stats(as, &stats);
    is(stats.virtual_bytes + stats.resident_bytes + stats.data_bytes, 0);
}

static void test_arguments(void)
{
    struct as_map_request request = fixed(AT, 1, 3);
    uint8_t vec[2];
    vaddr_t got;

    request.len = 0;
    is(map(request), -EINVAL);
    request.len = UINT64_MAX;
    is(map(request), -ENOMEM);
    request.len = PAGE_SIZE;
    request.offset = 1;
    is(map(request), -EINVAL);
    request.offset = ~(PAGE_SIZE - 1);
    is(map(request), -EOVERFLOW);
    request.offset = 0;
    request.addr = AT + 1;
    is(map(request), -EINVAL);
    request.addr = PAGE_SIZE;
    is(map(request), -EPERM);
    is(as_remap(as, AT, 0, PAGE_SIZE, 0, 0, &got), -EINVAL);
    is(as_remap(as, AT + 1, PAGE_SIZE, PAGE_SIZE, 0, 0, &got), -EINVAL);
    is(as_remap(as, AT, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, AT, &got), -EINVAL);
    is(as_remap(as, AT, PAGE_SIZE, UINT64_MAX, 0, 0, &got), -EINVAL);
    is(as_remap(as, AT, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED | MREMAP_MAYMOVE, AT, &got), -EINVAL);
    is(as_remap(as, AT, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED | MREMAP_MAYMOVE, 0, &got), -EPERM);
    is(as_remap(as, AT, PAGE_SIZE, 2 * PAGE_SIZE, 0, 0, &got), -EFAULT);
    is(as_remap(as, ALIGN_DOWN(USER_VA_END, PAGE_SIZE) - PAGE_SIZE, 4 * PAGE_SIZE, PAGE_SIZE, 0, 0,
                &got), -EFAULT);
    is(as_advise(as, AT, PAGE_SIZE, 99), -EINVAL);
    is(as_advise(as, AT, 0, MADV_DONTNEED), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_REMOVE), -ENOMEM);
    is(as_protect(as, AT, PAGE_SIZE, 3), -ENOMEM);
    is(as_protect(as, AT + 1, PAGE_SIZE, 3), -EINVAL);
    is(map(fixed(AT, 2, 3)), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_REMOVE), -EINVAL);
    is(as_advise(as, AT, PAGE_SIZE, MADV_POPULATE_WRITE), 0);
    is(as_advise(as, AT, 3 * PAGE_SIZE, MADV_POPULATE_READ), -ENOMEM);
    is(as_residency(as, AT, 2 * PAGE_SIZE, AT), 0);
    is(as_copy_in(as, vec, AT, 2), 0);
    tap_ok(vec[0] == 1 && vec[1] == 1, "both pages are resident: the second was populated too");
    is(as_residency(as, AT, 3 * PAGE_SIZE, AT), -ENOMEM);
    is(as_residency(as, AT, PAGE_SIZE, AT + MIB(4)), -EFAULT);
    is(as_residency(as, AT + 1, PAGE_SIZE, AT), -EINVAL);
    is(as_protect(as, AT, PAGE_SIZE, PROT_READ), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_POPULATE_WRITE), -EINVAL);
    is(as_unmap(as, AT, 2 * PAGE_SIZE), 0);
}

/* Asked for by mm/ where memory or time runs out; the linker's --wrap brings them here. */
static int nr_reclaims, reclaim_result, point_result;

int __wrap_oom_reclaim(void);
int __wrap_sched_point(void);

int __wrap_oom_reclaim(void)
{
    nr_reclaims++;
    return reclaim_result;
}

int __wrap_sched_point(void)
{
    return point_result;
}

/* Outer loops ask for memory and go on, or give up where the caller is the victim. */
static void test_out_of_memory(void)
{
    struct as_map_request request = fixed(AT, 4, 3);
    struct address_space *child;
    struct as_word word;
    uint8_t byte = 1;

    is(map(request), 0);
    nr_reclaims = 0;
    reclaim_result = 0;
    frame_fail_nth(1);
    is(as_copy_out(as, AT, &byte, 1), 0);
    frame_fail_nth(1);
    is(as_word_lock(as, AT + PAGE_SIZE, true, false, &word), 0);
    as_word_unlock(as);
    is(map(fixed(AT + MIB(2), 1, 3)), 0);
    is(map(fixed(AT + MIB(4), 1, 3)), 0);
    frame_fail_nth(1);
    is(as_lock_range(as, AT + MIB(2), PAGE_SIZE, true), 0);
    is(nr_reclaims, 3);
    reclaim_result = -EINTR;
    frame_fail_nth(1);
    is(as_word_lock(as, AT + 3 * PAGE_SIZE, true, false, &word), -EFAULT);
    frame_fail_nth(1);
    is(as_lock_range(as, AT + MIB(4), PAGE_SIZE, true), -EINTR);
    is(as_unmap(as, AT + MIB(2), MIB(4)), 0);
    frame_fail_nth(1);
    is(as_advise(as, AT + 3 * PAGE_SIZE, PAGE_SIZE, MADV_POPULATE_WRITE), -ENOMEM);
    is(as_unmap(as, AT, 4 * PAGE_SIZE), 0);
    is(map(fixed(ALIGN_UP(AT, MIB(128)) - MIB(1), 600, 3)), 0);
    is(as_clear(as, ALIGN_UP(AT, MIB(128)), PAGE_SIZE), 0);
    point_result = -EINTR;
    is(as_advise(as, ALIGN_UP(AT, MIB(128)), 2 * PAGE_SIZE, MADV_POPULATE_WRITE), -EINTR);
    is(as_lock_range(as, ALIGN_UP(AT, MIB(128)), 2 * PAGE_SIZE, true), -EINTR);
    is(as_fork(as, &child), -EINTR);
    point_result = 0;
    is(as_unmap(as, ALIGN_UP(AT, MIB(128)) - MIB(1), 600 * PAGE_SIZE), 0);
    /* A truncate must copy shared tables, whatever it takes. */
    request = fixed(AT, 2, 3);
    request.object = anon_object_create(2 * PAGE_SIZE);
    is(map(request), 0);
    is(as_copy_out(as, AT, &byte, 1), 0);
    is(as_fork(as, &child), 0);
    nr_reclaims = 0;
    frame_fail_nth(1);
    vm_object_unmap_from(request.object, 0);
    tap_ok(nr_reclaims == 1, "a truncate waits for memory");
    as_put(child);
    vm_object_put(request.object);
    is(as_unmap(as, AT, 2 * PAGE_SIZE), 0);
}

static void test_information(void)
{
    static const struct {
        uint32_t flags;
        const char *name;
    } names[] = {{AS_STACK, "[stack]"}, {AS_VDSO, "[vdso]"}, {AS_VVAR, "[vvar]"},
                 {AS_HEAP, "[heap]"}, {0, ""}};
    struct as_map_request request = fixed(AT, 1, PROT_READ | PROT_EXEC);
    struct tlb_counters counters;
    struct as_stats stats;
    struct as_area area;
    uint64_t nr_faults, peak;
    irqflags_t flags;

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        request.flags = AS_FIXED | names[i].flags;
        is(map(request), 0);
        tap_ok(as_area_at(as, AT, &area) && strcmp(area.path, names[i].name) == 0, "the name %s",
               names[i].name);
        as_get_stats(as, &stats);
        tap_ok((stats.stack_bytes != 0) == (names[i].flags == AS_STACK), "the stack's bytes");
    }
    is(stats.text_bytes, PAGE_SIZE);
    tap_ok(!as_area_at(as, AT + PAGE_SIZE, &area), "no area above");
    request = fixed(AT, 1, 3);
    request.object = anon_object_create(PAGE_SIZE);
    request.flags |= AS_SHARED;
    is(map(request), 0);
    vm_object_put(request.object);
    tap_ok(as_area_at(as, AT, &area) && strcmp(area.path, "/dev/zero (deleted)") == 0,
           "shared memory has Linux's name");
    is(as_unmap(as, AT, PAGE_SIZE), 0);
    as_get_usage(as, &nr_faults, &peak);
    tap_ok(nr_faults != 0 && peak != 0, "usage");
    tlb_get_counters(&counters);
    tap_ok(counters.switches != 0 && counters.root_writes <= counters.switches, "counters");
    flags = cpu_irq_save();
    as_activate(as);
    as_check_register(as);
    cpu_irq_restore(flags);
    as_get(as);
    as_put(as);
}

static void test_more_arguments(void)
{
    const struct as_limits none = {UINT64_MAX, UINT64_MAX, MIB(8), UINT64_MAX};
    struct as_map_request request = fixed(AT, 1, 1);
    struct as_limits limits = none;
    struct as_word word;
    vaddr_t got;
    uint8_t byte;

    request.max_prot = PROT_READ;
    is(map(request), 0);
    is(as_protect(as, AT, PAGE_SIZE, 3), -EACCES);
    is(as_word_lock(as, AT, false, true, &word), -EFAULT);
    is(as_copy_in_partial(as, &byte, AT, 1), 1);
    is(as_protect(as, AT, 0, 3), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_NORMAL), 0);
    is(as_advise(as, AT, PAGE_SIZE, MADV_HUGEPAGE), 0);
    is(as_advise(as, AT + 1, PAGE_SIZE, MADV_NORMAL), -EINVAL);
    is(as_sync(as, AT, PAGE_SIZE, 64), -EINVAL);
    is(as_unmap(as, AT, 0), -EINVAL);
    is(as_unmap(as, AT + 1, 1), -EINVAL);
    is(as_lock_range(as, AT, 0, true), 0);
    is(as_lock_range(as, AT, UINT64_MAX, true), -EINVAL);
    is(as_unmap(as, AT, PAGE_SIZE), 0);
    limits.memlock_bytes = PAGE_SIZE;
    as_set_limits(as, &limits);
    request = fixed(AT, 1, 3);
    request.flags |= AS_LOCKED;
    is(map(request), 0);
    is(as_remap(as, AT, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0, &got), -EAGAIN);
    request.addr += PAGE_SIZE;
    is(map(request), -EAGAIN);
    is(as_lock_all(as, true, false, true), 0);
    is(map(fixed(AT + MIB(1), 1, 3)), 0);
    is(as_lock_all(as, true, false, true), -ENOMEM);
    as_set_limits(as, &none);
    is(as_remap(as, AT, PAGE_SIZE, 3 * PAGE_SIZE, MREMAP_MAYMOVE, 0, &got), 0);
    is(as_lock_all(as, false, false, false), 0);
    is(as_unmap(as, AT, MIB(2)), 0);
    request = fixed(AT, 1, 3);
    request.len = USER_VA_END + PAGE_SIZE;
    is(map(request), -ENOMEM);
    request.len = PAGE_SIZE;
    request.flags |= AS_NOREPLACE;
    is(map(request), 0);
    is(map(request), -EEXIST);
    request.flags = 0;
    request.addr = AT + PAGE_SIZE;
    is(as_map(as, &request, &got), 0);
    is(got, AT + PAGE_SIZE);
    is(as_map(as, &request, &got), 0);
    tap_ok(got != AT + PAGE_SIZE, "a hint that is taken gives another place");
    is(as_unmap(as, got, PAGE_SIZE), 0);
    is(as_unmap(as, AT, 2 * PAGE_SIZE), 0);
    request.addr = 0;
    request.len = USER_VA_END - PAGE_SIZE;
    is(as_map(as, &request, &got), -ENOMEM);
}

static void test_heap(void)
{
    const struct as_limits none = {UINT64_MAX, UINT64_MAX, MIB(8), UINT64_MAX};
    struct as_limits limits = none;

    as_set_layout(as, AT, USER_VA_END);
    is(as_brk(as, 0), AT);
    is(as_brk(as, AT + 100), AT + 100);
    is(as_brk(as, AT + 5000), AT + 5000);
    is(as_brk(as, USER_VA_END), AT + 5000);
    is(map(fixed(AT + 4 * PAGE_SIZE, 1, 3)), 0);
    is(as_brk(as, AT + 5 * PAGE_SIZE), AT + 5000);
    is(as_unmap(as, AT + 4 * PAGE_SIZE, PAGE_SIZE), 0);
    limits.data_bytes = 2 * PAGE_SIZE;
    as_set_limits(as, &limits);
    is(as_brk(as, AT + 3 * PAGE_SIZE), AT + 5000);
    limits.data_bytes = UINT64_MAX;
    limits.as_bytes = 2 * PAGE_SIZE;
    as_set_limits(as, &limits);
    is(as_brk(as, AT + 3 * PAGE_SIZE), AT + 5000);
    as_set_limits(as, &none);
    is(as_protect(as, AT, PAGE_SIZE * 2, PROT_READ), 0);
    is(as_brk(as, AT + 3 * PAGE_SIZE), AT + 3 * PAGE_SIZE);
    is(as_lock_all(as, false, true, true), 0);
    is(as_brk(as, AT + 4 * PAGE_SIZE), AT + 4 * PAGE_SIZE);
    is(as_lock_all(as, false, false, false), 0);
    is(as_brk(as, AT), AT);
}

static void test_stack(void)
{
    const struct as_limits none = {UINT64_MAX, UINT64_MAX, MIB(8), UINT64_MAX};
    struct as_map_request request = fixed(AT, 2, 3);
    struct as_fault_signal signal;
    struct as_limits limits = none;

    request.flags |= AS_GROWSDOWN | AS_STACK;
    is(map(request), 0);
    is(as_fault(as, AT - PAGE_SIZE, PTE_WRITE, &signal), 0);
    is(as_fault(as, AT - MIB(7), PTE_WRITE, &signal), -EFAULT); /* below mmap_min_addr */
    limits.as_bytes = 3 * PAGE_SIZE;
    as_set_limits(as, &limits);
    is(as_fault(as, AT - 2 * PAGE_SIZE, PTE_WRITE, &signal), -EFAULT);
    limits = none;
    limits.stack_bytes = 4 * PAGE_SIZE;
    as_set_limits(as, &limits);
    is(as_fault(as, AT - 4 * PAGE_SIZE, PTE_WRITE, &signal), -EFAULT);
    as_set_limits(as, &none);
    is(map(fixed(AT - MIB(1) - 4 * PAGE_SIZE, 1, 3)), 0);
    is(as_fault(as, AT - 4 * PAGE_SIZE, PTE_WRITE, &signal), -EFAULT); /* the guard gap */
    is(as_fault(as, AT - 2 * PAGE_SIZE, PTE_WRITE, &signal), 0);
    is(as_protect(as, AT - MIB(1) - 4 * PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
    is(as_fault(as, AT - 4 * PAGE_SIZE, PTE_WRITE, &signal), 0); /* a guard of the program's own */
    is(as_fault(as, USER_VA_END, PTE_READ, &signal), -EFAULT);
    is(as_fault(as, AT + MIB(4), PTE_READ, &signal), -EFAULT);
    is(as_unmap(as, AT - MIB(2), MIB(2) + 2 * PAGE_SIZE), 0);
}

static void test_strings_and_words(void)
{
    char text[8];
    struct as_word word, again;

    is(map(fixed(AT, 2, 3)), 0);
    is(as_copy_out(as, AT + PAGE_SIZE - 4, "abcdefg", 8), 0);
    is(as_copy_in_string(as, text, AT + PAGE_SIZE - 4, 8), 7);
    is(as_copy_in_string(as, text, AT + PAGE_SIZE - 4, 7), -ENAMETOOLONG);
    is(as_copy_out(as, AT + 2 * PAGE_SIZE - 2, "xy", 2), 0);
    is(as_copy_in_string(as, text, AT + 2 * PAGE_SIZE - 2, 8), -EFAULT);
    is(as_copy_out_partial(as, AT + 2 * PAGE_SIZE - 2, "xyz", 3), 2);
    is(as_clear_partial(as, AT + 2 * PAGE_SIZE - 2, 9), 2);
    is(as_copy_in(as, text, USER_VA_END + PAGE_SIZE, 1), -EFAULT);
    is(as_word_lock(as, AT, true, false, &word), 0);
    as_word_unlock(as);
    is(as_word_lock(as, AT, false, true, &again), 0);
    as_word_unlock(as);
    tap_ok(word.word == again.word && word.key[0] == again.key[0] && word.key[1] == again.key[1],
           "a word has one key");
    is(as_word_lock(as, AT + MIB(4), false, true, &again), -EFAULT);
    is(as_word_lock(as, UINT64_MAX - 3, false, true, &again), -EFAULT);
    is(as_unmap(as, AT, 2 * PAGE_SIZE), 0);
    struct as_map_request shared = fixed(AT, 2, 3);

    shared.object = anon_object_create(2 * PAGE_SIZE);
    shared.flags |= AS_SHARED;
    uint64_t number = shared.object->number;
    is(map(shared), 0);
    vm_object_put(shared.object);
    is(as_word_lock(as, AT + 4, true, true, &word), 0);
    as_word_unlock(as);
    tap_ok(word.key[0] == number && word.key[1] == 4, "a shared word's key");
    is(as_unmap(as, AT, 2 * PAGE_SIZE), 0);
}

static void test_page_store(void)
{
    static const uint64_t far[] = {0, 1, 63, 64, 4095, 4096, 262144, 1ull << 24, (1ull << 36) - 1};
    struct page_store store;
    struct frame *frame;

    page_store_init(&store);
    for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
        tap_ok(page_store_peek(&store, far[i]) == NULL, "page %lu is a hole", (unsigned long)far[i]);
        is(page_store_get(&store, far[i], &frame), 0);
        tap_ok(*(uint64_t *)frame_va(frame) == 0, "and zero when it is made");
        *(uint64_t *)frame_va(frame) = far[i] + 1;
        frame_put(frame);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
        frame = page_store_peek(&store, far[i]);
        tap_ok(frame != NULL && *(uint64_t *)frame_va(frame) == far[i] + 1, "page %lu is kept",
               (unsigned long)far[i]);
        frame_put(frame);
    }
    tap_ok(page_store_get(&store, 1ull << 36, &frame) != 0, "past the highest page");
    tap_ok(page_store_peek(&store, 1ull << 40) == NULL, "nothing is there");
    is(store.nr_pages, ARRAY_SIZE(far));
    page_store_truncate(&store, 64);
    is(store.nr_pages, 3);
    tap_ok(page_store_peek(&store, 64) == NULL, "truncate takes what is past its index");
    frame = page_store_peek(&store, 63);
    tap_ok(frame != NULL, "and leaves what is below");
    frame_put(frame);
    page_store_truncate(&store, 0);
    is(store.nr_pages, 0);
}

static void test_allocators(void)
{
    static void *objects[3000];
    static const size_t sizes[] = {1, 16, 17, 100, 512, 1000, 2048, 2049, 4096, 5000, 70000, MIB(4)};
    struct frame *block = frame_alloc_order(FRAME_KERNEL, 4);

    tap_ok(block != NULL && IS_ALIGNED(frame_pa(block), 16 * PAGE_SIZE), "a block is aligned");
    frame_put(block);
    tap_ok(frame_alloc_order(FRAME_KERNEL, FRAME_ORDER_MAX + 1) == NULL, "no larger block");
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *bytes = kzalloc(sizes[i]);

        tap_ok(bytes != NULL && IS_ALIGNED((uintptr_t)bytes, 16) && bytes[0] == 0 &&
                   bytes[sizes[i] - 1] == 0, "kzalloc(%zu)", sizes[i]);
        if (bytes != NULL) {
            memset(bytes, 0xff, sizes[i]);
        }
        kfree(bytes);
    }
    tap_ok(kmalloc(MIB(4) + 1) == NULL, "nothing above 4 MiB");
    kfree(NULL);
    uint64_t live = slab_live_bytes();

    for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
        objects[i] = kmalloc(190);
    }
    tap_ok(slab_live_bytes() == live + 192 * ARRAY_SIZE(objects), "the ledger counts what is live");
    for (unsigned i = 0; i < ARRAY_SIZE(objects); i += 2) {
        kfree(objects[i]);
    }
    slab_print();
    for (unsigned i = 1; i < ARRAY_SIZE(objects); i += 2) {
        kfree(objects[i]);
    }
    tap_ok(slab_live_bytes() == live, "and what is freed no more");
    frame_fail_nth(1);
    tap_ok(kmalloc(64) == NULL, "the next allocation fails on request");
    frame_fail_nth(1);
    tap_ok(frame_alloc_order(FRAME_KERNEL, 2) == NULL, "so does a block's");
}

/* Pages that are resident in the area at va, after a fault on the page there. */
static long resident_after(vaddr_t va, uint32_t access)
{
    struct as_fault_signal signal;
    struct as_area area;

    return as_fault(as, va, access, &signal) == 0 && as_area_at(as, va, &area)
               ? (long)(area.resident / PAGE_SIZE)
               : -1;
}

static void test_ahead(void)
{
    vaddr_t at = ALIGN_UP((vaddr_t)AT, MIB(2));
    uint8_t byte = 1;

    is(map(fixed(at, 8, 3)), 0);
    is(resident_after(at, PTE_WRITE), 1);
    is(resident_after(at + PAGE_SIZE, PTE_WRITE), 3);
    is(resident_after(at + 3 * PAGE_SIZE, PTE_WRITE), 7);
    is(resident_after(at + 7 * PAGE_SIZE, PTE_WRITE), 8);
    is(as_copy_in(as, &byte, at + 6 * PAGE_SIZE, 1), 0);
    tap_ok(byte == 0, "a page mapped ahead is zero");
    is(as_unmap(as, at, 8 * PAGE_SIZE), 0);
    is(map(fixed(at, 600, 3)), 0);
    is(resident_after(at + 2 * PAGE_SIZE, PTE_WRITE), 1);
    is(resident_after(at, PTE_READ), 2);
    is(resident_after(at + PAGE_SIZE, PTE_WRITE), 3);
    is(resident_after(at + 510 * PAGE_SIZE, PTE_WRITE), 4);
    is(resident_after(at + 511 * PAGE_SIZE, PTE_WRITE), 5);
    is(resident_after(at + 512 * PAGE_SIZE, PTE_WRITE), 6);
    is(as_unmap(as, at, 600 * PAGE_SIZE), 0);
}

/* usage: [vipt | no-tags] (the kernel's alias of a page has instruction cache lines of its own) */
int main(int argc, char **argv)
{
    sim_boot(&(struct sim_options){.ram_bytes = MIB(32), .nr_cpus = 1, 
                                   .asid_bits = argc > 1 && strcmp(argv[1], "no-tags") == 0 ? 0 : 8,
                                   .vipt = argc > 1 && strcmp(argv[1], "vipt") == 0});
    is(as_create(&as), 0);
    is(map(fixed(AT, 1, 3)), 0); /* the slabs of VMAs come to be */
    is(as_unmap(as, AT, PAGE_SIZE), 0);
    uint64_t before = free_frames();

    test_files();
    test_merging();
    test_many_pages();
    test_ahead();
    test_code();
    test_limits();
    test_arguments();
    test_more_arguments();
    test_out_of_memory();
    test_information();
    test_heap();
    test_stack();
    test_strings_and_words();
    test_page_store();
    test_allocators();
    tap_ok(free_frames() >= before, "no frame is lost");
    as_put(as);
    return tap_done();
}
