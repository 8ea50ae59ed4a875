"""Random graphs over all primitives, with arguments, and how far rounding may move results.

A graph is drawn node by node: a primitive, operands among the values made so far or new
arguments, static settings. ``noisy`` runs a graph with every result moved by some units in
the last place: what that does to the results is what rounding may do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adjoint.graph import ArrayType, Graph, Node, Value, primitives

EXTENTS = [0, 1, 1, 2, 3, 3, 5, 8, 17]
DTYPES = [
    np.dtype(c)
    for c in ["?", "b", "h", "i", "q", "B", "H", "I", "Q", "e", "f", "d", "d", "f", "F", "D"]
]
FLOATS = [np.dtype(c) for c in "efdd"]
MOST = 1500  # elements of a value

# Values these are applied to must be the same to the bit, for they jump.
JUMPS = frozenset(
    [
        "floor",
        "ceil",
        "rint",
        "trunc",
        "sign",
        "heaviside",
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "signbit",
        "argmax",
        "argmin",
        "argsort",
        "floor_divide",
        "remainder",
        "fmod",
        "spacing",
        "nextafter",
        "logical_and",
        "logical_or",
        "logical_xor",
        "logical_not",
        "any",
        "all",
        "isnan",
        "isinf",
        "isfinite",
        "copysign",
        "cast",
        "max",
        "min",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "where",
        "huber",
    ]
)
# Nodes that only move elements, or compute in whole numbers or exactly. Maxima do not belong
# here: of zeros of two signs either may win.
EXACT = frozenset(
    [
        "broadcast",
        "reshape",
        "permute_axes",
        "slice",
        "unslice",
        "set_slice",
        "concatenate",
        "gather",
        "scatter_set",
        "where",
        "windows",
        "real",
        "imag",
        "join_parts",
        "conj",
        "stop_gradient",
        "neg",
        "abs",
        "cast",
        "copysign",
    ]
)


@dataclass
class Drawing:
    """A graph in the making."""

    rng: np.random.Generator
    inputs: list[Value] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    exact: set[Value] = field(default_factory=set)

    def shape(self, least: int = 0, most: int = 3) -> tuple[int, ...]:
        while True:
            found = tuple(
                int(n) for n in self.rng.choice(EXTENTS, self.rng.integers(least, most + 1))
            )
            if np.prod(found) <= MOST:
                return found

    def new(self, shape: Sequence[int], dtype: Any, low: float = -2, high: float = 2) -> Value:
        return self.given(numbers(self.rng, tuple(shape), np.dtype(dtype), low, high))

    def given(self, x: Any) -> Value:
        """An argument; sometimes it is passed as a view that is not in C order."""
        value = Value(ArrayType(x.shape, x.dtype))
        self.inputs.append(value)
        self.arrays.append(strided(self.rng, x) if self.rng.random() < 0.3 else x)
        self.exact.add(value)
        self.values.append(value)
        return value

    def some(
        self, good: Callable[[ArrayType], bool], otherwise: Callable[[], Value], jumps: bool = False
    ) -> Value:
        """A value made before that fits, or a new one."""
        fits = [v for v in self.values if good(v.type) and (not jumps or v in self.exact)]
        if fits and self.rng.random() < 0.75:
            return fits[self.rng.integers(len(fits))]
        return otherwise()

    def add(self, name: str, operands: Sequence[Value], /, **settings: Any) -> tuple[Value, ...]:
        primitive = primitives[name]
        types = primitive.infer(*[v.type for v in operands], **settings)
        outputs = tuple(Value(t) for t in types)
        attributes = tuple(settings[key] for key in primitive.attributes)
        self.nodes.append(Node(primitive, tuple(operands), attributes, outputs))
        sure = all(v in self.exact for v in operands)
        for v in outputs:
            whole = v.type.dtype.kind in "biu"
            if sure and (whole or name in EXACT):
                self.exact.add(v)
            self.values.append(v)
        return outputs

    @property
    def graph(self) -> Graph:
        used = {v for node in self.nodes for v in node.operands}
        ends = [v for node in self.nodes for v in node.outputs if v not in used]
        return Graph(tuple(self.inputs), tuple(self.nodes), tuple(ends))


def numbers(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, low: float, high: float
) -> Any:
    """An array of ordinary numbers; of floats a tenth are zeros of both signs and the like."""
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        first = max(int(low), 0) if dtype.kind == "u" else int(low) * 3
        return rng.integers(first, int(high) * 3 + 1, shape).astype(dtype)
    x = rng.uniform(low, high, shape)
    if low < 0:
        x = np.where(rng.random(shape) < 0.1, rng.choice([0.0, -0.0, 1.0, -1.0, 0.5], shape), x)
    if dtype.kind == "c":
        return (x + 1j * rng.uniform(low, high, shape)).astype(dtype)
    return np.asarray(x).astype(dtype)


def strided(rng: np.random.Generator, x: Any) -> Any:
    """The same elements in a view of a larger array: steps, backwards, another order."""
    if x.ndim == 0:
        return x
    axis = int(rng.integers(x.ndim))
    step = int(rng.choice([-1, 2, -3]))
    wide = np.zeros([n * abs(step) if i == axis else n for i, n in enumerate(x.shape)], x.dtype)
    view = wide[tuple(slice(None, None, step) if i == axis else slice(None) for i in range(x.ndim))]
    view[...] = x
    return np.asfortranarray(view) if rng.random() < 0.3 else view


def noisy(graph: Graph, arrays: Sequence[Any], rng: np.random.Generator, units: float = 2) -> Any:
    """Results with every inexact intermediate one moved by units in its last place.

    What is within a loop or a branch is not met one by one: what goes in is moved instead.
    """

    def moved(y: Any) -> Any:
        y = np.asarray(y)
        if y.dtype.kind not in "fc":
            return y
        eps = np.finfo(y.dtype).eps
        return (y * (1 + units * eps * rng.choice([-1.0, 1.0], y.shape))).astype(y.dtype)

    env: dict[Any, Any] = dict(zip(graph.inputs, arrays, strict=True))
    for node in graph.nodes:
        operands = [env[v] for v in node.operands]
        if node.primitive.structure == "control":
            operands = [moved(x) for x in operands]
        made = node.primitive.evaluate(*operands, **node.settings)
        results = made if node.primitive.several else (made,)
        for value, y in zip(node.outputs, results, strict=True):
            env[value] = y if node.primitive.name in EXACT else moved(y)
    return [env[v] for v in graph.outputs]


SUMS = frozenset(
    [
        "sum",
        "prod",
        "cumsum",
        "cumprod",
        "matmul",
        "einsum",
        "convolution",
        "convolution_input",
        "convolution_weight",
        "overlap_add",
        "scatter_add",
        "convolve",
        "correlate",
        "fft",
        "ifft",
        "rfft",
        "irfft",
    ]
)


def adds_up(graph: Graph) -> bool:
    """Whether elements are sums, whose rounding goes with their largest term.

    So may be what a loop or a branch does: nothing is moved within, where sums may cancel.
    """
    hidden = ("special", "control")
    return any(n.primitive.name in SUMS or n.primitive.structure in hidden for n in graph.nodes)


def differs(got: Any, wanted: Any, moved: Sequence[Any], sums: bool) -> str:
    """What is wrong with a result; empty if nothing is."""
    wanted = np.asarray(wanted)
    if (got.shape, got.dtype) != (wanted.shape, wanted.dtype):
        return f"{got.dtype}{got.shape} for {wanted.dtype}{wanted.shape}"
    if wanted.dtype.kind not in "fc":
        bad = got != wanted
        return f"{int(bad.sum())} of {bad.size} elements" if bad.any() else ""
    pairs = [(got, wanted, list(moved))]
    if wanted.dtype.kind == "c":
        pairs = [
            (getattr(got, p), getattr(wanted, p), [getattr(np.asarray(m), p) for m in moved])
            for p in ("real", "imag")
        ]
    for g, w, others in pairs:
        steady = np.isfinite(w)
        for m in others:
            steady &= np.isfinite(m)
        special = ~np.isfinite(w) & np.all(
            [(m == w) | (np.isnan(m) & np.isnan(w)) for m in others], 0
        )
        same = (g == w) | (np.isnan(g) & np.isnan(w))
        if not same[special].all():
            return f"not finite: {g[special & ~same][:3]} for {w[special & ~same][:3]}"
        if not steady.any():
            continue
        w64, g64 = w[steady].astype("f8"), g[steady].astype("f8")
        scale = np.abs(wanted[steady]).astype("f8")
        off = [np.abs(np.asarray(m)[steady].astype("f8") - w64) for m in others]
        spread = max(float(np.max(d / (scale + 1e-300))) for d in off)
        eps = float(np.finfo(w.dtype).eps)
        allowed = (
            32
            * max(spread, eps)
            * np.maximum(scale, float(np.max(scale)) * (0.3 if sums else 1e-9))
        )
        allowed = allowed + 8 * float(np.finfo(w.dtype).smallest_subnormal)
        bad = ~(np.abs(g64 - w64) <= allowed)
        if bad.any():
            return f"{g64[bad][:3]} for {w64[bad][:3]}, allowed {allowed[bad][:3]}"
    return ""
