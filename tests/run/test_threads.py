"""Several threads: the same bits as one, whatever the program."""

import importlib.util
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate, primitives
from adjoint.run import compile_graph
from adjoint.run.pool import Choice

_spec = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
assert _spec is not None
assert _spec.loader is not None
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)
arrays = programs.arrays


def inputs_of(f: Any, args: Any) -> tuple[Any, list[Any]]:
    from adjoint.api.recorded import record_call

    recording = record_call(f, tuple(args), "trace")
    leaves = [np.asarray(x) for x in ad.tree.flatten(tuple(args))[0]]
    return recording.graph, leaves + list(recording.captured)


def chain(x: Any) -> Any:
    for _ in range(4):
        x = np.tanh(x) * 0.5 + np.exp(-x * x)
    return x


def sums(x: Any) -> Any:
    return x.sum(), (x * x).mean(), x.max(), np.tanh(x).sum(0), x.sum(1), (x > 3).any(), x.prod()


def looping(x: Any) -> Any:
    def going(state: Any) -> Any:
        return state[1] < 6

    def step(state: Any) -> Any:
        u, i = state
        return np.tanh(u) + u.mean(), i + 1

    return ad.while_loop(going, step, (x, 0))


def choosing(x: Any) -> Any:
    y = np.exp(-x * x)
    return ad.cond(y.sum() > 0, lambda v: chain(v), lambda v: v * 2, y)


def calling_numpy(x: Any) -> Any:
    a = np.tanh(x @ x.T) + 40 * np.eye(x.shape[0])
    return np.linalg.solve(a, np.exp(-a)), np.sort(a, axis=0)


def convolving(x: Any, w: Any) -> Any:
    how = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}

    def f(x: Any, w: Any) -> Any:
        y = primitives["convolution"](x, w, **how)
        pooled = primitives["windows"](y, window=(2, 2), stride=(2, 2), dilation=(1, 1))
        return np.sum(np.tanh(pooled.max((-2, -1))))

    return ad.grad(f, argnums=(0, 1))(x, w)


_STEPS = np.random.default_rng(1).standard_normal((6, 128, 200)).astype("f4")
_LABELS = np.random.default_rng(2).integers(0, 10, (6, 128))
CASES: dict[str, Any] = {
    "chain": (chain, arrays(1, (300, 1001))),
    "slope of a chain": (ad.grad(lambda x: np.sum(chain(x))), arrays(1, (123_457,))),
    "sums": (sums, arrays(2, (401, 507))),
    "sums of a long vector": (lambda x: (x.sum(), np.abs(x).max()), arrays(2, (500_001,))),
    "sums float32": (sums, arrays(2, (401, 507), dtype="f4")),
    "while": (looping, arrays(3, (333, 333))),
    "cond": (choosing, arrays(4, (100_003,))),
    "attention": (programs.attention, arrays(5, (8, 64, 96), (96, 96), (96, 96), (96, 96))),
    "training": (programs.training, [programs.network("f4", 200, 256, 10), _STEPS, _LABELS]),
    "calls of numpy": (calling_numpy, arrays(6, (150, 220))),
    "stencil": (programs.stencil, arrays(7, (700, 701))),
    "convolution": (convolving, arrays(9, (8, 6, 30, 31), (16, 6, 5, 5))),
    "softmax rows": (
        lambda x: np.exp(x - x.max(1, keepdims=True)) / np.exp(x).sum(1, keepdims=True),
        arrays(8, (999, 300)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_same_bits_for_any_number_of_threads(name: str) -> None:
    f, args = CASES[name]
    graph, inputs = inputs_of(f, args)
    one = compile_graph(graph, threads=1)
    expected = one(inputs)
    for wanted, y in zip(evaluate(graph, inputs), expected, strict=True):
        single = y.dtype == np.float32
        np.testing.assert_allclose(y, wanted, rtol=2e-4 if single else 1e-10, atol=1e-5)
    for threads in (2, 3):
        program = compile_graph(graph, threads=threads)
        assert program.lowered.threads == threads
        for _ in range(3):
            for wanted, y in zip(expected, program(inputs), strict=True):
                np.testing.assert_array_equal(y, wanted)


def test_the_faster_way_is_kept_and_the_other_tried_again() -> None:
    choice = Choice(2)
    used = []
    for _ in range(200):
        threads = choice.next()
        used.append(threads)
        choice.note(threads, 1.0 if threads == 2 else 0.5)
    assert used[:4] == [2, 2, 1, 1]
    assert 3 <= used.count(2) <= 9
    for _ in range(300):  # now the machine is free
        threads = choice.next()
        choice.note(threads, 0.3 if threads == 2 else 0.5)
    assert choice.next() == 2


def test_a_cold_first_call_does_not_speak_against_threads() -> None:
    choice = Choice(2)
    for seconds in (9.0, 0.9, 1.0):
        choice.note(choice.next(), seconds)
    assert [choice.next() for _ in range(3)] == [2, 2, 2]


def test_what_is_hardly_slower_is_tried_again_soon() -> None:
    choice = Choice(2)
    used = []
    for _ in range(60):
        used.append(choice.next())
        choice.note(used[-1], 1.01 if used[-1] == 2 else 1.0)
    assert 12 <= used.count(2) <= 20


def test_calls_that_say_nothing_are_no_reason_to_stay() -> None:
    choice = Choice(2)
    assert {choice.next() for _ in range(20)} == {1, 2}


def test_small_programs_use_one_thread() -> None:
    graph, _ = inputs_of(chain, arrays(1, (100,)))
    assert compile_graph(graph, threads=4).lowered.threads == 1


def test_the_environment_sets_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = inputs_of(chain, arrays(1, (500, 1000)))
    monkeypatch.setenv("ADJOINT_NUM_THREADS", "3")
    assert compile_graph(graph).lowered.threads == 3
    monkeypatch.setenv("ADJOINT_NUM_THREADS", "1")
    assert compile_graph(graph).lowered.threads == 1


def test_calls_from_several_python_threads_do_not_disturb_each_other() -> None:
    graph, inputs = inputs_of(chain, arrays(1, (200, 501)))
    program = compile_graph(graph, threads=2)
    expected = program(inputs)[0]
    wrong: list[Any] = []

    def work() -> None:
        wrong.extend(1 for _ in range(10) if not np.array_equal(program(inputs)[0], expected))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_an_exception_in_numpy_ends_every_thread() -> None:
    def f(x: Any) -> Any:
        return chain(np.linalg.inv(chain(x)))

    graph, _ = inputs_of(f, arrays(1, (300, 300)))
    program = compile_graph(graph, threads=2)
    for _ in range(3):
        with pytest.raises(np.linalg.LinAlgError):
            program([np.zeros((300, 300))])
    x = np.random.default_rng(0).standard_normal((300, 300))
    np.testing.assert_allclose(program([x])[0], evaluate(graph, [x])[0], rtol=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    graph, inputs = inputs_of(chain, arrays(1, (300, 501)))
    program = compile_graph(graph, threads=2)
    expected = program(inputs)[0]
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(program(inputs)[0], expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
