# Build settings of x86_64: see cmake/QuoinKernel.cmake for what each variable means.
set(QUOIN_ARCH_FLAGS "")
set(QUOIN_ARCH_C_FLAGS -mcmodel=kernel -mno-red-zone -fcf-protection=none)
set(QUOIN_ARCH_LINK_FLAGS "")
