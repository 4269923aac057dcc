"""A device in a process of its own, and the pipe between it and its link.

Of its own, since a process can always be ended, whatever a library does, and what is wrong with one device harms no other.
"""

import os
import sys
import threading
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

from .sealed import Sealed

# How long a process may take to end when it is asked to.
END_S = 3
context = get_context("forkserver")


def start(device, folder: str, key: bytes, task: str, phone: str | None):
    """The process, and the end of the pipe where it says `(report, fields)`, and hears `unlink` and `close`."""
    ours, theirs = context.Pipe()
    process = context.Process(target=run, args=(theirs, device, folder, key, task, phone), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def end(process, pipe: Connection) -> None:
    with suppress(OSError):
        pipe.send("close")
    process.join(END_S)
    process.kill()
    process.join()
    pipe.close()


def run(pipe: Connection, device, folder: str, key: bytes, task: str, phone: str | None) -> None:
    # A library may write to both, and numbers of persons too.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    sending = threading.Lock()

    def report(name: str, **fields) -> None:
        with sending:
            pipe.send((name, fields))

    try:
        running = device(Sealed(folder, key), task, phone, report)
        threading.Thread(target=obey, args=(pipe, running), daemon=True).start()
        running.live()
    except Exception as error:
        report("failed", why=type(error).__name__)
    os._exit(0)


# There is nothing to read any more when the worker was killed.
def obey(pipe: Connection, running) -> None:
    try:
        with suppress(EOFError):
            while pipe.recv() == "unlink":
                running.unlink()
        running.close()
    finally:
        os._exit(0)
