/*
 * Numbers of tasks, process groups and sessions. One entry for each number in use, whatever uses it:
 * so a number is given again only when no task, group or session has it. All under task_table_lock.
 */
#pragma once

#include "sched/task.h"

struct pid_entry {
    struct list hash_node;
    pid_nr_t nr;
    uint32_t nr_session; /* processes whose session this is */
    struct task *task;   /* not referenced: it leaves before it goes */
    struct list members; /* processes of the group, process->group_node */
    void *tty;           /* of the session */
};

void pid_init(void);
/* Returns a new entry with a number that nothing uses, or NULL: -EAGAIN. `entry` is fresh memory. */
bool pid_assign_locked(struct pid_entry *entry) REQUIRES(task_table_lock);
struct pid_entry *pid_find_locked(pid_nr_t nr) REQUIRES(task_table_lock);
/* Frees the entry if nothing uses its number any more. */
void pid_release_locked(struct pid_entry *entry) REQUIRES(task_table_lock);
/* Returns the lowest number in use >= from, or 0. */
pid_nr_t pid_next_locked(pid_nr_t from) REQUIRES(task_table_lock);
