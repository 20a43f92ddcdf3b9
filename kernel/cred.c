/* Credential objects: making, copying, counting. Who may change what is sched/cred_change.c. */
#include "kernel/cred.h"

#include <linux/capability.h>

#include "mm/slab.h"

#define CAP_ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)

struct cred *cred_create_root(void)
{
    struct cred *cred = kzalloc(sizeof(*cred));

    if (cred != NULL) {
        atomic_init(&cred->refs, 1);
        cred->cap_effective = CAP_ALL;
        cred->cap_permitted = CAP_ALL;
        cred->cap_bounding = CAP_ALL;
    }
    return cred;
}

struct cred *cred_copy(const struct cred *cred)
{
    struct cred *copy = kmalloc(sizeof(*copy));

    if (copy != NULL) {
        *copy = *cred;
        atomic_init(&copy->refs, 1);
    }
    return copy;
}

void cred_get(struct cred *cred)
{
    atomic_fetch_add_explicit(&cred->refs, 1, memory_order_relaxed);
}

void cred_put(struct cred *cred)
{
    if (cred != NULL && atomic_fetch_sub_explicit(&cred->refs, 1, memory_order_acq_rel) == 1) {
        kfree(cred);
    }
}

bool cred_in_group(const struct cred *cred, uint32_t gid)
{
    if (gid == cred->fsgid) {
        return true;
    }
    for (uint32_t i = 0; i < cred->nr_groups; i++) {
        if (cred->groups[i] == gid) {
            return true;
        }
    }
    return false;
}
