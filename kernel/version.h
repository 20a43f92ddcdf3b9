/* The versions that uname(2) and the boot line show. */
#pragma once

#define QUOIN_NAME "Quoin 0.2"
#define QUOIN_RELEASE "6.1.0-quoin"
#define QUOIN_VERSION "#1 SMP " QUOIN_NAME
