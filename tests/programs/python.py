"""Threads, processes, shared memory, files and signals, through Debian's interpreter."""
import json
import mmap
import multiprocessing
import os
import signal
import subprocess
import tempfile
import threading


def main():
    squares = []
    threads = [threading.Thread(target=lambda i=i: squares.append(i * i)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(squares))
    print(subprocess.run(["/bin/echo", "hi"], capture_output=True, check=True).stdout)
    shared = mmap.mmap(-1, 1 << 20)
    shared[5:9] = b"abcd"
    print(shared[5:9], flush=True)
    child = os.fork()
    if child == 0:
        shared[0] = 7
        os._exit(0)
    os.waitpid(child, 0)
    print(shared[0])
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100000)
        file.seek(0)
        print(len(file.read()), flush=True)
    with multiprocessing.Pool(3) as pool:
        print(pool.map(abs, range(-5, 5)))
    print(json.loads('{"a": [1, 2.5, null]}'))
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        signal.pause()
    except KeyboardInterrupt:
        print("KeyboardInterrupt")


if __name__ == "__main__":
    main()
