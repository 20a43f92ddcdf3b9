/* <arch/cpu.h>: interrupts off and on, the CPU's identity, cycles, single entries. */
#include <arch/cpu.h>
#include <hal/mmu.h>

#include "kernel/cpu.h"
#include "tests/contract/contract.h"

static void check_irqs(void)
{
    bool good = cpu_irqs_on();
    irqflags_t outer = cpu_irq_save();

    good &= !cpu_irqs_on();
    irqflags_t inner = cpu_irq_save();

    cpu_irq_restore(inner);
    good &= !cpu_irqs_on();
    cpu_irq_restore(outer);
    contract_ok(good && cpu_irqs_on(), "irq_save and irq_restore nest");
    cpu_irq_disable();
    good = !cpu_irqs_on();
    cpu_irq_enable();
    contract_ok(good && cpu_irqs_on(), "irq_disable and irq_enable");
}

void contract_cpu(void)
{
    pte_t slot = PTE_NONE, entry = pte_leaf(0x1000, 0, PTE_READ | PTE_USER, MEM_NORMAL);
    uint64_t before = cpu_cycles();

    check_irqs();
    contract_ok(cpu_id() < nr_cpus && cpu_self()->id == cpu_id(), "cpu_id and cpu_self agree");
    for (unsigned i = 0; i < 1000; i++) {
        cpu_relax();
    }
    contract_ok(cpu_cycles() > before, "cpu_cycles counts up");
    pte_store(&slot, entry);
    pte_sync();
    contract_ok(pte_equal(pte_load(&slot), entry), "pte_load gives what pte_store stored");
}
