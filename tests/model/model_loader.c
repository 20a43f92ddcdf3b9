/*
 * exec's part of the model: a small program whose pages are the model's file, brought into a new
 * space by the kernel's own loader/image.c. Here are the two functions that it needs of fs/.
 */
#include <asm/mman.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "loader/image.h"
#include "mm/address_space.h"
#include "mm/vm_object.h"
#include "model.h"

static struct {
    Elf64_Ehdr header;
    Elf64_Phdr segment[2];
} elf;

static void describe_program(void)
{
    elf.header = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = HAL_ELF_MACHINE,
        .e_version = EV_CURRENT,
        .e_entry = model_address(0),
        .e_phoff = sizeof(elf.header),
        .e_ehsize = sizeof(elf.header),
        .e_phentsize = sizeof(elf.segment[0]),
        .e_phnum = 2,
    };
    elf.segment[0] = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_X,
        .p_vaddr = model_address(0),
        .p_filesz = 4 * PAGE_SIZE,
        .p_memsz = 4 * PAGE_SIZE,
        .p_align = PAGE_SIZE,
    };
    elf.segment[1] = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W,
        .p_offset = 4 * PAGE_SIZE,
        .p_vaddr = model_address(4),
        .p_filesz = PAGE_SIZE + PAGE_SIZE / 2,
        .p_memsz = 6 * PAGE_SIZE,
        .p_align = PAGE_SIZE,
    };
}

/* The headers only; nobody reads the program's bytes this way. */
ssize64_t file_read_kernel(struct file *file, void *buf, size_t len, uint64_t pos)
{
    (void)file;
    if (pos > sizeof(elf) || len > sizeof(elf) - pos) {
        return -EIO;
    }
    memcpy(buf, (const char *)&elf + pos, len);
    return (ssize64_t)len;
}

int file_mmap(struct file *file, struct as_map_request *request)
{
    (void)file;
    request->object = model.object[MODEL_FILE].object;
    request->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    vm_object_get(request->object);
    return 0;
}

int model_load(struct address_space *as)
{
    struct elf_plan plan;
    struct image image;

    describe_program();
    int error = image_read_plan(NULL, &plan);

    return error == 0 ? image_map(as, NULL, &plan, 0, &image) : error;
}
