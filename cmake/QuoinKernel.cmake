# The kernel: one object library "quoin", linked twice so that the second image carries
# the symbol table of the first for its backtraces.
#
# hal/<arch>/arch.cmake sets QUOIN_ARCH_FLAGS (C and asm), QUOIN_ARCH_C_FLAGS,
# QUOIN_ARCH_LINK_FLAGS (for ld), QUOIN_ARCH_LIBFDT (ON where the board needs it) and may
# define quoin_arch_image(elf) for steps after the link.

add_library(quoin OBJECT)

include(${PROJECT_SOURCE_DIR}/hal/${QUOIN_ARCH}/arch.cmake)

target_include_directories(quoin PRIVATE
    ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/hal/include
    ${PROJECT_SOURCE_DIR}/hal/${QUOIN_ARCH}/include)
target_compile_options(quoin PRIVATE
    ${QUOIN_COMMON_FLAGS} ${QUOIN_TARGET_FLAGS} ${QUOIN_ARCH_FLAGS}
    $<$<COMPILE_LANGUAGE:C>:${QUOIN_WARNINGS}>
    $<$<COMPILE_LANGUAGE:C>:-ffreestanding>
    $<$<COMPILE_LANGUAGE:C>:-mgeneral-regs-only>
    $<$<COMPILE_LANGUAGE:C>:-fno-omit-frame-pointer>
    $<$<COMPILE_LANGUAGE:C>:-fno-stack-protector>
    $<$<COMPILE_LANGUAGE:C>:-fno-common>
    $<$<COMPILE_LANGUAGE:C>:-fno-strict-aliasing>
    $<$<COMPILE_LANGUAGE:C>:-fno-delete-null-pointer-checks>
    $<$<COMPILE_LANGUAGE:C>:-fno-unwind-tables>
    $<$<COMPILE_LANGUAGE:C>:-fno-asynchronous-unwind-tables>
    $<$<COMPILE_LANGUAGE:C>:${QUOIN_ARCH_C_FLAGS}>)
target_compile_definitions(quoin PRIVATE $<$<CONFIG:Debug>:QUOIN_DEBUG=1>
    $<$<CONFIG:Debug>:QUOIN_LOCKDEP=1>)

if(QUOIN_ARCH_LIBFDT)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/ci/fetch ${QUOIN_ARCH} libfdt-dev
                    OUTPUT_VARIABLE fdt_root OUTPUT_STRIP_TRAILING_WHITESPACE
                    COMMAND_ERROR_IS_FATAL ANY)
    set(QUOIN_LIBFDT ${fdt_root}/usr/lib/${QUOIN_ARCH}-linux-gnu/libfdt.a)
    # libfdt.h asks for two libc headers; cmake/libfdt declares the few functions it means.
    target_include_directories(quoin SYSTEM PRIVATE
        ${fdt_root}/usr/include ${PROJECT_SOURCE_DIR}/cmake/libfdt)
endif()

# quoin_link(<name> <symbol table source>)
function(quoin_link name table)
    set(script ${PROJECT_SOURCE_DIR}/hal/${QUOIN_ARCH}/kernel.ld)
    add_executable(${name} ${table})
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:quoin>)
    set_target_properties(${name} PROPERTIES LINK_DEPENDS "${script};${QUOIN_LIBFDT}")
    target_link_options(${name} PRIVATE -T ${script} -z max-page-size=4096 --no-warn-rwx-segments
        --no-dynamic-linker ${QUOIN_ARCH_LINK_FLAGS})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
    target_link_libraries(${name} PRIVATE ${QUOIN_LIBFDT})
endfunction()

function(quoin_link_kernel)
    set(ksyms ${PROJECT_SOURCE_DIR}/cmake/ksyms.py)
    set(table ${PROJECT_BINARY_DIR}/ksyms.S)
    quoin_link(quoin-unnamed.elf ${PROJECT_SOURCE_DIR}/cmake/ksyms_empty.S)
    add_custom_command(OUTPUT ${table}
        COMMAND python3 ${ksyms} make ${CMAKE_NM} $<TARGET_FILE:quoin-unnamed.elf> ${table}
        DEPENDS quoin-unnamed.elf ${ksyms} VERBATIM)
    quoin_link(quoin.elf ${table})
    add_custom_command(TARGET quoin.elf POST_BUILD
        COMMAND python3 ${ksyms} check ${CMAKE_NM} $<TARGET_FILE:quoin.elf> ${table} VERBATIM)
    if(COMMAND quoin_arch_image)
        quoin_arch_image(quoin.elf)
    endif()
endfunction()
