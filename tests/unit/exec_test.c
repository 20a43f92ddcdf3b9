/*
 * execve(2) on the host: loader/ over the file system's core and the simulated machine, with the
 * tasks' part (sched/) stood in for here. Programs are small ELF files made by hand; every allocation
 * of a successful execve is made to fail once, after which nothing has changed and nothing is lost.
 */
#include <hal/context.h>

#include "tests/unit/fs_test.h"

#include <arch/cpu.h>
#include <asm/mman.h>
#include <linux/elf.h>
#include <linux/mount.h>
#include <linux/personality.h>

#include "kernel/random.h"
#include "loader/arguments.h"
#include "loader/exec.h"
#include "loader/vdso.h"
#include "sched/exec_commit.h"
#include "sched/rlimit.h"
#include "sched/task.h"
#include "tests/free_frames.h"

#define ARGS 0x10000000ull

static struct process process;
static struct task task = {.process = &process};
static struct exec_image committed;
static uint64_t committed_auxv[PROCESS_AUXV_MAX][2];
static uint64_t stack_limit = MIB(8);
static int prepare_error;

uint64_t rlimit_get(unsigned resource)
{
    return resource == RLIMIT_STACK ? stack_limit : UINT64_MAX;
}

uint64_t random_u64(void)
{
    return 0x123456789abcdefull;
}

void random_bytes(void *out, size_t len)
{
    memset(out, 0x77, len);
}

uint64_t hal_hwcap(void)
{
    return 1;
}

uint64_t hal_hwcap2(void)
{
    return 2;
}

void vdso_init(void)
{
}

int vdso_map(struct address_space *as, vaddr_t *image)
{
    const struct as_map_request request = {.len = PAGE_SIZE, .prot = PROT_READ | PROT_EXEC,
                                           .max_prot = 5, .flags = AS_VDSO};

    return as_map(as, &request, image);
}

int exec_prepare(struct exec_image *image)
{
    (void)image;
    return frame_should_fail() ? -ENOMEM : prepare_error;
}

void exec_commit(struct exec_image *image, struct trap_frame *frame)
{
    committed = *image;
    memcpy(committed_auxv, image->auxv, image->nr_auxv * sizeof(committed_auxv[0]));
    committed.auxv = committed_auxv;
    frame_init_user(frame, image->entry, image->sp);
}

void hal_enter_user(struct trap_frame *frame)
{
    (void)frame;
    panic("user mode is not for the host");
}

/* A program: headers and contents in one page of the file, as far as the test fills them. */
static struct {
    Elf64_Ehdr header;
    Elf64_Phdr phdr[6];
    char interpreter[64];
    char text[64];
} elf;

static void begin_elf(uint16_t type)
{
    memset(&elf, 0, sizeof(elf));
    memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
    elf.header.e_ident[EI_CLASS] = ELFCLASS64;
    elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.header.e_type = type;
    elf.header.e_machine = HAL_ELF_MACHINE;
    elf.header.e_phoff = offsetof(typeof(elf), phdr);
    elf.header.e_phentsize = sizeof(Elf64_Phdr);
    elf.header.e_entry = type == ET_EXEC ? 0x400100 : 0x100;
    memcpy(elf.text, "text", 5);
}

static void add_phdr(uint32_t type, uint32_t flags, vaddr_t va, uint64_t offset, uint64_t file_size,
                     uint64_t mem_size)
{
    elf.phdr[elf.header.e_phnum++] = (Elf64_Phdr){.p_type = type, .p_flags = flags, .p_vaddr = va,
                                                  .p_offset = offset, .p_filesz = file_size,
                                                  .p_memsz = mem_size, .p_align = PAGE_SIZE};
}

static void write_elf(const char *name, uint32_t mode)
{
    struct file *file;

    (void)!do_unlink(name);
    is(do_open(name, O_WRONLY | O_CREAT | O_TRUNC, mode, &file), 0);
    is(put(file, &elf, sizeof(elf)), sizeof(elf));
    file_put(file);
}

static void make_programs(void)
{
    vaddr_t base = 0x400000;

    begin_elf(ET_EXEC);
    add_phdr(PT_LOAD, PF_R | PF_X, base, 0, sizeof(elf), sizeof(elf));
    add_phdr(PT_LOAD, PF_R | PF_W, base + 0x2000, 0, sizeof(elf), 0x3000);
    add_phdr(PT_LOAD, PF_R | PF_W, base + 0x8000, 0, 0, 0x1000);
    write_elf("/static", 0755);
    write_elf("/setuid", 0755);
    write_elf("/data", 0644);
    begin_elf(ET_DYN);
    add_phdr(PT_LOAD, PF_R | PF_X, 0, 0, sizeof(elf), sizeof(elf));
    elf.phdr[0].p_align = 0x200000;
    write_elf("/ld.so", 0755);
    add_phdr(PT_INTERP, PF_R, 0, offsetof(typeof(elf), interpreter), 7, 7);
    add_phdr(PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
    strlcpy(elf.interpreter, "/ld.so", sizeof(elf.interpreter));
    write_elf("/dynamic", 0755);
    strlcpy(elf.interpreter, "/none.", sizeof(elf.interpreter));
    write_elf("/no-interpreter", 0755);
    strlcpy(elf.interpreter, "/junk.", sizeof(elf.interpreter));
    write_elf("/bad-interpreter", 0755);
    elf.phdr[1].p_filesz = 6;
    write_elf("/no-nul", 0755);
    elf.phdr[1].p_filesz = 300;
    write_elf("/long-interpreter", 0755);
    elf.phdr[1].p_filesz = 7;
    elf.phdr[1].p_offset = INT64_MAX;
    write_elf("/far-interpreter", 0755);
    elf.phdr[1].p_offset = 0x100000;
    write_elf("/cut-interpreter", 0755);
    begin_elf(ET_EXEC);
    add_phdr(PT_LOAD, PF_R | PF_X, 0x400000, 0, sizeof(elf), sizeof(elf));
    elf.header.e_phoff = INT64_MAX;
    write_elf("/far-headers", 0755);
    elf.header.e_phoff = 0x100000;
    write_elf("/cut-headers", 0755);
    elf.header.e_phoff = offsetof(typeof(elf), phdr);
    elf.phdr[0].p_memsz = 1;
    write_elf("/bad-segment", 0755);
    elf.phdr[0].p_memsz = elf.phdr[0].p_filesz;
    elf.phdr[0].p_vaddr = 0x1000;
    write_elf("/low", 0755);
    begin_elf(ET_EXEC);
    add_phdr(PT_LOAD, PF_R | PF_W, USER_VA_END - 0x10000, 0, 0, 0x10000 - 1);
    write_elf("/over-stack", 0755);
    is(make_file("/junk.", "no program"), 0);
    is(make_file("/short", "\177ELF"), 0);
    is(make_file("/script", "#! /static -x y \n"), 0);
    is(make_file("/script2", "#!/script\n"), 0);
    is(make_file("/loop", "#!/loop\n"), 0);
    is(make_file("/empty-script", "#!  \n"), 0);
    is(make_file("/lost-script", "#!/none\n"), 0);
    static const char *const runnable[] = {"/junk.", "/short", "/script", "/script2", "/loop",
                                           "/empty-script", "/lost-script"};

    for (unsigned i = 0; i < ARRAY_SIZE(runnable); i++) {
        struct path_at where = at_root(runnable[i]);

        is(vfs_chmod(&where, 0755, 0), 0);
    }
    struct path_at where = at_root("/setuid");

    is(vfs_chown(&where, 1000, 1000, 0), 0);
    is(vfs_chmod(&where, 06755, 0), 0);
}

/* The strings of a NULL-ended array into user memory; returns the array. */
static vaddr_t user_array(vaddr_t at, const char *const strings[])
{
    uint64_t pointers[16];
    vaddr_t text = at + sizeof(pointers);
    unsigned n = 0;

    for (; strings[n] != NULL; n++) {
        pointers[n] = text;
        is(as_copy_out(task.as, text, strings[n], strlen(strings[n]) + 1), 0);
        text += strlen(strings[n]) + 1;
    }
    pointers[n] = 0;
    is(as_copy_out(task.as, at, pointers, (n + 1) * 8), 0);
    return at;
}

static struct trap_frame frame;

static int run_program(const char *path, vaddr_t argv, vaddr_t envp)
{
    const struct exec_request request = {.dirfd = AT_FDCWD, .path = path, .argv = argv,
                                         .envp = envp};

    return exec_user(&request, &frame);
}

static void release(void)
{
    as_put(committed.as);
    file_put(committed.file);
    if (committed.cred != NULL) {
        cred_put(committed.cred);
    }
    memset(&committed, 0, sizeof(committed));
}

/* argv[i] as the new program finds it. */
static bool argument_is(unsigned i, const char *text)
{
    char got[256];
    vaddr_t pointer;

    return as_copy_in(committed.as, &pointer, committed.sp + 8 + i * 8, 8) == 0 &&
           as_copy_in_string(committed.as, got, pointer, sizeof(got)) >= 0 && strcmp(got, text) == 0;
}

static uint64_t auxv_value(uint64_t type)
{
    for (unsigned i = 0; i < committed.nr_auxv; i++) {
        if (committed.auxv[i][0] == type) {
            return committed.auxv[i][1];
        }
    }
    return UINT64_MAX;
}

static void test_static(vaddr_t argv, vaddr_t envp)
{
    uint64_t argc = 0;
    char text[8];
    uint8_t zero[16];

    is(run_program("/static", argv, envp), 0);
    tap_ok(frame_pc(&frame) == 0x400100 && frame_sp(&frame) == committed.sp &&
               committed.sp % 16 == 0, "entry and stack pointer");
    is(as_copy_in(committed.as, &argc, committed.sp, 8), 0);
    is(argc, 2);
    tap_ok(argument_is(0, "zero") && argument_is(1, "one") && argument_is(3, "A=B"),
           "arguments and environment");
    is(as_copy_in(committed.as, text, 0x400000 + offsetof(typeof(elf), text), 5), 0);
    tap_ok(strcmp(text, "text") == 0, "the file's bytes are there");
    is(as_copy_in(committed.as, zero, 0x402000 + sizeof(elf), 16), 0);
    tap_ok(zero[0] == 0 && zero[15] == 0, "behind them zeros");
    is(as_copy_in(committed.as, zero, 0x408000, 16), 0);
    is(as_copy_out(committed.as, 0x400000, zero, 1), -EFAULT);
    is(as_copy_in(committed.as, zero, 0x410000, 1), -EFAULT);
    tap_ok(strcmp(committed.comm, "static") == 0 && committed.dumpable, "name, dumpable");
    release();
    process.personality = ADDR_NO_RANDOMIZE;
    is(run_program("/static", argv, 0), 0);
    release();
    process.personality = 0;
    is(run_program("/static", 0, 0), 0); /* an empty first argument is made */
    tap_ok(argument_is(0, ""), "no arguments");
    release();
    prepare_error = -EAGAIN;
    is(run_program("/static", argv, envp), -EAGAIN);
    prepare_error = 0;
}

static void test_others(vaddr_t argv, vaddr_t envp)
{
    static const struct {
        const char *path;
        int error;
    } broken[] = {
        {"/none", -ENOENT}, {"/data", -EACCES}, {"/", -EACCES}, {"/junk.", -ENOEXEC},
        {"/short", -ENOEXEC}, {"/no-interpreter", -ENOENT}, {"/bad-interpreter", -ELIBBAD},
        {"/no-nul", -ENOEXEC}, {"/long-interpreter", -ENOEXEC}, {"/loop", -ELOOP},
        {"/empty-script", -ENOEXEC}, {"/lost-script", -ENOENT}, {"/bad-segment", -EINVAL},
        {"/low", -EPERM},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
        int error = run_program(broken[i].path, argv, envp);

        tap_ok(error == broken[i].error, "%s: %d (got %d)", broken[i].path, broken[i].error, error);
    }
    tap_ok(run_program("/far-interpreter", argv, envp) < 0, "an interpreter's name past the file");
    tap_ok(run_program("/cut-interpreter", argv, envp) < 0, "an interpreter's name that is cut");
    tap_ok(run_program("/far-headers", argv, envp) < 0, "headers past every file");
    tap_ok(run_program("/cut-headers", argv, envp) < 0, "headers past this file");
    is(run_program("/dynamic", argv, envp), 0);
    tap_ok(frame_pc(&frame) == auxv_value(7) + 0x100, "it begins in its interpreter");
    release();
    is(run_program("/script", argv, envp), 0);
    tap_ok(argument_is(0, "/static") && argument_is(1, "-x y") && argument_is(2, "/script") &&
               argument_is(3, "one"), "a script's words");
    release();
    is(run_program("/script2", argv, envp), 0);
    tap_ok(argument_is(0, "/static") && argument_is(1, "-x y") && argument_is(2, "/script") &&
               argument_is(3, "/script2") && argument_is(4, "one"), "a script's script's words");
    release();
}

static void test_credentials(vaddr_t argv, vaddr_t envp)
{
    process.personality = ADDR_NO_RANDOMIZE;
    is(run_program("/setuid", argv, envp), 0);
    tap_ok(committed.cred->euid == 1000 && committed.cred->egid == 1000 && !committed.dumpable &&
               committed.cred->cap_effective == 0, "set-user-ID and set-group-ID");
    is(auxv_value(23), 1);
    is(process.personality & ADDR_NO_RANDOMIZE, 0);
    release();
    task.no_new_privs = true;
    is(run_program("/setuid", argv, envp), 0);
    is(committed.cred->euid, 0);
    release();
    task.no_new_privs = false;
    task.cred = user_cred;
    is(run_program("/static", argv, envp), 0);
    tap_ok(committed.cred->cap_permitted == 0, "a user has no capabilities");
    release();
    task.cred = root_cred;
}

static void test_arguments(vaddr_t argv)
{
    static char long_text[ARGUMENT_LEN_MAX + 16];
    const struct as_map_request request = {.addr = ARGS + MIB(16), .len = MIB(1), .prot = 3,
                                           .max_prot = 7, .flags = AS_FIXED};
    const char *const one[] = {"x", NULL};
    vaddr_t at, bad;

    is(as_map(task.as, &request, &at), 0);
    is(run_program("/static", 0x1000, 0), -EFAULT);
    bad = user_array(ARGS + 8192, one);
    uint64_t nowhere[2] = {0x5000, 0};

    is(as_copy_out(task.as, bad, nowhere, sizeof(nowhere)), 0);
    is(run_program("/static", bad, 0), -EFAULT);
    is(run_program("/static", argv, bad), -EFAULT);
    memset(long_text, 'a', sizeof(long_text));
    is(as_copy_out(task.as, at, long_text, sizeof(long_text)), 0);
    nowhere[0] = at;
    is(as_copy_out(task.as, bad, nowhere, sizeof(nowhere)), 0);
    is(run_program("/static", bad, 0), -E2BIG);
    is(as_copy_out(task.as, at + ARGUMENT_LEN_MAX - 1, "", 1), 0);
    is(run_program("/static", bad, 0), 0);
    release();
    for (unsigned i = 0; i < 64; i++) { /* together they are too much */
        uint64_t pointers[2] = {at, 0};

        is(as_copy_out(task.as, ARGS + 16384 + i * 8, pointers, sizeof(pointers)), 0);
    }
    is(run_program("/static", ARGS + 16384, 0), -E2BIG);
    stack_limit = KIB(64);
    is(run_program("/static", argv, 0), 0);
    release();
    stack_limit = UINT64_MAX;
    is(run_program("/static", argv, 0), 0);
    release();
    stack_limit = MIB(8);
}

static void test_at(vaddr_t argv)
{
    struct exec_request request = {.dirfd = 0, .path = "static", .argv = argv};
    struct file *root, *file;

    is(do_open("/", O_RDONLY | O_DIRECTORY, 0, &root), 0);
    is(do_open("/static", O_RDONLY, 0, &file), 0);
    is(fd_install(task.fds, root, 0, 64, false), 0);
    is(fd_install(task.fds, file, 0, 64, false), 1);
    is(exec_user(&request, &frame), 0);
    release();
    request.dirfd = 5;
    is(exec_user(&request, &frame), -EBADF);
    request = (struct exec_request){.dirfd = 1, .path = "", .flags = AT_EMPTY_PATH, .argv = argv};
    is(exec_user(&request, &frame), 0);
    release();
}

/* pid 1's way in, as far as it goes without user mode: errors come back. */
static void test_init(void)
{
    static char stack[KERNEL_STACK_SIZE] __attribute__((aligned(64)));
    static const char *const argv[] = {"init", NULL}, *const envp[] = {"HOME=/", NULL};

    task.stack = stack;
    is(exec_init("/none", argv, envp), -ENOENT);
    is(exec_init("/junk.", argv, envp), -ENOEXEC);
    frame_fail_nth(1);
    is(exec_init("/static", argv, envp), -ENOMEM);
    frame_fail_nth(2);
    is(exec_init("/static", argv, envp), -ENOMEM);
    frame_fail_nth(0);
}

/* Every allocation of a success fails once. */
static void test_failures(const char *path, vaddr_t argv, vaddr_t envp)
{
    unsigned nr = 0, wrong = 0, lost = 0;
    uint64_t before = free_frames();
    int error;

    for (uint64_t n = 1; n < 500; n++) {
        frame_fail_nth(n);
        error = run_program(path, argv, envp);
        frame_fail_nth(0);
        if (error == 0) {
            break;
        }
        nr++;
        wrong += error != -ENOMEM && error != -EFAULT && error != -EINTR;
        lost += free_frames() != before;
    }
    tap_ok(error == 0 && nr > 10 && wrong == 0, "%s: %u failures, each for want of memory (%u others)", path, nr,
           wrong);
    tap_ok(lost == 0, "%s: none loses a frame (%u did)", path, lost);
    release();
}

int main(void)
{
    static const char *const argv_text[] = {"zero", "one", NULL}, *const envp_text[] = {"A=B", NULL};
    const struct as_map_request request = {.addr = ARGS, .len = MIB(1), .prot = 3, .max_prot = 7,
                                           .flags = AS_FIXED};
    vaddr_t at;

    fs_start();
    root_cred->cap_bounding = ~0ull;
    cpu_self()->current = &task;
    task.cred = root_cred;
    task.fs = ctx;
    task.fds = fd_table_create();
    is(as_create(&task.as), 0);
    is(as_map(task.as, &request, &at), 0);
    make_programs();
    vaddr_t argv = user_array(ARGS, argv_text), envp = user_array(ARGS + 4096, envp_text);

    test_static(argv, envp);
    test_others(argv, envp);
    test_credentials(argv, envp);
    test_arguments(argv);
    test_at(argv);
    test_init();
    test_failures("/static", argv, envp);
    test_failures("/dynamic", argv, envp);
    test_failures("/script2", argv, envp);
    return tap_done();
}
