/* The setuid family on the running task: credentials(7), capabilities(7). -1 leaves an id alone. */
#pragma once

#include "kernel/types.h"

NODISCARD int cred_set_uid(uint32_t uid);
NODISCARD int cred_set_reuid(uint32_t ruid, uint32_t euid);
NODISCARD int cred_set_resuid(uint32_t ruid, uint32_t euid, uint32_t suid);
uint32_t cred_set_fsuid(uint32_t uid); /* returns the old one */
NODISCARD int cred_set_gid(uint32_t gid);
NODISCARD int cred_set_regid(uint32_t rgid, uint32_t egid);
NODISCARD int cred_set_resgid(uint32_t rgid, uint32_t egid, uint32_t sgid);
uint32_t cred_set_fsgid(uint32_t gid);
NODISCARD int cred_set_groups(uint32_t nr, const uint32_t *groups);
/* capset(2) for the caller. */
NODISCARD int cred_set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* prctl(PR_CAPBSET_DROP). */
NODISCARD int cred_drop_bound(unsigned cap);
