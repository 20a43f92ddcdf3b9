/*
 * Runs a fuzzer without libFuzzer: usage: NAME [--random SEED COUNT] [FILE or FOLDER...].
 * Kept cases and seeds stay tests this way with any compiler.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536u

static uint8_t input[INPUT_MAX];
static unsigned nr_files;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t len = fread(input, 1, sizeof(input), file);

    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(input, len);
    nr_files++;
}

static void run_path(const char *path)
{
    struct stat stat_of;
    DIR *folder;

    if (stat(path, &stat_of) != 0) {
        return; /* a fuzzer without cases has no folder */
    }
    if (!S_ISDIR(stat_of.st_mode)) {
        run_file(path);
        return;
    }
    folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char name[4096];

        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            run_file(name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void run_random(uint64_t seed, uint64_t count)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;

    for (uint64_t i = 0; i < count; i++) {
        size_t len = next_random(&state) % 4096;

        for (size_t at = 0; at < len; at++) {
            input[at] = (uint8_t)(next_random(&state) >> 32);
        }
        LLVMFuzzerTestOneInput(input, len);
    }
}

int main(int argc, char **argv)
{
    uint64_t count = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--random") == 0 && i + 2 < argc) {
            count = strtoull(argv[i + 2], NULL, 0);
            run_random(strtoull(argv[i + 1], NULL, 0), count);
            i += 2;
        } else {
            run_path(argv[i]);
        }
    }
    printf("ok 1 - %u files, %lu random inputs, %lu operations, %lu changed state\n", nr_files,
           (unsigned long)count, (unsigned long)fuzz_nr_ops, (unsigned long)fuzz_nr_changed);
    return 0;
}
