/* Memory mappings. What Linux checks before it looks at the space is checked here. */
#include <linux/capability.h>
#include <linux/mman.h>

#include "mm/address_space.h"
#include "mm/page_store.h"
#include "mm/vm_object.h"
#include "sched/rlimit.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

#define PROT_KNOWN ((uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
/* Flags that MAP_SHARED_VALIDATE accepts. */
#define MAP_KNOWN                                                                                  \
    ((uint32_t)(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |            \
                MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |    \
                MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_FIXED_NOREPLACE))

static uint32_t request_flags(uint32_t flags)
{
    static const struct {
        uint32_t linux_flag, as_flag;
    } pairs[] = {
        {MAP_FIXED, AS_FIXED},
        {MAP_FIXED_NOREPLACE, AS_FIXED | AS_NOREPLACE},
        {MAP_GROWSDOWN, AS_GROWSDOWN},
        {MAP_LOCKED, AS_LOCKED},
        {MAP_NORESERVE, AS_NORESERVE},
    };
    uint32_t result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        result |= flags & pairs[i].linux_flag ? pairs[i].as_flag : 0;
    }
    if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE) {
        result |= AS_POPULATE;
    }
    return result;
}

static int map_type(uint32_t flags, bool file, uint32_t *as_flags)
{
    switch (flags & MAP_TYPE) {
    case MAP_PRIVATE:
        return 0;
    case MAP_SHARED_VALIDATE:
        if (!file) {
            return -EINVAL;
        }
        if (flags & ~MAP_KNOWN) {
            return -EOPNOTSUPP;
        }
        /* fallthrough */
    case MAP_SHARED:
        *as_flags |= AS_SHARED;
        return 0;
    default:
        return -EINVAL;
    }
}

static bool may_lock(void)
{
    return rlimit_get(RLIMIT_MEMLOCK) != 0 || cred_capable(task_cred(), CAP_IPC_LOCK);
}

/* Maps what the request names, and drops the reference on its object. */
static int map_object(struct as_map_request *request, vaddr_t *out)
{
    int result = as_map(task_as(), request, out);

    if (request->object != NULL) {
        vm_object_put(request->object);
    }
    return result;
}

/* The request names the file, so its reference is kept until the mapping has one of its own. */
static int map_file(struct as_map_request *request, int fd, vaddr_t *out)
{
    struct file *file = user_file(fd);
    int result;

    if (file == NULL) {
        return -EBADF;
    }
    result = file_mmap(file, request);
    if (result == 0) {
        result = map_object(request, out);
    }
    file_put(file);
    return result;
}

static int map_anonymous(struct as_map_request *request, vaddr_t *out)
{
    request->offset = 0;
    if (request->flags & AS_SHARED) {
        request->object = anon_object_create(request->len);
        if (request->object == NULL) {
            return -ENOMEM;
        }
    }
    return map_object(request, out);
}

static bool fd_is_open(int fd)
{
    struct file *file = user_file(fd);

    if (file != NULL) {
        file_put(file);
    }
    return file != NULL;
}

static int check_map(const struct as_map_request *request, uint32_t flags)
{
    if (request->len == 0) {
        return -EINVAL;
    }
    if (request->len > USER_VA_END) {
        return -ENOMEM;
    }
    if (request->offset + request->len < request->offset) {
        return -EOVERFLOW;
    }
    return flags & MAP_LOCKED && !may_lock() ? -EPERM : 0;
}

SYSCALL_6(mmap, vaddr_t, addr, size_t, len, uint32_t, prot, uint32_t, flags, int, fd, uint64_t,
          offset)
{
    struct as_map_request request = {.addr = addr,
                                     .len = len,
                                     .prot = prot & PROT_KNOWN,
                                     .max_prot = PROT_KNOWN,
                                     .flags = request_flags(flags),
                                     .offset = offset};
    bool file = !(flags & MAP_ANONYMOUS);
    vaddr_t out = 0;
    int result;

    if (!IS_ALIGNED(offset, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (file && !fd_is_open(fd)) {
        return -EBADF;
    }
    result = flags & MAP_HUGETLB ? -EINVAL : check_map(&request, flags);
    if (result == 0) {
        result = map_type(flags, file, &request.flags);
    }
    if (result == 0 && flags & MAP_GROWSDOWN && (file || request.flags & AS_SHARED)) {
        result = -EINVAL;
    }
    if (result != 0) {
        return result;
    }
    result = file ? map_file(&request, fd, &out) : map_anonymous(&request, &out);
    return result != 0 ? result : (int64_t)out;
}

SYSCALL_2(munmap, vaddr_t, addr, size_t, len)
{
    return as_unmap(task_as(), addr, len);
}

SYSCALL_3(mprotect, vaddr_t, addr, size_t, len, uint32_t, prot)
{
    if (!IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (len == 0 && !(prot & (PROT_GROWSDOWN | PROT_GROWSUP))) {
        return 0;
    }
    if (prot & ~(PROT_KNOWN | PROT_SEM)) {
        return -EINVAL;
    }
    return as_protect(task_as(), addr, len, prot & PROT_KNOWN);
}

SYSCALL_5(mremap, vaddr_t, addr, size_t, old_len, size_t, new_len, uint32_t, flags, vaddr_t,
          new_addr)
{
    vaddr_t out = 0;
    int result = as_remap(task_as(), addr, old_len, new_len, flags, new_addr, &out);

    return result != 0 ? result : (int64_t)out;
}

SYSCALL_1(brk, vaddr_t, addr)
{
    return (int64_t)as_brk(task_as(), addr);
}

SYSCALL_3(madvise, vaddr_t, addr, size_t, len, int, advice)
{
    return as_advise(task_as(), addr, len, advice);
}

SYSCALL_3(msync, vaddr_t, addr, size_t, len, int, flags)
{
    return as_sync(task_as(), addr, len, flags);
}

SYSCALL_3(mincore, vaddr_t, addr, size_t, len, vaddr_t, vec)
{
    return as_residency(task_as(), addr, len, vec);
}

SYSCALL_2(mlock, vaddr_t, addr, size_t, len)
{
    return may_lock() ? as_lock_range(task_as(), addr, len, true) : -EPERM;
}

SYSCALL_3(mlock2, vaddr_t, addr, size_t, len, int, flags)
{
    if (flags & ~MLOCK_ONFAULT) {
        return -EINVAL;
    }
    return may_lock() ? as_lock_range(task_as(), addr, len, true) : -EPERM;
}

SYSCALL_2(munlock, vaddr_t, addr, size_t, len)
{
    return as_lock_range(task_as(), addr, len, false);
}

SYSCALL_1(mlockall, int, flags)
{
    if (flags == 0 || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT) {
        return -EINVAL;
    }
    if (!may_lock()) {
        return -EPERM;
    }
    return as_lock_all(task_as(), (flags & MCL_CURRENT) != 0, (flags & MCL_FUTURE) != 0, true);
}

SYSCALL_0(munlockall)
{
    return as_lock_all(task_as(), true, true, false);
}
