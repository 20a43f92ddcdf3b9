/*
 * What the test programs share: result lines, child processes, threads, signals and small files.
 * A result is one line, `ok NAME` or `not ok NAME: detail`; test_end() gives the exit status.
 */
#pragma once

#include "sys.h"

/* Formatting: %s %c %d %ld %u %lu %x %lx %p, no widths. Returns the length; always terminates. */
size_t text_format(char *buf, size_t cap, const char *fmt, ...);
size_t text_vformat(char *buf, size_t cap, const char *fmt, va_list ap);
void print(const char *fmt, ...);

void test_ok(bool good, const char *name, const char *fmt, ...);
void test_equal(const char *name, long got, long want);
int test_end(void);
/* For programs that take group names as arguments: true if `name` was asked for (or nothing). */
bool test_wanted(int argc, char **argv, const char *name);

#define CHECK(name, cond) test_ok((cond), name, "line %d: %s", __LINE__, #cond)
#define EQ(name, got, want) test_equal(name, (long)(got), (long)(want))

/* Children. fork_child runs fn in a forked child, whose exit status is what fn returns. */
long fork_now(void);
long fork_child(int (*fn)(void *), void *arg);
int wait_status(long pid);
/* Status of fn in a child: 0..255 exit, 256 + signal when it was killed. */
int child_result(int (*fn)(void *), void *arg);
void wait_asleep(long pid); /* until the process sleeps or has ended */
#define KILLED(sig) (256 + (sig))

long thread_clone(unsigned long flags, void *stack_top, int *ptid, int *ctid, void *tls,
                  int (*fn)(void *), void *arg);
#define THREAD_FLAGS                                                                              \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID)
struct thread {
    int tid;      /* cleared and woken by the kernel at exit */
    void *stack;
};
#define THREAD_STACK (64 * 1024UL)
long thread_start(struct thread *t, int (*fn)(void *), void *arg);
void thread_join(struct thread *t);
/* For thread_start(): goes on with one thing for ever. */
enum { BUSY_SPIN, BUSY_FUTEX, BUSY_READ, BUSY_CALL, BUSY_SLEEP, BUSY_NAP, BUSY_FORK, BUSY_MAP,
       BUSY_WAYS };
NORETURN int busy(void *way);

/* Signals. sig_install uses SA_SIGINFO and the restorer where the machine needs one. */
long sig_install(int sig, void (*handler)(int, siginfo_t *, void *), unsigned long flags);
long sig_default(int sig);
long sig_ignore(int sig);
#define SIGBIT(sig) (1UL << ((sig)-1))
uint64_t sig_block(uint64_t set);
void sig_setmask(uint64_t set);

/* Memory and files. */
char *map_anon(size_t len, int prot);
long file_write(const char *path, const void *data, size_t len);
long file_read(const char *path, char *buf, size_t cap); /* terminates the text */
long open_rw(const char *path);                          /* create, read and write */
void sleep_ms(long ms);
uint64_t now_ns(void);
/* Sorts v. */
uint64_t median(uint64_t *v, unsigned n);

/*
 * Probes: does one access fault? Result 0, or signal | si_code << 8; the fault address is left in
 * probe_addr. Handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP are set by probe_init; a
 * fault outside a probe then ends the program as failed.
 */
void probe_init(void);
int probe_read(const volatile void *p);
int probe_write(volatile void *p);
int probe_exec(const void *p); /* calls p as void (*)(void) */
int probe_run(void (*fn)(void *), void *arg);
extern volatile unsigned long probe_addr, probe_pc;
#define FAULT(sig, code) ((sig) | (code) << 8)

extern unsigned long entry_regs[32];
extern unsigned long entry_sp;

/* Per architecture: register patterns (0 or the number of the register that changed). */
int regs_check(unsigned long seed, unsigned long loops);
void regs_clobber(void);
