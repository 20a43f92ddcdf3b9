/* struct hal_board and what a CPU says of itself: time, the timer's interrupt, ports, randomness. */
#include <arch/cpu.h>
#include <hal/abi.h>
#include <hal/board.h>

#include "kernel/cpu.h"
#include "kernel/string.h"
#include "tests/contract/contract.h"

#define READS 2000u
#define LATE  (500 * NS_PER_MS)

static void check_clock(void)
{
    uint64_t last = hal_board->now_ns(), first = last, wall = hal_board->wall_seconds();
    bool good = true;

    for (unsigned i = 0; i < READS; i++) {
        uint64_t now = hal_board->now_ns();

        good &= now >= last;
        last = now;
    }
    contract_ok(good && last > first, "now_ns never goes back and goes on");
    contract_ok(wall == 0 || wall > 1600000000ull, "wall_seconds is a date after 2020, or none");
}

/* With interrupts off, so that the wait ends by a pending interrupt and by nothing else. */
static void check_timer(void)
{
    irqflags_t flags = cpu_irq_save();
    uint64_t start = hal_board->now_ns(), deadline = start + 2 * NS_PER_MS;

    hal_board->timer_arm(deadline);
    cpu_wait();
    uint64_t end = hal_board->now_ns();

    hal_board->timer_arm(end); /* past: at once */
    cpu_irq_restore(flags);
    contract_ok(end - start < LATE, "timer_arm and cpu_wait: the interrupt ends the wait");
}

static void check_port(const struct hal_uart *uart, const char *what)
{
    bool good = uart->putc(uart, '\r') || uart->putc(uart, '\r');

    contract_ok(good && uart->getc(uart) < 256 && uart->irq < HAL_IRQ_MAX, what);
}

void contract_board(void)
{
    static char text[2048];
    uint64_t word;
    size_t len = hal_cpuinfo(cpu_id(), text, sizeof(text) - 1);

    check_clock();
    check_timer();
    check_port(hal_board->console, "the console's port: putc, getc, its interrupt's number");
    if (hal_board->channel != NULL) {
        contract_ok(hal_board->channel->irq < HAL_IRQ_MAX, "the channel's port has an interrupt");
    }
    contract_ok(hal_random(&word) <= sizeof(word), "random gives at most eight bytes");
    contract_ok(len != 0 && len < sizeof(text) && strlen(text) == len &&
                    memcmp(text, "processor", 9) == 0, "cpuinfo fills the text in Linux's form");
}
