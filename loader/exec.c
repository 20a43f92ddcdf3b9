/*
 * execve(2): find the program behind scripts, collect the strings, plan, build a new space beside
 * the old one, commit. Until exec_commit() the running program is untouched.
 */
#include "loader/exec.h"

#include <arch/cpu.h>
#include <asm/auxvec.h>
#include <asm/mman.h>
#include <hal/abi.h>
#include <hal/context.h>
#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/personality.h>

#include "fs/fd_table.h"
#include "fs/vfs.h"
#include "kernel/errno.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "loader/arguments.h"
#include "loader/image.h"
#include "loader/script.h"
#include "loader/user_stack.h"
#include "loader/vdso.h"
#include "kernel/cmdline.h"
#include "mm/address_space.h"
#include "mm/slab.h"
#include "sched/exec_commit.h"
#include "sched/rlimit.h"
#include "sched/task.h"

#define SCRIPTS_MAX      5u
#define STACK_INITIAL    KIB(132)
#define STACK_GAP_MIN    MIB(128)
#define CLOCK_TICKS      100u /* of times(2) and /proc, AT_CLKTCK */
#define PIE_BASE         (USER_VA_END / 3 * 2)
#define RANDOM_PIE       (1ull << 28) /* pages */
#define RANDOM_MMAP      (1ull << 28)
#define RANDOM_STACK     (1ull << 22)
#define RANDOM_BRK       (1ull << 13)

/* One execve under way. */
struct exec {
    struct file *file; /* of the ELF image */
    struct elf_plan plan;
    struct file *interp_file; /* NULL: static */
    struct elf_plan interp_plan;
    struct arguments arguments;
    const char *path; /* AT_EXECFN, comm: as given, or made_path */
    char *made_path;  /* a name for what execveat(2) found by a descriptor, or NULL */
    bool path_closes; /* the descriptor in made_path does not outlive the call */
    struct address_space *as;
    vaddr_t stack_top;
    vaddr_t vdso;
    struct image image, interp;
    struct user_stack stack;
    struct auxv auxv;
    struct cred *cred; /* of a set-user-ID program, or NULL */
    bool secure;
};

/* A program that gains rights is not placed where its caller would have it. */
static uint64_t random_pages(const struct exec *exec, uint64_t range)
{
    bool fixed = (process_current()->personality & ADDR_NO_RANDOMIZE) != 0 && !exec->secure;

    if (fixed || cmdline_option("quoin.norandom", NULL, 0)) {
        return 0;
    }
    return (random_u64() % range) << PAGE_SHIFT;
}

static int open_program(struct file *at, const char *name, uint32_t flags, struct file **out)
{
    const struct path_at where = {task_fs(), task_cred(), at, name};

    return vfs_open_exec(&where, flags, out);
}

/*
 * The words that "#!" lines put in the place of the first argument. Each script's words stand before
 * those of the one that named it, so they are collected back to front.
 */
struct script_words {
    unsigned nr;
    char *word[2 * SCRIPTS_MAX + 1];
};

static int add_word(struct script_words *words, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = kmalloc(size);

    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, text, size);
    words->word[words->nr++] = copy;
    return 0;
}

/* The script's own path is an argument of its interpreter; that of a deeper one is there already. */
static int add_line(struct script_words *words, const struct exec *exec,
                    const struct script_line *line)
{
    int error = words->nr == 0 ? add_word(words, exec->path) : 0;

    if (error == 0 && line->argument != NULL) {
        error = add_word(words, line->argument);
    }
    return error == 0 ? add_word(words, line->interpreter) : error;
}

/* Replaces exec->file by the interpreter until it is no script. */
static int collect_scripts(struct exec *exec, struct script_words *words)
{
    char head[SCRIPT_HEAD_LEN + 1];
    struct script_line line;

    for (unsigned depth = 0;; depth++) {
        ssize64_t len = file_read_kernel(exec->file, head, SCRIPT_HEAD_LEN, 0);

        if (len < 0 || !script_is(head, (size_t)len)) {
            return len < 0 ? (int)len : 0;
        }
        if (depth == SCRIPTS_MAX) {
            return -ELOOP;
        }
        if (exec->path_closes) {
            return -ENOENT;
        }
        int error = script_parse(head, (size_t)len, &line);

        if (error == 0) {
            error = add_line(words, exec, &line);
        }
        if (error != 0) {
            return error;
        }
        file_put(exec->file);
        exec->file = NULL;
        error = open_program(NULL, line.interpreter, 0, &exec->file);
        if (error != 0) {
            return error;
        }
    }
}

static int follow_scripts(struct exec *exec)
{
    struct script_words words = {.nr = 0};
    int error = collect_scripts(exec, &words);

    if (error == 0 && words.nr != 0) {
        for (unsigned i = 0; i < words.nr / 2; i++) {
            char *low = words.word[i];

            words.word[i] = words.word[words.nr - 1 - i];
            words.word[words.nr - 1 - i] = low;
        }
        error = arguments_replace_first(&exec->arguments, words.word, words.nr);
    }
    for (unsigned i = 0; i < words.nr; i++) {
        kfree(words.word[i]);
    }
    return error;
}

static int read_plans(struct exec *exec)
{
    char path[ELF_INTERPRETER_MAX];
    int error = image_read_plan(exec->file, &exec->plan);

    if (error != 0 || exec->plan.interp_size == 0) {
        return error;
    }
    error = image_read_interpreter(exec->file, &exec->plan, path);
    if (error == 0) {
        error = open_program(NULL, path, 0, &exec->interp_file);
    }
    if (error == 0) {
        error = image_read_plan(exec->interp_file, &exec->interp_plan);
        error = error == -ENOEXEC ? -ELIBBAD : error;
    }
    return error;
}

static void choose_layout(struct exec *exec, vaddr_t *mmap_top)
{
    uint64_t stack = rlimit_get(RLIMIT_STACK);
    uint64_t most = USER_VA_END / 6 * 5;
    uint64_t gap = MIN(MAX(stack, (uint64_t)STACK_GAP_MIN), most);

    exec->stack_top = ALIGN_DOWN(USER_VA_END, PAGE_SIZE) - random_pages(exec, RANDOM_STACK);
    /* Room for the stack to grow to its limit, its random place and the guard gap below it. */
    gap += (RANDOM_STACK << PAGE_SHIFT) + MIB(1);
    gap = MIN(gap, most) + random_pages(exec, RANDOM_MMAP);
    *mmap_top = ALIGN_DOWN(USER_VA_END - gap, PAGE_SIZE);
}

static int map_stack(struct exec *exec)
{
    uint32_t prot = PROT_READ | PROT_WRITE | (exec->plan.exec_stack ? PROT_EXEC : 0u);
    const struct as_map_request request = {
        .addr = exec->stack_top - STACK_INITIAL,
        .len = STACK_INITIAL,
        .prot = prot,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = AS_FIXED | AS_GROWSDOWN | AS_STACK,
    };
    vaddr_t at;

    return as_map(exec->as, &request, &at);
}

static void fill_auxv(struct exec *exec)
{
    const struct cred *cred = exec->cred != NULL ? exec->cred : task_cred();
    const struct elf_plan *plan = &exec->plan;
    vaddr_t base = exec->image.base;
    const uint64_t pairs[][2] = {
        {AT_SYSINFO_EHDR, exec->vdso},
        {AT_MINSIGSTKSZ, HAL_MINSIGSTKSZ},
        {AT_HWCAP, hal_hwcap()},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_CLKTCK, CLOCK_TICKS},
        {AT_PHDR, plan->phdr == 0 ? 0 : base + plan->phdr},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, plan->nr_phdrs},
        {AT_BASE, exec->interp_file == NULL ? 0 : exec->interp.base},
        {AT_FLAGS, 0},
        {AT_ENTRY, base + plan->entry},
        {AT_UID, cred->uid},
        {AT_EUID, cred->euid},
        {AT_GID, cred->gid},
        {AT_EGID, cred->egid},
        {AT_SECURE, exec->secure},
        {AT_HWCAP2, hal_hwcap2()},
    };

    exec->auxv.nr = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        auxv_add(&exec->auxv, pairs[i][0], pairs[i][1]);
    }
}

static int build_space(struct exec *exec)
{
    struct as_limits limits = {rlimit_get(RLIMIT_AS), rlimit_get(RLIMIT_DATA),
                               rlimit_get(RLIMIT_STACK), rlimit_get(RLIMIT_MEMLOCK)};
    vaddr_t mmap_top;
    int error = as_create(&exec->as);

    if (error != 0) {
        return error;
    }
    choose_layout(exec, &mmap_top);
    as_set_limits(exec->as, &limits);
    as_set_layout(exec->as, 0, mmap_top);
    error = map_stack(exec);
    if (error == 0) {
        error = image_map(exec->as, exec->file, &exec->plan,
                          PIE_BASE + random_pages(exec, RANDOM_PIE), &exec->image);
    }
    if (error == 0 && exec->interp_file != NULL) {
        error = image_map(exec->as, exec->interp_file, &exec->interp_plan, 0, &exec->interp);
    }
    if (error == 0) {
        as_set_layout(exec->as, exec->image.end + random_pages(exec, RANDOM_BRK), mmap_top);
        error = vdso_map(exec->as, &exec->vdso);
    }
    if (error == 0) {
        fill_auxv(exec);
        error = user_stack_build(exec->as, exec->stack_top, &exec->arguments, &exec->auxv,
                                 &exec->stack);
    }
    return error;
}

/* Set-user-ID, set-group-ID and what becomes of capabilities: credentials(7), capabilities(7). */
static int make_cred(struct exec *exec)
{
    const struct cred *old = task_cred();
    struct inode *inode = exec->file->inode;
    bool may = (inode->super->mount_flags & MS_NOSUID) == 0 && !task_current()->no_new_privs;
    struct cred *cred = cred_copy(old);
    uint32_t mode;

    if (cred == NULL) {
        return -ENOMEM;
    }
    /* A chown that takes the bit away and gives another owner is seen whole or not at all. */
    spin_lock(&inode->lock);
    mode = may ? inode_mode(inode) : 0;
    cred->euid = (mode & S_ISUID) != 0 ? inode->uid : old->euid;
    cred->egid = (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ? inode->gid : old->egid;
    spin_unlock(&inode->lock);
    cred->suid = cred->fsuid = cred->euid;
    cred->sgid = cred->fsgid = cred->egid;
    if (cred->euid == 0) {
        cred->cap_permitted = cred->cap_inheritable | cred->cap_bounding;
        cred->cap_effective = cred->cap_permitted;
    } else {
        /* A real uid of root keeps the permitted set, as for a program with all file capabilities. */
        cred->cap_permitted = cred->uid == 0 ? cred->cap_bounding : 0;
        cred->cap_effective = 0;
    }
    exec->cred = cred;
    exec->secure = cred->euid != old->uid || cred->egid != old->gid;
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static void release(struct exec *exec)
{
    if (exec->as != NULL) {
        as_put(exec->as);
    }
    if (exec->interp_file != NULL) {
        file_put(exec->interp_file);
    }
    if (exec->file != NULL) {
        file_put(exec->file);
    }
    if (exec->cred != NULL) {
        cred_put(exec->cred);
    }
    arguments_release(&exec->arguments);
    kfree(exec->made_path);
}

/* Everything is collected: plans, builds and commits. Takes over what exec holds on success. */
static int run(struct exec *exec, struct trap_frame *frame)
{
    int error = follow_scripts(exec);

    if (error == 0) {
        error = arguments_add(&exec->arguments, exec->path);
    }
    if (error == 0) {
        error = read_plans(exec);
    }
    if (error == 0) {
        error = make_cred(exec);
    }
    if (error == 0) {
        error = build_space(exec);
    }
    if (error != 0) {
        return error;
    }
    struct exec_image image = {
        .as = exec->as,
        .file = exec->file,
        .cred = exec->cred,
        .dumpable = !exec->secure,
        .comm = base_name(exec->path),
        .entry = exec->interp_file == NULL ? exec->image.base + exec->plan.entry
                                           : exec->interp.base + exec->interp_plan.entry,
        .sp = exec->stack.sp,
        .arg_start = exec->stack.arg_start,
        .arg_end = exec->stack.arg_end,
        .env_start = exec->stack.env_start,
        .env_end = exec->stack.env_end,
        .stack_start = exec->stack.sp,
        .vdso = exec->vdso,
        .auxv = exec->auxv.pair,
        .nr_auxv = exec->auxv.nr,
    };

    error = exec_prepare(&image);
    if (error != 0) {
        return error;
    }
    exec_commit(&image, frame);
    if (exec->secure) {
        process_current()->personality &= ~(uint32_t)PER_CLEAR_ON_SETID;
    }
    exec->as = NULL;
    exec->file = NULL;
    exec->cred = NULL;
    return 0;
}

static int collect_user(struct exec *exec, const struct exec_request *request)
{
    struct arguments *arguments = &exec->arguments;
    int error = arguments_add_user(arguments, request->argv, &arguments->argc);

    if (error == 0 && arguments->argc == 0) {
        /* Programs count on a first argument. */
        error = arguments_add(arguments, "");
        arguments->argc = 1;
    }
    return error != 0 ? error : arguments_add_user(arguments, request->envp, &arguments->envc);
}

/* execveat(2), NOTES: how the program and an interpreter find a file named by a descriptor. */
static int name_descriptor(struct exec *exec, const struct exec_request *request)
{
    int cloexec = fd_get_cloexec(task_fds(), request->dirfd);
    size_t size = strlen(request->path) + sizeof("/dev/fd/2147483647/");

    if (cloexec < 0) {
        return cloexec;
    }
    exec->made_path = kmalloc(size);
    if (exec->made_path == NULL) {
        return -ENOMEM;
    }
    ksnprintf(exec->made_path, size, "/dev/fd/%d%s%s", request->dirfd,
              request->path[0] != '\0' ? "/" : "", request->path);
    exec->path = exec->made_path;
    exec->path_closes = cloexec != 0;
    return 0;
}

static int open_requested(const struct exec_request *request, struct file **out)
{
    struct file *at = NULL;

    if (request->dirfd != AT_FDCWD && request->path[0] != '/') {
        at = fd_get_raw(task_fds(), request->dirfd);
        if (at == NULL) {
            return -EBADF;
        }
    }
    int error = open_program(at, request->path, (uint32_t)request->flags, out);

    if (at != NULL) {
        file_put(at);
    }
    return error;
}

/* Too large for the stack together with its callees' buffers. */
static struct exec *exec_create(const char *path)
{
    struct exec *exec = kzalloc(sizeof(*exec));

    if (exec != NULL) {
        exec->path = path;
        arguments_init(&exec->arguments, rlimit_get(RLIMIT_STACK));
    }
    return exec;
}

int exec_user(const struct exec_request *request, struct trap_frame *frame)
{
    struct exec *exec = exec_create(request->path);

    if (exec == NULL) {
        return -ENOMEM;
    }
    int error = collect_user(exec, request);

    if (error == 0) {
        error = open_requested(request, &exec->file);
    }
    if (error == 0 && request->dirfd != AT_FDCWD && request->path[0] != '/') {
        error = name_descriptor(exec, request);
    }
    if (error == 0) {
        error = run(exec, frame);
    }
    release(exec);
    kfree(exec);
    return error;
}

static int collect_kernel(struct exec *exec, const char *const argv[], const char *const envp[])
{
    struct arguments *arguments = &exec->arguments;
    int error = 0;

    for (unsigned i = 0; error == 0 && argv[i] != NULL; i++) {
        error = arguments_add(arguments, argv[i]);
        arguments->argc++;
    }
    for (unsigned i = 0; error == 0 && envp[i] != NULL; i++) {
        error = arguments_add(arguments, envp[i]);
        arguments->envc++;
    }
    return error;
}

int exec_init(const char *path, const char *const argv[], const char *const envp[])
{
    struct trap_frame *frame = hal_stack_frame(task_current()->stack);
    struct exec *exec;

    vdso_init();
    exec = exec_create(path);
    if (exec == NULL) {
        return -ENOMEM;
    }
    int error = collect_kernel(exec, argv, envp);

    if (error == 0) {
        error = open_program(NULL, path, 0, &exec->file);
    }
    if (error == 0) {
        error = run(exec, frame);
    }
    release(exec);
    kfree(exec);
    if (error != 0) {
        return error;
    }
    cpu_irq_disable();
    hal_enter_user(frame);
}
