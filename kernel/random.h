/* Randomness: ChaCha20 output keyed from the hardware's generator, the boot seed or timing jitter. */
#pragma once

#include "kernel/types.h"

void random_init(const uint8_t *seed, size_t len);
void random_mix(const void *data, size_t len);
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
