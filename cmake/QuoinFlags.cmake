# Flags that the kernel, the simulator and the user programs share.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_ASM_FLAGS_DEBUG "-g")
set(CMAKE_ASM_FLAGS_RELEASE "-g")

set(QUOIN_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Werror)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    list(APPEND QUOIN_WARNINGS -Wthread-safety)
endif()

# Target programs, kernel or user, are freestanding and static: ld itself links them, the same
# one for both compilers.
if(NOT QUOIN_ARCH STREQUAL "sim")
    set(CMAKE_C_LINK_EXECUTABLE "${CMAKE_LINKER} -nostdlib -static -z noexecstack --build-id=none \
<LINK_FLAGS> <OBJECTS> <LINK_LIBRARIES> -o <TARGET>")
endif()

# The host's paths must not show in the image, so that two checkouts build the same bytes.
set(QUOIN_COMMON_FLAGS -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# quoin_find_uapi(<arch> <out>): the folder where <linux/...> and <asm/...> of an architecture
# are, and nothing else: a kernel file that includes a libc header fails to compile.
function(quoin_find_uapi arch out)
    set(triple ${arch}-linux-gnu)
    if(EXISTS /usr/${triple}/include/linux/errno.h)
        set(common /usr/${triple}/include)
        set(asm ${common}/asm)
    elseif(EXISTS /usr/include/${triple}/asm/errno.h)
        set(common /usr/include)
        set(asm /usr/include/${triple}/asm)
    else()
        message(FATAL_ERROR "no Linux UAPI headers for ${arch}: run ci/setup")
    endif()
    set(dir ${PROJECT_BINARY_DIR}/uapi/${arch})
    file(MAKE_DIRECTORY ${dir})
    file(CREATE_LINK ${common}/linux ${dir}/linux SYMBOLIC)
    file(CREATE_LINK ${common}/asm-generic ${dir}/asm-generic SYMBOLIC)
    file(CREATE_LINK ${asm} ${dir}/asm SYMBOLIC)
    set(${out} ${dir} PARENT_SCOPE)
endfunction()

# quoin_find_compiler_headers(<out>): <stdint.h>, <stdarg.h> and the like, without libc.
function(quoin_find_compiler_headers out)
    if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
        set(ask -print-resource-dir)
    else()
        set(ask -print-file-name=include)
    endif()
    execute_process(COMMAND ${CMAKE_C_COMPILER} ${ask} OUTPUT_VARIABLE dir
                    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
        set(dir ${dir}/include)
    endif()
    set(${out} ${dir} PARENT_SCOPE)
endfunction()

# What every target program is compiled with. The headers are given as options because CMake
# drops a compiler's own folder from include lists.
if(NOT QUOIN_ARCH STREQUAL "sim")
    quoin_find_uapi(${QUOIN_ARCH} QUOIN_UAPI_DIR)
    quoin_find_compiler_headers(QUOIN_COMPILER_HEADERS)
    set(QUOIN_TARGET_FLAGS -nostdinc "SHELL:-isystem ${QUOIN_COMPILER_HEADERS}"
        "SHELL:-isystem ${QUOIN_UAPI_DIR}" -fno-pic -fno-pie)
endif()
