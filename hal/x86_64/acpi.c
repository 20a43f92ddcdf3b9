/*
 * The few ACPI tables that name interrupt controllers and power registers (ACPI 6.4, section 5.2):
 * RSDP, XSDT or RSDT, MADT, FADT, and of the DSDT only the package _S5_. No AML interpreter.
 * Read once at boot through the boot map; tables that lie beyond it are not there for us.
 */
#include "hal/x86_64/internal.h"
#include "kernel/string.h"

#define BOOT_MAP_END         GIB(BOOT_MAP_GIB)
#define MADT_LAPIC           0
#define MADT_IOAPIC          1
#define MADT_OVERRIDE        2
#define MADT_LAPIC_ADDRESS   5
#define MADT_X2APIC          9
#define MADT_LAPIC_ENABLED   1u
#define FADT_DSDT            40
#define FADT_SMI_COMMAND     48
#define FADT_ENABLE          52
#define FADT_PM1A_CONTROL    64
#define FADT_PM1B_CONTROL    68
#define FADT_CENTURY         108
#define FADT_FLAGS           112
#define FADT_RESET           116
#define FADT_RESET_VALUE     128
#define FADT_X_DSDT          140
#define FADT_SLEEP_CONTROL   244
#define FADT_REDUCED_LENGTH  268
#define FLAG_REDUCED         (1u << 20)
#define GAS_IO               1
#define PCI_INTI_FLAGS       0xf /* level, active low */
#define AML_PACKAGE          0x12
#define AML_BYTE             0x0a
#define PM1_SCI_ENABLE       1u
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_ENABLE     (1u << 13)

struct acpi_rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
} PACKED;

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[26];
} PACKED;

struct acpi_info acpi_info;

static uint64_t read_le(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes > 0) {
        value = value << 8 | at[--bytes];
    }
    return value;
}

/* Returns the table if it lies in the boot map, else NULL. */
static const uint8_t *acpi_table(paddr_t pa, uint32_t *length)
{
    const struct acpi_header *header = boot_memory(pa);

    if (pa == 0 || pa + sizeof(*header) > BOOT_MAP_END || pa + header->length > BOOT_MAP_END ||
        header->length < sizeof(*header)) {
        return NULL;
    }
    *length = header->length;
    return (const uint8_t *)header;
}

static void parse_madt(const uint8_t *madt, uint32_t length)
{
    acpi_info.lapic = read_le(madt + 36, 4);
    for (uint32_t at = 44; at + 2 <= length && madt[at + 1] >= 2; at += madt[at + 1]) {
        const uint8_t *entry = madt + at;

        if (at + entry[1] > length) {
            return;
        }
        if (entry[0] == MADT_X2APIC && (read_le(entry + 8, 4) & MADT_LAPIC_ENABLED) != 0 &&
            acpi_info.nr_cpus < ARRAY_SIZE(acpi_info.apic_id)) {
            acpi_info.apic_id[acpi_info.nr_cpus++] = (uint32_t)read_le(entry + 4, 4);
        } else if (entry[0] == MADT_LAPIC && (read_le(entry + 4, 4) & MADT_LAPIC_ENABLED) != 0 &&
            acpi_info.nr_cpus < ARRAY_SIZE(acpi_info.apic_id)) {
            acpi_info.apic_id[acpi_info.nr_cpus++] = entry[3];
        } else if (entry[0] == MADT_IOAPIC && acpi_info.nr_ioapic < ACPI_IOAPIC_MAX) {
            acpi_info.ioapic[acpi_info.nr_ioapic++] = (struct acpi_ioapic){
                .base = read_le(entry + 4, 4), .gsi_base = (uint32_t)read_le(entry + 8, 4)};
        } else if (entry[0] == MADT_OVERRIDE && entry[3] < ACPI_ISA_IRQS) {
            acpi_info.isa_gsi[entry[3]] = (uint32_t)read_le(entry + 4, 4);
            acpi_info.isa_flags[entry[3]] = (uint16_t)read_le(entry + 8, 2);
        } else if (entry[0] == MADT_LAPIC_ADDRESS) {
            acpi_info.lapic = read_le(entry + 4, 8);
        }
    }
}

/* One element of a package of small integers. */
static const uint8_t *aml_integer(const uint8_t *at, uint8_t *out)
{
    if (*at == AML_BYTE) {
        at++;
    }
    *out = *at; /* ZeroOp is 0, OneOp is 1 */
    return at + 1;
}

/* NameOp "_S5_" PackageOp PkgLength NumElements SLP_TYPa SLP_TYPb ... (ACPI 6.4, 7.4.2, 20.2.5.4).
 */
static void parse_dsdt(const uint8_t *dsdt, uint32_t length)
{
    for (uint32_t at = sizeof(struct acpi_header); at + 9 <= length; at++) {
        if (memcmp(dsdt + at, "_S5_", 4) == 0 && dsdt[at + 4] == AML_PACKAGE) {
            const uint8_t *element = dsdt + at + 5;

            element += (*element >> 6) + 2; /* PkgLength's own bytes, and NumElements */
            element = aml_integer(element, &acpi_info.sleep_a);
            aml_integer(element, &acpi_info.sleep_b);
            acpi_info.sleep_known = true;
            return;
        }
    }
}

static struct acpi_register read_register(const uint8_t *at)
{
    return (struct acpi_register){.address = read_le(at + 4, 8), .io = at[0] == GAS_IO};
}

static void parse_reduced(const uint8_t *fadt, uint32_t length)
{
    if (length < FADT_REDUCED_LENGTH || (read_le(fadt + FADT_FLAGS, 4) & FLAG_REDUCED) == 0) {
        return;
    }
    acpi_info.hardware_reduced = true;
    acpi_info.sleep_control = read_register(fadt + FADT_SLEEP_CONTROL);
    acpi_info.reset_register = read_register(fadt + FADT_RESET);
    acpi_info.reset_value = fadt[FADT_RESET_VALUE];
}

static void parse_fadt(const uint8_t *fadt, uint32_t length)
{
    uint64_t dsdt_pa = read_le(fadt + FADT_DSDT, 4);
    const uint8_t *dsdt;
    uint32_t dsdt_length;

    acpi_info.smi_command = (uint32_t)read_le(fadt + FADT_SMI_COMMAND, 4);
    acpi_info.enable_value = fadt[FADT_ENABLE];
    acpi_info.pm1a_control = (uint32_t)read_le(fadt + FADT_PM1A_CONTROL, 4);
    acpi_info.pm1b_control = (uint32_t)read_le(fadt + FADT_PM1B_CONTROL, 4);
    acpi_info.century_register = fadt[FADT_CENTURY];
    parse_reduced(fadt, length);
    if (length >= FADT_X_DSDT + 8 && read_le(fadt + FADT_X_DSDT, 8) != 0) {
        dsdt_pa = read_le(fadt + FADT_X_DSDT, 8);
    }
    dsdt = acpi_table(dsdt_pa, &dsdt_length);
    if (dsdt != NULL) {
        parse_dsdt(dsdt, dsdt_length);
    }
}

static void parse_root(paddr_t pa, unsigned entry_size)
{
    uint32_t length;
    const uint8_t *root = acpi_table(pa, &length);

    for (uint32_t at = sizeof(struct acpi_header); root != NULL && at + entry_size <= length;
         at += entry_size) {
        uint32_t table_length;
        const uint8_t *table = acpi_table(read_le(root + at, entry_size), &table_length);

        if (table == NULL) {
            continue;
        }
        if (memcmp(table, "APIC", 4) == 0 && table_length >= 44) {
            parse_madt(table, table_length);
        } else if (memcmp(table, "FACP", 4) == 0 && table_length > FADT_CENTURY) {
            parse_fadt(table, table_length);
        }
    }
}

/* A machine without the tables gets the PC's traditional addresses (Intel MP 1.4). */
static void set_defaults(void)
{
    acpi_info.lapic = 0xfee00000;
    acpi_info.other_flags = PCI_INTI_FLAGS;
    for (uint32_t irq = 0; irq < ACPI_ISA_IRQS; irq++) {
        acpi_info.isa_gsi[irq] = irq;
    }
}

void acpi_init_rsdp(const void *table)
{
    const struct acpi_rsdp *rsdp = table;

    set_defaults();
    if (rsdp != NULL && memcmp(rsdp->signature, "RSD PTR ", 8) == 0) {
        if (rsdp->revision >= 2 && rsdp->xsdt != 0) {
            parse_root(rsdp->xsdt, 8);
        } else {
            parse_root(rsdp->rsdt, 4);
        }
    }
    if (acpi_info.nr_ioapic == 0) {
        acpi_info.ioapic[acpi_info.nr_ioapic++] = (struct acpi_ioapic){.base = 0xfec00000};
    }
}

void acpi_init(paddr_t rsdp)
{
    bool usable = rsdp != 0 && rsdp + sizeof(struct acpi_rsdp) <= BOOT_MAP_END;

    acpi_init_rsdp(usable ? boot_memory(rsdp) : NULL);
}

static void sleep_write(uint16_t port, uint32_t type)
{
    port_write16(port, (uint16_t)(type << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
}

static void enter_s5(void)
{
    uint16_t pm1a = (uint16_t)acpi_info.pm1a_control;
    uint16_t pm1b = (uint16_t)acpi_info.pm1b_control;

    if (pm1a == 0 || !acpi_info.sleep_known) {
        return;
    }
    if ((port_read16(pm1a) & PM1_SCI_ENABLE) == 0 && acpi_info.smi_command != 0) {
        port_write8((uint16_t)acpi_info.smi_command, acpi_info.enable_value);
        for (int i = 0; i < 100000 && (port_read16(pm1a) & PM1_SCI_ENABLE) == 0; i++) {
        }
    }
    sleep_write(pm1a, acpi_info.sleep_a);
    if (pm1b != 0) {
        sleep_write(pm1b, acpi_info.sleep_b);
    }
}

/* Reset control register of PCI chip sets, then the keyboard controller's reset line. */
static void reset(void)
{
    port_write8(0xcf9, 0x02);
    port_write8(0xcf9, 0x06);
    for (int i = 0; i < 100000 && (port_read8(0x64) & 2) != 0; i++) {
    }
    port_write8(0x64, 0xfe);
}

/* 0xf4: the emulator's isa-debug-exit device, where it was asked for. */
void power_action(enum power_action action)
{
    __asm__ volatile("cli");
    if (action == POWER_OFF) {
        enter_s5();
    } else if (action == POWER_RESET) {
        reset();
    } else {
        port_write8(0xf4, 0x10);
    }
    for (;;) {
        __asm__ volatile("hlt");
    }
}
