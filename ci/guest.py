"""One machine from start to end: the QEMU process, its console log, and with a command the
exec channel. The machine dies with this process, however that ends.
"""
import ctypes
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time

from channel import Channel, ChannelError

PANIC = re.compile(rb"quoin: panic:|Kernel panic - not syncing")
HELLO_S = 60
PANIC_TAIL_S = 3
POWER_OFF_S = 5
RECEIVE_MAX = 256 * 1024
LOG_KEPT = 256 * 1024
TAIL_LINES = 30
STATUS_TIMEOUT = 124
STATUS_STOPPED = 125
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def stop(process):
    if process.poll() is None:
        process.kill()
    process.wait()


class Stopped(Exception):
    """The run is over without the command's status: the exit status to give, and why."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class ExecGuest:
    """Runs one command in a fresh machine and passes its three streams through."""

    def __init__(self, options, command, log_fd=None):
        self.options = options
        self.channel = Channel(command, sys.stdout.fileno(), sys.stderr.fileno())
        self.log = bytearray()
        self.log_fd = log_fd
        self.panic_at = None
        self.deadline = None
        self.started = None
        self.process = None
        self.channel_socket = None
        self.console_socket = None

    def start(self, make_command, pass_fds):
        """make_command(console_fd, channel_fd) gives QEMU's command line."""
        console, console_end = socket.socketpair()
        channel, channel_end = socket.socketpair()
        fds = (console_end.fileno(), channel_end.fileno())
        process = subprocess.Popen(
            make_command(*fds), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=(*fds, *pass_fds), preexec_fn=die_with_parent)
        console_end.close()
        channel_end.close()
        self.attach(process, console, channel)

    def attach(self, process, console, channel):
        """Takes a started machine and the ends of its two lines."""
        self.process = process
        self.console_socket = console
        self.channel_socket = channel
        channel.setblocking(False)
        console.setblocking(False)
        self.started = time.monotonic()
        if self.options.timeout is not None:
            self.deadline = self.started + self.options.timeout

    def run(self):
        """Returns the command's status; raises Stopped if the machine has none to give."""
        try:
            while self.channel.status is None:
                self.check_limits()
                self.round(0.5)
            self.finish()
            return self.channel.status
        except ChannelError as error:
            raise Stopped(STATUS_STOPPED, f"the exec channel carried {error}") from error

    def check_limits(self):
        now = time.monotonic()
        if self.panic_at is not None and now > self.panic_at + PANIC_TAIL_S:
            raise Stopped(STATUS_STOPPED, "the kernel panicked")
        if self.deadline is not None and now > self.deadline:
            raise Stopped(STATUS_TIMEOUT, f"time-out after {self.options.timeout:g} s")
        if not self.channel.greeted and now > self.started + HELLO_S and not self.options.gdb:
            raise Stopped(STATUS_STOPPED, f"the guest said nothing for {HELLO_S} s")
        if self.process.poll() is not None:
            self.drain(self.channel_socket, self.channel.received)
            if self.channel.status is None:
                self.drain(self.console_socket, self.add_log)
                raise Stopped(STATUS_STOPPED, "the kernel panicked" if self.panic_at else
                              f"the machine stopped (emulator's status {self.process.returncode})")

    def finish(self):
        """Passes the rest of the output on, then lets the machine power off by itself."""
        while self.channel.pending():
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise Stopped(STATUS_TIMEOUT, f"time-out after {self.options.timeout:g} s")
            self.round(0.5)
        limit = time.monotonic() + POWER_OFF_S
        while self.process.poll() is None and time.monotonic() < limit:
            self.round(0.05)
            if self.panic_at is not None:
                limit = min(limit, self.panic_at + PANIC_TAIL_S)
        self.drain(self.console_socket, self.add_log)
        if self.panic_at is not None:
            raise Stopped(STATUS_STOPPED, "the kernel panicked while powering off")

    def round(self, timeout_s):
        """Waits for anything to move, then moves it."""
        poller = select.poll()
        channel_events = select.POLLIN | (select.POLLOUT if self.channel.outgoing else 0)
        if self.channel_socket is not None:
            poller.register(self.channel_socket, channel_events)
        if self.console_socket is not None:
            poller.register(self.console_socket, select.POLLIN)
        if self.process.stdout is not None:
            poller.register(self.process.stdout, select.POLLIN)
        if self.channel.wants_stdin():
            poller.register(sys.stdin.fileno(), select.POLLIN)
        writable = {}
        for stream, output in self.channel.outputs.items():
            if output.data:
                writable[output.fd] = stream
                poller.register(output.fd, select.POLLOUT)
        for fd, _ in poller.poll(timeout_s * 1000):
            self.serve(fd, writable)

    def serve(self, fd, writable):
        if fd in writable:
            self.channel.pass_on(writable[fd])
        elif fd == 0:
            self.channel.read_stdin(fd)
        elif self.process.stdout is not None and fd == self.process.stdout.fileno():
            data = os.read(fd, 65536)
            self.add_log(data)
            if not data:
                self.process.stdout.close()
                self.process.stdout = None
        elif self.console_socket is not None and fd == self.console_socket.fileno():
            if not self.read_machine(self.console_socket, self.add_log):
                self.console_socket.close()
                self.console_socket = None
        elif self.channel_socket is not None:
            self.serve_channel()

    def serve_channel(self):
        try:
            if self.channel.outgoing:
                count = self.channel_socket.send(self.channel.outgoing)
                del self.channel.outgoing[:count]
        except BlockingIOError:
            pass
        except OSError:
            self.channel.outgoing.clear()
        if not self.read_machine(self.channel_socket, self.channel.received):
            self.channel_socket.close()
            self.channel_socket = None

    @staticmethod
    def read_machine(sock, consume):
        """Returns False at the end of the stream; nothing to read is not the end."""
        try:
            data = sock.recv(RECEIVE_MAX)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if data:
            consume(data)
        return bool(data)

    @staticmethod
    def drain(sock, consume):
        """Takes what a socket still holds, without waiting for more."""
        try:
            while sock is not None:
                data = sock.recv(RECEIVE_MAX)
                if not data:
                    return
                consume(data)
        except OSError:
            return

    def add_log(self, data):
        if self.panic_at is None and PANIC.search(bytes(self.log[-64:]) + data):
            self.panic_at = time.monotonic()
        self.log += data
        del self.log[:-LOG_KEPT]
        if self.log_fd is not None and data:
            os.write(self.log_fd, data)

    def log_tail(self):
        text = self.log.decode(errors="replace").replace("\r", "")
        return "\n".join(text.rstrip().split("\n")[-TAIL_LINES:])

    def close(self):
        if self.process is not None:
            stop(self.process)
        for end in (self.channel_socket, self.console_socket):
            if end is not None:
                end.close()
