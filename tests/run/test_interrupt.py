"""Signals inside native calls: Ctrl-C, and handlers that raise errors of their own.

How soon a call ends is counted in seconds of the processor where it can be: what else the machine
does then makes no difference.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals of POSIX")

LONG = """
import signal, time
import numpy as np
import adjoint as ad
signal.signal(signal.SIGINT, signal.default_int_handler)

def long(x):
    return ad.scan(lambda c, _: (np.tanh(c * 1.01), None), x, np.zeros(300_000_000))[0]

run, x = ad.jit(long, threads={threads}, donate={donate}), np.full({size}, 0.5)
run.lower(x)
print("ready", flush=True)
start = time.perf_counter()
try:
    run(x)
except KeyboardInterrupt:
    print("interrupted", np.isfinite(x).all() and x.shape == ({size},), flush=True)
    print(time.process_time())
"""


def _processor_seconds(process: int) -> float:
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    user, system = map(int, text.rpartition(")")[2].split()[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def interrupted(code: str, threads: int) -> tuple[str, float]:
    """What a program says that gets a Ctrl-C, and how long it went on, as parts of a second."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.8)  # compiling is over
    counts = Path("/proc/self/stat").exists()
    started = _processor_seconds(process.pid) if counts else time.perf_counter()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    said, _, ended = out.strip().rpartition("\n")
    assert said.startswith("interrupted"), err
    seconds = float(ended) - started if counts else time.perf_counter() - started
    return said, seconds / (threads if counts else 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_control_c_ends_a_native_call_within_a_second(threads: int) -> None:
    code = LONG.format(threads=threads, donate=(), size=9 if threads == 1 else 20_000)
    said, seconds = interrupted(code, threads)
    assert said == "interrupted True"
    assert seconds < 1


ONE_STEP = """
import signal, time
import numpy as np
import adjoint as ad
signal.signal(signal.SIGINT, signal.default_int_handler)
run, x = ad.jit({function}, threads={threads}), np.full({shape}, 0.01)
run.lower(x)
print("ready", flush=True)
try:
    run(x)
except KeyboardInterrupt:
    print("interrupted")
    print(time.process_time())
"""


@pytest.mark.parametrize(
    ("function", "shape", "threads"),
    [
        ("lambda x: np.exp(np.sin(x[:, None, :] * x[None, :, :])).sum()", (9000, 40), 1),
        ("lambda x: x @ x", (6000, 6000), 2),
    ],
    ids=["loops", "product"],
)
def test_control_c_ends_a_single_long_step(
    function: str, shape: tuple[int, ...], threads: int
) -> None:
    _, seconds = interrupted(
        ONE_STEP.format(function=function, shape=shape, threads=threads), threads
    )
    assert seconds < 1


def test_what_comes_after_an_interrupted_step_is_left_out(alarm: Any) -> None:
    def steps(x: Any) -> Any:
        for _ in range(20):
            x = np.sin(x @ x * 1e-3)
        return x

    run = ad.jit(steps, threads=2)
    x = np.full((1200, 1200), 0.3)
    begun = time.perf_counter()
    run(x)
    run(x)
    whole = (time.perf_counter() - begun) / 2
    alarm(whole / 8)
    started = time.perf_counter()
    with pytest.raises(TooLateError):
        run(x)
    assert time.perf_counter() - started < whole / 2


class TooLateError(Exception):
    """What the handler of these tests raises."""


@pytest.fixture
def alarm() -> Iterator[Any]:
    def handler(number: int, frame: Any) -> None:
        raise TooLateError("time is up")

    before = signal.signal(signal.SIGALRM, handler)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def counted(limit: Any, x: Any) -> Any:
    return ad.while_loop(lambda s: s[0] < limit, lambda s: (s[0] + 1, np.sin(s[1])), (0.0, x))[1]


def test_the_handlers_own_exception_comes_through(alarm: Any) -> None:
    run = ad.jit(counted)
    x = np.full(50, 0.7)
    np.testing.assert_allclose(run(3.0, x), np.sin(np.sin(np.sin(x))), rtol=1e-14)
    alarm(0.2)
    started = time.perf_counter()
    with pytest.raises(TooLateError, match="time is up"):
        run(1e12, x)
    assert time.perf_counter() - started < 1.2
    # The program is as good as before.
    np.testing.assert_allclose(run(3.0, x), np.sin(np.sin(np.sin(x))), rtol=1e-14)
    np.testing.assert_array_equal(x, np.full(50, 0.7))


def test_also_through_an_entry_of_machine_code(alarm: Any) -> None:
    run = ad.jit(counted)
    x = np.full(4, 0.7)
    for _ in range(12):
        run(3.0, x)
    assert run._entries
    for _ in range(2):
        alarm(0.2)
        with pytest.raises(TooLateError):
            run(1e12, x)
        np.testing.assert_allclose(run(1.0, x), np.sin(x), rtol=1e-14)


def test_other_threads_are_not_troubled(alarm: Any) -> None:
    run = ad.jit(counted)
    found: list[Any] = []
    worker = threading.Thread(target=lambda: found.append(run(4e6, np.full(4, 0.7))))
    worker.start()
    alarm(0.1)
    with pytest.raises(TooLateError):
        signal.pause()
    worker.join()
    assert 0 < found[0][0] < 0.7


def test_a_signal_before_a_callback_is_not_lost(alarm: Any) -> None:
    """A kernel without a loop of steps, then Python: the handler raises on the way in."""

    def run(x: Any) -> Any:
        for _ in range(8):
            x = np.tan(np.sin(x))
        return np.fft.fft(x)

    jitted = ad.jit(run, threads=1)
    x = np.linspace(0, 1, 1 << 20)
    jitted(x)
    alarm(0.03)
    with pytest.raises(TooLateError):
        jitted(x)


def test_fit_ends_cleanly_inside_one_long_call() -> None:
    """Steps are cut into calls of a quarter of a second by forecast; here they are not."""
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Linear(64, 1))
    rng = np.random.default_rng(0)
    data = rng.standard_normal((1_000_000, 2)), rng.standard_normal((1_000_000, 1))

    def handler(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, handler)
    try:
        signal.setitimer(signal.ITIMER_PROF, 2.0)
        started = time.process_time()
        result = ad.fit(
            model, data, loss=nn.mean_squared_error, epochs=1, batch_size=1, seed=0,
            steps_per_call=1_000_000,
        )  # fmt: skip
        seconds = time.process_time() - started
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert result.stopped == "interrupted"
    assert seconds < 3.0
    assert all(np.isfinite(x).all() for x in ad.tree.leaves(result.model))
