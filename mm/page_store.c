/*
 * Page store: a radix tree of 64-way nodes over page numbers. Memory for what a lookup has to add is
 * allocated before the lock is taken, never under it.
 */
#include "mm/page_store.h"

#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/wait.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define NODE_BITS 6u
#define NODE_SLOTS (1u << NODE_BITS)
#define HEIGHT_MAX 6u /* 2^36 pages */
#define TRUNCATE_STEP 512u

struct node {
    void *slot[NODE_SLOTS]; /* nodes, or frames at height 1 */
};

void page_store_init(struct page_store *store)
{
    *store = (struct page_store){.lock = SPINLOCK_INIT};
}

static bool covers(const struct page_store *store, uint64_t index)
{
    return store->height != 0 && index >> (store->height * NODE_BITS) == 0;
}

/* The slot of the page, or NULL where a node is missing. */
static void **find_slot(struct page_store *store, uint64_t index)
{
    if (!covers(store, index)) {
        return NULL;
    }
    struct node *node = store->root;

    for (uint32_t height = store->height; height > 1; height--) {
        node = node->slot[(index >> ((height - 1) * NODE_BITS)) % NODE_SLOTS];
        if (node == NULL) {
            return NULL;
        }
    }
    return &node->slot[index % NODE_SLOTS];
}

struct frame *page_store_peek(struct page_store *store, uint64_t index)
{
    spin_lock(&store->lock);
    void **slot = find_slot(store, index);
    struct frame *frame = slot == NULL ? NULL : *slot;

    if (frame != NULL) {
        frame_get(frame);
    }
    spin_unlock(&store->lock);
    return frame;
}

/* Memory at hand for one insertion. */
struct spare {
    struct node *node[2 * HEIGHT_MAX];
    unsigned nr;
    struct frame *frame;
};

static int spare_fill(struct spare *spare)
{
    if (spare->frame == NULL) {
        spare->frame = frame_alloc_zeroed(FRAME_OBJECT);
    }
    while (spare->nr < ARRAY_SIZE(spare->node)) {
        struct node *node = kzalloc(sizeof(*node));

        if (node == NULL) {
            return -ENOMEM;
        }
        spare->node[spare->nr++] = node;
    }
    return spare->frame == NULL ? -ENOMEM : 0;
}

static void spare_release(struct spare *spare)
{
    while (spare->nr != 0) {
        kfree(spare->node[--spare->nr]);
    }
    if (spare->frame != NULL) {
        frame_put(spare->frame);
    }
}

static void **make_slot(struct page_store *store, uint64_t index, struct spare *spare)
{
    while (!covers(store, index)) {
        struct node *node = spare->node[--spare->nr];

        node->slot[0] = store->root;
        store->root = node;
        store->height++;
    }
    struct node *node = store->root;

    for (uint32_t height = store->height; height > 1; height--) {
        void **slot = &node->slot[(index >> ((height - 1) * NODE_BITS)) % NODE_SLOTS];

        if (*slot == NULL) {
            *slot = spare->node[--spare->nr];
        }
        node = *slot;
    }
    return &node->slot[index % NODE_SLOTS];
}

/* The usual insertion finds its nodes there: then the frame alone is needed. */
static bool insert_at_found_slot(struct page_store *store, uint64_t index, struct spare *spare,
                                 struct frame **out)
{
    spin_lock(&store->lock);
    void **slot = find_slot(store, index);

    if (slot != NULL && *slot == NULL) {
        *slot = spare->frame;
        spare->frame = NULL;
        store->nr_pages++;
    }
    if (slot != NULL) {
        *out = *slot;
        frame_get(*out);
    }
    spin_unlock(&store->lock);
    return slot != NULL;
}

int page_store_get(struct page_store *store, uint64_t index, struct frame **out)
{
    struct spare spare = {.nr = 0};

    if (index >> (HEIGHT_MAX * NODE_BITS) != 0) {
        return -EFBIG;
    }
    *out = page_store_peek(store, index);
    if (*out != NULL) {
        return 0;
    }
    spare.frame = frame_alloc_zeroed(FRAME_OBJECT);
    if (spare.frame == NULL) {
        return -ENOMEM;
    }
    if (!insert_at_found_slot(store, index, &spare, out)) {
        int error = spare_fill(&spare);

        if (error != 0) {
            spare_release(&spare);
            return error;
        }
        spin_lock(&store->lock);
        void **slot = make_slot(store, index, &spare);

        if (*slot == NULL) {
            *slot = spare.frame;
            spare.frame = NULL;
            store->nr_pages++;
        }
        *out = *slot;
        frame_get(*out);
        spin_unlock(&store->lock);
    }
    spare_release(&spare);
    return 0;
}

/* The first present page at or past *index below the node, whose pages begin at `base`. */
static bool next_below(const struct node *node, uint32_t height, uint64_t base, uint64_t *index)
{
    uint32_t shift = (height - 1) * NODE_BITS;

    for (uint64_t i = *index <= base ? 0 : (*index - base) >> shift; i < NODE_SLOTS; i++) {
        uint64_t first = base + (i << shift);

        if (node->slot[i] == NULL) {
            continue;
        }
        *index = MAX(*index, first);
        if (height == 1 || next_below(node->slot[i], height - 1, first, index)) {
            return true;
        }
    }
    return false;
}

bool page_store_next(struct page_store *store, uint64_t *index)
{
    spin_lock(&store->lock);
    bool found = covers(store, *index) && next_below(store->root, store->height, 0, index);

    spin_unlock(&store->lock);
    return found;
}

/*
 * Frees what lies at or past index below the node, at most *budget pages; returns whether the node
 * is empty now.
 */
static bool truncate_node(struct page_store *store, struct node *node, uint32_t height,
                          uint64_t index, uint32_t *budget)
{
    uint32_t shift = (height - 1) * NODE_BITS;
    uint64_t first = index >> shift;
    bool empty = true;

    for (uint64_t i = 0; i < NODE_SLOTS; i++) {
        if (node->slot[i] == NULL) {
            continue;
        }
        if (i < first || *budget == 0) {
            empty = false;
            continue;
        }
        if (height == 1) {
            frame_put(node->slot[i]);
            store->nr_pages--;
            (*budget)--;
        } else {
            uint64_t below = i == first ? index & ((1ull << shift) - 1) : 0;

            if (!truncate_node(store, node->slot[i], height - 1, below, budget)) {
                empty = false;
                continue;
            }
            kfree(node->slot[i]);
        }
        node->slot[i] = NULL;
    }
    return empty;
}

void page_store_truncate(struct page_store *store, uint64_t index)
{
    uint32_t budget;

    /* In steps: IRQs are off under the lock. */
    do {
        budget = TRUNCATE_STEP;
        spin_lock(&store->lock);
        if (covers(store, index) &&
            truncate_node(store, store->root, store->height, index, &budget)) {
            kfree(store->root);
            store->root = NULL;
            store->height = 0;
        }
        spin_unlock(&store->lock);
    } while (budget == 0);
}

struct anon_object {
    struct vm_object object;
    struct page_store store;
    uint64_t nr_pages;
};

static int anon_get_page(struct vm_object *object, uint64_t index, struct frame **out)
{
    struct anon_object *anon = container_of(object, struct anon_object, object);

    return index < anon->nr_pages ? page_store_get(&anon->store, index, out) : -EFAULT;
}

static struct frame *anon_peek_page(struct vm_object *object, uint64_t index)
{
    return page_store_peek(&container_of(object, struct anon_object, object)->store, index);
}

static int anon_clear(struct vm_object *object, uint64_t offset, uint64_t len)
{
    struct page_store *store = &container_of(object, struct anon_object, object)->store;
    uint64_t end = (offset + len) >> PAGE_SHIFT;

    for (uint64_t index = offset >> PAGE_SHIFT; page_store_next(store, &index) && index < end;
         index++) {
        struct frame *frame = page_store_peek(store, index);

        if (frame != NULL) {
            page_clear(frame_va(frame));
            frame_written(frame);
            frame_put(frame);
        }
        if (index % 64 == 0 && sched_point() != 0) {
            return -EINTR;
        }
    }
    return 0;
}

static void anon_destroy(struct vm_object *object)
{
    struct anon_object *anon = container_of(object, struct anon_object, object);

    page_store_truncate(&anon->store, 0);
    kfree(anon);
}

static void anon_describe(void *file UNUSED, char *path, size_t size, uint64_t *dev, uint64_t *ino)
{
    strlcpy(path, "/dev/zero (deleted)", size);
    *dev = 1;
    *ino = 1;
}

static const struct vm_object_ops anon_ops = {
    .get_page = anon_get_page,
    .peek_page = anon_peek_page,
    .clear = anon_clear,
    .destroy = anon_destroy,
    .file_describe = anon_describe,
};

struct vm_object *anon_object_create(uint64_t len)
{
    struct anon_object *anon = kmalloc(sizeof(*anon));

    if (anon == NULL) {
        return NULL;
    }
    vm_object_init(&anon->object, &anon_ops);
    page_store_init(&anon->store);
    anon->nr_pages = ALIGN_UP(len, PAGE_SIZE) >> PAGE_SHIFT;
    return &anon->object;
}
