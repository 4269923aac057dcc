"""Work beside the rest of the worker, of which nothing is lost: not the work, and not that it failed."""

import asyncio
import sys

tasks = set()


def spawn(work) -> None:
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(done)


def done(task: asyncio.Task) -> None:
    tasks.discard(task)
    if not task.cancelled() and task.exception():
        failed(type(task.exception()).__name__)


# Without what it holds: the error of a library may quote a key.
def failed(why: str) -> None:
    print(f"a link failed: {why}", file=sys.stderr)
