/* The user-range helper against the same in 128-bit arithmetic. */
#include "kernel/errno.h"
#include "mm/space.h"
#include "tests/fuzz/fuzz.h"

static uint64_t number(struct fuzz_input *input)
{
    static const uint64_t edges[] = {0, PAGE_SIZE, USER_VA_END, KERNEL_VA_BASE, 1ull << 63,
                                     UINT64_MAX, USER_VA_END - PAGE_SIZE, (uint64_t)INT64_MAX};
    unsigned kind = fuzz_byte(input);
    uint64_t value = (kind & 1) != 0 ? fuzz_word(input) : edges[(kind >> 1) % ARRAY_SIZE(edges)];

    int64_t step = (int8_t)fuzz_byte(input);

    value += (uint64_t)((kind & 128) != 0 ? step * 4096 : step);
    return (kind & 64) != 0 ? value & ~(PAGE_SIZE - 1) : value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    do {
        uint64_t addr = number(&input), len = number(&input);
        struct va_range range = {1, 1};
        unsigned __int128 end = len;

        end = (end + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE + addr;
        int expected = addr % PAGE_SIZE != 0 ? -EINVAL : end > USER_VA_END ? -ENOMEM : 0;
        int error = va_range_pages(addr, len, &range);

        fuzz_require(error == expected, "[%lx, +%lx): error %d, expected %d", (unsigned long)addr,
                     (unsigned long)len, error, expected);
        fuzz_require(error != 0 ? range.start == 1 && range.end == 1
                                : range.start == addr && range.end == end,
                     "[%lx, +%lx) is [%lx, %lx)", (unsigned long)addr, (unsigned long)len,
                     (unsigned long)range.start, (unsigned long)range.end);
        fuzz_require(va_range_is_user(addr, len) == ((unsigned __int128)addr + len <= USER_VA_END),
                     "[%lx, +%lx): user or not", (unsigned long)addr, (unsigned long)len);
        fuzz_done(error == 0);
    } while (input.left > 0);
    return 0;
}
