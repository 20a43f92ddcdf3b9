# One toolchain file for all targets: QUOIN_ARCH is aarch64, x86_64 or sim (the host),
# QUOIN_COMPILER is gcc or clang. Debian names native and cross tools alike
# (<arch>-linux-gnu-gcc), so the host's own architecture needs no special case.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES QUOIN_ARCH QUOIN_COMPILER)

if(QUOIN_ARCH STREQUAL "sim")
    set(CMAKE_C_COMPILER ${QUOIN_COMPILER})
    return()
endif()

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR ${QUOIN_ARCH})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(QUOIN_TRIPLE ${QUOIN_ARCH}-linux-gnu)

if(QUOIN_COMPILER STREQUAL "clang")
    set(CMAKE_C_COMPILER clang)
    set(CMAKE_C_COMPILER_TARGET ${QUOIN_TRIPLE})
    set(CMAKE_ASM_COMPILER clang)
    set(CMAKE_ASM_COMPILER_TARGET ${QUOIN_TRIPLE})
else()
    set(CMAKE_C_COMPILER ${QUOIN_TRIPLE}-gcc)
    set(CMAKE_ASM_COMPILER ${QUOIN_TRIPLE}-gcc)
endif()
set(CMAKE_AR ${QUOIN_TRIPLE}-ar)
set(CMAKE_RANLIB ${QUOIN_TRIPLE}-ranlib)
set(CMAKE_NM ${QUOIN_TRIPLE}-nm)
set(CMAKE_OBJCOPY ${QUOIN_TRIPLE}-objcopy)
set(CMAKE_LINKER ${QUOIN_TRIPLE}-ld)
