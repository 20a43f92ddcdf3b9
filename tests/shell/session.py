"""A person's five minutes at the shell, typed through a pseudo-terminal into ./run ARCH."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROWS, COLUMNS = 30, 100
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>78].?|\x07|\r")
UP, LEFT = "\x1b[A", "\x1b[D"
PARTIAL = re.compile(r"\x1b(\[[0-9;?]*)?$")
PROMPT = r"[#$] $"
ASK_S = 1


class Gone(Exception):
    """What was expected did not appear, or the guest has ended."""


class Terminal:
    """A child on a pseudo-terminal; expect() waits for a pattern in what has appeared since."""

    def __init__(self, command):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.child = subprocess.Popen(command, cwd=ROOT, stdin=slave, stdout=slave, stderr=slave,
                                      start_new_session=True, env={**os.environ, "TERM": "linux"})
        os.close(slave)
        self.seen, self.all, self.tail = "", "", ""
        self.asked = False  # since the last key

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        if not data:
            raise Gone("the guest has ended")
        text = self.tail + data.decode(errors="replace")
        cut = PARTIAL.search(text)  # an escape sequence that has not come whole
        self.tail = text[cut.start():] if cut else ""
        text = text[:cut.start()] if cut else text
        if "\x1b[6n" in text:  # the line editor asks where the cursor is
            os.write(self.master, b"\x1b[1;1R")
            self.asked = True
        text = ESCAPES.sub("", text)
        self.seen += text
        self.all += text
        return True

    def expect(self, pattern, seconds=30):
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise Gone(f"no {pattern!r} within {seconds} s")
            self.read(min(left, 1))

    def appears(self, pattern, seconds):
        try:
            return bool(self.expect(pattern, seconds))
        except Gone:
            if self.child.poll() is not None:
                raise
            return False

    def type(self, text):
        self.asked = False
        os.write(self.master, text.encode())

    def keys(self, *parts):
        """Keys at a person's pace: an escape sequence must not melt into what follows."""
        for part in parts:
            self.type(part)
            time.sleep(0.25)

    def line(self, text):
        self.type(text + "\r")

    def end(self, seconds):
        """The status of a child that ends by itself; raises Gone if it does not."""
        limit = time.monotonic() + seconds
        try:
            while time.monotonic() < limit:
                self.read(1)
        except Gone:
            return self.child.wait(10)
        raise Gone(f"the guest goes on for {seconds} s")

    def close(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
        os.close(self.master)


def prompt(t):
    """Waits until the shell is ready. Its editor asks for the cursor right behind the prompt; an answer
    that came after the next command was typed would be that command's input."""
    t.expect(PROMPT)
    end = time.monotonic() + ASK_S
    while not t.asked and time.monotonic() < end:
        t.read(max(0, end - time.monotonic()))


def step_echo(t):
    t.line("echo $((40 + 2))-answer")
    t.expect("42-answer\n")
    prompt(t)


def step_window(t):
    t.line("stty size")
    t.expect(rf"\n{ROWS} {COLUMNS}\n")
    prompt(t)
    t.line("stty rows 20 cols 70; stty size; stty rows 30 cols 100")
    t.expect(r"\n20 70\n")
    prompt(t)
    t.line("stty -a")
    t.expect("intr = \\^C")
    prompt(t)


def step_tty(t):
    t.line("tty; test -t 0 && echo is-$((1))-tty")
    t.expect(r"\n/dev/(console|tty\w*)\n")
    t.expect("is-1-tty\n")
    prompt(t)


def step_interrupt(t):
    t.line("sleep 100")
    time.sleep(1)
    t.type("\x03")
    prompt(t)
    t.line("echo status-$?")
    t.expect("status-130\n")
    prompt(t)
    # Not `while :; do :; done`: busybox leaves stdio by longjmp and may wait for its lock, on Linux too.
    t.line("awk 'BEGIN { while (1); }'")
    time.sleep(1)
    t.type("\x03")
    prompt(t)
    t.line("yes | cat > /dev/null")
    time.sleep(1)
    t.type("\x03")
    prompt(t)
    t.type("echo never typed")
    t.type("\x03")
    prompt(t)


def step_quit(t):
    t.line("sleep 101")
    time.sleep(1)
    t.type("\x1c")
    t.expect("Quit")
    prompt(t)


def step_jobs(t):
    t.line("sleep 102")
    time.sleep(1)
    t.type("\x1a")
    t.expect(r"Stopped +sleep 102")
    prompt(t)
    t.line("jobs")
    t.expect(r"\[1\]\+ +Stopped +sleep 102")
    prompt(t)
    t.line("bg")
    t.expect(r"\[1\] sleep 102")
    prompt(t)
    t.line("jobs")
    t.expect(r"\[1\]\+ +Running +sleep 102")
    prompt(t)
    t.line("fg")
    t.expect("sleep 102\n")
    time.sleep(0.5)
    t.type("\x03")
    prompt(t)
    t.line("jobs; echo jobs-$((1 + 1))-over")
    t.expect(r"^[^\[]*jobs-2-over\n")
    prompt(t)


def step_two_jobs(t):
    t.line("sleep 103 & sleep 104 &")
    prompt(t)
    time.sleep(1)  # until they have left the shell's code, which ignores SIGTERM
    t.line("jobs")
    t.expect(r"\[2\]\+ +Running +sleep 104")
    t.expect(r"\[1\][- ] +Running +sleep 103")
    prompt(t)
    t.line("kill %1 %2; wait; echo both-$((5 + 5))")
    t.expect("both-10\n")
    prompt(t)


def step_background_done(t):
    t.line("sleep 1 &")
    prompt(t)
    time.sleep(2)
    t.line("")
    t.expect(r"\[1\]\+ +Done +sleep 1")
    prompt(t)


def step_tty_input(t):
    # /dev/console itself knows no job control. The shell tells of the stop before its next prompt.
    t.line("cat < /dev/tty > /tmp/ttin & sleep 1")
    t.expect(r"Stopped( \(tty input\))? +cat")
    prompt(t)
    t.line("fg")
    t.expect("cat .*/tmp/ttin\n")
    t.line("typed")
    t.type("\x04")
    prompt(t)
    t.line("wc -c /tmp/ttin")
    t.expect("6 /tmp/ttin\n")
    prompt(t)


def step_cat(t):
    t.line("cat > /tmp/lines")
    time.sleep(1)  # what is typed ahead would still meet the line editor's raw mode
    t.line("first linX\x7fe")
    t.line("wrong\x15second")
    t.type("\x04")
    prompt(t)
    t.line("od -c /tmp/lines | head -n 1")
    t.expect(r"f +i +r +s +t +l +i +n +e +\\n|f   i   r   s   t       l   i   n   e  \\n")
    prompt(t)
    t.line("tail -n 1 /tmp/lines | tr a-z A-Z")
    t.expect("\nSECOND\n")
    prompt(t)


def step_here(t):
    t.line("cat <<END | tr a-z A-Z")
    t.expect("> $")
    t.line("here $((3 * 3))")
    t.expect("> $")
    t.line("END")
    t.expect("HERE 9\n")
    prompt(t)


def step_pipes(t):
    t.line("seq 500 | grep 5 | sort -rn | head -n 3 | tr '\\n' ,; echo")
    t.expect("500,499,498|500,495,485|599|500,")
    prompt(t)
    t.line("ls / > /tmp/out 2>&1; ls /none >> /tmp/out 2>&1; tail -n 1 /tmp/out")
    t.expect("ls: /none: No such file or directory\n")
    prompt(t)
    t.line("cd /tmp; touch g1 g2 g3; echo g? | wc -w; echo /etc/pass*; cd")
    t.expect("\n3\n")
    t.expect("/etc/passwd\n")
    prompt(t)


def step_editing(t):
    t.keys("echo wrong", LEFT, "\x7f", "\x05", "\x15")  # and kill the line
    t.keys("echo bc-$((7 * 2))", "\x02" * 13, "a", "\x05", "z", "\r")  # Ctrl-A is the emulator's
    t.expect("\nabc-14z\n")
    prompt(t)
    t.keys("\x10", "\r")  # the line before
    t.expect("\nabc-14z\n")
    prompt(t)
    t.line("echo one-$((1))")
    prompt(t)
    t.line("echo two-$((2))")
    prompt(t)
    t.keys("\x10", "\x10", "\x10", "\x0e", "\r")
    t.expect("\none-1\n")
    prompt(t)
    for attempt in range(3):  # a slow line may split an arrow key, as it does for a person
        t.keys(UP, "\r")
        if t.appears("\none-1\n", 5):
            break
    else:
        raise Gone("the up arrow never gave the line before")
    prompt(t)


def step_completion(t):
    t.type("cat /etc/hostn\t\r")
    t.expect("\nquoin\n")
    prompt(t)


def step_vi(t):
    t.line("vi /tmp/vi.txt")
    t.expect("/tmp/vi.txt")
    t.keys("ifirst line\rsecond line\rthird", "\x1b", "ggdd", "Goappended", "\x1b", ":1\r", "0",
           "~", ":wq\r")
    prompt(t)
    t.line("cat /tmp/vi.txt | tr '\\n' /; echo")
    t.expect("Second line/third/appended/\n")
    prompt(t)
    t.line("vi /tmp/vi.txt")
    t.expect("Second line")
    t.keys("dd", ":q\r")
    t.expect("No write|changes|unsaved|:q!")
    t.type(":q!\r")
    prompt(t)
    t.line("wc -l /tmp/vi.txt")
    t.expect("3 /tmp/vi.txt\n")
    prompt(t)


def step_top(t):
    t.line("top -d 1")
    t.expect("Mem:.*used")
    t.expect("CPU:.*idle")
    t.expect("PID +PPID +USER")
    t.expect("init|sh")
    t.expect("Mem:.*used", 20)  # a second picture
    t.type("q")
    prompt(t)


def step_less(t):
    t.line("seq 200 | less")
    t.expect("29\n")
    time.sleep(1)
    t.keys(" ")
    t.expect("5[0-9]\n")
    t.keys("q")
    prompt(t)
    t.line("seq 100 | more")
    t.expect("--More--")
    t.type("q")
    prompt(t)


def step_watch(t):
    t.line("watch -n 1 'echo seen-$((11 * 11))'")
    t.expect("seen-121")
    t.expect("seen-121")
    for attempt in range(8):  # watch ignores Ctrl-C while its command runs
        t.type("\x03")
        if t.appears(PROMPT, 1.3):
            return
    raise Gone("Ctrl-C does not end watch")


def step_stop_output(t):
    t.line("stty -ixon; (sleep 1; echo late-$((9 * 9))) & stty ixon")
    prompt(t)
    t.expect("late-81")
    t.line("")
    prompt(t)


def step_subshell_stop(t):
    t.line("sh")
    prompt(t)
    t.line("echo inner-$((2 * 3)); sleep 105")
    t.expect("inner-6\n")
    time.sleep(1)
    t.type("\x1a")
    t.expect("Stopped")
    prompt(t)
    t.line("kill %1; exit 4")
    t.expect(PROMPT)
    t.line("exit 4")
    t.expect(PROMPT)


def step_crash(t):
    t.line("sh -c 'kill -SEGV $$'; echo crash-$?")
    t.expect("Segmentation fault")
    t.expect("crash-139\n")
    prompt(t)


STEPS = [step_echo, step_window, step_tty, step_interrupt, step_quit, step_jobs, step_two_jobs,
         step_background_done, step_tty_input, step_cat, step_here, step_pipes, step_editing,
         step_completion, step_vi, step_top, step_less, step_watch, step_stop_output,
         step_subshell_stop, step_crash]


def run(arch, options):
    """Types all steps into one guest; returns how many failed."""
    command = ["./run", arch, *options]
    again = f"    command: tests/shell/run.py {arch} session   (by hand: {' '.join(command)})"
    terminal = Terminal(command)
    failed = 0
    name = "prompt"
    try:
        terminal.expect(PROMPT, 400)
        print("PASS session prompt", flush=True)
        for step in STEPS:
            name = step.__name__[5:]
            try:
                step(terminal)
                print(f"PASS session {name}", flush=True)
            except Gone as why:
                if terminal.child.poll() is not None or "ended" in str(why):
                    raise
                failed += 1
                show(name, why, terminal, again)
                terminal.keys("\x03", "\x1b", ":q!\r", "\x15", "\x03")  # back to a prompt
                time.sleep(1)
                terminal.line("kill -KILL %1 %2; stty sane; cd; echo back-$((6 * 7))")
                terminal.expect("back-42\n", 20)
                prompt(terminal)
        name = "exit"
        terminal.line("exit")
        status = terminal.end(60)
        print(f"{'PASS' if status == 0 else 'FAIL'} session exit ends the guest, status {status}")
        failed += status != 0
    except (Gone, subprocess.TimeoutExpired) as why:
        failed += 1
        show(name, why, terminal, again)
    finally:
        terminal.close()
    return failed


def show(name, why, terminal, again):
    print(f"FAIL session {name}\n    {why}")
    print("    screen: " + terminal.all[-900:].replace("\n", "\n        "))
    print(again, flush=True)
