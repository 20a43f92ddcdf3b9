/*
 * explore-<arch> [--long] [--stop] [--states N] [NAME...]: runs the scenarios, each in a process of
 * its own, and prints for each the number of states, steps and interleavings. --list names them,
 * --stop ends with the first that fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/explore/explore.h"

#define STATES_MAX 4000000u

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int explore(const struct scenario *scenario, uint64_t states_max)
{
    struct search_result result;
    size_t len;

    (void)vcpu_stacks(&len);
    machine_boot(scenario->cpus, scenario->tags);
    machine_lets_walker = scenario->lets_walker;
    scenario->setup();
    for (uint32_t cpu = 0; cpu < scenario->cpus; cpu++) {
        vcpu_create(cpu, scenario->program[cpu]);
    }
    vcpu_begin();
    search_run(states_max, &result);
    bool good = result.complete && result.failure[0] == '\0';

    printf("%s %s: %.4g interleavings, %lu states, %lu steps, %u deep, %.1f s\n",
           good ? "ok" : "not ok", scenario->name, result.interleavings,
           (unsigned long)result.states, (unsigned long)result.steps, result.depth, seconds());
    if (!good) {
        printf("    %s\n", result.failure[0] != '\0' ? result.failure : "not complete");
    }
    fflush(stdout);
    return good ? 0 : 1;
}

static int in_child(const struct scenario *scenario, uint64_t states_max)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        exit(explore(scenario, states_max));
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        printf("not ok %s: the explorer itself ended\n", scenario->name);
        fflush(stdout);
        return 1;
    }
    return WEXITSTATUS(status);
}

static bool is_chosen(const struct scenario *scenario, bool with_long, int argc, char **argv)
{
    bool named = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            i += strcmp(argv[i], "--states") == 0;
            continue;
        }
        named = true;
        if (strcmp(argv[i], scenario->name) == 0) {
            return true;
        }
    }
    return !named && (with_long || !scenario->is_long);
}

int main(int argc, char **argv)
{
    uint64_t states_max = STATES_MAX;
    bool with_long = false, list = false, stop = false;
    int status = 0;

    for (int i = 1; i < argc; i++) {
        with_long |= strcmp(argv[i], "--long") == 0;
        list |= strcmp(argv[i], "--list") == 0;
        stop |= strcmp(argv[i], "--stop") == 0;
        if (strcmp(argv[i], "--states") == 0 && i + 1 < argc) {
            states_max = strtoull(argv[++i], NULL, 0);
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < nr_scenarios && (status == 0 || !stop); i++) {
        if (!is_chosen(&scenarios[i], with_long, argc, argv)) {
            continue;
        }
        if (list) {
            printf("%s%s: %s\n", scenarios[i].name, scenarios[i].is_long ? " (long)" : "",
                   scenarios[i].about);
        } else {
            status |= in_child(&scenarios[i], states_max);
        }
    }
    return status;
}
