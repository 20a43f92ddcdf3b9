/* Clearing and copying one page: the two loops on which fault and fork cost hang. */
#include "mm/frame.h"

#define WORDS (PAGE_SIZE / sizeof(uint64_t))
#define UNROLL 16u

/* volatile-free stores through a may-alias type; the compiler pairs them where the machine can. */
typedef uint64_t __attribute__((may_alias)) word_t;

void page_clear(void *page)
{
    word_t *word = page;

    for (word_t *end = word + WORDS; word != end; word += UNROLL) {
        word[0] = 0, word[1] = 0, word[2] = 0, word[3] = 0;
        word[4] = 0, word[5] = 0, word[6] = 0, word[7] = 0;
        word[8] = 0, word[9] = 0, word[10] = 0, word[11] = 0;
        word[12] = 0, word[13] = 0, word[14] = 0, word[15] = 0;
    }
}

void page_copy(void *restrict dst, const void *restrict src)
{
    word_t *restrict to = dst;
    const word_t *restrict from = src;

    for (word_t *end = to + WORDS; to != end; to += 8, from += 8) {
        word_t a = from[0], b = from[1], c = from[2], d = from[3];
        word_t e = from[4], f = from[5], g = from[6], h = from[7];

        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
        to[4] = e, to[5] = f, to[6] = g, to[7] = h;
    }
}
