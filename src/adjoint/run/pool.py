"""Threads that work on programs together with the thread that called.

The threads wait in a queue of Python's, so they cost nothing while there is nothing to do. A
program shared by several threads runs alone: a second one that starts meanwhile, or from
inside the first, is run by its own thread only.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

_TRY_AGAIN = 32  # calls between looks at the way that was slower
_FADING = 0.8


class Pool:
    """Helpers for the calling thread."""

    def __init__(self) -> None:
        self._queues: list[queue.SimpleQueue[Callable[[], object]]] = []
        self._busy = threading.Lock()

    def run(self, work: Callable[[int, int], int], threads: int) -> int:
        """``work(thread, threads)`` on every thread at once; returns what thread 0 gave."""
        if not self._busy.acquire(blocking=False):
            return work(0, 1)
        try:
            while len(self._queues) < threads - 1:
                self._start()
            for i in range(1, threads):
                self._queues[i - 1].put(lambda i=i: work(i, threads))  # type: ignore[misc]
            return work(0, threads)
        finally:
            self._busy.release()

    def _start(self) -> None:
        mine: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

        def serve() -> None:
            while True:
                mine.get()()

        threading.Thread(target=serve, name="adjoint", daemon=True).start()
        self._queues.append(mine)


class Choice:
    """Whether a program's calls are better shared: tried, timed, and tried again at times.

    The bits are the same either way, so this may depend on how busy the machine is.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._best = {1: float("inf"), threads: float("inf")}
        self._calls = 0

    def next(self) -> int:
        """How many threads the next call should use."""
        self._calls += 1
        ahead = 1 if self._best[1] < self._best[self.threads] else self.threads
        if self._calls == 1:
            return self.threads
        other = 1 if ahead == self.threads else self.threads
        if self._best[other] == float("inf") or self._calls % _TRY_AGAIN == 0:
            return other
        return ahead

    def note(self, threads: int, seconds: float) -> None:
        """Remember how long a call took; old times fade, for machines change."""
        old = self._best[threads]
        faded = seconds if old == float("inf") else old * _FADING + seconds * (1 - _FADING)
        self._best[threads] = min(seconds, faded)


pool = Pool()


def _forget_threads() -> None:
    """A forked process has none of its parent's threads."""
    global pool
    pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def most_threads(asked: int | None) -> int:
    """How many threads a program may use: asked for, set by the environment, or one a core."""
    if asked is not None:
        return max(1, asked)
    text = os.environ.get("ADJOINT_NUM_THREADS", "")
    if text.strip().isdigit() and int(text) > 0:
        return int(text)
    if not hasattr(os, "sched_getaffinity"):  # no cheap way to give way to other threads
        return 1
    return len(os.sched_getaffinity(0))
