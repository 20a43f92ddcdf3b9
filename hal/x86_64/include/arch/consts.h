/*
 * x86_64: sizes and the layout of the virtual address space (Intel SDM 3A 4.5: 4 levels, 48 bits).
 * Each kernel window has top-level entries of its own, which are filled once at boot.
 */
#pragma once

#define PAGE_SHIFT      12
#define PAGE_SIZE       4096ull
#define PT_LEVELS       4
#define PT_BITS         9
#define PT_ENTRIES      512
#define PT_BLOCK_LEVELS 2

/* The last canonical user page stays empty: SYSRET to the first non-canonical address faults in
 * ring 0. */
#define USER_VA_END       0x00007ffffffff000ull
#define KERNEL_VA_BASE    0xffff800000000000ull
#define DIRECT_MAP_BASE   0xffff800000000000ull
#define DIRECT_MAP_END    0xffff880000000000ull
#define STACK_VA_BASE     0xffffc00000000000ull
#define STACK_VA_END      0xffffc08000000000ull
#define DEVICE_VA_BASE    0xffffd00000000000ull
#define DEVICE_VA_END     0xffffd08000000000ull
#define KERNEL_IMAGE_BASE 0xffffffff80000000ull

#define CPU_MAX           64
#define CACHE_LINE        64
#define HAL_ELF_MACHINE   62 /* EM_X86_64 */
#define HAL_TLB_BROADCAST 0
#define HAL_PT_BBM        0
