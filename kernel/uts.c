/* The system's names. The release is at least what Linux programs of Debian 12 ask for. */
#include "kernel/uts.h"

#include <arch/abi.h>
#include <linux/utsname.h>

#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "kernel/version.h"

static struct spinlock uts_lock = SPINLOCK_INIT;
static struct new_utsname names = {
    .sysname = "Linux",
    .nodename = "quoin",
    .release = QUOIN_RELEASE,
    .version = QUOIN_VERSION,
    .machine = HAL_MACHINE_NAME,
    .domainname = "(none)",
};

const struct new_utsname *uts_get(void)
{
    return &names;
}

static void set_name(char field[__NEW_UTS_LEN + 1], const char *name, size_t len)
{
    spin_lock(&uts_lock);
    memcpy(field, name, len);
    memset(field + len, 0, __NEW_UTS_LEN + 1 - len);
    spin_unlock(&uts_lock);
}

void uts_set_nodename(const char *name, size_t len)
{
    set_name(names.nodename, name, len);
}

void uts_set_domainname(const char *name, size_t len)
{
    set_name(names.domainname, name, len);
}
