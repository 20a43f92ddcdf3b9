/* User and group ids, capabilities. */
#include <linux/capability.h>

#include "sched/cred_change.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

SYSCALL_0(getuid)
{
    return task_cred()->uid;
}

SYSCALL_0(geteuid)
{
    return task_cred()->euid;
}

SYSCALL_0(getgid)
{
    return task_cred()->gid;
}

SYSCALL_0(getegid)
{
    return task_cred()->egid;
}

static int64_t put_three(const uint32_t ids[3], vaddr_t a, vaddr_t b, vaddr_t c)
{
    const vaddr_t addr[3] = {a, b, c};
    int result = 0;

    for (int i = 0; i < 3 && result == 0; i++) {
        result = user_copy_out(addr[i], &ids[i], sizeof(ids[i]));
    }
    return result;
}

SYSCALL_3(getresuid, vaddr_t, real, vaddr_t, effective, vaddr_t, saved)
{
    const struct cred *cred = task_cred();
    const uint32_t ids[3] = {cred->uid, cred->euid, cred->suid};

    return put_three(ids, real, effective, saved);
}

SYSCALL_3(getresgid, vaddr_t, real, vaddr_t, effective, vaddr_t, saved)
{
    const struct cred *cred = task_cred();
    const uint32_t ids[3] = {cred->gid, cred->egid, cred->sgid};

    return put_three(ids, real, effective, saved);
}

SYSCALL_1(setuid, uint32_t, uid)
{
    return cred_set_uid(uid);
}

SYSCALL_1(setgid, uint32_t, gid)
{
    return cred_set_gid(gid);
}

SYSCALL_2(setreuid, uint32_t, real, uint32_t, effective)
{
    return cred_set_reuid(real, effective);
}

SYSCALL_2(setregid, uint32_t, real, uint32_t, effective)
{
    return cred_set_regid(real, effective);
}

SYSCALL_3(setresuid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return cred_set_resuid(real, effective, saved);
}

SYSCALL_3(setresgid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return cred_set_resgid(real, effective, saved);
}

SYSCALL_1(setfsuid, uint32_t, uid)
{
    return cred_set_fsuid(uid);
}

SYSCALL_1(setfsgid, uint32_t, gid)
{
    return cred_set_fsgid(gid);
}

SYSCALL_2(getgroups, int, size, vaddr_t, list)
{
    const struct cred *cred = task_cred();
    int result;

    if (size < 0 || (size != 0 && (uint32_t)size < cred->nr_groups)) {
        return -EINVAL;
    }
    if (size != 0) {
        result = user_copy_out(list, cred->groups, cred->nr_groups * sizeof(cred->groups[0]));
        if (result != 0) {
            return result;
        }
    }
    return cred->nr_groups;
}

SYSCALL_2(setgroups, uint32_t, nr, vaddr_t, list)
{
    uint32_t groups[CRED_GROUPS_MAX];
    int result;

    if (!cred_capable(task_cred(), CAP_SETGID)) {
        return -EPERM;
    }
    if (nr > CRED_GROUPS_MAX) {
        return -EINVAL;
    }
    result = user_copy_in(groups, list, nr * sizeof(groups[0]));
    return result != 0 ? result : cred_set_groups(nr, groups);
}

/* Version 1 has one word of each set, the others two. */
static int cap_words(vaddr_t header, struct __user_cap_header_struct *out, uint32_t *nr_words)
{
    uint32_t newest = _LINUX_CAPABILITY_VERSION_3;
    int result = user_copy_in(&out->version, header, sizeof(out->version));

    if (result != 0) {
        return result;
    }
    switch (out->version) {
    case _LINUX_CAPABILITY_VERSION_1:
        *nr_words = 1;
        return 0;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        *nr_words = 2;
        return 0;
    default:
        result = user_copy_out(header, &newest, sizeof(newest));
        return result != 0 ? result : -EINVAL;
    }
}

static int cap_pid(vaddr_t header, struct __user_cap_header_struct *out)
{
    return user_copy_in(&out->pid, header + offsetof(struct __user_cap_header_struct, pid),
                        sizeof(out->pid));
}

static int get_caps_of(pid_nr_t tid, struct __user_cap_data_struct out[2])
{
    struct task *task = tid == 0 ? NULL : task_find(tid);
    struct cred *cred = NULL;

    if (tid != 0 && task == NULL) {
        return -ESRCH;
    }
    if (task != NULL) {
        cred = process_get_cred(task->process);
        task_put(task);
        if (cred == NULL) {
            return -ESRCH;
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct cred *from = cred != NULL ? cred : task_cred();

        out[i].effective = (uint32_t)(from->cap_effective >> (32 * i));
        out[i].permitted = (uint32_t)(from->cap_permitted >> (32 * i));
        out[i].inheritable = (uint32_t)(from->cap_inheritable >> (32 * i));
    }
    if (cred != NULL) {
        cred_put(cred);
    }
    return 0;
}

SYSCALL_2(capget, vaddr_t, header_addr, vaddr_t, data_addr)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2];
    uint32_t nr_words;
    int result = cap_words(header_addr, &header, &nr_words);

    if (data_addr == 0 && (result == 0 || result == -EINVAL)) {
        return 0;
    }
    if (result == 0) {
        result = cap_pid(header_addr, &header);
    }
    if (result == 0 && header.pid < 0) {
        result = -EINVAL;
    }
    if (result == 0) {
        result = get_caps_of(header.pid, data);
    }
    return result != 0 ? result : user_copy_out(data_addr, data, nr_words * sizeof(data[0]));
}

SYSCALL_2(capset, vaddr_t, header_addr, vaddr_t, data_addr)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2] = {0};
    uint32_t nr_words;
    int result = cap_words(header_addr, &header, &nr_words);

    if (result == 0) {
        result = cap_pid(header_addr, &header);
    }
    if (result != 0) {
        return result;
    }
    if (header.pid != 0 && header.pid != task_current()->tid) {
        return -EPERM;
    }
    result = user_copy_in(data, data_addr, nr_words * sizeof(data[0]));
    if (result != 0) {
        return result;
    }
    return cred_set_caps(data[0].effective | (uint64_t)data[1].effective << 32,
                         data[0].permitted | (uint64_t)data[1].permitted << 32,
                         data[0].inheritable | (uint64_t)data[1].inheritable << 32);
}
