/*
 * Starting the other CPUs. Each comes to start_secondary with its MMU off, takes the kernel's final
 * table and goes on in kernel_secondary(). The record is written to memory itself, since the CPU
 * reads it past the caches.
 */
#include "hal/aarch64/secondary.h"

#include <arch/cpu.h>
#include <hal/context.h>
#include <hal/trap.h>

#include "hal/aarch64/boot.h"
#include "mm/kernel_map.h"

void start_secondary(void);

struct secondary_record secondary_record ALIGNED(CACHE_LINE);

bool secondary_prepare(struct cpu *cpu)
{
    char *emergency = kernel_stack_alloc();

    if (emergency == NULL) {
        return false;
    }
    cpu->arch.emergency_top = (uintptr_t)emergency + KERNEL_STACK_SIZE;
    secondary_record = (struct secondary_record){
        kernel_root, (uintptr_t)cpu->idle_stack + KERNEL_STACK_SIZE, cpu};
    __asm__ volatile("dsb ish\n\tdc civac, %0\n\tdsb sy" ::"r"(&secondary_record) : "memory");
    return true;
}

paddr_t secondary_entry_pa(void)
{
    return kernel_image_pa((const void *)(uintptr_t)start_secondary);
}
