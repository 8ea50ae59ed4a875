"""One case of the tables, checked in every mode."""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import adjoint as ad


class Case(NamedTuple):
    """A function and a point; what is left out is said by name, with the reason in the table."""

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    skip: frozenset[str] = frozenset()  # of: bits, second, third, vmap, jit
    tolerance: float = 1e-6


def leaves(y: Any) -> list[Any]:
    return ad.tree.flatten(y)[0]


def inner(a: Any, b: Any) -> float:
    """The pairing of cotangents with tangents: Re(sum(a b)), floating leaves only."""
    total = 0.0
    for x, y in zip(leaves(a), leaves(b), strict=True):
        if np.asarray(x).dtype.kind in "fc" and np.asarray(y).dtype.kind in "fc":
            total += float(np.real(np.sum(np.multiply(x, y, dtype=complex))))
    return total


def size(a: Any, b: Any) -> float:
    total = 0.0
    for x, y in zip(leaves(a), leaves(b), strict=True):
        if np.asarray(x).dtype.kind in "fc" and np.asarray(y).dtype.kind in "fc":
            total += float(np.sum(np.abs(np.multiply(x, y, dtype=complex))))
    return total


def random_like(rng: np.random.Generator, y: Any) -> Any:
    def draw(x: Any) -> Any:
        x = np.asarray(x)
        if x.dtype.kind not in "fc":
            return np.zeros(x.shape, x.dtype)[()]
        r = rng.uniform(-1, 1, x.shape)
        if x.dtype.kind == "c":
            r = r + 1j * rng.uniform(-1, 1, x.shape)
        return np.asarray(r).astype(x.dtype)[()]

    return ad.tree.tree_map(draw, y)


def moved(args: Any, t: Any, h: float) -> Any:
    return tuple(a + h * d for a, d in zip(args, t, strict=True))


def difference(f: Callable[..., Any], args: Any, t: Any, h: float) -> list[Any]:
    """Central differences at h and 2h, extrapolated: the error falls like h^4."""

    def at(step: float) -> list[Any]:
        up, down = leaves(f(*moved(args, t, step))), leaves(f(*moved(args, t, -step)))
        return [
            (np.asarray(a) - np.asarray(b)) / (2 * step)
            if np.asarray(a).dtype.kind in "fc"
            else np.zeros(np.shape(a))
            for a, b in zip(up, down, strict=True)
        ]

    return [(4 * a - b) / 3 for a, b in zip(at(h), at(2 * h), strict=True)]


def same_bits(got: Any, wanted: Any, what: str) -> None:
    one, other = leaves(got), leaves(wanted)
    assert len(one) == len(other), what
    for a, b in zip(one, other, strict=True):
        assert type(a) in (np.ndarray, float, int, bool, complex) or isinstance(a, np.generic), (
            f"{what}: a {type(a).__name__} came back"
        )
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype, f"{what}: {a.dtype} for {b.dtype}"
        assert a.shape == b.shape, f"{what}: {a.shape} for {b.shape}"
        assert a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"), (
            f"{what}: {a} for {b}"
        )


def close(got: Any, wanted: Any, rtol: float, what: str) -> None:
    for a, b in zip(leaves(got), leaves(wanted), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype.kind not in "fc" and b.dtype.kind not in "fc":
            assert np.array_equal(a, b), f"{what}: {a} for {b}"
            continue
        scale = max(1.0, float(np.max(np.abs(b), initial=0)))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=what)


def sampled(name: str) -> bool:
    """One in eight by its name, all with ADJOINT_ALL_CASES=1."""
    return zlib.crc32(name.encode()) % 8 == 0 or bool(os.environ.get("ADJOINT_ALL_CASES"))


def check(case: Case, rng: np.random.Generator, h: float = 1e-3) -> None:
    f, args, rtol = case.f, case.args, case.tolerance
    before = [np.array(a) for a in args]
    wanted = f(*[np.array(a)[()] if np.ndim(a) == 0 else np.array(a) for a in args])
    out, pull = ad.vjp(f, *args)
    for a, b in zip(args, before, strict=True):
        assert np.array_equal(a, b, equal_nan=True), "the argument was written"
    if "bits" not in case.skip:
        same_bits(out, wanted, "value")
    else:
        close(out, wanted, 1e-12, "value")

    t, bar = random_like(rng, args), random_like(rng, wanted)
    _, dot = ad.jvp(f, args, t)
    back = pull(bar)
    for a, b in zip(args, back, strict=True):
        assert np.shape(b) == np.shape(a)
        assert np.asarray(b).dtype == np.asarray(a).dtype
    scale = max(size(bar, dot), size(back, t), 1e-30)
    gap = abs(inner(bar, dot) - inner(back, t))
    assert gap <= 1e-9 * scale, (
        f"<y_bar, J t> = {inner(bar, dot)}, <J^T y_bar, t> = {inner(back, t)}"
    )
    numeric = difference(f, args, t, h)
    close(leaves(dot), numeric, rtol, "J t against differences")

    if "second" not in case.skip:
        u = random_like(rng, args)

        def gradient(*xs: Any) -> Any:
            return ad.vjp(f, *xs)[1](bar)

        _, forward = ad.jvp(gradient, args, t)
        close(forward, difference(gradient, args, t, h), 30 * rtol, "second order")
        _, twice = ad.vjp(gradient, *args)
        scale = max(size(u, forward), size(twice(u), t), 1e-30)
        assert abs(inner(u, forward) - inner(twice(u), t)) <= 1e-8 * scale, "reverse over reverse"
        if "third" not in case.skip and sampled(case.name):

            def curvature(*xs: Any) -> Any:
                return ad.jvp(gradient, xs, t)[1]

            _, third = ad.jvp(curvature, args, t)
            close(third, difference(curvature, args, t, h), 300 * rtol, "third order")
    if "vmap" not in case.skip:
        many = [moved(args, random_like(rng, args), 0.01) for _ in range(3)]
        stacked = tuple(np.stack([row[i] for row in many]) for i in range(len(args)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            batch = ad.vmap(f)(*stacked)
        rows = [leaves(f(*row)) for row in many]
        close(leaves(batch), [np.stack(c) for c in zip(*rows, strict=True)], 1e-10, "vmap")
    if "jit" not in case.skip:
        graph = ad.trace(f, *args)
        from adjoint.graph import evaluate

        count = len(args)
        if len(graph.inputs) == count:
            results = evaluate(graph, [np.asarray(a)[()] for a in args])
            close(results, leaves(wanted), 1e-12, "graph")
