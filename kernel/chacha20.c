/* ChaCha20 block function, from RFC 8439, sections 2.1 to 2.3. Little-endian machines. */
#include "kernel/chacha20.h"

#include "kernel/string.h"

static inline uint32_t rotate_left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static inline void quarter_round(uint32_t x[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotate_left(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate_left(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate_left(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate_left(x[b] ^ x[c], 7);
}

void chacha20_init(uint32_t state[16], const uint8_t key[32])
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(state, constants, sizeof(constants));
    memcpy(state + 4, key, 32);
    memset(state + 12, 0, 16);
}

void chacha20_block(const uint32_t state[16], uint8_t out[64])
{
    uint32_t x[16];

    memcpy(x, state, sizeof(x));
    for (unsigned i = 0; i < 10; i++) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++) {
        x[i] += state[i];
    }
    memcpy(out, x, 64);
}
