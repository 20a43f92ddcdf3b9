/*
 * Segments to mappings. File pages are private mappings of the page store's frames, so that text is
 * shared between processes and data is copied on write; what lies past the file's bytes is zero.
 */
#include "loader/image.h"

#include <asm/mman.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "mm/slab.h"

static int read_exactly(struct file *file, void *buf, size_t len, uint64_t offset)
{
    ssize64_t got = file_read_kernel(file, buf, len, offset);

    if (got < 0) {
        return (int)got;
    }
    return (size_t)got == len ? 0 : -ENOEXEC;
}

int image_read_plan(struct file *file, struct elf_plan *out)
{
    Elf64_Ehdr header;
    int error = read_exactly(file, &header, sizeof(header), 0);

    if (error == 0) {
        error = elf_check_header(&header);
    }
    if (error != 0) {
        return error;
    }
    size_t len = header.e_phnum * sizeof(Elf64_Phdr);
    Elf64_Phdr *phdrs = kmalloc(len);

    if (phdrs == NULL) {
        return -ENOMEM;
    }
    error = header.e_phoff > INT64_MAX - len ? -ENOEXEC
                                             : read_exactly(file, phdrs, len, header.e_phoff);
    if (error == 0) {
        error = elf_plan_make(&header, phdrs, out);
    }
    kfree(phdrs);
    return error;
}

int image_read_interpreter(struct file *file, const struct elf_plan *plan,
                           char path[ELF_INTERPRETER_MAX])
{
    if (plan->interp_size > ELF_INTERPRETER_MAX) {
        return -ENOEXEC;
    }
    if (plan->interp_offset > INT64_MAX - plan->interp_size) {
        return -EINVAL;
    }
    ssize64_t got = file_read_kernel(file, path, plan->interp_size, plan->interp_offset);

    if (got < 0) {
        return (int)got;
    }
    if ((uint64_t)got != plan->interp_size) {
        return -EIO;
    }
    return path[plan->interp_size - 1] != '\0' ? -ENOEXEC : 0;
}

/* flags: AS_FIXED, with AS_NOREPLACE where nothing may be yet. */
static int map_anonymous(struct address_space *as, vaddr_t start, vaddr_t end, uint32_t prot,
                         uint32_t flags)
{
    const struct as_map_request request = {
        .addr = start,
        .len = end - start,
        .prot = prot,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = flags,
    };
    vaddr_t at;

    return start == end ? 0 : as_map(as, &request, &at);
}

static int map_file(struct address_space *as, struct file *file, const struct elf_segment *segment,
                    vaddr_t start, vaddr_t end, uint32_t flags)
{
    struct as_map_request request = {
        .addr = start,
        .len = end - start,
        .prot = segment->prot,
        .flags = flags,
        .offset = ALIGN_DOWN(segment->offset, PAGE_SIZE),
    };
    vaddr_t at;
    int error = file_mmap(file, &request);

    if (error != 0) {
        return error;
    }
    error = as_map(as, &request, &at);
    if (request.object != NULL) {
        vm_object_put(request.object);
    }
    return error;
}

static int map_segment(struct address_space *as, struct file *file,
                       const struct elf_segment *segment, vaddr_t base, uint32_t flags)
{
    vaddr_t va = base + segment->va;
    vaddr_t file_end = va + segment->file_size;
    vaddr_t mem_end = ALIGN_UP(va + segment->mem_size, PAGE_SIZE);
    vaddr_t start = ALIGN_DOWN(va, PAGE_SIZE);
    vaddr_t zero = segment->file_size == 0 ? start : ALIGN_UP(file_end, PAGE_SIZE);
    int error = segment->file_size == 0 ? 0 : map_file(as, file, segment, start, zero, flags);

    if (error == 0) {
        error = map_anonymous(as, zero, mem_end, segment->prot, flags);
    }
    /* The rest of the last file page belongs to .bss; a segment that cannot be written has none. */
    if (error == 0 && segment->mem_size > segment->file_size && zero > file_end &&
        segment->file_size != 0 && (segment->prot & PROT_WRITE) != 0) {
        error = as_clear(as, file_end, zero - file_end);
    }
    return error;
}

/* Finds room for the whole image, so that its segments keep their distances. */
static int place(struct address_space *as, const struct elf_plan *plan, vaddr_t hint, vaddr_t *base)
{
    size_t len = plan->end - plan->start;
    const struct as_map_request request = {.addr = hint, .len = len + plan->align - PAGE_SIZE};
    vaddr_t at;
    int error = as_map(as, &request, &at);

    if (error != 0) {
        return error;
    }
    *base = ALIGN_UP(at, plan->align) - plan->start;
    return as_unmap(as, at, request.len);
}

int image_map(struct address_space *as, struct file *file, const struct elf_plan *plan,
              vaddr_t hint, struct image *out)
{
    int error = 0;

    *out = (struct image){0, 0};
    if (plan->relocatable) {
        error = place(as, plan, hint, &out->base);
    }
    /* An interpreter with addresses of its own must not hide the program. */
    for (uint32_t i = 0; i < plan->nr_segments && error == 0; i++) {
        error = map_segment(as, file, &plan->segment[i], out->base,
                            i == 0 ? AS_FIXED | AS_NOREPLACE : AS_FIXED);
    }
    out->end = out->base + plan->end;
    return error;
}
