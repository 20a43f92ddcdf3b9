/*
 * Random bytes: ChaCha20 with fast key erasure. Each refill of the pool replaces the key by the
 * first 32 bytes of its own output, and bytes are erased as they are handed out, so that a later
 * look at the memory tells nothing about earlier output. New entropy is folded in every
 * RESEED_REFILLS refills. The lock is held for one pool at a time only.
 */
#include "kernel/random.h"

#include <arch/cpu.h>
#include <hal/abi.h>

#include "kernel/chacha20.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"

#define POOL_BLOCKS 4u
#define RESEED_REFILLS 1024u
#define JITTER_ROUNDS 256u

static struct spinlock random_lock = SPINLOCK_INIT;
static uint8_t key[32];
static uint8_t pool[POOL_BLOCKS * 64];
static size_t pool_left; /* unused bytes, at the pool's end */
static uint32_t nr_refills;

/* Absorbs: the key becomes a block of the key changed by the data. */
static void mix_locked(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint32_t state[16];
    uint8_t block[64];

    while (len > 0) {
        size_t count = MIN(len, sizeof(key));

        for (size_t i = 0; i < count; i++) {
            key[i] ^= bytes[i];
        }
        chacha20_init(state, key);
        chacha20_block(state, block);
        memcpy(key, block, sizeof(key));
        bytes += count;
        len -= count;
    }
    memset(block, 0, sizeof(block));
    pool_left = 0;
}

static void mix_hardware_locked(void)
{
    uint64_t words[5] = {cpu_cycles()};

    for (size_t i = 1; i < ARRAY_SIZE(words); i++) {
        if (hal_random(&words[i]) == 0) {
            words[i] = cpu_cycles();
        }
    }
    mix_locked(words, sizeof(words));
}

static void refill_locked(void)
{
    uint32_t state[16];

    if (++nr_refills % RESEED_REFILLS == 0) {
        mix_hardware_locked();
    }
    chacha20_init(state, key);
    for (uint32_t i = 0; i < POOL_BLOCKS; i++) {
        state[12] = i;
        chacha20_block(state, pool + (size_t)i * 64);
    }
    memcpy(key, pool, sizeof(key));
    memset(pool, 0, sizeof(key));
    memset(state, 0, sizeof(state));
    pool_left = sizeof(pool) - sizeof(key);
}

static size_t take_locked(uint8_t *out, size_t len)
{
    uint8_t *from;

    if (pool_left == 0) {
        refill_locked();
    }
    len = MIN(len, pool_left);
    from = pool + sizeof(pool) - pool_left;
    memcpy(out, from, len);
    memset(from, 0, len);
    pool_left -= len;
    return len;
}

void random_bytes(void *buf, size_t len)
{
    uint8_t *out = buf;

    while (len > 0) {
        size_t count;

        spin_lock(&random_lock);
        count = take_locked(out, len);
        spin_unlock(&random_lock);
        out += count;
        len -= count;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;

    random_bytes(&value, sizeof(value));
    return value;
}

void random_mix(const void *data, size_t len)
{
    spin_lock(&random_lock);
    mix_locked(data, len);
    spin_unlock(&random_lock);
}

/* The time that a short loop over memory takes varies with caches, interrupts and the emulator. */
static void mix_jitter_locked(void)
{
    uint64_t samples[4];

    for (uint32_t i = 0; i < JITTER_ROUNDS; i++) {
        uint64_t start = cpu_cycles();

        for (uint32_t j = 0; j < (i & 7); j++) {
            pool[(j * 37 + i) % sizeof(pool)] ^= (uint8_t)start;
        }
        samples[i % 4] = cpu_cycles() ^ start << 32;
        if (i % 4 == 3) {
            mix_locked(samples, sizeof(samples));
        }
    }
}

void random_init(const uint8_t *seed, size_t len)
{
    spin_lock(&random_lock);
    mix_locked(seed, len);
    mix_hardware_locked();
    mix_jitter_locked();
    spin_unlock(&random_lock);
}
