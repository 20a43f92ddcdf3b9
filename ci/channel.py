"""The host's end of the exec channel: frames to and from the guest's init (user/init/agent.c
has the format), the command's three streams, and nothing about the machine itself.
"""
import os
import struct

WINDOW = 256 * 1024
CHUNK = 32 * 1024
PIPE_CHUNK = 4096  # what a pipe that polls writable takes without blocking
HEADER = struct.Struct("<cI")
GREETING = b"quoin/1\n"
HELLO = HEADER.pack(b"H", len(GREETING)) + GREETING


class ChannelError(Exception):
    """The guest sent something that is no frame of ours."""


class Output:
    """What the guest has written to one stream and the host has not yet passed on."""

    def __init__(self, stream, fd):
        self.stream = stream
        self.fd = fd
        self.data = bytearray()
        self.passed = 0  # bytes passed on whose room the guest has not got back yet

    def write_some(self):
        """Passes bytes on; returns False when nobody reads them any more."""
        try:
            count = os.write(self.fd, self.data[:PIPE_CHUNK])
        except BlockingIOError:
            return True
        except OSError:
            return False
        del self.data[:count]
        self.passed += count
        return True


class Channel:
    """Bytes in and out of the channel. The owner polls: it calls received() with what the
    machine sent and sends what outgoing holds."""

    def __init__(self, command, stdout_fd, stderr_fd):
        self.command = command
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.outputs = {b"1": Output(b"1", stdout_fd), b"2": Output(b"2", stderr_fd)}
        self.closed = set()
        self.stdin_room = WINDOW
        self.stdin_open = True
        self.greeted = False
        self.status = None

    def send(self, stream, payload=b""):
        self.outgoing += HEADER.pack(stream, len(payload)) + payload

    def received(self, data):
        self.incoming += data
        if not self.greeted and not self.find_hello():
            return
        while len(self.incoming) >= HEADER.size:
            stream, length = HEADER.unpack_from(self.incoming)
            if length > WINDOW:
                raise ChannelError(f"a frame of {length} bytes")
            if len(self.incoming) < HEADER.size + length:
                return
            payload = bytes(self.incoming[HEADER.size:HEADER.size + length])
            del self.incoming[:HEADER.size + length]
            self.take_frame(stream, payload)

    def find_hello(self):
        """Drops what comes before the guest's hello: firmware writes to every serial line."""
        at = self.incoming.find(HELLO)
        if at < 0:
            del self.incoming[:-len(HELLO)]
            return False
        del self.incoming[:at + len(HELLO)]
        self.greeted = True
        self.send(b"C", self.command)
        return True

    def take_frame(self, stream, payload):
        if stream in self.outputs:
            if stream not in self.closed:
                self.outputs[stream].data += payload
        elif stream == b"K" and len(payload) == 4:
            self.stdin_room += struct.unpack("<I", payload)[0]
        elif stream == b"X" and len(payload) == 4:
            self.status = struct.unpack("<I", payload)[0] & 0xff
            self.send(b"A")
        else:
            raise ChannelError(f"an unknown frame {stream!r}")

    def wants_stdin(self):
        return (self.greeted and self.stdin_open and self.status is None and
                self.stdin_room > 0 and len(self.outgoing) < WINDOW)

    def read_stdin(self, fd):
        try:
            data = os.read(fd, min(CHUNK, self.stdin_room))
        except OSError:
            data = b""
        self.stdin_room -= len(data)
        self.stdin_open = bool(data)
        self.send(b"0", data)

    def pass_on(self, stream):
        """Writes some of a stream's bytes to the host's own, and gives the guest room back."""
        output = self.outputs[stream]
        if not output.write_some():
            self.closed.add(stream)
            output.data.clear()
            self.send(b"Z", stream)
            return
        if output.passed >= WINDOW // 4 and self.status is None:
            self.send(b"K", stream + struct.pack("<I", output.passed))
            output.passed = 0

    def pending(self):
        return any(output.data for output in self.outputs.values())
