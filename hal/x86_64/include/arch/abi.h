/* x86_64: what Linux's user ABI has of its own here. */
#pragma once

#include <asm/stat.h>
#include <asm/unistd.h>

#include "kernel/types.h"

#define HAL_MACHINE_NAME "x86_64"
#define HAL_PLATFORM     "x86_64"
#define HAL_AUDIT_ARCH   0xc000003eu /* AUDIT_ARCH_X86_64 */
/* Frame, siginfo, ucontext, FP area with its magic, red zone and alignment. */
#define HAL_MINSIGSTKSZ      1776
#define HAL_ABI_LEGACY_CALLS 1
#define HAL_CLONE_BACKWARDS  0

/* struct stat as newfstatat(2) and its like write it. */
#define abi_stat stat

uint64_t hal_hwcap(void);
uint64_t hal_hwcap2(void);
