/*
 * Memory mapping as Linux does it: map, unmap, protect, remap, advise, brk, stack, shared and
 * file mappings, copy on write over fork. Every right is probed with a real access.
 * Names of groups are arguments; without one all run.
 */

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SEGV_MAP FAULT(SIGSEGV, SEGV_MAPERR)
#define SEGV_ACC FAULT(SIGSEGV, SEGV_ACCERR)
#define BUS_ADR FAULT(SIGBUS, BUS_ADRERR)

static char data_page[2 * PAGE] __attribute__((aligned(4096))) = "data";
static char bss_page[4 * PAGE] __attribute__((aligned(4096)));

static long map_at(void *at, size_t len, int prot, int flags)
{
    return sys(mmap, at, len, prot, ANON | flags, -1, 0);
}

/* Is [p, p+len) all `byte`? */
static bool all(const volatile char *p, size_t len, char byte)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (p[i] != byte)
            return false;
    }
    return true;
}

static void fill(char *p, size_t pages, char first)
{
    size_t i;

    for (i = 0; i < pages; i++)
        memset(p + i * PAGE, first + (char)i, PAGE);
}

static bool filled(const char *p, size_t pages, char first)
{
    size_t i;

    for (i = 0; i < pages; i++) {
        if (!all(p + i * PAGE, PAGE, (char)(first + (char)i)))
            return false;
    }
    return true;
}

static void test_map(void)
{
    char *p = map_anon(16 * PAGE, RW), *q;
    long r;

    CHECK("map.anon", !is_err((long)p));
    CHECK("map.aligned", ((unsigned long)p & (PAGE - 1)) == 0);
    CHECK("map.zero", all(p, 16 * PAGE, 0));
    fill(p, 16, 'a');
    CHECK("map.keeps", filled(p, 16, 'a'));
    EQ("map.len0", sys(mmap, 0, 0, RW, ANON, -1, 0), -EINVAL);
    EQ("map.wrap", sys(mmap, 0, -4096L, RW, ANON, -1, 0), -ENOMEM);
    EQ("map.wrap2", sys(mmap, 0, -1L, RW, ANON, -1, 0), -ENOMEM);
    EQ("map.no_type", sys(mmap, 0, PAGE, RW, MAP_ANONYMOUS, -1, 0), -EINVAL);
    EQ("map.bad_fd", sys(mmap, 0, PAGE, RW, MAP_PRIVATE, 77, 0), -EBADF);
    EQ("map.bad_off", sys(mmap, 0, PAGE, RW, ANON, -1, 100), -EINVAL);
    EQ("map.fixed_unaligned", map_at(p + 1, PAGE, RW, MAP_FIXED), -EINVAL);
    EQ("map.fixed_high", map_at((void *)USER_TOP, PAGE, RW, MAP_FIXED), -ENOMEM);
    EQ("map.fixed_kernel", map_at((void *)0xffff800000000000UL, PAGE, RW, MAP_FIXED), -ENOMEM);
    /* The last page of all is one of the program's (scenario 35). */
    r = map_at((void *)(USER_TOP - PAGE), PAGE, RW, MAP_FIXED_NOREPLACE);
    CHECK("map.last_page", r == (long)(USER_TOP - PAGE) || r == -EEXIST);
    if (!is_err(r)) {
        EQ("map.last_byte", probe_write((char *)USER_TOP - 1), 0);
        EQ("map.last_unmap", sys(munmap, r, PAGE), 0);
        EQ("map.last_gone", probe_read((char *)USER_TOP - 1), SEGV_MAP);
    }
    EQ("map.noreplace_busy", map_at(p, PAGE, RW, MAP_FIXED_NOREPLACE), -EEXIST);
    EQ("map.noreplace_part", map_at(p - PAGE + 16 * PAGE, 4 * PAGE, RW, MAP_FIXED_NOREPLACE),
       -EEXIST);
    r = map_at(p + PAGE, PAGE, RW, 0);
    CHECK("map.hint_busy_moves", !is_err(r) && r != (long)(p + PAGE));
    sys(munmap, r, PAGE);

    /* Fixed over a mapping replaces contents and rights (scenario 26). */
    EQ("map.fixed_over", map_at(p + 4 * PAGE, 4 * PAGE, RW, MAP_FIXED), p + 4 * PAGE);
    CHECK("map.fixed_zero", all(p + 4 * PAGE, 4 * PAGE, 0));
    CHECK("map.fixed_keeps_sides", filled(p, 4, 'a') && filled(p + 8 * PAGE, 8, 'i'));
    EQ("map.fixed_ro", map_at(p + 5 * PAGE, PAGE, PROT_READ, MAP_FIXED), p + 5 * PAGE);
    EQ("map.fixed_ro_write", probe_write(p + 5 * PAGE), SEGV_ACC);
    EQ("map.fixed_ro_addr", probe_addr, p + 5 * PAGE);
    EQ("map.fixed_over_fixed", map_at(p + 5 * PAGE, PAGE, RW, MAP_FIXED), p + 5 * PAGE);
    EQ("map.fixed_rw_write", probe_write(p + 5 * PAGE), 0);
    EQ("map.unmap", sys(munmap, p, 16 * PAGE), 0);
    EQ("map.unmapped_read", probe_read(p), SEGV_MAP);
    EQ("map.unmapped_last", probe_read(p + 16 * PAGE - 1), SEGV_MAP);
    EQ("map.unmap_again", sys(munmap, p, 16 * PAGE), 0);
    EQ("map.noreplace_free", map_at(p, PAGE, RW, MAP_FIXED_NOREPLACE), p);
    q = (char *)map_at(p + PAGE, PAGE, RW, 0);
    EQ("map.hint_free", q, p + PAGE);
    EQ("map.unmap_len0", sys(munmap, p, 0), -EINVAL);
    EQ("map.unmap_unaligned", sys(munmap, p + 8, PAGE), -EINVAL);
    EQ("map.unmap_odd_len", sys(munmap, p, PAGE + 1), 0);
    EQ("map.unmap_rounds_up", probe_read(p + PAGE), SEGV_MAP);
    EQ("map.unmap_wrap", sys(munmap, p, -4096L), -EINVAL);
    EQ("map.unmap_high", sys(munmap, USER_TOP - PAGE, 2 * PAGE), -EINVAL);
    EQ("map.unmap_kernel", sys(munmap, 0xffffffff80000000UL, PAGE), -EINVAL);
    EQ("map.huge", sys(mmap, 0, 1UL << 48, PROT_NONE, ANON, -1, 0), -ENOMEM);
    /* Many areas come and go at distinct addresses (scenario 66). */
    {
        int i;
        bool good = true;

        for (i = 0; i < 2000 && good; i++) {
            char *m = map_anon((size_t)(1 + i % 7) * PAGE, RW);

            good = !is_err((long)m) && m[0] == 0;
            if (good)
                m[0] = 1;
            good = good && sys(munmap, m, (size_t)(1 + i % 7) * PAGE) == 0;
        }
        CHECK("map.soak", good);
    }
    /* Dirty pages come back zeroed (scenario 40). */
    p = map_anon(64 * PAGE, RW);
    memset(p, 0x5a, 64 * PAGE);
    sys(munmap, p, 64 * PAGE);
    p = map_anon(64 * PAGE, RW);
    CHECK("map.reuse_zero", all(p, 64 * PAGE, 0));
    sys(munmap, p, 64 * PAGE);
}

static void test_split(void)
{
    char *p = map_anon(8 * PAGE, RW), *q;
    size_t i;
    bool good;

    fill(p, 8, 'A');
    EQ("split.middle", sys(munmap, p + 3 * PAGE, 2 * PAGE), 0);
    EQ("split.hole0", probe_read(p + 3 * PAGE), SEGV_MAP);
    EQ("split.hole1", probe_write(p + 4 * PAGE + 4095), SEGV_MAP);
    EQ("split.hole_addr", probe_addr, p + 4 * PAGE + 4095);
    CHECK("split.left", filled(p, 3, 'A'));
    CHECK("split.right", filled(p + 5 * PAGE, 3, 'F'));
    EQ("split.head", sys(munmap, p, PAGE), 0);
    EQ("split.head_gone", probe_read(p), SEGV_MAP);
    CHECK("split.head_rest", filled(p + PAGE, 2, 'B'));
    EQ("split.tail", sys(munmap, p + 7 * PAGE, PAGE), 0);
    EQ("split.tail_gone", probe_read(p + 7 * PAGE), SEGV_MAP);
    CHECK("split.tail_rest", filled(p + 5 * PAGE, 2, 'F'));
    /* One munmap over several areas and the holes between them (scenario 59). */
    EQ("split.several", sys(munmap, p, 8 * PAGE), 0);
    for (good = true, i = 0; i < 8; i++)
        good = good && probe_read(p + i * PAGE) == SEGV_MAP;
    CHECK("split.several_gone", good);

    /* Areas of alternating rights, one munmap cuts the first and the last. */
    p = map_anon(32 * PAGE, RW);
    for (i = 0; i < 32; i += 2)
        sys(mprotect, p + i * PAGE, PAGE, PROT_READ);
    EQ("split.alternate", sys(munmap, p + 5 * PAGE, 20 * PAGE), 0);
    EQ("split.alt_left", probe_write(p + 3 * PAGE), 0);
    EQ("split.alt_left_ro", probe_write(p + 4 * PAGE), SEGV_ACC);
    EQ("split.alt_gone", probe_read(p + 5 * PAGE), SEGV_MAP);
    EQ("split.alt_gone2", probe_read(p + 24 * PAGE), SEGV_MAP);
    EQ("split.alt_right", probe_write(p + 25 * PAGE), 0);
    EQ("split.alt_right_ro", probe_write(p + 26 * PAGE), SEGV_ACC);
    sys(munmap, p, 32 * PAGE);

    /* A range that crosses a 2 MiB border. */
    p = map_anon(6UL << 20, RW);
    q = (char *)(((unsigned long)p + (4UL << 20)) & ~((2UL << 20) - 1));
    fill(q - 2 * PAGE, 4, 'p');
    EQ("split.border", sys(munmap, q - PAGE, 2 * PAGE), 0);
    CHECK("split.border_left", filled(q - 2 * PAGE, 1, 'p'));
    CHECK("split.border_right", filled(q + PAGE, 1, 's'));
    EQ("split.border_gone", probe_read(q), SEGV_MAP);
    sys(munmap, p, 6UL << 20);
}

/* Expected probe results for each protection, in the order read, write, execute. */
static void check_rights(const char *what, char *p, int r, int w, int x)
{
    char name[64];

    text_format(name, sizeof(name), "protect.%s_read", what);
    EQ(name, probe_read(p), r);
    text_format(name, sizeof(name), "protect.%s_write", what);
    EQ(name, probe_write(p + 64), w);
    text_format(name, sizeof(name), "protect.%s_exec", what);
    EQ(name, probe_exec(p), x);
}

static void put_return(char *p)
{
#if ARCH_IS_X86
    p[0] = (char)0xc3;
#else
    uint32_t ret = 0xd65f03c0u;

    memcpy(p, &ret, 4);
#endif
    code_sync(p, 4);
}

static void test_protect(void)
{
    char *p = map_anon(8 * PAGE, RW);
    size_t i;

    for (i = 0; i < 8; i++)
        put_return(p + i * PAGE);
    check_rights("rw", p, 0, 0, SEGV_ACC);
    EQ("protect.none", sys(mprotect, p + PAGE, PAGE, PROT_NONE), 0);
    check_rights("none", p + PAGE, SEGV_ACC, SEGV_ACC, SEGV_ACC);
    check_rights("none_left", p, 0, 0, SEGV_ACC);
    check_rights("none_right", p + 2 * PAGE, 0, 0, SEGV_ACC);
    EQ("protect.ro", sys(mprotect, p + 2 * PAGE, PAGE, PROT_READ), 0);
    check_rights("ro", p + 2 * PAGE, 0, SEGV_ACC, SEGV_ACC);
    EQ("protect.rx", sys(mprotect, p + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
    check_rights("rx", p + 3 * PAGE, 0, SEGV_ACC, 0);
    check_rights("rx_right", p + 4 * PAGE, 0, 0, SEGV_ACC);
    EQ("protect.back", sys(mprotect, p, 8 * PAGE, RW), 0);
    for (i = 0; i < 8; i++)
        put_return(p + i * PAGE);
    check_rights("back", p + PAGE, 0, 0, SEGV_ACC);
    check_rights("back_rx", p + 3 * PAGE, 0, 0, SEGV_ACC);
    EQ("protect.all_rx", sys(mprotect, p, 8 * PAGE, PROT_READ | PROT_EXEC), 0);
    check_rights("all_rx", p + 7 * PAGE, 0, SEGV_ACC, 0);
    sys(mprotect, p, 8 * PAGE, RW);
    /* Data survive PROT_NONE. */
    fill(p, 8, 'a');
    sys(mprotect, p, 8 * PAGE, PROT_NONE);
    EQ("protect.hidden", probe_read(p + 5 * PAGE), SEGV_ACC);
    sys(mprotect, p, 8 * PAGE, RW);
    CHECK("protect.survives", filled(p, 8, 'a'));

    EQ("protect.len0", sys(mprotect, p, 0, PROT_READ), 0);
    EQ("protect.unaligned", sys(mprotect, p + 1, PAGE, PROT_READ), -EINVAL);
    EQ("protect.bad_prot", sys(mprotect, p, PAGE, 0x40), -EINVAL);
    EQ("protect.wrap", sys(mprotect, p, -4096L, PROT_READ), -ENOMEM);
    EQ("protect.kernel", sys(mprotect, 0xffffffff80000000UL, PAGE, PROT_READ), -ENOMEM);
    /* A hole ends the range with ENOMEM; what lies before it has changed. */
    sys(munmap, p + 4 * PAGE, PAGE);
    EQ("protect.hole", sys(mprotect, p + 2 * PAGE, 4 * PAGE, PROT_READ), -ENOMEM);
    EQ("protect.hole_before", probe_write(p + 2 * PAGE), SEGV_ACC);
    EQ("protect.hole_after", probe_write(p + 5 * PAGE), 0);
    EQ("protect.unmapped", sys(mprotect, p + 4 * PAGE, PAGE, PROT_READ), -ENOMEM);
    sys(munmap, p, 8 * PAGE);

    /* Reserve, then commit parts (scenario 78); untouched PROT_NONE has the code of a mapping. */
    p = map_anon(1UL << 30, PROT_NONE);
    CHECK("protect.reserve", !is_err((long)p));
    EQ("protect.reserve_touch", probe_read(p + 123 * PAGE), SEGV_ACC);
    EQ("protect.reserve_addr", probe_addr, p + 123 * PAGE);
    EQ("protect.commit", sys(mprotect, p + 64 * PAGE, 4 * PAGE, RW), 0);
    EQ("protect.commit_write", probe_write(p + 65 * PAGE), 0);
    EQ("protect.commit_edge", probe_write(p + 68 * PAGE), SEGV_ACC);
    EQ("protect.decommit", sys(mmap, p + 64 * PAGE, 4 * PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0),
       p + 64 * PAGE);
    EQ("protect.decommitted", probe_read(p + 65 * PAGE), SEGV_ACC);
    sys(munmap, p, 1UL << 30);

    /* The program's own text, data and read-only data (scenario 20, 38). */
    EQ("protect.text_write", probe_write((char *)(uintptr_t)&put_return), SEGV_ACC);
    EQ("protect.data_exec", probe_exec(data_page), SEGV_ACC);
    EQ("protect.bss_exec", probe_exec(bss_page), SEGV_ACC);
    EQ("protect.stack_exec", probe_exec(&i), SEGV_ACC);
    /* Code written, made executable, run, changed, run (scenarios 25, 53, 55). */
    p = map_anon(PAGE, RW);
    for (i = 0; i < 20; i++) {
        int (*fn)(void) = (int (*)(void))p;
#if ARCH_IS_X86
        unsigned char code[6] = { 0xb8, (unsigned char)i, 0, 0, 0, 0xc3 };
#else
        uint32_t code[2] = { 0x52800000u | (uint32_t)i << 5, 0xd65f03c0u };
#endif
        sys(mprotect, p, PAGE, RW);
        memcpy(p, code, sizeof(code));
        code_sync(p, sizeof(code));
        sys(mprotect, p, PAGE, PROT_READ | PROT_EXEC);
        if (fn() != (int)i)
            break;
    }
    EQ("protect.code_rewritten", i, 20);
    sys(munmap, p, PAGE);
}

static void test_remap(void)
{
    char *p = map_anon(32 * PAGE, RW), *q, *r;

    sys(munmap, p + 4 * PAGE, 28 * PAGE);
    fill(p, 4, 'a');
    EQ("remap.grow", sys(mremap, p, 4 * PAGE, 8 * PAGE, 0), p);
    CHECK("remap.grow_keeps", filled(p, 4, 'a'));
    CHECK("remap.grow_zero", all(p + 4 * PAGE, 4 * PAGE, 0));
    fill(p, 8, 'a');
    EQ("remap.shrink", sys(mremap, p, 8 * PAGE, 3 * PAGE, 0), p);
    CHECK("remap.shrink_keeps", filled(p, 3, 'a'));
    EQ("remap.shrink_gone", probe_read(p + 3 * PAGE), SEGV_MAP);
    EQ("remap.same", sys(mremap, p, 3 * PAGE, 3 * PAGE, 0), p);
    map_at(p + 3 * PAGE, PAGE, PROT_READ, MAP_FIXED);
    EQ("remap.blocked", sys(mremap, p, 3 * PAGE, 5 * PAGE, 0), -ENOMEM);
    q = (char *)sys(mremap, p, 3 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
    CHECK("remap.moves", !is_err((long)q) && q != p);
    CHECK("remap.move_keeps", filled(q, 3, 'a'));
    CHECK("remap.move_zero", all(q + 3 * PAGE, 597 * PAGE, 0));
    EQ("remap.move_old_gone", probe_read(p), SEGV_MAP);
    EQ("remap.neighbour", probe_read(p + 3 * PAGE), 0);
    r = map_anon(8 * PAGE, RW);
    fill(r, 8, 'r');
    EQ("remap.fixed", sys(mremap, q, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + PAGE),
       r + PAGE);
    CHECK("remap.fixed_keeps", filled(r + PAGE, 3, 'a') && filled(r, 1, 'r'));
    CHECK("remap.fixed_tail", all(r + 4 * PAGE, PAGE, 0) && filled(r + 5 * PAGE, 3, 'w'));
    EQ("remap.fixed_old_gone", probe_read(q), SEGV_MAP);
    EQ("remap.fixed_rest", probe_read(q + 3 * PAGE), 0);
    EQ("remap.fixed_overlap", sys(mremap, r, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                                  r + PAGE), -EINVAL);
    EQ("remap.fixed_nomove", sys(mremap, r, PAGE, PAGE, MREMAP_FIXED, q), -EINVAL);
    EQ("remap.new0", sys(mremap, r, PAGE, 0, MREMAP_MAYMOVE), -EINVAL);
    EQ("remap.unaligned", sys(mremap, r + 1, PAGE, PAGE, 0), -EINVAL);
    EQ("remap.bad_flags", sys(mremap, r, PAGE, PAGE, 0x80), -EINVAL);
    EQ("remap.unmapped", sys(mremap, p, PAGE, 2 * PAGE, MREMAP_MAYMOVE), -EFAULT);
    EQ("remap.beyond", sys(mremap, r + 7 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE), -EFAULT);
    EQ("remap.fixed_kernel", sys(mremap, r, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                                 0xffffffff80000000UL), -EINVAL);
    /* Rights travel with the pages. */
    sys(mprotect, r, PAGE, PROT_READ);
    p = (char *)sys(mremap, r, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    EQ("remap.rights_read", probe_read(p), 0);
    EQ("remap.rights_write", probe_write(p), SEGV_ACC);
    /* A large move keeps every page (scenario 67). */
    q = map_anon(1024 * PAGE, RW);
    {
        size_t i;
        bool good = true;

        for (i = 0; i < 1024; i++)
            *(size_t *)(void *)(q + i * PAGE) = i + 1;
        r = (char *)sys(mremap, q, 1024 * PAGE, 4096 * PAGE, MREMAP_MAYMOVE);
        for (i = 0; i < 1024; i++)
            good = good && *(size_t *)(void *)(r + i * PAGE) == i + 1;
        CHECK("remap.large", !is_err((long)r) && good);
        CHECK("remap.large_zero", all(r + 1024 * PAGE, PAGE, 0));
        sys(munmap, r, 4096 * PAGE);
    }
}

static int advise_child(void *arg)
{
    char *p = arg;

    if (probe_read(p) != 0 || p[0] != 'a')
        return 1;
    if (probe_read(p + PAGE) != SEGV_MAP)
        return 2;
    if (p[2 * PAGE] != 0)
        return 3;
    return 0;
}

static int dontneed_child(void *arg)
{
    char *p = arg;

    return sys(madvise, p, PAGE, MADV_DONTNEED) == 0 && p[0] == 0 ? 0 : 1;
}

static void test_advise(void)
{
    char *p = map_anon(8 * PAGE, RW), *s;
    static const int accepted[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
                                    MADV_COLD, MADV_PAGEOUT, MADV_DONTDUMP, MADV_DODUMP,
                                    MADV_POPULATE_READ, MADV_POPULATE_WRITE };
    size_t i;

    fill(p, 8, 'a');
    EQ("advise.dontneed", sys(madvise, p + 2 * PAGE, 2 * PAGE, MADV_DONTNEED), 0);
    CHECK("advise.dontneed_zero", all(p + 2 * PAGE, 2 * PAGE, 0));
    CHECK("advise.dontneed_sides", filled(p, 2, 'a') && filled(p + 4 * PAGE, 4, 'e'));
    EQ("advise.free", sys(madvise, p + 7 * PAGE, PAGE, MADV_FREE), 0); /* scenario 74 */
    EQ("advise.free_read", probe_read(p + 7 * PAGE), 0);
    p[7 * PAGE] = 'z';
    EQ("advise.free_write", p[7 * PAGE], 'z');
    for (i = 0; i < ARRAY_LEN(accepted); i++) {
        char name[32];

        text_format(name, sizeof(name), "advise.code%d", accepted[i]);
        EQ(name, sys(madvise, p, 8 * PAGE, accepted[i]), 0);
    }
    CHECK("advise.keeps", filled(p, 2, 'a') && filled(p + 4 * PAGE, 3, 'e'));
    EQ("advise.bad", sys(madvise, p, PAGE, 999), -EINVAL);
    EQ("advise.unaligned", sys(madvise, p + 1, PAGE, MADV_DONTNEED), -EINVAL);
    EQ("advise.len0", sys(madvise, p, 0, MADV_DONTNEED), 0);
    EQ("advise.wrap", sys(madvise, p, -4096L, MADV_DONTNEED), -EINVAL);
    EQ("advise.dontfork", sys(madvise, p + PAGE, PAGE, MADV_DONTFORK), 0);
    EQ("advise.wipeonfork", sys(madvise, p + 2 * PAGE, PAGE, MADV_WIPEONFORK), 0);
    p[2 * PAGE] = 'w';
    EQ("advise.fork_child", child_result(advise_child, p), 0);
    EQ("advise.parent_keeps", p[2 * PAGE] == 'w' && p[PAGE] == 'b', 1);
    EQ("advise.dofork", sys(madvise, p + PAGE, PAGE, MADV_DOFORK), 0);
    EQ("advise.dofork_child", child_result(advise_child, p), 2);
    sys(munmap, p + 5 * PAGE, PAGE);
    EQ("advise.hole", sys(madvise, p, 8 * PAGE, MADV_DONTNEED), -ENOMEM);
    CHECK("advise.hole_before", all(p, 5 * PAGE, 0));
    CHECK("advise.hole_after", all(p + 6 * PAGE, PAGE, 0));
    /* DONTNEED in a child leaves the parent's page alone (scenario 56). */
    memset(p, 'a', PAGE);
    EQ("advise.child", child_result(dontneed_child, p), 0);
    CHECK("advise.child_apart", all(p, PAGE, 'a'));
    sys(munmap, p, 8 * PAGE);
    s = (char *)sys(mmap, 0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(s, 's', PAGE);
    EQ("advise.shared_dontneed", sys(madvise, s, PAGE, MADV_DONTNEED), 0);
    CHECK("advise.shared_keeps", all(s, PAGE, 's'));
    EQ("advise.shared_free", sys(madvise, s, PAGE, MADV_FREE), -EINVAL);
    EQ("advise.shared_remove", sys(madvise, s, PAGE, MADV_REMOVE), 0);
    CHECK("advise.shared_removed", all(s, PAGE, 0));
    sys(munmap, s, 2 * PAGE);
}

static void test_misc(void)
{
    char *p = map_anon(8 * PAGE, RW);
    unsigned char vec[8];

    memset(vec, 0xff, sizeof(vec));
    p[0] = 1;
    p[3 * PAGE] = 1;
    EQ("mincore.call", sys(mincore, p, 8 * PAGE, vec), 0);
    CHECK("mincore.touched", (vec[0] & 1) && (vec[3] & 1));
    sys(munmap, p + 6 * PAGE, PAGE);
    EQ("mincore.hole", sys(mincore, p, 8 * PAGE, vec), -ENOMEM);
    EQ("mincore.unaligned", sys(mincore, p + 1, PAGE, vec), -EINVAL);
    EQ("mincore.bad_vec", sys(mincore, p, PAGE, p + 6 * PAGE), -EFAULT);
    EQ("msync.async", sys(msync, p, 4 * PAGE, MS_ASYNC), 0);
    EQ("msync.sync", sys(msync, p, 4 * PAGE, MS_SYNC), 0);
    EQ("msync.both", sys(msync, p, PAGE, MS_SYNC | MS_ASYNC), -EINVAL);
    EQ("msync.bad", sys(msync, p, PAGE, 0x100), -EINVAL);
    EQ("msync.unaligned", sys(msync, p + 1, PAGE, MS_SYNC), -EINVAL);
    EQ("msync.hole", sys(msync, p, 8 * PAGE, MS_SYNC), -ENOMEM);
    EQ("mlock.call", sys(mlock, p, 2 * PAGE), 0);
    EQ("mlock.hole", sys(mlock, p, 8 * PAGE), -ENOMEM);
    EQ("munlock.call", sys(munlock, p, 2 * PAGE), 0);
    EQ("munlock.hole", sys(munlock, p, 8 * PAGE), -ENOMEM);
    EQ("mlock.wrap", sys(mlock, p, -4096L), -EINVAL);
    EQ("mlock2.onfault", sys(mlock2, p, PAGE, 1), 0);
    EQ("mlock2.bad", sys(mlock2, p, PAGE, 8), -EINVAL);
    EQ("mlockall.bad", sys(mlockall, 0x80), -EINVAL);
    EQ("munlockall.call", sys(munlockall), 0);
    sys(munmap, p, 8 * PAGE);
    p = (char *)sys(mmap, 0, 4 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
    memset(vec, 0, sizeof(vec));
    sys(mincore, p, 4 * PAGE, vec);
    CHECK("map.populate", vec[0] && vec[1] && vec[2] && vec[3]);
    sys(munmap, p, 4 * PAGE);
}

static void test_brk(void)
{
    long start = sys(brk, 0), r; /* scenario 19 */
    struct rlimit64 old, lim;
    char *p = (char *)start;

    CHECK("brk.start", start > 0);
    EQ("brk.grow", sys(brk, start + 3 * 4096 + 100), start + 3 * 4096 + 100);
    CHECK("brk.zero", all(p, 3 * PAGE + 100, 0));
    memset(p, 'b', 3 * PAGE + 100);
    EQ("brk.now", sys(brk, 0), start + 3 * 4096 + 100);
    EQ("brk.shrink", sys(brk, start + 4096), start + 4096);
    CHECK("brk.keeps", all(p, PAGE, 'b'));
    EQ("brk.gone", probe_read((char *)(((unsigned long)p + 2 * PAGE) & ~(PAGE - 1))), SEGV_MAP);
    EQ("brk.regrow", sys(brk, start + 3 * 4096), start + 3 * 4096);
    CHECK("brk.regrow_zero", all((char *)(((unsigned long)p + 2 * PAGE) & ~(PAGE - 1)), PAGE, 0));
    EQ("brk.below", sys(brk, 4096), start + 3 * 4096);
    EQ("brk.kernel", sys(brk, 0xffffffff80000000UL), start + 3 * 4096);
    EQ("brk.exec", probe_exec(p), SEGV_ACC);
    sys(prlimit64, 0, RLIMIT_DATA, 0, &old);
    lim = old;
    lim.rlim_cur = 16UL << 20;
    sys(prlimit64, 0, RLIMIT_DATA, &lim, 0);
    EQ("brk.rlimit", sys(brk, start + (64L << 20)), start + 3 * 4096);
    sys(prlimit64, 0, RLIMIT_DATA, &old, 0);
    /* A mapping in the way stops growth. */
    r = map_at((void *)((unsigned long)(start + 16 * 4096) & ~(PAGE - 1)), PAGE, RW,
               MAP_FIXED_NOREPLACE);
    CHECK("brk.obstacle", !is_err(r));
    EQ("brk.blocked", sys(brk, start + 64 * 4096), start + 3 * 4096);
    sys(munmap, r, PAGE);
    EQ("brk.unblocked", sys(brk, start + 64 * 4096), start + 64 * 4096);
    EQ("brk.back", sys(brk, start), start);
}

static NOINLINE long stack_use(long depth)
{
    volatile char block[4096];

    block[0] = (char)depth;
    block[4095] = 1;
    if (depth == 0)
        return block[0];
    return stack_use(depth - 1) + block[4095];
}

static int stack_grow(void *arg)
{
    return stack_use((long)arg) == (long)arg ? 0 : 1;
}

static int stack_limit(void *arg)
{
    struct rlimit64 lim = { 256 * 1024, 1024 * 1024 };

    sys(prlimit64, 0, RLIMIT_STACK, &lim, 0);
    return stack_grow(arg);
}

static void test_stack(void)
{
    char *sp = (char *)current_sp();
    char maps[8192], *line;

    EQ("stack.grow_1m", child_result(stack_grow, (void *)256L), 0);
    EQ("stack.grow_6m", child_result(stack_grow, (void *)1500L), 0);
    sig_default(SIGSEGV);
    EQ("stack.overflow", child_result(stack_grow, (void *)5000L), KILLED(SIGSEGV));
    EQ("stack.rlimit_below", child_result(stack_limit, (void *)20L), 0);
    EQ("stack.rlimit_over", child_result(stack_limit, (void *)200L), KILLED(SIGSEGV));
    probe_init();
    EQ("stack.jump_below_sp", probe_write(sp - 1024 * 1024), 0);
    EQ("stack.far_below", probe_write(sp - (64L << 20)), SEGV_MAP);
    file_read("/proc/self/maps", maps, sizeof(maps));
    line = strstr(maps, "[stack]");
    CHECK("stack.in_maps", line != NULL);
}

static int shared_child(void *arg)
{
    char *p = arg;

    p[0] = 'c';
    p[PAGE] = 'd'; /* a page nobody has touched before the fork */
    return 0;
}

static int private_child(void *arg)
{
    char *p = arg;

    if (!filled(p, 8, 'a'))
        return 1;
    fill(p, 8, 'A');
    return filled(p, 8, 'A') ? 0 : 2;
}

struct level {
    char *p;
    int depth;
};

static int level_child(void *arg)
{
    struct level *l = arg;
    char mine = (char)('0' + l->depth);
    int r = 0;

    if (!all(l->p, PAGE, (char)('0' + l->depth - 1)))
        return 1;
    memset(l->p, mine, PAGE);
    memset(l->p + (size_t)l->depth * PAGE, mine, PAGE);
    if (l->depth < 3) {
        struct level next = { l->p, l->depth + 1 };

        r = child_result(level_child, &next);
    }
    if (r)
        return r;
    /* What the grandchild wrote is not here; what I wrote is. */
    if (!all(l->p, PAGE, mine) || !all(l->p + (size_t)l->depth * PAGE, PAGE, mine))
        return 10;
    return all(l->p + (size_t)(l->depth + 1) * PAGE, PAGE, 'z') ? 0 : 11;
}

static int hold_child(void *arg)
{
    int *pipes = arg;
    char c = 0;

    sys(close, pipes[1]);
    sys(read, pipes[0], &c, 1);
    return data_page[100] == 'd' && bss_page[0] == 'b' && all(data_page + PAGE, PAGE, 'D') ? 0 : 1;
}

static void test_fork(void)
{
    char *s = (char *)sys(mmap, 0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *p = map_anon(8 * PAGE, RW);
    struct level l = { p, 1 };
    int pipes[2], i;
    long pid;
    bool good = true;

    s[0] = 'p';
    EQ("fork.shared_child", child_result(shared_child, s), 0);
    EQ("fork.shared_seen", s[0], 'c'); /* scenario 57 */
    EQ("fork.shared_untouched", s[PAGE], 'd');
    fill(p, 8, 'a');
    EQ("fork.private_child", child_result(private_child, p), 0);
    CHECK("fork.parent_unchanged", filled(p, 8, 'a'));
    /* The parent writes while a child that has not looked yet lives. */
    data_page[100] = 'd';
    bss_page[0] = 'b';
    memset(data_page + PAGE, 'D', PAGE);
    sys(pipe2, pipes, 0);
    pid = fork_child(hold_child, pipes);
    data_page[100] = 'x';
    bss_page[0] = 'x';
    memset(data_page + PAGE, 'x', PAGE);
    sys(close, pipes[0]);
    sys(write, pipes[1], "g", 1);
    sys(close, pipes[1]);
    EQ("fork.child_unchanged", wait_status(pid), 0);
    CHECK("fork.parent_wrote", all(data_page + PAGE, PAGE, 'x') && bss_page[0] == 'x');
    /* Three levels, each with its own bytes (scenario 60). */
    memset(p, '0', PAGE);
    memset(p + PAGE, 'z', 7 * PAGE);
    EQ("fork.levels", child_result(level_child, &l), 0);
    CHECK("fork.levels_parent", all(p, PAGE, '0') && all(p + PAGE, 7 * PAGE, 'z'));
    /* Rights are inherited (scenarios 17, 39). */
    sys(mprotect, p, PAGE, PROT_READ);
    sys(mprotect, p + PAGE, PAGE, PROT_NONE);
    sys(munmap, p + 2 * PAGE, PAGE);
    pid = fork_now();
    if (pid == 0) {
        good = probe_write(p) == SEGV_ACC && probe_read(p) == 0 && probe_read(p + PAGE) == SEGV_ACC &&
               probe_read(p + 2 * PAGE) == SEGV_MAP && probe_write(p + 3 * PAGE) == 0 &&
               probe_write((char *)(uintptr_t)&test_fork) == SEGV_ACC &&
               probe_exec(data_page) == SEGV_ACC;
        exit_now(good ? 0 : 1);
    }
    EQ("fork.rights", wait_status(pid), 0);
    /* A program may ask for memory that it writes and executes; its child has the same (scenario 17). */
    sys(mprotect, p + 3 * PAGE, PAGE, RW | PROT_EXEC);
    put_return(p + 3 * PAGE);
    pid = fork_now();
    if (pid == 0) {
        good = probe_exec(p + 3 * PAGE) == 0 && probe_write(p + 3 * PAGE + 64) == 0 &&
               probe_exec(p + 3 * PAGE) == 0;
        exit_now(good ? 0 : 1);
    }
    EQ("fork.write_exec", wait_status(pid), 0);
    EQ("fork.write_exec_parent", probe_exec(p + 3 * PAGE), 0);
    sys(mprotect, p + 3 * PAGE, PAGE, RW);
    /* After the child is gone the parent owns its pages again. */
    for (i = 0; i < 50; i++) {
        pid = fork_now();
        if (pid == 0) {
            p[4 * PAGE] = 'k';
            exit_now(0);
        }
        p[4 * PAGE] = (char)i;
        p[5 * PAGE] = (char)i;
        good = good && wait_status(pid) == 0 && p[4 * PAGE] == (char)i && p[5 * PAGE] == (char)i;
    }
    CHECK("fork.rounds", good);
    /* brk and layout are inherited (I3). */
    {
        long b = sys(brk, 0);

        b = sys(brk, b + 8192);

        memset((char *)b - 4096, 'h', 4096);
        pid = fork_now();
        if (pid == 0)
            exit_now(sys(brk, 0) == b && all((char *)b - 4096, 4096, 'h') ? 0 : 1);
        EQ("fork.brk", wait_status(pid), 0);
    }
    /* The kernel writes into a page shared copy on write, too (scenario 62). */
    sys(pipe2, pipes, 0);
    memset(p + 6 * PAGE, 'k', PAGE);
    pid = fork_now();
    if (pid == 0) {
        sys(write, pipes[1], "hello", 5);
        sleep_ms(30);
        exit_now(all(p + 6 * PAGE, PAGE, 'k') ? 0 : 1);
    }
    EQ("fork.copyout_n", sys(read, pipes[0], p + 6 * PAGE, 5), 5);
    CHECK("fork.copyout", !memcmp(p + 6 * PAGE, "hellok", 6));
    EQ("fork.copyout_child", wait_status(pid), 0);
    sys(close, pipes[0]);
    sys(close, pipes[1]);
    sys(munmap, p, 8 * PAGE);
    sys(munmap, s, 4 * PAGE);
}

#define TMPFILE "/tmp/memory.tmp"

static int file_child(void *arg)
{
    char *p = arg;

    p[1] = 'C';
    return p[0] == 'P' ? 0 : 1;
}

static void test_file(void)
{
    long fd = open_rw(TMPFILE), ro;
    char *s, *v, *x, buf[16];
    int status;

    sys(ftruncate, fd, 3 * 4096 + 10);
    s = (char *)sys(mmap, 0, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    v = (char *)sys(mmap, 0, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK("file.map", !is_err((long)s) && !is_err((long)v));
    CHECK("file.zero", all(s, 4 * PAGE, 0));
    memcpy(s, "Pxyz", 4);
    EQ("file.pread", sys(pread64, fd, buf, 4, 0), 4);
    CHECK("file.shared_to_file", !memcmp(buf, "Pxyz", 4));
    CHECK("file.private_sees", !memcmp(v, "Pxyz", 4));
    sys(pwrite64, fd, "W", 1, 4096);
    EQ("file.write_to_map", s[4096], 'W');
    v[0] = 'V';
    EQ("file.private_apart", s[0], 'P');
    s[0] = 'Q';
    EQ("file.private_keeps", v[0], 'V');
    s[0] = 'P';
    status = child_result(file_child, s);
    EQ("file.fork", status, 0);
    EQ("file.fork_seen", s[1], 'C');
    EQ("file.tail_of_page", s[3 * 4096 + 10], 0);
    EQ("file.past_end", probe_read(s + 4 * PAGE - 1), 0);
    /* Mapping beyond the last page of the file. */
    x = (char *)sys(mmap, 0, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    EQ("file.bus_beyond", probe_read(x + 5 * PAGE), BUS_ADR);
    EQ("file.bus_addr", probe_addr, x + 5 * PAGE);
    EQ("file.bus_read", sys(write, 1, x + 5 * PAGE, 0), 0);
    sys(munmap, x, 8 * PAGE);
    /* It survives unlink and close (scenario 57: inode pinned by the mapping). */
    EQ("file.unlink", sys(unlinkat, AT_FDCWD, TMPFILE, 0), 0);
    ro = sys(openat, AT_FDCWD, "/proc/self/exe", O_RDONLY, 0);
    CHECK("file.exe_open", ro >= 0);
    s[2 * PAGE] = 'u';
    EQ("file.unlinked_fork", child_result(file_child, s), 0);
    EQ("file.unlinked_file", sys(pread64, fd, buf, 1, 8192), 1);
    EQ("file.unlinked_byte", buf[0], 'u');
    /* Truncate takes the pages away under every mapping. */
    EQ("file.truncate", sys(ftruncate, fd, 4096), 0);
    EQ("file.trunc_bus", probe_read(s + PAGE), BUS_ADR);
    EQ("file.trunc_bus_priv", probe_read(v + 2 * PAGE), BUS_ADR);
    EQ("file.trunc_keeps", s[0], 'P');
    EQ("file.trunc_private_keeps", v[0], 'V');
    EQ("file.regrow", sys(ftruncate, fd, 3 * 4096), 0);
    EQ("file.regrow_zero", s[2 * PAGE], 0);
    sys(ftruncate, fd, 2);
    sys(ftruncate, fd, 4096);
    EQ("file.partial_zero", s[2], 0);
    EQ("file.partial_keeps", s[1], 'C');
    sys(close, fd);
    EQ("file.after_close", s[0], 'P');
    sys(munmap, s, 4 * PAGE);
    sys(munmap, v, 4 * PAGE);

    /* Rights of the descriptor bound those of the mapping. */
    s = (char *)sys(mmap, 0, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    CHECK("file.ro_shared", !is_err((long)s));
    EQ("file.ro_shared_protect", sys(mprotect, s, PAGE, RW), -EACCES);
    sys(munmap, s, PAGE);
    EQ("file.ro_shared_write", sys(mmap, 0, PAGE, RW, MAP_SHARED, ro, 0), -EACCES);
    v = (char *)sys(mmap, 0, PAGE, RW, MAP_PRIVATE, ro, 0);
    CHECK("file.ro_private_write", !is_err((long)v) && !memcmp(v, "\177ELF", 4));
    v[0] = 'x';
    EQ("file.ro_private_wrote", v[0], 'x');
    sys(munmap, v, PAGE);
    EQ("file.off_unaligned", sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, ro, 1), -EINVAL);
    sys(close, ro);
    fd = sys(openat, AT_FDCWD, TMPFILE, O_WRONLY | O_CREAT, 0644);
    EQ("file.wronly", sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), -EACCES);
    sys(close, fd);
    sys(unlinkat, AT_FDCWD, TMPFILE, 0);
    fd = sys(openat, AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY, 0);
    EQ("file.directory", sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), -ENODEV);
    sys(close, fd);
    fd = sys(openat, AT_FDCWD, "/dev/zero", O_RDWR, 0);
    v = (char *)sys(mmap, 0, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK("file.dev_zero", !is_err((long)v) && all(v, 2 * PAGE, 0) && probe_write(v) == 0);
    sys(munmap, v, 2 * PAGE);
    sys(close, fd);
}

static int rlimit_as(void *arg)
{
    struct rlimit64 lim = { 64UL << 20, 64UL << 20 };
    long end;

    (void)arg;
    if (sys(prlimit64, 0, RLIMIT_AS, &lim, 0))
        return 1;
    if (sys(mmap, 0, 128UL << 20, RW, ANON, -1, 0) != -ENOMEM)
        return 2;
    if (is_err(sys(mmap, 0, 8UL << 20, RW, ANON, -1, 0)))
        return 3;
    end = sys(brk, 0);
    return sys(brk, end + (100L << 20)) == end ? 0 : 4;
}

struct thread_fork {
    char *p;
    int status;
};

static int thread_forker(void *arg)
{
    struct thread_fork *t = arg;
    char local[64];
    long pid;

    memset(local, 't', sizeof(local));
    pid = fork_now();
    if (pid == 0) { /* all areas, the other threads' stacks too (scenarios 18, 60) */
        bool good = all(t->p, PAGE, 'p') && all(local, sizeof(local), 't') &&
                    sys(munmap, t->p, PAGE) == 0 && probe_read(t->p) == SEGV_MAP;

        exit_now(good ? 0 : 1);
    }
    t->status = wait_status(pid);
    return 0;
}

static volatile int race_go;

static int race_writer(void *arg)
{
    char *p = arg;
    int i;

    while (!race_go)
        cpu_relax();
    for (i = 0; i < 256; i++)
        p[i * 4096] = (char)(p[i * 4096] + 1);
    return 0;
}

static void test_thread(void)
{
    struct thread_fork tf = { map_anon(PAGE, RW), -1 };
    struct thread t[4];
    char *p;
    int i, round;
    bool good = true;

    memset(tf.p, 'p', PAGE);
    EQ("thread.start", thread_start(&t[0], thread_forker, &tf) > 0, 1);
    thread_join(&t[0]);
    EQ("thread.fork", tf.status, 0);
    CHECK("thread.parent_keeps", all(tf.p, PAGE, 'p'));
    /* Threads fault the same fresh and copy-on-write pages at once (scenario 51). */
    for (round = 0; round < 4; round++) {
        long pid;

        p = map_anon(256 * PAGE, RW);
        if (round & 1)
            memset(p, 0, 256 * PAGE);
        race_go = 0;
        for (i = 0; i < 4; i++)
            thread_start(&t[i], race_writer, p + 1024 * i);
        pid = fork_now();
        if (pid == 0) {
            sleep_ms(20);
            for (i = 0; i < 256 * 4; i++)
                good = good && p[i * 1024] == 0;
            exit_now(good ? 0 : 1);
        }
        race_go = 1;
        for (i = 0; i < 4; i++)
            thread_join(&t[i]);
        for (i = 0; i < 256 * 4; i++)
            good = good && p[i * 1024] == 1;
        good = good && wait_status(pid) == 0;
        sys(munmap, p, 256 * PAGE);
    }
    CHECK("thread.race", good);
    EQ("thread.rlimit_as", child_result(rlimit_as, 0), 0);
}

/* Kernel copies obey the rights of the page, not of the alias (scenarios 21, 67, 79). */
static void test_copy(void)
{
    char *p = map_anon(4 * PAGE, RW);
    long zero = sys(openat, AT_FDCWD, "/dev/zero", O_RDONLY, 0);
    int pipes[2];

    sys(pipe2, pipes, O_NONBLOCK);
    EQ("copy.text", sys(read, zero, &test_copy, 16), -EFAULT);
    EQ("copy.lazy", sys(read, zero, p, 4 * PAGE), 4 * PAGE);
    sys(mprotect, p + PAGE, PAGE, PROT_READ);
    EQ("copy.ro", sys(read, zero, p + PAGE, 16), -EFAULT);
    sys(write, pipes[1], "abcdefgh", 8);
    EQ("copy.partial", sys(read, pipes[0], p + PAGE - 4, 8) < 8, 1);
    sys(mprotect, p + PAGE, PAGE, PROT_NONE);
    EQ("copy.none_write", sys(write, pipes[1], p + PAGE, 4), -EFAULT);
    EQ("copy.null", sys(write, pipes[1], 0, 4), -EFAULT);
    EQ("copy.kernel", sys(write, pipes[1], 0xffffffff80000000UL, 4), -EFAULT);
    EQ("copy.kernel_read", sys(read, zero, 0xffff800000000000UL, 4), -EFAULT);
    EQ("copy.unmapped", sys(munmap, p + 2 * PAGE, PAGE), 0);
    EQ("copy.unmapped_read", sys(read, zero, p + 2 * PAGE, 4), -EFAULT);
    sys(munmap, p, 4 * PAGE);
    sys(close, pipes[0]);
    sys(close, pipes[1]);
    sys(close, zero);
}

static void test_maps(void)
{
    char *p = map_anon(5 * PAGE, PROT_NONE) + PAGE, *line; /* no neighbour to merge with */
    static char text[16384];
    char want[64];

    sys(mprotect, p, 3 * PAGE, PROT_READ);
    sys(mprotect, p + PAGE, PAGE, RW);
    CHECK("maps.read", file_read("/proc/self/maps", text, sizeof(text)) > 0);
    text_format(want, sizeof(want), "%lx-%lx rw-p 00000000", (long)p + 4096, (long)p + 8192);
    CHECK("maps.rw_line", strstr(text, want) != NULL);
    text_format(want, sizeof(want), "%lx-%lx r--p 00000000", (long)p + 8192, (long)p + 12288);
    line = strstr(text, want);
    CHECK("maps.ro_line", line != NULL);
    CHECK("maps.text", strstr(text, "r-xp") != NULL);
    CHECK("maps.no_wx", strstr(text, "rwx") == NULL);
    sys(munmap, p, 3 * PAGE);
    file_read("/proc/self/maps", text, sizeof(text));
    text_format(want, sizeof(want), "%lx-", (long)p + 4096);
    CHECK("maps.gone", strstr(text, want) == NULL);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } groups[] = {
        { "map", test_map },       { "split", test_split },   { "protect", test_protect },
        { "remap", test_remap },   { "advise", test_advise }, { "misc", test_misc },
        { "brk", test_brk },       { "stack", test_stack },   { "fork", test_fork },
        { "file", test_file },     { "thread", test_thread }, { "copy", test_copy },
        { "maps", test_maps },
    };
    size_t i;

    (void)envp;
    (void)auxv;
    probe_init();
    for (i = 0; i < ARRAY_LEN(groups); i++) {
        if (test_wanted(argc, argv, groups[i].name))
            groups[i].fn();
    }
    return test_end();
}
