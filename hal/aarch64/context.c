/* First contents of kernel contexts and FP areas; see <hal/context.h>. */
#include <hal/context.h>

#include "kernel/string.h"

void context_start(void);

void hal_context_init(struct hal_context *ctx, void *stack_top, void (*entry)(void *arg), void *arg)
{
    *ctx = (struct hal_context){
        .x19 = {(uintptr_t)entry, (uintptr_t)arg},
        .pc = (uintptr_t)context_start,
        .sp = (uintptr_t)stack_top,
    };
}

void hal_fpu_init(struct hal_fpu *fpu)
{
    memset(fpu, 0, sizeof(*fpu));
}
