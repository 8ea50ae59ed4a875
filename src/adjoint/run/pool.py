"""Threads that work on programs together with the thread that called.

The threads wait in a queue of Python's, so they cost nothing while there is nothing to do; right
after a program they look out for the next one (``crew``). A program shared by several threads
runs alone: a second one that starts meanwhile, or from inside the first, is run by its own
thread only.
"""

from __future__ import annotations

import ctypes
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from adjoint.run import crew

_TRY_AGAIN = 32  # calls between looks at a way that takes twice as long
_SOONEST = 4  # and at one that is hardly slower
_FADING = 0.8


@dataclass(frozen=True)
class Job:
    """A program for several threads.

    Args:
        function: runs it; given table, arena, the thread's number and the number of threads.
        address: of the machine code that the other threads run.
        table: address of the pointers to arguments, results and constants.
        arena: address of its memory.
        held: what must stay alive while a thread is in the program. One may still be leaving
            the last barrier when the call has returned.
    """

    function: Callable[[int, int, int, int], int]
    address: int
    table: int
    arena: int
    held: object


class _Helper:
    """A thread that waits for programs: in its box for a moment, in its queue for ever."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Job, int, int, object]] = queue.SimpleQueue()
        self._box = crew.Box()
        self._last: object = None
        self._serve, self._post, _ = crew.functions()
        threading.Thread(target=self._wait, name="adjoint", daemon=True).start()

    def give(self, job: Job, thread: int, threads: int) -> None:
        """Let it do its part of a program."""
        there = self._post(self._box.address, job.address, job.table, job.arena, thread, threads)
        if not there:
            self._queue.put((job, thread, threads, self._last))
        self._last = job

    def _wait(self) -> None:
        while True:
            _work(*self._queue.get())
            self._serve(self._box.address)
            self._last = None  # it has left that program, or has been given it again in the queue


def _work(job: Job, thread: int, threads: int, _: object) -> None:
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    run = ctypes.CFUNCTYPE(number, pointer, pointer, number, number)(job.address)
    run(job.table, job.arena, thread, threads)


class Pool:
    """Helpers for the calling thread."""

    def __init__(self) -> None:
        self._helpers: list[_Helper] = []
        self._busy = threading.Lock()

    def run(self, job: Job, threads: int) -> int:
        """Run a program on every thread at once; returns what thread 0 gave."""
        if threads == 1 or not self._busy.acquire(blocking=False):
            return job.function(job.table, job.arena, 0, 1)
        try:
            while len(self._helpers) < threads - 1:
                self._helpers.append(_Helper())
            for i in range(1, threads):
                self._helpers[i - 1].give(job, i, threads)
            return job.function(job.table, job.arena, 0, threads)
        finally:
            self._busy.release()


class Choice:
    """Whether a program's calls are better shared: tried, timed, and tried again at times.

    The bits are the same either way, so this may depend on how busy the machine is. The first
    call finds its memory cold and says nothing. The way that was slower is tried again the
    sooner the less it was behind: that costs about the same share of all time, whatever it is.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._best = {1: float("inf"), threads: float("inf")}
        self._calls = 0
        self._wait = _SOONEST  # calls until the slower way is tried again

    def next(self) -> int:
        """How many threads the next call should use."""
        self._calls += 1
        if self._calls <= 3:
            return 1 if self._calls == 3 else self.threads
        ahead, other = sorted((1, self.threads), key=self._best.__getitem__)
        self._wait -= 1
        if self._wait > 0:
            return ahead
        behind = self._best[other] / max(self._best[ahead], 1e-9) - 1
        known = behind < float("inf")  # calls may have failed, or still be running
        self._wait = round(max(_SOONEST, min(behind, 2) * _TRY_AGAIN)) if known else _SOONEST
        return other

    def note(self, threads: int, seconds: float) -> None:
        """Remember how long a call took; old times fade, for machines change."""
        if self._calls == 1:
            return
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
