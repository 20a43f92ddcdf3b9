"""For gdb, attached to a machine: where each CPU is, and each process with its threads' stacks.

gdb-multiarch -batch -ex 'target remote SOCKET' -x tests/soak/tasks.py quoin.elf
"""
import struct

import gdb

KERNEL = 0xffff000000000000
DEPTH_MAX = 16
STACK_SIZE = 16 * 1024


def word(address):
    return struct.unpack("<Q", bytes(gdb.selected_inferior().read_memory(address, 8)))[0]


def offset(kind, field):
    return int(gdb.parse_and_eval(f"(unsigned long)&((struct {kind} *)0)->{field}"))


def entries(head, kind, field):
    """The structures on a list of the kernel's."""
    pointer = gdb.lookup_type(f"struct {kind}").pointer()
    node = word(head)
    while node != head:
        yield gdb.Value(node - offset(kind, field)).cast(pointer)
        node = word(node)


def saved_frame(context):
    """The frame pointer of a task that does not run: by name, or among what its stack begins with."""
    if "fp" in (field.name for field in context.type.fields()):
        return int(context["fp"])
    sp = int(context["sp"])
    words = (word(sp + 8 * i) for i in range(7))
    return next((value for value in words if sp < value < sp + STACK_SIZE), 0)


def print_stack(task):
    fp = saved_frame(task["context"])
    for _ in range(DEPTH_MAX):
        pc = word(fp + 8) if fp > KERNEL else 0
        if pc < KERNEL:
            return
        name = gdb.execute(f"info symbol {pc:#x}", to_string=True).split(" in section")[0]
        print(f"        {name}")
        fp = word(fp)


def print_task(task):
    print(f"    task {int(task['tid'])} {task['comm'].string()} state {int(task['state'])} cpu "
          f"{int(task['cpu'])} work {int(task['work']):#x} pending {int(task['pending']['set']):#x} "
          f"mask {int(task['sigmask']):#x} exiting {task['exiting']} {task['wait_mode']}")
    if task["on_cpu"]:
        print("        runs")
    else:
        print_stack(task)


def main():
    gdb.execute("set pagination off")
    gdb.execute("thread apply all backtrace 12")
    for process in entries(int(gdb.parse_and_eval("&all_processes")), "process", "all_node"):
        print(f"process {int(process['pid'])} {process['state']} group_exit {process['group_exit']} "
              f"stop {process['group_stop']} to_stop {int(process['nr_to_stop'])}")
        for task in entries(int(process["threads"].address), "task", "thread_node"):
            try:
                print_task(task)
            except gdb.error as error:
                print(f"        {error}")


main()
gdb.execute("detach")
