/*
 * What every fuzzer has: its input as a stream of choices, and the count of what it did. A fuzzer
 * defines LLVMFuzzerTestOneInput(); libFuzzer drives it, or replay.c on files and random bytes.
 * An input that is used up gives zeros, so that any file is a valid sequence.
 */
#pragma once

#include "kernel/assert.h"
#include "kernel/string.h"
#include "kernel/types.h"

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* Operations run, and those among them that succeeded and changed state. Printed at the end. */
extern uint64_t fuzz_nr_ops, fuzz_nr_changed;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static inline void fuzz_bytes(struct fuzz_input *input, void *out, size_t len)
{
    uint8_t *bytes = out;

    for (size_t i = 0; i < len; i++) {
        bytes[i] = fuzz_byte(input);
    }
}

static inline uint64_t fuzz_word(struct fuzz_input *input)
{
    uint64_t word;

    fuzz_bytes(input, &word, sizeof(word));
    return word;
}

/* n <= 256 */
static inline unsigned fuzz_below(struct fuzz_input *input, unsigned n)
{
    return fuzz_byte(input) % n;
}

static inline void fuzz_done(bool changed)
{
    fuzz_nr_ops++;
    fuzz_nr_changed += changed;
}

/* A finding ends the process; the driver keeps the input. */
#define fuzz_require(cond, ...)                                                                    \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            panic(__VA_ARGS__);                                                                    \
        }                                                                                          \
    } while (0)
