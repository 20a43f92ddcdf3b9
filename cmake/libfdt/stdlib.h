/* libfdt.h includes <stdlib.h> for strtoul(); the kernel's own header has it. */
#pragma once

#include "kernel/string.h"
