/*
 * x86_64: one instruction each, private to the HAL. hal/sim has its own file of this name, through
 * which mmu.c runs on the host; so mmu.c uses nothing else of the machine.
 */
#pragma once

#include <arch/asm.h>
#include <arch/consts.h>

#include "kernel/types.h"

struct insn_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct insn_cpuid insn_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct insn_cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t insn_rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return ((uint64_t)high << 32) | low;
}

static inline void insn_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline void insn_write_cr0(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t insn_read_cr2(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t insn_read_cr3(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr3, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void insn_write_cr3(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(value) : "memory");
}

static inline void insn_write_cr4(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

static inline void insn_invlpg(vaddr_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* SDM 2A INVPCID: 0 address, 1 one PCID, 2 all with global ones, 3 all but global ones. */
static inline void insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va)
{
    struct {
        uint64_t pcid, va;
    } descriptor = {pcid, va};

    __asm__ volatile("invpcid %0, %1" : : "m"(descriptor), "r"(type) : "memory");
}

/* The kernel's view of a page table. */
static inline uint64_t *insn_table(paddr_t pa)
{
    return (uint64_t *)(pa + DIRECT_MAP_BASE);
}

/* len is a multiple of 8. One instruction for each word, where a loop takes two and its own. */
static inline void insn_copy_words(void *dst, const void *src, size_t len)
{
    size_t words = len / 8;

    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}

static inline uint32_t insn_cpu_id(void)
{
    uint32_t id;

    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(id) : "i"(CPU_ID));
    return id;
}

static inline void insn_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}
