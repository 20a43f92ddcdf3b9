/*
 * What the CPU offers user mode: hwcaps (only what is enabled and works without emulation),
 * /proc/cpuinfo, random numbers. MRS of identification registers is not emulated, so there is no
 * HWCAP_CPUID.
 */
#include <arch/cpu.h>
#include <asm/hwcap.h>
#include <hal/abi.h>

#include "kernel/printk.h"

enum id_reg { ID_ISAR0, ID_ISAR1, ID_PFR0, ID_PFR1, ID_MMFR2, ID_NR };

#define PFR0_FP    16
#define PFR0_ASIMD 20

struct hwcap {
    const char *name;
    uint8_t reg;
    uint8_t shift;
    int8_t min;   /* smallest value of the field that has it */
    uint8_t word; /* 0: AT_HWCAP, 1: AT_HWCAP2 */
    uint64_t bit;
};

/* Arm ARM D17.2, ID_AA64*_EL1; names and bits as Linux's elf_hwcaps.rst. */
static const struct hwcap hwcaps[] = {
    {"fp", ID_PFR0, PFR0_FP, 0, 0, HWCAP_FP},
    {"asimd", ID_PFR0, PFR0_ASIMD, 0, 0, HWCAP_ASIMD},
    {"aes", ID_ISAR0, 4, 1, 0, HWCAP_AES},
    {"pmull", ID_ISAR0, 4, 2, 0, HWCAP_PMULL},
    {"sha1", ID_ISAR0, 8, 1, 0, HWCAP_SHA1},
    {"sha2", ID_ISAR0, 12, 1, 0, HWCAP_SHA2},
    {"crc32", ID_ISAR0, 16, 1, 0, HWCAP_CRC32},
    {"atomics", ID_ISAR0, 20, 2, 0, HWCAP_ATOMICS},
    {"fphp", ID_PFR0, PFR0_FP, 1, 0, HWCAP_FPHP},
    {"asimdhp", ID_PFR0, PFR0_ASIMD, 1, 0, HWCAP_ASIMDHP},
    {"asimdrdm", ID_ISAR0, 28, 1, 0, HWCAP_ASIMDRDM},
    {"jscvt", ID_ISAR1, 12, 1, 0, HWCAP_JSCVT},
    {"fcma", ID_ISAR1, 16, 1, 0, HWCAP_FCMA},
    {"lrcpc", ID_ISAR1, 20, 1, 0, HWCAP_LRCPC},
    {"dcpop", ID_ISAR1, 0, 1, 0, HWCAP_DCPOP},
    {"sha3", ID_ISAR0, 32, 1, 0, HWCAP_SHA3},
    {"sm3", ID_ISAR0, 36, 1, 0, HWCAP_SM3},
    {"sm4", ID_ISAR0, 40, 1, 0, HWCAP_SM4},
    {"asimddp", ID_ISAR0, 44, 1, 0, HWCAP_ASIMDDP},
    {"sha512", ID_ISAR0, 12, 2, 0, HWCAP_SHA512},
    {"asimdfhm", ID_ISAR0, 48, 1, 0, HWCAP_ASIMDFHM},
    {"dit", ID_PFR0, 48, 1, 0, HWCAP_DIT},
    {"uscat", ID_MMFR2, 32, 1, 0, HWCAP_USCAT},
    {"ilrcpc", ID_ISAR1, 20, 2, 0, HWCAP_ILRCPC},
    {"flagm", ID_ISAR0, 52, 1, 0, HWCAP_FLAGM},
    {"ssbs", ID_PFR1, 4, 2, 0, HWCAP_SSBS},
    {"sb", ID_ISAR1, 36, 1, 0, HWCAP_SB},
    {"dcpodp", ID_ISAR1, 0, 2, 1, HWCAP2_DCPODP},
    {"flagm2", ID_ISAR0, 52, 2, 1, HWCAP2_FLAGM2},
    {"frint", ID_ISAR1, 32, 1, 1, HWCAP2_FRINT},
    {"i8mm", ID_ISAR1, 52, 1, 1, HWCAP2_I8MM},
    {"bf16", ID_ISAR1, 44, 1, 1, HWCAP2_BF16},
    {"dgh", ID_ISAR1, 48, 1, 1, HWCAP2_DGH},
    {"rng", ID_ISAR0, 60, 1, 1, HWCAP2_RNG},
};

static uint64_t read_id(enum id_reg reg)
{
    uint64_t value = 0;

    switch (reg) {
    case ID_ISAR0:
        __asm__ volatile("mrs %0, id_aa64isar0_el1" : "=r"(value));
        break;
    case ID_ISAR1:
        __asm__ volatile("mrs %0, id_aa64isar1_el1" : "=r"(value));
        break;
    case ID_PFR0:
        __asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(value));
        break;
    case ID_PFR1:
        __asm__ volatile("mrs %0, id_aa64pfr1_el1" : "=r"(value));
        break;
    case ID_MMFR2:
        __asm__ volatile("mrs %0, id_aa64mmfr2_el1" : "=r"(value));
        break;
    case ID_NR:
        break;
    }
    return value;
}

/* The two FP fields are signed: 15 means absent. */
static bool has_hwcap(const struct hwcap *cap)
{
    int value = (int)(read_id((enum id_reg)cap->reg) >> cap->shift & 0xf);
    bool is_signed = cap->reg == ID_PFR0 && (cap->shift == PFR0_FP || cap->shift == PFR0_ASIMD);

    return (is_signed && value == 15 ? -1 : value) >= cap->min;
}

static uint64_t hwcap_word(unsigned word)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(hwcaps); i++) {
        if (hwcaps[i].word == word && has_hwcap(&hwcaps[i])) {
            value |= hwcaps[i].bit;
        }
    }
    return value;
}

uint64_t hal_hwcap(void)
{
    return hwcap_word(0);
}

uint64_t hal_hwcap2(void)
{
    return hwcap_word(1);
}

static size_t print_features(char *buf, size_t size)
{
    size_t len = (size_t)ksnprintf(buf, size, "Features\t:");

    for (unsigned i = 0; i < ARRAY_SIZE(hwcaps) && len < size; i++) {
        if (has_hwcap(&hwcaps[i])) {
            len += (size_t)ksnprintf(buf + len, size - len, " %s", hwcaps[i].name);
        }
    }
    return MIN(len, size);
}

/* Linux's BogoMIPS of arm64 is twice the counter's frequency. */
size_t hal_cpuinfo(uint32_t cpu, char *buf, size_t size)
{
    uint64_t midr, freq;
    size_t len;

    __asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(freq));
    len = (size_t)ksnprintf(buf, size, "processor\t: %u\nBogoMIPS\t: %llu.%02llu\n", cpu,
                            (unsigned long long)(freq / 500000),
                            (unsigned long long)(freq / 5000 % 100));
    len = MIN(len, size);
    len += print_features(buf + len, size - len);
    len += (size_t)ksnprintf(buf + len, size - len,
                             "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\n"
                             "CPU variant\t: 0x%x\nCPU part\t: 0x%03x\nCPU revision\t: %u\n\n",
                             (unsigned)(midr >> 24 & 0xff), (unsigned)(midr >> 20 & 0xf),
                             (unsigned)(midr >> 4 & 0xfff), (unsigned)(midr & 0xf));
    return MIN(len, size);
}

/* RNDR (Arm ARM C5.2.20): clears NZCV on success, sets Z on failure. */
size_t hal_random(uint64_t *out)
{
    uint64_t failed;

    if ((read_id(ID_ISAR0) >> 60) == 0) {
        return 0;
    }
    __asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %1, eq" : "=r"(*out), "=r"(failed)::"cc");
    return failed == 0 ? sizeof(*out) : 0;
}
