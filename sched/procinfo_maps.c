/* /proc/PID/maps and smaps. Each area is looked up by address, so none is shown twice or half. */
#include <asm/mman.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "mm/slab.h"
#include "sched/procinfo.h"

#define PATH_COLUMN 73 /* where maps has the path */

static void put_area(const struct as_area *area, struct text *text)
{
    size_t before = text->len, len;

    text_print(text, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", (unsigned long)area->start,
               (unsigned long)area->end, (area->prot & PROT_READ) != 0 ? 'r' : '-',
               (area->prot & PROT_WRITE) != 0 ? 'w' : '-',
               (area->prot & PROT_EXEC) != 0 ? 'x' : '-',
               (area->flags & AS_SHARED) != 0 ? 's' : 'p', (unsigned long)area->offset,
               (unsigned long)(area->dev >> 8), (unsigned long)(area->dev & 0xff),
               (unsigned long)area->ino);
    if (area->path[0] == 0) {
        text_print(text, "\n");
        return;
    }
    len = text->len - before;
    for (; len < PATH_COLUMN; len++) {
        text_put(text, " ", 1);
    }
    text_put(text, area->path, strlen(area->path));
    text_put(text, "\n", 1);
}

static void put_details(const struct as_area *area, struct text *text)
{
    unsigned long resident = (unsigned long)(area->resident / 1024);
    bool shared = (area->flags & AS_SHARED) != 0;

    text_print(text, "Size:           %8lu kB\nKernelPageSize:        4 kB\n",
               (unsigned long)((area->end - area->start) / 1024));
    text_print(text, "MMUPageSize:           4 kB\nRss:            %8lu kB\n", resident);
    text_print(text, "Pss:            %8lu kB\nShared_Clean:          0 kB\n", resident);
    text_print(text, "Shared_Dirty:   %8lu kB\nPrivate_Clean:         0 kB\n",
               shared ? resident : 0);
    text_print(text, "Private_Dirty:  %8lu kB\nReferenced:     %8lu kB\n", shared ? 0 : resident,
               resident);
    text_print(text, "Anonymous:      %8lu kB\nSwap:                  0 kB\n",
               area->ino == 0 && !shared ? resident : 0);
}

void procinfo_maps(struct process *process, bool details, struct text *text)
{
    struct address_space *as = process_get_as(process);
    struct as_area *area = kmalloc(sizeof(*area));
    vaddr_t from = 0;

    if (area == NULL) {
        text->error = -ENOMEM;
    }
    while (as != NULL && area != NULL && as_area_at(as, from, area)) {
        put_area(area, text);
        if (details) {
            put_details(area, text);
        }
        from = area->end;
    }
    kfree(area);
    if (as != NULL) {
        as_put(as);
    }
}
