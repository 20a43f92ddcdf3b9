/* The ChaCha20 block function (RFC 8439, section 2.3). */
#pragma once

#include "kernel/types.h"

/* state: constants, key, counter, nonce as 16 words. out: one block of key stream, little endian. */
void chacha20_block(const uint32_t state[16], uint8_t out[64]);
/* Does: sets the constants, the key and zero counter and nonce. */
void chacha20_init(uint32_t state[16], const uint8_t key[32]);
