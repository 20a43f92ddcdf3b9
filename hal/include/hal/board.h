/* One per board: interrupt controller, timer, clock, consoles, power. Called by shared code only. */
#pragma once

#include "kernel/types.h"

/* Interrupt numbers that irq_claim() returns besides the board's own (0 .. HAL_IRQ_MAX - 1). */
#define HAL_IRQ_MAX 1024u
#define HAL_IRQ_NONE 0xffffffffu
#define HAL_IRQ_TIMER 0xfffffffeu
#define HAL_IRQ_IPI 0xfffffffdu

/* A serial port with a receive interrupt; transmit is polled. */
struct hal_uart {
    const char *name;
    uint32_t irq;
    /* Returns the next received byte, or -1. Clears the interrupt condition once it returns -1. */
    int (*getc)(const struct hal_uart *uart);
    /* Returns false when the transmitter is full. */
    bool (*putc)(const struct hal_uart *uart, uint8_t byte);
    /* Turns the receive interrupt on (the handler is registered before). */
    void (*rx_enable)(const struct hal_uart *uart);
    uint64_t base;
};

/* Counter to ns: ns = ((cycles - base) * mult) >> shift, 128-bit product. Also used by the vDSO. */
struct hal_clock {
    uint64_t base;
    uint64_t mult;
    uint32_t shift;
};
extern struct hal_clock hal_clock;

enum power_action { POWER_OFF, POWER_RESET, POWER_PANIC };

struct hal_board {
    const char *name;
    /* Each CPU once, after the final kernel map is active: interrupt controller, timer. IRQs stay off. */
    void (*cpu_setup)(void);
    /* Early, polled console; callable before anything else. */
    void (*putc)(char c);
    int (*getc)(void); /* -1: nothing */
    uint64_t (*now_ns)(void);
    uint64_t (*wall_seconds)(void); /* the battery clock, seconds since 1970; 0 if there is none */
    /* One-shot interrupt on this CPU at the time, at once if past; UINT64_MAX: none. */
    void (*timer_arm)(uint64_t deadline_ns);
    uint32_t (*irq_claim)(void);
    void (*irq_done)(uint32_t irq);
    void (*irq_enable)(uint32_t irq); /* unmask, route to the boot CPU */
    /* Does: makes the CPU enter kernel_secondary() on cpus[cpu].idle_stack. Returns before it does. */
    int (*cpu_start)(uint32_t cpu);
    void (*ipi)(cpumask_t cpus);
    NORETURN void (*power)(enum power_action action);
    const struct hal_uart *console; /* with its interrupt */
    const struct hal_uart *channel; /* second port for ./run --exec, or NULL */
};
/* Set by the start code before kernel_main(). */
extern const struct hal_board *hal_board;
