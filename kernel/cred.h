/* Credentials: immutable once published, counted, replaced as a whole (credentials(7)). */
#pragma once

#include "kernel/types.h"

#define CRED_GROUPS_MAX 32

struct cred {
    atomic_uint refs;
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding;
    uint32_t nr_groups;
    uint32_t groups[CRED_GROUPS_MAX];
};

/* Returns a new root credential with one reference, or NULL. */
struct cred *cred_create_root(void);
/* Returns a copy with one reference, or NULL. */
struct cred *cred_copy(const struct cred *cred);
void cred_get(struct cred *cred);
void cred_put(struct cred *cred);
bool cred_in_group(const struct cred *cred, uint32_t gid);
static inline bool cred_capable(const struct cred *cred, unsigned cap)
{
    return (cred->cap_effective >> cap) & 1;
}
