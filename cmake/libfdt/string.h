/* libfdt.h includes <string.h>; the kernel's own header has what it means. */
#pragma once

#include "kernel/string.h"
