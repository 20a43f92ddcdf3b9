/* The guest's first process: an interactive shell, or one command for the host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CMDLINE_MAX 4096

extern char *init_environment[];

/* Copies the value of a kernel command line word `name` or `name=value`; false if it is not there. */
bool init_option(const char *name, char *value, size_t size);
void init_print(const char *text);

/* Runs the login shell on the console until it exits. */
void shell_run(void);
/* Opens the channel, runs the host's command, reports its status. */
void agent_run(void);
