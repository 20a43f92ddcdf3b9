/* Changing the running task's credential: cred_change.c and exec. */
#pragma once

#include "kernel/cred.h"

/* Does: makes `cred` the running task's; takes over the reference. */
void cred_publish(struct cred *cred);
