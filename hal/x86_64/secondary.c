/*
 * Starting the other CPUs: trampoline.S is copied below 1 MiB, where real mode can begin, and the
 * CPU named by the MADT gets INIT and start-up interrupts. One at a time: the record is reused.
 */
#include "hal/x86_64/secondary.h"

#include <arch/cpu.h>
#include <hal/context.h>
#include <hal/trap.h>

#include "hal/x86_64/internal.h"
#include "kernel/cpu.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/kernel_map.h"

struct secondary_record secondary_record;

/* The MADT lists the boot CPU too; the others have the numbers from 1 on in its order. */
static bool find_apic_id(uint32_t cpu, uint32_t *out)
{
    uint32_t number = 1;

    for (uint32_t i = 0; i < acpi_info.nr_cpus; i++) {
        if (acpi_info.apic_id[i] == cpus[0].arch.apic_id) {
            continue;
        }
        if (number++ == cpu) {
            *out = acpi_info.apic_id[i];
            return true;
        }
    }
    return false;
}

int secondary_start(uint32_t cpu)
{
    uint32_t apic_id;

    if (!find_apic_id(cpu, &apic_id)) {
        return -ENODEV;
    }
    if (!cpu_alloc_stacks(&cpus[cpu])) {
        return -ENOMEM;
    }
    cpus[cpu].arch.apic_id = apic_id;
    secondary_record = (struct secondary_record){
        kernel_root, (uint64_t)cpus[cpu].idle_stack + KERNEL_STACK_SIZE, &cpus[cpu]};
    memcpy((void *)(TRAMPOLINE_PAGE * PAGE_SIZE + DIRECT_MAP_BASE), trampoline_start,
           (size_t)(trampoline_end - trampoline_start));
    atomic_thread_fence(memory_order_seq_cst);
    apic_start_cpu(apic_id, TRAMPOLINE_PAGE);
    return 0;
}

void secondary_main(struct cpu *cpu)
{
    cpu_init_tables(cpu);
    cpu_set_stack((uint64_t)cpu->idle_stack + KERNEL_STACK_SIZE);
    kernel_secondary();
}
