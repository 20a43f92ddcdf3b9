/* Argument strings: one growing buffer, copied to the new stack in one piece. */
#include "loader/arguments.h"

#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/wait.h"
#include "mm/address_space.h"
#include "mm/slab.h"
#include "sched/task.h"

#define SIZE_FIRST   2048u
#define POINTER_SIZE 8u

void arguments_init(struct arguments *arguments, uint64_t stack_limit)
{
    *arguments = (struct arguments){
        .limit = MIN(MAX(stack_limit / 4, (uint64_t)ARGUMENT_LEN_MAX), (uint64_t)ARGUMENTS_LEN_MAX),
    };
}

void arguments_release(struct arguments *arguments)
{
    kfree(arguments->bytes);
    arguments->bytes = NULL;
}

/* Room for len more bytes. */
static int reserve(struct arguments *arguments, size_t len)
{
    size_t size = MAX(arguments->size, (size_t)SIZE_FIRST);

    if (arguments->len + len <= arguments->size) {
        return 0;
    }
    while (size < arguments->len + len) {
        size *= 2;
    }
    char *bytes = kmalloc(size);

    if (bytes == NULL) {
        return -ENOMEM;
    }
    if (arguments->bytes != NULL) {
        memcpy(bytes, arguments->bytes, arguments->len);
        kfree(arguments->bytes);
    }
    arguments->bytes = bytes;
    arguments->size = size;
    return 0;
}

/* Accounts a string of len bytes that stands at the end of the buffer, and its pointer. */
static int accept(struct arguments *arguments, size_t len)
{
    if (len > ARGUMENT_LEN_MAX || arguments->len + len + POINTER_SIZE > arguments->limit) {
        return -E2BIG;
    }
    arguments->len += len;
    arguments->limit -= POINTER_SIZE;
    return 0;
}

int arguments_add(struct arguments *arguments, const char *string)
{
    size_t len = strlen(string) + 1;
    int error = reserve(arguments, len);

    if (error != 0) {
        return error;
    }
    memcpy(arguments->bytes + arguments->len, string, len);
    return accept(arguments, len);
}

static int add_user_string(struct arguments *arguments, vaddr_t string)
{
    struct address_space *as = task_as();
    ssize64_t len = -ENAMETOOLONG;

    for (size_t room = 256; len == -ENAMETOOLONG && room <= 2 * ARGUMENT_LEN_MAX; room *= 4) {
        size_t most = MIN(room, (size_t)ARGUMENT_LEN_MAX);
        int error = reserve(arguments, most);

        if (error != 0) {
            return error;
        }
        len = as_copy_in_string(as, arguments->bytes + arguments->len, string, most);
    }
    if (len < 0) {
        return len == -ENAMETOOLONG ? -E2BIG : (int)len;
    }
    return accept(arguments, (size_t)len + 1);
}

int arguments_add_user(struct arguments *arguments, vaddr_t array, uint32_t *count)
{
    vaddr_t string;

    *count = 0;
    for (uint32_t i = 0; array != 0; i++) {
        int error = as_copy_in(task_as(), &string, array + (vaddr_t)i * POINTER_SIZE, POINTER_SIZE);

        if (error != 0) {
            return error;
        }
        if (string == 0) {
            break;
        }
        error = add_user_string(arguments, string);
        if (error != 0) {
            return error;
        }
        (*count)++;
        if (i % 64 == 0 && sched_point() != 0) {
            return -EINTR;
        }
    }
    return 0;
}

int arguments_replace_first(struct arguments *arguments, char *const words[], uint32_t nr_words)
{
    size_t old_len = strlen(arguments->bytes) + 1;
    size_t new_len = 0;

    for (uint32_t i = 0; i < nr_words; i++) {
        new_len += strlen(words[i]) + 1;
    }
    int error = reserve(arguments, new_len);

    if (error != 0) {
        return error;
    }
    memmove(arguments->bytes + new_len, arguments->bytes + old_len, arguments->len - old_len);
    arguments->len -= old_len;
    for (size_t at = 0, i = 0; i < nr_words; i++) {
        size_t len = strlen(words[i]) + 1;

        memcpy(arguments->bytes + at, words[i], len);
        at += len;
        error = accept(arguments, len);
        if (error != 0) {
            return error;
        }
    }
    arguments->argc += nr_words - 1;
    return 0;
}
