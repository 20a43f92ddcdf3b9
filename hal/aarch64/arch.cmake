# Build settings of aarch64: see cmake/QuoinKernel.cmake for what each variable means.
set(QUOIN_ARCH_FLAGS -march=armv8-a+crc)
set(QUOIN_ARCH_C_FLAGS -mcmodel=small -mno-outline-atomics -fno-jump-tables)
set(QUOIN_ARCH_LINK_FLAGS "")
set(QUOIN_ARCH_LIBFDT ON)

# The emulator passes the device tree only to a flat Image, never to an ELF file.
function(quoin_arch_image elf)
    set(image ${PROJECT_BINARY_DIR}/Image)
    add_custom_command(TARGET ${elf} POST_BUILD
        COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${elf}> ${image}
        BYPRODUCTS ${image} VERBATIM)
endfunction()
