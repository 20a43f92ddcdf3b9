/* /proc/quoin: the kernel's own ledgers and switches for tests. */
#include "fs/procfs_internal.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/kernel_map.h"
#include "mm/slab.h"
#include "mm/tlb.h"

static int show_frames(struct inode *inode, struct text *text)
{
    static const char *const owners[FRAME_NR_OWNERS] = {
        [FRAME_KERNEL] = "kernel", [FRAME_SLAB] = "slab",     [FRAME_TABLE] = "table",
        [FRAME_ANON] = "anon",     [FRAME_OBJECT] = "object",
    };
    struct frame_stats stats;

    (void)inode;
    frame_get_stats(&stats);
    text_print(text, "total %llu\nfree %llu\n", (unsigned long long)stats.total,
               (unsigned long long)stats.nr_free);
    for (unsigned owner = 0; owner < FRAME_NR_OWNERS; owner++) {
        if (owners[owner] != NULL) {
            text_print(text, "%s %llu\n", owners[owner], (unsigned long long)stats.owned[owner]);
        }
    }
    text_print(text, "slab_live %llu\n", (unsigned long long)slab_live_bytes());
    return 0;
}

/* The ledger goes to the log, where a failed test's reader looks. */
static ssize64_t store_slab(struct inode *inode, const char *data, size_t len)
{
    (void)inode;
    (void)data;
    slab_print();
    return (ssize64_t)len;
}

/* n: the n-th allocation that the writing task makes from now on fails; 0: none. */
static ssize64_t store_fail(struct inode *inode, const char *data, size_t len)
{
    int64_t n;
    int error = pseudo_parse_number(data, &n);

    (void)inode;
    if (error != 0 || n < 0) {
        return -EINVAL;
    }
    frame_fail_nth((uint64_t)n);
    return (ssize64_t)len;
}

/* Reading walks the live kernel table; a leaf that breaks W^X panics. */
static int show_kernel_map(struct inode *inode, struct text *text)
{
    (void)inode;
    text_print(text, "leaves %llu\n", (unsigned long long)kernel_map_check());
    return 0;
}

static int show_tlb(struct inode *inode, struct text *text)
{
    struct tlb_counters sum;

    (void)inode;
    tlb_get_counters(&sum);
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"switches", sum.switches},
        {"root_writes", sum.root_writes},
        {"drops_tag", sum.drops_tag},
        {"drops_all", sum.drops_all},
        {"shots_page", sum.shots_page},
        {"shots_range", sum.shots_range},
        {"shots_space", sum.shots_space},
        {"shots_global", sum.shots_global},
        {"ipis", sum.ipis},
        {"rollovers", asid_nr_rollovers()},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        text_print(text, "%s %llu\n", lines[i].name, (unsigned long long)lines[i].value);
    }
    return 0;
}

static const struct pseudo_file frames_file = {show_frames, NULL};
static const struct pseudo_file slab_file = {NULL, store_slab};
static const struct pseudo_file fail_file = {NULL, store_fail};
static const struct pseudo_file kernel_map_file = {show_kernel_map, NULL};
static const struct pseudo_file tlb_file = {show_tlb, NULL};

const struct pseudo_entry procfs_quoin_table[] = {
    {.name = "fail", .permissions = 0200, .file = &fail_file},
    {.name = "frames", .file = &frames_file},
    {.name = "kernel_map", .permissions = 0400, .file = &kernel_map_file},
    {.name = "slab", .permissions = 0200, .file = &slab_file},
    {.name = "tlb", .file = &tlb_file},
    {.name = NULL},
};
