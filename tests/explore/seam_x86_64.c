/*
 * Which instructions of hal/x86_64/mmu.c other CPUs can notice: the linker leads them through here
 * to hal/sim. All of them take effect at once; none is taken to wait for the CPU's stores.
 */
#include <arch/insn.h>

#include "tests/explore/explore.h"

void __real_insn_write_cr3(uint64_t value);
void __wrap_insn_write_cr3(uint64_t value);
void __real_insn_write_cr4(uint64_t value);
void __wrap_insn_write_cr4(uint64_t value);
void __real_insn_invlpg(vaddr_t va);
void __wrap_insn_invlpg(vaddr_t va);
void __real_insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va);
void __wrap_insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va);

void __wrap_insn_write_cr3(uint64_t value)
{
    vcpu_visible("write_cr3", false);
    __real_insn_write_cr3(value);
    machine_refill();
}

void __wrap_insn_write_cr4(uint64_t value)
{
    vcpu_visible("write_cr4", false);
    __real_insn_write_cr4(value);
    machine_refill();
}

void __wrap_insn_invlpg(vaddr_t va)
{
    vcpu_visible("invlpg", false);
    __real_insn_invlpg(va);
    machine_refill();
}

void __wrap_insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va)
{
    vcpu_visible("invpcid", false);
    __real_insn_invpcid(type, pcid, va);
    machine_refill();
}
