"""Loops that go on without late threads: the same numbers, and nobody is left behind."""

import signal
import time
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.lower import teams, threads
from adjoint.run import pool

ROWS, WIDTH = 48, 64


@pytest.fixture(autouse=True)
def always_share_and_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.Choice, "next", lambda self: self.threads)
    monkeypatch.setenv("ADJOINT_CACHE", "off")  # what is patched here is in no key


def descent(rounds: int, reverse: bool = False) -> Any:
    """Steps of a least-squares fit; each sum over the rows makes the threads meet."""

    def f(w: Any, x: Any, scales: Any) -> Any:
        def step(w: Any, scale: Any) -> Any:
            r = np.tanh(x @ w) - x
            return w - scale * (x.T @ r), np.sum(r[0])

        return ad.scan(step, w, scales, reverse=reverse)

    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, WIDTH))
    return f, [0.1 * rng.normal(size=(WIDTH, WIDTH)), x, rng.uniform(1e-4, 1e-3, rounds)]


@pytest.mark.parametrize("spins", [0, 1000])  # every wait counts as long; waits as they are
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_bits_do_not_depend_on_who_works(
    spins: int, count: int, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    f, args = descent(601, reverse)
    alone = ad.jit(f, threads=1)(*args)
    monkeypatch.setattr(threads, "_SPINS", spins)
    shared = ad.jit(f, threads=count)
    assert "call void @decide" in shared.lower(*args).llvm
    for _ in range(3):
        for a, b in zip(alone, shared(*args), strict=True):
            assert np.array_equal(a, b)


def test_long_rounds_and_short_loops_always_share(monkeypatch: pytest.MonkeyPatch) -> None:
    f, args = descent(601)
    few = [*args[:2], args[2][:60]]
    assert "@decide" not in ad.jit(f, threads=2).lower(*few).llvm
    monkeypatch.setattr(teams, "_SHORT", 1.0)
    assert "@decide" not in ad.jit(f, threads=2).lower(*args).llvm


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no such timers")
@pytest.mark.parametrize("spins", [0, 1000])
def test_a_signal_ends_the_loop_for_all(spins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class EnoughError(Exception):
        pass

    def stop(*_: Any) -> None:
        raise EnoughError

    monkeypatch.setattr(threads, "_SPINS", spins)
    f, args = descent(400_000)
    shared = ad.jit(f, threads=2)
    shared(*args[:2], args[2][:1])
    program = shared.lower(*args)
    assert "@decide" in program.llvm
    before = signal.signal(signal.SIGALRM, stop)
    started = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(EnoughError):
            shared(*args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 10
    f, args = descent(601)
    for a, b in zip(ad.jit(f, threads=1)(*args), ad.jit(f, threads=2)(*args), strict=True):
        assert np.array_equal(a, b)
