/* Numbers of aarch64 that shared code and assembly need; see <hal/mmu.h> for their meaning. */
#pragma once

#if defined(__ASSEMBLER__)
#define ARCH_U64(x) x
#else
#define ARCH_U64(x) x##ull
#endif

#define PAGE_SHIFT      12
#define PAGE_SIZE       (ARCH_U64(1) << PAGE_SHIFT)
#define PT_LEVELS       4
#define PT_BITS         9
#define PT_ENTRIES      512
#define PT_BLOCK_LEVELS 2

#define USER_VA_END       ARCH_U64(0x0001000000000000)
#define KERNEL_VA_BASE    ARCH_U64(0xffff800000000000)
#define DIRECT_MAP_BASE   ARCH_U64(0xffff800000000000)
#define DIRECT_MAP_END    ARCH_U64(0xffff880000000000)
#define STACK_VA_BASE     ARCH_U64(0xffffc00000000000)
#define STACK_VA_END      ARCH_U64(0xffffc08000000000)
#define DEVICE_VA_BASE    ARCH_U64(0xffffd00000000000)
#define DEVICE_VA_END     ARCH_U64(0xffffd08000000000)
#define KERNEL_IMAGE_BASE ARCH_U64(0xffffffff80000000)

#define CPU_MAX           64
#define CACHE_LINE        64
#define HAL_ELF_MACHINE   183 /* EM_AARCH64 */
#define HAL_TLB_BROADCAST 1
#define HAL_PT_BBM        1
