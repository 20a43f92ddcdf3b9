/*
 * Hostile ELF files: a small good program is bent in one place, written to /tmp and executed.
 * Prints `case = errno N`, `= killed N` or `= exit N`; the runner compares with Linux's answers
 * (expected/ARCH/elf.txt), where a refusal is as good as a death after the point of no return.
 */

#include <linux/elf.h>

#include "test.h"

#define FILE_LEN 0x1200UL
#define BASE 0x400000UL
#define DATA 0x410000UL
#define CODE_OFF 0x200UL
#define PATH "/tmp/elf.case"

static unsigned char image[0x3000];
static Elf64_Ehdr *eh = (Elf64_Ehdr *)(void *)image;
static Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(image + sizeof(Elf64_Ehdr));
static size_t image_len;
static volatile long *shared;

/* exit_group(42) */
#if ARCH_IS_X86
static const unsigned char code[] = { 0xb8, 0xe7, 0, 0, 0, 0xbf, 0x2a, 0, 0, 0, 0x0f, 0x05 };
#else
static const uint32_t code[] = { 0xd2800bc8, 0xd2800540, 0xd4000001 };
#endif

/* A good file: text from offset 0, data with bss from offset 0x1000. */
static void good(void)
{
    memset(image, 0, sizeof(image));
    memcpy(eh->e_ident, "\177ELF\2\1\1", 7);
    eh->e_type = ET_EXEC;
    eh->e_machine = ELF_MACHINE_SELF;
    eh->e_version = 1;
    eh->e_entry = BASE + CODE_OFF;
    eh->e_phoff = sizeof(*eh);
    eh->e_ehsize = sizeof(*eh);
    eh->e_phentsize = sizeof(*ph);
    eh->e_phnum = 2;
    ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0, .p_vaddr = BASE,
                          .p_paddr = BASE, .p_filesz = 0x800, .p_memsz = 0x800, .p_align = 0x1000 };
    ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x1000,
                          .p_vaddr = DATA, .p_paddr = DATA, .p_filesz = 0x200, .p_memsz = 0x3000,
                          .p_align = 0x1000 };
    memcpy(image + CODE_OFF, code, sizeof(code));
    image_len = FILE_LEN;
}

static int run_body(void *arg)
{
    char *argv[] = { (char *)PATH, NULL };

    (void)arg;
    shared[0] = sys(execve, PATH, argv, 0);
    return 0;
}

static void run(const char *name)
{
    int r;

    sys(unlinkat, AT_FDCWD, PATH, 0);
    file_write(PATH, image, image_len);
    sys(fchmodat, AT_FDCWD, PATH, 0755);
    shared[0] = 0;
    r = child_result(run_body, 0);
    if (shared[0] < 0)
        print("%s = errno %ld\n", name, -shared[0]);
    else if (r >= 256)
        print("%s = killed %d\n", name, r - 256);
    else
        print("%s = exit %d\n", name, r);
    good();
}

/* A size that Linux refuses or not by how much memory there is: any clean end is right. */
static void run_large(const char *name, size_t n)
{
    char text[64];
    int r;

    sys(unlinkat, AT_FDCWD, PATH, 0);
    file_write(PATH, image, image_len);
    sys(fchmodat, AT_FDCWD, PATH, 0755);
    shared[0] = 0;
    r = child_result(run_body, 0);
    text_format(text, sizeof(text), "%s_large_%lu", name, n);
    test_ok(shared[0] < 0 || r == 42 || r == KILLED(SIGSEGV) || r == KILLED(SIGKILL), text,
            "errno %ld, result %d", -shared[0], r);
    good();
}

static void run_numbered(const char *name, size_t n)
{
    char text[64];

    text_format(text, sizeof(text), "%s_%lu", name, n);
    run(text);
}

static void test_header(void)
{
    static const size_t cuts[] = { 0, 1, 3, 4, 5, 16, 20, 32, 54, 63, 64, 65, 100, 119, 120, 121, 175,
                                   176, 177, 0x1ff, 0x200, 0x206, 0x300, 0xfff, 0x1000, 0x1100 };
    static const struct {
        const char *name;
        unsigned value;
    } types[] = { { "none", 0 }, { "rel", 1 }, { "core", 4 }, { "os", 0xfe00 }, { "max", 0xffff } };
    size_t i;

    run("good");
    for (i = 0; i < ARRAY_LEN(cuts); i++) {
        image_len = cuts[i];
        run_numbered("cut", cuts[i]);
    }
    for (i = 0; i < 4; i++) {
        image[i] ^= 0x20;
        run_numbered("magic", i);
    }
    image[EI_CLASS] = 1;
    run("class32");
    image[EI_CLASS] = 9;
    run("class9");
    image[EI_DATA] = 2;
    run("big_endian");
    image[EI_VERSION] = 7;
    run("ident_version");
    eh->e_version = 0;
    run("version0");
    for (i = 0; i < ARRAY_LEN(types); i++) {
        char name[32];

        eh->e_type = (unsigned short)types[i].value;
        text_format(name, sizeof(name), "type_%s", types[i].name);
        run(name);
    }
    eh->e_machine = ELF_MACHINE_OTHER;
    run("machine_other");
    eh->e_machine = 0;
    run("machine_none");
    eh->e_ehsize = 0;
    run("ehsize0");
    eh->e_phentsize = 0;
    run("phentsize0");
    eh->e_phentsize = 32;
    run("phentsize32");
    eh->e_phentsize = 0xffff;
    run("phentsize_max");
    eh->e_phnum = 0;
    run("phnum0");
    eh->e_phnum = 0xffff;
    run("phnum_max");
    eh->e_phnum = 1000;
    run("phnum1000");
    eh->e_phnum = 1171;
    run("phnum_over_64k");
    eh->e_phoff = 0;
    run("phoff0");
    eh->e_phoff = 0x10000;
    run("phoff_beyond");
    eh->e_phoff = FILE_LEN - 8;
    run("phoff_cut");
    eh->e_phoff = ~0UL;
    run("phoff_max");
    eh->e_phoff = 1UL << 63;
    run("phoff_negative");
    eh->e_phoff = ~0UL - 55;
    run("phoff_wrap");
    memmove(image + 0x701, ph, 2 * sizeof(*ph));
    eh->e_phoff = 0x701;
    run("phoff_odd");
    eh->e_shoff = ~0UL;
    eh->e_shnum = 0xffff;
    run("shoff_junk");
    eh->e_flags = ~0U;
    run("flags_junk");
}

static void test_entry(void)
{
    static const struct {
        const char *name;
        unsigned long at;
    } entries[] = {
        { "zero", 0 },
        { "data", DATA },
        { "outside", 0x500000 },
        { "kernel", 0xffffffff80000000UL },
        { "direct", 0xffff800000000000UL },
        { "noncanonical", 0x800000000000UL },
        { "max", ~0UL },
        { "user_top", USER_TOP - 1 },
        { "page_end", BASE + 0xfff },
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(entries); i++) {
        char name[32];

        eh->e_entry = entries[i].at;
        text_format(name, sizeof(name), "entry_%s", entries[i].name);
        run(name);
    }
#if !ARCH_IS_X86
    eh->e_entry += 2;
    run("entry_odd");
#endif
}

static void test_segment(void)
{
    static const unsigned long places[] = { 0, 0x1000, 0x8000, 0xffffffff80000000UL,
                                            0xffff800000000000UL, 0x800000000000UL, ~0xfffUL,
                                            1UL << 63, USER_TOP, USER_TOP - 0x800 };
    static const unsigned long sizes[] = { 0, 1, 0x1ff, 0x1000, USER_TOP, 1UL << 63, ~0UL,
                                           ~0UL - 0xfff, ~0UL - DATA };
    static const unsigned long larges[] = { 1UL << 30, 1UL << 40, 1UL << 46, USER_TOP - DATA };
    static const unsigned long offsets[] = { 1, 0x800, 0x1001, 0x2000, 0x100000, 1UL << 40,
                                             1UL << 62, 1UL << 63, ~0UL, ~0xfffUL };
    size_t i;

    for (i = 0; i < ARRAY_LEN(places); i++) {
        ph[1].p_vaddr = places[i];
        run_numbered("data_vaddr", i);
        ph[0].p_vaddr = places[i];
        run_numbered("text_vaddr", i);
    }
    for (i = 0; i < ARRAY_LEN(larges); i++) {
        ph[1].p_memsz = larges[i];
        run_large("memsz", i);
        ph[1].p_filesz = ph[1].p_memsz = larges[i];
        run_large("bothsz", i);
    }
    for (i = 0; i < ARRAY_LEN(sizes); i++) {
        ph[1].p_memsz = sizes[i];
        run_numbered("memsz", i);
        ph[1].p_filesz = sizes[i];
        run_numbered("filesz", i);
        ph[1].p_filesz = ph[1].p_memsz = sizes[i];
        run_numbered("bothsz", i);
    }
    for (i = 0; i < ARRAY_LEN(offsets); i++) {
        ph[1].p_offset = offsets[i];
        run_numbered("offset", i);
        ph[1].p_offset = offsets[i];
        ph[1].p_vaddr = DATA + (offsets[i] & 0xfff);
        run_numbered("offset_congruent", i);
    }
    for (i = 0; i < 8; i++) {
        ph[1].p_flags = (unsigned)i;
        run_numbered("data_flags", i);
        ph[0].p_flags = (unsigned)i;
        run_numbered("text_flags", i);
    }
    ph[0].p_flags = ~0U;
    run("text_flags_junk");
    for (i = 0; i < 7; i++) {
        static const unsigned long aligns[] = { 0, 1, 3, 0x800, 0x10000, 1UL << 40, ~0UL };

        ph[1].p_align = aligns[i];
        run_numbered("align", i);
    }
    /* Data in the page of the text: the data's rights win there, the text goes on (scenario 15). */
    ph[1].p_vaddr = BASE + 0xa00;
    ph[1].p_offset = 0xa00;
    ph[1].p_memsz = ph[1].p_filesz = 0x100;
    run("same_page");
    ph[1].p_vaddr = BASE;
    ph[1].p_offset = 0;
    ph[1].p_filesz = ph[1].p_memsz = 0x800;
    run("overlap_full");
    ph[1].p_vaddr = BASE + 0x1000;
    run("adjacent");
    ph[0].p_memsz = 0x20000;
    run("text_bss_over_data");
    ph[0].p_memsz = 0x2000;
    run("text_bss");
    ph[1].p_flags = PF_R;
    run("read_only_bss");
    {
        Elf64_Phdr first = ph[0];

        ph[0] = ph[1];
        ph[1] = first;
        run("descending");
    }
    ph[0].p_type = PT_NULL;
    run("no_text");
    ph[0].p_type = ph[1].p_type = PT_NULL;
    run("no_load");
    ph[1].p_type = PT_TLS;
    ph[1].p_memsz = ~0UL;
    run("tls_junk");
    ph[1].p_type = PT_NOTE;
    ph[1].p_offset = ~0UL;
    run("note_junk");
    ph[1].p_type = PT_PHDR;
    ph[1].p_vaddr = ~0UL;
    run("phdr_junk");
    ph[1].p_type = PT_DYNAMIC;
    ph[1].p_vaddr = ~0UL;
    run("dynamic_junk");
    ph[1].p_type = PT_GNU_STACK;
    ph[1].p_flags = PF_R | PF_W | PF_X;
    run("exec_stack");
    ph[1].p_type = 0x60000123;
    run("os_type");
}

static void interp(const char *name, const char *path, size_t size, unsigned long offset)
{
    memcpy(image + 0x600, path, strlen(path) + 1);
    ph[1] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_flags = PF_R, .p_offset = offset, .p_filesz = size,
                          .p_memsz = size, .p_align = 1 };
    run(name);
}

static void test_interp(void)
{
    interp("interp_missing", "/tmp/none", 10, 0x600);
    interp("interp_unterminated", "/tmp/nonexx", 10, 0x600);
    interp("interp_empty", "", 1, 0x600);
    interp("interp_size0", "/tmp/none", 0, 0x600);
    interp("interp_size1", "/tmp/none", 1, 0x600);
    interp("interp_too_long", "/tmp/none", 4097, 0x600);
    interp("interp_size_max", "/tmp/none", ~0UL, 0x600);
    interp("interp_beyond", "/tmp/none", 10, 0x100000);
    interp("interp_wrap", "/tmp/none", 10, ~0UL - 4);
    interp("interp_directory", "/tmp", 5, 0x600);
    interp("interp_not_elf", "/etc/passwd", 12, 0x600);
    interp("interp_self", PATH, sizeof(PATH), 0x600);
}

static void test_dyn(void)
{
    size_t i;
    static const unsigned long places[] = { 0, 0x1000, 0x7fffffff0000UL, 0xffffffff80000000UL,
                                            ~0xfffUL };

    for (i = 0; i < ARRAY_LEN(places); i++) {
        eh->e_type = ET_DYN;
        eh->e_entry = places[i] + CODE_OFF;
        ph[0].p_vaddr = places[i];
        ph[1].p_vaddr = places[i] + 0x10000;
        run_numbered("dyn_vaddr", i);
    }
    for (i = 0; i < 4; i++) {
        static const unsigned long spans[] = { 1UL << 30, 1UL << 46, 1UL << 47, ~0xfffUL - 0x20000 };

        eh->e_type = ET_DYN;
        eh->e_entry = CODE_OFF;
        ph[0].p_vaddr = 0;
        ph[1].p_vaddr = spans[i];
        run_numbered("dyn_span", i);
    }
    for (i = 0; i < 4; i++) {
        static const unsigned long aligns[] = { 0x10000, 0x200000, 3, 1UL << 50 };

        eh->e_type = ET_DYN;
        eh->e_entry = CODE_OFF;
        ph[0].p_vaddr = 0;
        ph[1].p_vaddr = 0x10000;
        ph[0].p_align = ph[1].p_align = aligns[i];
        run_numbered("dyn_align", i);
    }
    eh->e_type = ET_DYN;
    eh->e_entry = ~0UL;
    ph[0].p_vaddr = 0;
    ph[1].p_vaddr = 0x10000;
    run("dyn_entry_max");
}

/* Random bytes in the headers: whatever comes, the machine lives and the good file still runs. */
static void test_random(void)
{
    uint64_t x = 88172645463325252UL;
    int i, k, lived = 0;

    for (i = 0; i < 300; i++) {
        long pid;

        for (k = 0; k < 1 + i % 6; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            image[x % 176] = (unsigned char)(x >> 32);
        }
        sys(unlinkat, AT_FDCWD, PATH, 0);
        file_write(PATH, image, image_len);
        sys(fchmodat, AT_FDCWD, PATH, 0755);
        pid = fork_child(run_body, 0);
        sleep_ms(1);
        sys(kill, pid, SIGKILL);
        wait_status(pid);
        lived++;
        good();
    }
    EQ("random", lived, 300);
    run("good_after_random");
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    struct rlimit64 no_core = { 0, 0 };

    (void)argc;
    (void)argv;
    (void)envp;
    (void)auxv;
    sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    shared = (volatile long *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                                  -1, 0);
    good();
    test_header();
    test_entry();
    test_segment();
    test_interp();
    test_dyn();
    test_random();
    return test_end();
}
