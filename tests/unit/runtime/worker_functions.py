"""Functions that worker processes run in the tests: good ones and bad ones."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmate.runtime.errors import NotFound


def add(a, b):
    return a + b


def process_id():
    return os.getpid()


def own_and_parents_id(seconds):
    time.sleep(seconds)  # so that the next call goes to another worker
    return os.getpid(), os.getppid()


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def sleep_in_c(seconds):
    """Sleep without ever giving the interpreter lock away, as a C library does that computes."""
    ctypes.PyDLL(None).sleep(seconds)


def say_and_sleep(path, seconds):
    Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)


def segfault():
    ctypes.string_at(0)


def leave(code):
    os._exit(code)


def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def call_exit():
    sys.exit(3)


def interrupt():
    raise KeyboardInterrupt


def eat_memory(megabytes):
    return len(bytearray(megabytes * 1024 * 1024))


def make_bytes(count):
    return b"x" * count


def fail():
    raise ZeroDivisionError("bang")


def fail_typed():
    raise NotFound("no_such_thing", "it is not there", hint="look elsewhere", details={"n": 1})


def return_function():
    return lambda: 1


def threads_and_settings():
    import numpy

    square = numpy.ones((200, 200))
    assert (square @ square)[0, 0] == 200
    return (
        os.environ["OMP_NUM_THREADS"],
        os.environ["OPENBLAS_NUM_THREADS"],
        len(os.listdir("/proc/self/task")),
    )


def imported(name):
    return name in sys.modules


def memory_of_a_child():
    """Return the address-space limit that a process started by a tool lives under."""
    program = "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    return int(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )
