/* Reads the LDT selector in user mode: #GP, so SIGSEGV, where UMIP is on (SDM 3A 2.5, CR4.UMIP). */
#include "test.h"

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    unsigned long selector;

    (void)argc;
    (void)argv;
    (void)envp;
    (void)auxv;
    __asm__ volatile("sldt %0" : "=r"(selector));
    return 0;
}
