/*
 * The setuid family. Each builds a new credential and publishes it under process->lock; readers of
 * the running task's own need no lock. Capabilities follow the uids as capabilities(7) says.
 */
#include "sched/cred_change.h"

#include <linux/capability.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "sched/cred_publish.h"
#include "sched/task.h"

#define KEEP ((uint32_t)-1)

/* The capabilities that fsuid 0 brings: file-system access only. */
#define CAP_FS_MASK                                                                                \
    (1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE |                            \
     1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |                       \
     1ull << CAP_LINUX_IMMUTABLE | 1ull << CAP_MAC_OVERRIDE)

void cred_publish(struct cred *cred)
{
    struct task *task = task_current();
    struct cred *old;

    spin_lock(&task->process->lock);
    old = task->cred;
    task->cred = cred;
    /* prctl(2), PR_SET_DUMPABLE and PR_SET_PDEATHSIG. */
    if (cred->euid != old->euid || cred->egid != old->egid || cred->fsuid != old->fsuid ||
        cred->fsgid != old->fsgid) {
        task->process->dumpable = 0;
        task->pdeath_signal = 0;
    }
    spin_unlock(&task->process->lock);
    cred_put(old);
}

/* capabilities(7), "Effect of user ID changes on capabilities". */
static void fix_caps(struct cred *cred, const struct cred *old)
{
    bool was_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool is_root = cred->uid == 0 || cred->euid == 0 || cred->suid == 0;

    if (was_root && !is_root) {
        cred->cap_permitted = 0;
        cred->cap_effective = 0;
    }
    if (old->euid == 0 && cred->euid != 0) {
        cred->cap_effective = 0;
    } else if (old->euid != 0 && cred->euid == 0) {
        cred->cap_effective = cred->cap_permitted;
    }
}

static bool is_one_of_uids(const struct cred *cred, uint32_t uid)
{
    return uid == cred->uid || uid == cred->euid || uid == cred->suid;
}

static bool is_one_of_gids(const struct cred *cred, uint32_t gid)
{
    return gid == cred->gid || gid == cred->egid || gid == cred->sgid;
}

/* KEEP leaves an id; fsuid follows euid. */
static int change_uids(uint32_t ruid, uint32_t euid, uint32_t suid)
{
    struct cred *cred = cred_copy(task_cred());

    if (cred == NULL) {
        return -ENOMEM;
    }
    cred->uid = ruid != KEEP ? ruid : cred->uid;
    cred->euid = euid != KEEP ? euid : cred->euid;
    cred->suid = suid != KEEP ? suid : cred->suid;
    cred->fsuid = cred->euid;
    fix_caps(cred, task_cred());
    cred_publish(cred);
    return 0;
}

static int change_gids(uint32_t rgid, uint32_t egid, uint32_t sgid)
{
    struct cred *cred = cred_copy(task_cred());

    if (cred == NULL) {
        return -ENOMEM;
    }
    cred->gid = rgid != KEEP ? rgid : cred->gid;
    cred->egid = egid != KEEP ? egid : cred->egid;
    cred->sgid = sgid != KEEP ? sgid : cred->sgid;
    cred->fsgid = cred->egid;
    cred_publish(cred);
    return 0;
}

int cred_set_uid(uint32_t uid)
{
    const struct cred *own = task_cred();

    if (uid == KEEP) {
        return -EINVAL;
    }
    if (cred_capable(own, CAP_SETUID)) {
        return change_uids(uid, uid, uid);
    }
    return uid == own->uid || uid == own->suid ? change_uids(KEEP, uid, KEEP) : -EPERM;
}

int cred_set_reuid(uint32_t ruid, uint32_t euid)
{
    const struct cred *own = task_cred();
    uint32_t suid = KEEP;

    if (!cred_capable(own, CAP_SETUID)) {
        if ((ruid != KEEP && ruid != own->uid && ruid != own->euid) ||
            (euid != KEEP && !is_one_of_uids(own, euid))) {
            return -EPERM;
        }
    }
    /* setreuid(2): the saved id follows if the real one is set or the effective one leaves it. */
    if (ruid != KEEP || (euid != KEEP && euid != own->uid)) {
        suid = euid != KEEP ? euid : own->euid;
    }
    return change_uids(ruid, euid, suid);
}

int cred_set_resuid(uint32_t ruid, uint32_t euid, uint32_t suid)
{
    const struct cred *own = task_cred();

    if (!cred_capable(own, CAP_SETUID) &&
        ((ruid != KEEP && !is_one_of_uids(own, ruid)) ||
         (euid != KEEP && !is_one_of_uids(own, euid)) ||
         (suid != KEEP && !is_one_of_uids(own, suid)))) {
        return -EPERM;
    }
    return change_uids(ruid, euid, suid);
}

uint32_t cred_set_fsuid(uint32_t uid)
{
    const struct cred *own = task_cred();
    uint32_t old = own->fsuid;
    struct cred *cred;

    if (uid == KEEP || (!cred_capable(own, CAP_SETUID) && !is_one_of_uids(own, uid) &&
                        uid != own->fsuid)) {
        return old;
    }
    cred = cred_copy(own);
    if (cred == NULL) {
        return old;
    }
    cred->fsuid = uid;
    if (old == 0 && uid != 0) {
        cred->cap_effective &= ~CAP_FS_MASK;
    } else if (old != 0 && uid == 0) {
        cred->cap_effective |= cred->cap_permitted & CAP_FS_MASK;
    }
    cred_publish(cred);
    return old;
}

int cred_set_gid(uint32_t gid)
{
    const struct cred *own = task_cred();

    if (gid == KEEP) {
        return -EINVAL;
    }
    if (cred_capable(own, CAP_SETGID)) {
        return change_gids(gid, gid, gid);
    }
    return gid == own->gid || gid == own->sgid ? change_gids(KEEP, gid, KEEP) : -EPERM;
}

int cred_set_regid(uint32_t rgid, uint32_t egid)
{
    const struct cred *own = task_cred();
    uint32_t sgid = KEEP;

    if (!cred_capable(own, CAP_SETGID)) {
        if ((rgid != KEEP && rgid != own->gid && rgid != own->egid) ||
            (egid != KEEP && !is_one_of_gids(own, egid))) {
            return -EPERM;
        }
    }
    if (rgid != KEEP || (egid != KEEP && egid != own->gid)) {
        sgid = egid != KEEP ? egid : own->egid;
    }
    return change_gids(rgid, egid, sgid);
}

int cred_set_resgid(uint32_t rgid, uint32_t egid, uint32_t sgid)
{
    const struct cred *own = task_cred();

    if (!cred_capable(own, CAP_SETGID) &&
        ((rgid != KEEP && !is_one_of_gids(own, rgid)) ||
         (egid != KEEP && !is_one_of_gids(own, egid)) ||
         (sgid != KEEP && !is_one_of_gids(own, sgid)))) {
        return -EPERM;
    }
    return change_gids(rgid, egid, sgid);
}

uint32_t cred_set_fsgid(uint32_t gid)
{
    const struct cred *own = task_cred();
    uint32_t old = own->fsgid;
    struct cred *cred;

    if (gid == KEEP || (!cred_capable(own, CAP_SETGID) && !is_one_of_gids(own, gid) &&
                        gid != own->fsgid)) {
        return old;
    }
    cred = cred_copy(own);
    if (cred != NULL) {
        cred->fsgid = gid;
        cred_publish(cred);
    }
    return old;
}

int cred_set_groups(uint32_t nr, const uint32_t *groups)
{
    struct cred *cred;

    if (!cred_capable(task_cred(), CAP_SETGID)) {
        return -EPERM;
    }
    if (nr > CRED_GROUPS_MAX) {
        return -EINVAL;
    }
    cred = cred_copy(task_cred());
    if (cred == NULL) {
        return -ENOMEM;
    }
    cred->nr_groups = nr;
    memcpy(cred->groups, groups, nr * sizeof(*groups));
    cred_publish(cred);
    return 0;
}

/* capset(2): nothing new in permitted, effective within it, inheritable within what is at hand. */
int cred_set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    const struct cred *own = task_cred();
    struct cred *cred;

    if ((inheritable & ~(own->cap_inheritable | own->cap_permitted)) != 0 &&
        !cred_capable(own, CAP_SETPCAP)) {
        return -EPERM;
    }
    if ((inheritable & ~(own->cap_inheritable | own->cap_bounding)) != 0 ||
        (permitted & ~own->cap_permitted) != 0 || (effective & ~permitted) != 0) {
        return -EPERM;
    }
    cred = cred_copy(own);
    if (cred == NULL) {
        return -ENOMEM;
    }
    cred->cap_effective = effective;
    cred->cap_permitted = permitted;
    cred->cap_inheritable = inheritable;
    cred_publish(cred);
    return 0;
}

int cred_drop_bound(unsigned cap)
{
    struct cred *cred;

    if (!cred_capable(task_cred(), CAP_SETPCAP)) {
        return -EPERM;
    }
    if (cap > CAP_LAST_CAP) {
        return -EINVAL;
    }
    cred = cred_copy(task_cred());
    if (cred == NULL) {
        return -ENOMEM;
    }
    cred->cap_bounding &= ~(1ull << cap);
    cred_publish(cred);
    return 0;
}
