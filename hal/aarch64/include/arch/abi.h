/* Linux's user ABI of aarch64; see <hal/abi.h>. */
#pragma once

#include <asm/stat.h>

#include "kernel/types.h"

#define HAL_MACHINE_NAME "aarch64"
#define HAL_PLATFORM     "aarch64"
#define HAL_AUDIT_ARCH   0xc00000b7u /* AUDIT_ARCH_AARCH64 */
/* AT_MINSIGSTKSZ: signal frame of 4688 bytes, frame record, alignment. */
#define HAL_MINSIGSTKSZ      4720u
#define HAL_ABI_LEGACY_CALLS 0
#define HAL_CLONE_BACKWARDS  1

#define abi_stat stat

uint64_t hal_hwcap(void);
uint64_t hal_hwcap2(void);
