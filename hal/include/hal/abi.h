/*
 * Linux's user ABI where the architectures differ: signal frames, hwcaps, machine name.
 * <arch/abi.h> gives
 *   HAL_MACHINE_NAME ("aarch64"), HAL_PLATFORM (AT_PLATFORM), HAL_AUDIT..., HAL_MINSIGSTKSZ
 *   HAL_ABI_LEGACY_CALLS 1 where open, fork, dup2, poll, ... exist, else 0
 *   HAL_CLONE_BACKWARDS 1 where clone's tls argument precedes child_tid
 *   hal_hwcap(), hal_hwcap2()
 *   struct abi_stat (Linux's struct stat), O_DIRECTORY and its like come from <asm/fcntl.h>
 */
#pragma once

#include <arch/abi.h>
#include <arch/frame.h>

#include "kernel/types.h"

/* User memory as the signal code reaches it; 0 or -EFAULT. */
struct hal_user_io {
    int (*read)(void *dst, vaddr_t src, size_t len);
    int (*write)(vaddr_t dst, const void *src, size_t len);
};

struct hal_signal {
    int signo;
    vaddr_t handler;
    uint64_t flags;          /* SA_* */
    vaddr_t restorer;        /* SA_RESTORER or the vDSO's __kernel_rt_sigreturn */
    const void *siginfo;     /* 128 bytes, Linux's siginfo_t */
    uint64_t old_mask;       /* to be restored by sigreturn */
    vaddr_t stack_top;       /* build below this (altstack top or the user's sp) */
    vaddr_t altstack_sp;     /* uc_stack */
    uint64_t altstack_size;
    int altstack_flags;
    vaddr_t fault_addr;      /* latest fault's, for the machine context */
    uint64_t syndrome;
    uint32_t trap_nr;
};

/* Does: writes Linux's rt_sigframe and points the frame at the handler. Fails: -EFAULT. */
NODISCARD int hal_sigframe_push(struct trap_frame *frame, const struct hal_fpu *fpu,
                                const struct hal_signal *signal, const struct hal_user_io *io);

struct hal_sigreturn {
    uint64_t mask;
    vaddr_t altstack_sp;
    uint64_t altstack_size;
    int altstack_flags;
};

/*
 * Does: reads the rt_sigframe at the user's sp into frame and fpu. The frame is hostile: only user
 * flags, user mode, canonical pc, checked FP area are taken. Fails: -EFAULT, frame unchanged.
 */
NODISCARD int hal_sigframe_pop(struct trap_frame *frame, struct hal_fpu *fpu,
                               const struct hal_user_io *io, struct hal_sigreturn *out);

/* The vDSO image, page-aligned, an ELF shared object; maps as read and execute below a data page. */
extern const uint8_t hal_vdso_start[], hal_vdso_end[];
/* Offset of __kernel_rt_sigreturn in the image. */
extern const uint64_t hal_vdso_sigreturn_offset;
/* The page before the image in user space. Seqlock: odd while being changed. */
struct vdso_data {
    _Atomic uint32_t seq;
    uint32_t shift;
    uint64_t base;
    uint64_t mult;
    uint64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};
/* Does: lines of /proc/cpuinfo for this CPU in Linux's form. Returns the length. */
size_t hal_cpuinfo(uint32_t cpu, char *buf, size_t size);
/* Up to 8 random bytes from the CPU's generator. Returns the count, 0 if it has none. */
size_t hal_random(uint64_t *out);
/* Calls fn for each return address of the stack that starts at the frame pointer fp. */
void hal_backtrace(uintptr_t fp, void (*fn)(uintptr_t pc, void *arg), void *arg);
/* Frame pointer of the interrupted kernel code. */
uintptr_t hal_frame_fp(const struct trap_frame *frame);
/* Does: prints the registers of the frame by printk. */
void hal_frame_print(const struct trap_frame *frame);
