"""Derivatives put together from patterns: the same as of the whole graph at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.api.taped import Run
from adjoint.differentiate import stitch
from adjoint.differentiate.linearize import linearize
from adjoint.differentiate.reverse import pullback_graph
from adjoint.graph import check_graph, evaluate

X = np.array([0.5, -1.5, 2.5, 0.0])


def aliased(x: Any) -> Any:
    y = x * x
    return y * y + x * 2 - x


def steps_and_constants(x: Any) -> Any:
    return np.floor(x) * x + np.round(x) + np.cumsum(np.ones(4)) * np.sign(x)


def guarded(x: Any) -> Any:
    y = np.where(x > 0, np.sqrt(np.abs(x)), 0.0)
    return y * np.where(x != 0, 1 / x, 0.0)


def several_outputs(x: Any) -> Any:
    values, vectors = np.linalg.eigh(np.outer(x, x) + np.diag([1.0, 2, 3, 4]))
    return values + vectors[0] ** 2


def one_of_several(x: Any) -> Any:
    _, s, _ = np.linalg.svd(np.outer(x, x) + np.diag([1.0, 2, 3, 4]))
    return s


def filled(x: Any) -> Any:
    a = np.zeros((3, 4))
    a[0] = x
    for k in range(1, 3):
        a[k] = np.sin(a[k - 1]) * x
    return a.sum(axis=0) + a[:, 1].mean()


def stretched(x: Any) -> Any:
    return (x[:, None] * np.ones(4, np.float32) + x).sum(axis=0) * 2


def control(x: Any) -> Any:
    return ad.scan(lambda c, a: (c * a, c + a), x, np.ones((3, 1)) * x)[1][1] + x


def elements(x: Any) -> Any:
    a, b = np.zeros((4, 5)), np.empty((2, 6))
    for i in range(4):
        for j in range(i + 1):
            a[i, j] = x[i] * x[j]
            a[j, i + 1] = a[i, j] + x[-1 - j]
        b[:, i + 1 : i + 3] = a[2:0:-1, i : i + 2] * x[i]
        b[i % 2, 4 - i :: -2] += a[i, 4 - i : 1 : -1].sum()
    return a[:, 1:] @ x + b[:, 1:5].sum() + b[:, ::-1][1, 2:4].prod()


FUNCTIONS = [
    aliased, steps_and_constants, guarded, several_outputs, one_of_several, filled, stretched,
    control, elements,
    lambda x: x,
    lambda x: (x, x[:2] * 3, np.ones(2)),
    lambda x: x[0] * np.zeros(3),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of branches that are not taken
@pytest.mark.parametrize("f", FUNCTIONS)
def test_as_of_the_whole_graph(f: Any, rng: np.random.Generator) -> None:
    run = Run(f, (X,), {}, (0,), "grad")
    recorder = run.recorder
    outputs = [i for i in run.tape.outputs if i is not None]
    whole = recorder.graph(outputs, [0])
    index = {value: i for i, value in whole.values.items()}
    active = [i == 0 for i in range(len(whole.graph.inputs))]
    for of_graph, of_run in (
        (pullback_graph, stitch.pullback_of),
        (linearize, stitch.pushforward_of),
    ):
        old, new = of_graph(whole.graph, active), of_run(recorder, 1, outputs)
        check_graph(new.graph)
        assert new.active_outputs == old.active_outputs
        assert set(new.residuals) == {index[value] for value in old.residuals}
        incoming = [
            rng.normal(size=v.type.shape).astype(v.type.dtype)
            for v in new.graph.inputs[len(new.residuals) :]
        ]
        with np.errstate(all="ignore"):
            got = evaluate(new.graph, [*[recorder.payloads[i] for i in new.residuals], *incoming])
            wanted = evaluate(
                old.graph, [*[recorder.payloads[index[v]] for v in old.residuals], *incoming]
            )
        for a, b in zip(got, wanted, strict=True):
            assert np.all(np.isfinite(a))
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def test_lines_are_the_users() -> None:
    run = Run(aliased, (X,), {}, (0,), "grad")
    graph = run.tape.pullback().graph
    lines = {node.source.text for node in graph.nodes if node.source is not None}
    assert lines == {"y = x * x", "return y * y + x * 2 - x"}
    assert {node.source.role for node in graph.nodes if node.source is not None} == {"adjoint"}


def test_conventions_are_part_of_the_key() -> None:
    f = ad.grad(lambda x: np.abs(x) * 3.0)
    assert f(0.0) == 0.0
    with ad.conventions(abs_at_zero="one"):
        assert f(0.0) == 3.0
    assert f(0.0) == 0.0


def test_an_operation_met_again_is_not_differentiated_again(monkeypatch: Any) -> None:
    made = []

    def counted(*args: Any) -> Any:
        made.append(args)
        return linearize(*args)

    monkeypatch.setattr(stitch, "linearize", counted)
    monkeypatch.setattr(stitch, "_linears", {})
    ad.grad(lambda x: np.sum(np.sin(np.sin(np.sin(x))) * np.cos(x)))(X)
    assert len(made) == 4  # sin, cos, mul, sum
    ad.grad(lambda x: np.sum(np.cos(np.sin(x)) * np.sin(x)))(X)
    assert len(made) == 4


def _names(f: Any, *args: Any) -> list[str]:
    graph = Run(f, args, {}, (0,), "grad").tape.pullback().graph
    return [node.primitive.name for node in graph.nodes]


def test_what_the_operands_of_an_operation_share_is_computed_once() -> None:
    names = _names(lambda x: np.sum(np.maximum(x, x[::-1])), X)
    assert names.count("equal") == 1
    assert names.count("shared") == 2
    assert not {"where", "mul", "multiply_no_nan"} & set(names)


def test_limits_are_chosen_in_one_step() -> None:
    names = _names(lambda x: np.sum(np.clip(x, -1.0, 1.0)), X)
    assert names.count("shared") == 2
    assert not {"where", "mul", "multiply_no_nan"} & set(names)


@pytest.mark.parametrize("n", [4, 4096])
def test_shares_are_exact_whatever_comes_in(n: int) -> None:
    x = np.resize([1.0, 2.0, 3.0, np.nan, -np.inf], n)
    y = np.resize([2.0, 2.0, 1.0, 1.0, 0.0], n)
    _, pull = ad.vjp(np.maximum, x, y)
    for cotangent in (np.inf, np.nan, -0.0, 3.0):
        x_bar, y_bar = pull(np.full(n, cotangent))
        for bar, kept in ((x_bar, x > y), (y_bar, y > x)):
            np.testing.assert_array_equal(bar[kept], cotangent)
            np.testing.assert_array_equal(bar[x == y], cotangent / 2)
            np.testing.assert_array_equal(bar[~kept & (x != y)], 0.0)


def test_one_pattern_serves_all_places() -> None:
    """Reads and writes of other elements need no patterns of their own."""

    def doubled(x: Any, count: int) -> Any:
        a = np.zeros(50)
        for i in range(count):
            a[i] = x[i] * 2
        return a.sum()

    x = np.linspace(0, 1, 50)
    ad.grad(doubled)(x, 3)
    before = len(stitch._linears)
    np.testing.assert_array_equal(ad.grad(doubled)(x, 50), 2)
    assert len(stitch._linears) == before
