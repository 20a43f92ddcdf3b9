/* What uname(2) tells. */
#pragma once

#include "kernel/types.h"

struct new_utsname; /* <linux/utsname.h> */

const struct new_utsname *uts_get(void);
/* Requires: len <= __NEW_UTS_LEN. */
void uts_set_nodename(const char *name, size_t len);
void uts_set_domainname(const char *name, size_t len);
