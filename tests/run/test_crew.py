"""Helpers that look for more work before they go to sleep."""

import ctypes
import gc
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.run import compile_graph, crew, pool

_JOB = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)


def test_a_box_is_served_until_its_helper_leaves() -> None:
    serve, post, _ = crew.functions()
    box = crew.Box()
    assert box.address % 64 == 0
    seen: list[Any] = []
    job = _JOB(lambda *given: seen.append(given) or 0)
    address = ctypes.cast(job, ctypes.c_void_p)

    def give(table: int) -> int:
        done: int = post(box.address, address, table, 64, 1, 3)
        return done

    assert give(8) == 0  # nobody is there
    given = 0
    for _ in range(100):  # on a busy machine it may have left before anything was given
        helper = threading.Thread(target=serve, args=(box.address,))
        helper.start()
        while not given and helper.is_alive():  # it takes a moment to begin
            given += give(100)
        if given:
            break
    for table in range(101, 110):
        given += give(table)
    helper.join(timeout=20)  # it leaves by itself when nothing comes
    assert not helper.is_alive()
    assert give(9) == 0
    assert len(seen) == given > 0  # what was taken was done, once, before it left
    assert [one[1:] for one in seen] == [(64, 1, 3)] * given
    assert {one[0] for one in seen} <= set(range(100, 110))


def chain(x: Any) -> Any:
    for _ in range(6):
        x = np.tanh(x) * 0.5 + np.exp(-x * x)
    return x


def compiled(threads: int) -> Any:
    return compile_graph(ad.trace(chain, np.zeros((60, 500))), threads=threads)


@pytest.fixture(autouse=True)
def always_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.Choice, "next", lambda self: self.threads)


@pytest.mark.parametrize("pause", [0.0, 3e-5, 3e-4, 3e-3])  # found there, leaving, asleep
def test_calls_at_any_time_find_their_helper(pause: float, rng: np.random.Generator) -> None:
    x = rng.normal(size=(60, 500))
    shared = compiled(2)
    assert shared.lowered.threads == 2
    want = compiled(1)([x])[0]
    for _ in range(40):
        assert np.array_equal(shared([x])[0], want)
        assert np.array_equal(shared([np.asfortranarray(x)])[0], want)  # by another way
        time.sleep(pause)


def test_a_program_that_is_done_with_is_let_go(rng: np.random.Generator) -> None:
    shared = compiled(2)
    shared([rng.normal(size=(60, 500))])
    gone = weakref.ref(shared)
    del shared
    limit = time.monotonic() + 20
    while gone() is not None and time.monotonic() < limit:
        gc.collect()
        time.sleep(0.01)
    assert gone() is None
