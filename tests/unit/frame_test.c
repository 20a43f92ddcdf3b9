/*
 * The first hand-out of memory: whatever the boot loader's lists say, no frame is given twice, none is
 * in a reserved range or outside RAM, and the frame records lie in free memory (scenario 27).
 */
#include <sim/machine.h>

#include "kernel/string.h"
#include "mm/frame.h"
#include "tests/unit/tap.h"

#define RAM_BYTES MIB(32)
#define NR_FRAMES (RAM_BYTES / PAGE_SIZE)

struct map {
    const char *name;
    struct boot_range ram[4], reserved[6];
};

static const struct map maps[] = {
    {"one range", {{0, RAM_BYTES}}, {{MIB(1), MIB(2)}}},
    {"nothing reserved", {{0, RAM_BYTES}}, {{0, 0}}},
    {"overlapping", {{0, RAM_BYTES}}, {{MIB(1), MIB(4)}, {MIB(2), MIB(3)}, {MIB(3), MIB(5)}}},
    {"neighbours and the same again",
     {{0, RAM_BYTES}},
     {{MIB(1), MIB(2)}, {MIB(2), MIB(3)}, {MIB(1), MIB(2)}, {0, PAGE_SIZE}}},
    {"out of order", {{0, RAM_BYTES}}, {{MIB(20), MIB(21)}, {MIB(4), MIB(6)}, {PAGE_SIZE, MIB(1)}}},
    {"odd bytes", {{0, RAM_BYTES}}, {{0x100001, 0x100002}, {0x203fff, 0x204001}, {MIB(8) - 1, MIB(8)}}},
    {"beyond RAM", {{MIB(1), MIB(16)}}, {{0, MIB(2)}, {MIB(15), MIB(40)}}},
    {"holes in RAM",
     {{PAGE_SIZE, MIB(1)}, {MIB(2), MIB(3)}, {MIB(4), MIB(31)}},
     {{MIB(2) + PAGE_SIZE, MIB(3) - PAGE_SIZE}, {MIB(30), RAM_BYTES}}},
    {"all but little", {{0, RAM_BYTES}}, {{0, MIB(10)}, {MIB(12), RAM_BYTES}}},
};

static uint8_t given[NR_FRAMES];

static bool in_any(const struct boot_range *ranges, unsigned nr, paddr_t start, paddr_t end,
                   bool whole)
{
    for (unsigned i = 0; i < nr; i++) {
        if (whole ? ranges[i].start <= start && end <= ranges[i].end
                  : ranges[i].start < end && start < ranges[i].end) {
            return true;
        }
    }
    return false;
}

static uint64_t expected_frames(const struct map *map)
{
    uint64_t nr = 0;

    for (paddr_t pa = PAGE_SIZE; pa < RAM_BYTES; pa += PAGE_SIZE) {
        nr += in_any(map->ram, ARRAY_SIZE(map->ram), pa, pa + PAGE_SIZE, true) &&
              !in_any(map->reserved, ARRAY_SIZE(map->reserved), pa, pa + PAGE_SIZE, false);
    }
    return nr;
}

static void check_map(const struct map *map)
{
    static struct boot_info boot;
    uint64_t nr = 0, twice = 0, reserved = 0, outside = 0;
    struct frame *frame;

    memset(&boot, 0, sizeof(boot));
    memset(given, 0, sizeof(given));
    for (unsigned i = 0; i < ARRAY_SIZE(map->ram) && map->ram[i].end != 0; i++) {
        boot.ram[boot.nr_ram++] = map->ram[i];
    }
    for (unsigned i = 0; i < ARRAY_SIZE(map->reserved) && map->reserved[i].end != 0; i++) {
        boot.reserved[boot.nr_reserved++] = map->reserved[i];
    }
    boot.early_map_end = RAM_BYTES;
    frame_drain();
    frame_init(&boot);
    given[frame_zero_pa / PAGE_SIZE]++;
    while ((frame = frame_alloc(FRAME_KERNEL)) != NULL) {
        paddr_t pa = frame_pa(frame);

        nr++;
        twice += given[pa / PAGE_SIZE]++ != 0;
        reserved += in_any(boot.reserved, boot.nr_reserved, pa, pa + PAGE_SIZE, false);
        outside += !in_any(boot.ram, boot.nr_ram, pa, pa + PAGE_SIZE, true);
    }
    uint64_t records = (uint64_t)((char *)frame_records - (char *)DIRECT_MAP_BASE);
    uint64_t records_len =
        ALIGN_UP((frame_end - frame_first) * sizeof(struct frame), PAGE_SIZE);

    tap_ok(twice + reserved + outside == 0 && given[0] == 0,
           "%s: %lu frames, %lu twice, %lu reserved, %lu outside", map->name, (unsigned long)nr,
           (unsigned long)twice, (unsigned long)reserved, (unsigned long)outside);
    tap_ok(in_any(boot.ram, boot.nr_ram, records, records + records_len, true) &&
               !in_any(boot.reserved, boot.nr_reserved, records, records + records_len, false),
           "%s: the records lie in free memory", map->name);
    for (paddr_t pa = records; pa < records + records_len; pa += PAGE_SIZE) {
        twice += given[pa / PAGE_SIZE];
    }
    tap_ok(twice == 0, "%s: no frame of the records is given out", map->name);
    tap_ok(nr + 1 + records_len / PAGE_SIZE == expected_frames(map), "%s: every other frame is",
           map->name);
}

int main(void)
{
    sim_init(RAM_BYTES, 1, 8);
    for (unsigned i = 0; i < ARRAY_SIZE(maps); i++) {
        check_map(&maps[i]);
    }
    return tap_done();
}
