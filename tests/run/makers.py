"""How a random node of each primitive is drawn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from graphs import DTYPES, FLOATS, JUMPS, MOST, Drawing

from adjoint.errors import DTypeError
from adjoint.graph import ArrayType, Graph, Node, Value, primitives
from adjoint.primitives.infer import loop_dtypes
from adjoint.primitives.sparse_solve import Places
from adjoint.primitives.special_several import SEVERAL

Maker = Callable[[Drawing], Any]
MAKERS: dict[str, Maker] = {}

# Programs with these are proved elsewhere: they hold functions of Python, are made when SciPy's
# function is first met, or are solvers whose rounding is that of an iteration.
ELSEWHERE = frozenset(
    [
        "callback",
        "pull_callback",
        "custom_call",
        "linear_callback",
        "implicit",
        "linear_solve",
        "ivp",
        "ivp_tangent",
        "ivp_adjoint",
        "linear_map",
        "while_sweeps",
        "scan_sweeps",
        *SEVERAL,
    ]
)


def arity(name: str) -> int:
    """The number of operands of an elementwise row."""
    primitive = primitives[name]
    if primitive.ufunc is not None:
        return int(primitive.ufunc.nin)
    return len(primitive.terms) or (2 if name in ("multiply_no_nan", "join_parts") else 1)


@lru_cache(maxsize=512)
def accepted(name: str) -> tuple[np.dtype[Any], ...]:
    """Dtypes for which a row's reference gives what the row says."""
    primitive = primitives[name]
    count = arity(name)
    found = []
    counts = primitive.notes.get("integers", ())
    # SciPy's own float32 is coarser than ours (test_special), and some of its loops do not end.
    dtypes = [np.dtype("d"), np.dtype("D")] if "scipy" in primitive.notes else DTYPES
    for dtype in dict.fromkeys(dtypes):
        x = np.ones((1,), dtype)
        # Counts are zero: orders of derivatives make some functions dear.
        operands = [np.zeros_like(x) if i in counts else x for i in range(count)]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = primitive.evaluate(*operands)
            types = primitive.infer(*[ArrayType(x.shape, dtype)] * count)
            if primitive.ufunc is not None and count == primitive.ufunc.nin:
                loop = loop_dtypes(primitive.ufunc, (dtype,) * count)
                if tuple(loop[:count]) != (dtype,) * count:
                    continue  # the tracer converts first
        except (TypeError, ValueError, DTypeError):
            continue
        if np.asarray(made).dtype == types[0].dtype:
            found.append(dtype)
    return tuple(found)


def _elementwise(name: str) -> Maker:
    primitive = primitives[name]
    count = arity(name)
    domain = primitive.domain
    whole = primitive.notes.get("integers", ())

    def make(d: Drawing) -> Any:
        choices = [t for t in accepted(name) if not (domain and t.kind in "biu")]
        choices = choices or [np.dtype("d")]
        dtype = choices[d.rng.integers(len(choices))]
        shape = d.shape()
        operands = []
        for i in range(count):
            low, high = domain[min(i, len(domain) - 1)] if domain else (-2.0, 2.0)
            if i in whole:
                operands.append(d.given(d.rng.integers(int(low), int(high) + 1, shape)))
                continue

            def fresh(low: float = low, high: float = high, shape: Any = shape) -> Value:
                return d.new(shape, dtype, low, high)

            if "scipy" in primitive.notes or (domain and (low > -1 or high < 1)):
                operands.append(fresh())
                continue
            found = d.some(
                lambda t, s=shape, first=not operands: t.dtype == dtype and (first or t.shape == s),
                fresh,
                name in JUMPS,
            )
            shape = found.type.shape
            operands.append(found)
        return d.add(name, operands)

    return make


for _row in primitives:
    if _row.ufunc is not None or (_row.structure == "elementwise" and not _row.attributes):
        MAKERS[_row.name] = _elementwise(_row.name)
for _name in ("real", "imag", "conj", "join_parts", "stop_gradient"):
    MAKERS[_name] = _elementwise(_name)


def _any_of(d: Drawing, dtypes: Any = DTYPES, least: int = 0, jumps: bool = False) -> Value:
    """Some value of one of the dtypes."""

    def fresh() -> Value:
        return d.new(d.shape(least), dtypes[d.rng.integers(len(dtypes))])

    return d.some(lambda t: t.dtype in dtypes and t.ndim >= least, fresh, jumps)


def maker(name: str) -> Callable[[Maker], Maker]:
    """Register how a row is drawn."""

    def note(make: Maker) -> Maker:
        MAKERS[name] = make
        return make

    return note


def _axes(d: Drawing, ndim: int, least: int = 0) -> tuple[int, ...]:
    count = int(d.rng.integers(least, ndim + 1))
    return tuple(sorted(int(i) for i in d.rng.choice(ndim, count, replace=False))) if ndim else ()


NUMBERS = [t for t in DTYPES if t.kind != "b"]
REAL = [t for t in DTYPES if t.kind != "c"]


def _reduction(name: str) -> None:
    @maker(name)
    def make(d: Drawing) -> Any:
        exact = name in ("max", "min", "any", "all")
        x = _any_of(d, REAL if name in ("max", "min") else NUMBERS, 1, exact)
        axes = _axes(d, x.type.ndim, 1)
        if name in ("max", "min") and any(x.type.shape[i] == 0 for i in axes):
            x, axes = d.new((3, 2), x.type.dtype), (1,)
        return d.add(name, [x], axes=axes)


for _name in ("sum", "prod", "max", "min", "any", "all"):
    _reduction(_name)


def _along(name: str) -> None:
    @maker(name)
    def make(d: Drawing) -> Any:
        jumps = name.startswith("arg")
        x = _any_of(d, REAL if jumps else NUMBERS, 1, jumps)
        axis = int(d.rng.integers(x.type.ndim))
        if name in ("argmax", "argmin") and 0 in x.type.shape:
            x, axis = d.new((3, 4), x.type.dtype), 1
        settings = {"axis": axis, **({"kind": "stable"} if "sort" in name else {})}
        return d.add(name, [x], **settings)


for _name in ("cumsum", "cumprod", "argmax", "argmin", "argsort", "sort"):
    _along(_name)


@maker("cast")
def _cast(d: Drawing) -> Any:
    x = _any_of(d, jumps=True)
    target = DTYPES[d.rng.integers(len(DTYPES))]
    if x.type.dtype.kind in "fc" and target.kind in "iu":
        target = np.dtype("q")  # out of range is the processor's matter
    if x.type.dtype.kind == "c" and target.kind not in "cb":
        target = np.dtype("D")
    return d.add("cast", [x], dtype=target)


@maker("broadcast")
def _broadcast(d: Drawing) -> Any:
    x = _any_of(d)
    shape = [int(d.rng.choice([2, 3])) if n == 1 else n for n in x.type.shape]
    if d.rng.random() < 0.5:
        shape = [int(d.rng.choice([1, 2, 3])), *shape]
    return d.add("broadcast", [x], shape=tuple(shape))


@maker("reshape")
def _reshape(d: Drawing) -> Any:
    x = _any_of(d)
    n = x.type.size
    parts = next(([k, n // k] for k in (3, 2, 5) if n and n % k == 0), [n])
    parts.insert(int(d.rng.integers(len(parts) + 1)), 1)
    return d.add("reshape", [x], shape=tuple(parts))


@maker("permute_axes")
def _permute(d: Drawing) -> Any:
    x = _any_of(d)
    return d.add("permute_axes", [x], axes=tuple(int(i) for i in d.rng.permutation(x.type.ndim)))


def _parts(d: Drawing, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Start, step and shape of a slice."""
    start, step, extents = [], [], []
    for n in shape:
        k = int(d.rng.choice([1, 1, 2, -1, -2]))
        count = int(d.rng.integers(0, (n + abs(k) - 1) // abs(k) + 1))
        room = n - 1 - abs(k) * (count - 1) if count else 0
        first = int(d.rng.integers(0, room + 1)) if count else 0
        start.append(first if k > 0 or not count else n - 1 - first)
        step.append(k)
        extents.append(count)
    return tuple(start), tuple(step), tuple(extents)


@maker("slice")
def _slice(d: Drawing) -> Any:
    x = _any_of(d)
    start, step, shape = _parts(d, x.type.shape)
    return d.add("slice", [x], start=start, step=step, shape=shape)


@maker("unslice")
def _unslice(d: Drawing) -> Any:
    shape = d.shape()
    start, step, inner = _parts(d, shape)
    y = d.new(inner, DTYPES[d.rng.integers(len(DTYPES))])
    return d.add("unslice", [y], start=start, step=step, shape=shape)


@maker("set_slice")
def _set_slice(d: Drawing) -> Any:
    x = _any_of(d)
    start, step, inner = _parts(d, x.type.shape)
    return d.add("set_slice", [x, d.new(inner, x.type.dtype)], start=start, step=step)


@maker("concatenate")
def _concatenate(d: Drawing) -> Any:
    x = _any_of(d, least=1)
    axis = int(d.rng.integers(x.type.ndim))
    parts = [x]
    for _ in range(int(d.rng.integers(1, 3))):
        shape = list(x.type.shape)
        shape[axis] = int(d.rng.integers(0, 6))
        parts.append(d.new(shape, x.type.dtype))
    return d.add("concatenate", parts, axis=axis)


def _indices(d: Drawing, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[Value], Any]:
    axes = _axes(d, len(shape), 1)
    common = d.shape(0, 2)
    kind = np.dtype(d.rng.choice(["i8", "i4", "i2", "u1"]))
    values = []
    for axis in axes:
        n = shape[axis]
        low = 0 if kind.kind == "u" else -n
        values.append(d.given(d.rng.integers(low, n, common).astype(kind)))
    return axes, values, common


def _pickable(d: Drawing) -> Value:
    x = _any_of(d, least=1)
    return x if 0 not in x.type.shape else d.new((3, 4), x.type.dtype)


@maker("gather")
def _gather(d: Drawing) -> Any:
    x = _pickable(d)
    axes, indices, _ = _indices(d, x.type.shape)
    return d.add("gather", [x, *indices], axes=axes)


def _picked(x: Value, axes: tuple[int, ...], indices: list[Value]) -> tuple[int, ...]:
    made: ArrayType = primitives["gather"].infer(x.type, *[v.type for v in indices], axes=axes)[0]
    return made.shape


@maker("scatter_add")
def _scatter_add(d: Drawing) -> Any:
    x = _pickable(d)
    axes, indices, _ = _indices(d, x.type.shape)
    y = d.new(_picked(x, axes, indices), NUMBERS[d.rng.integers(len(NUMBERS))])
    return d.add("scatter_add", [y, *indices], axes=axes, shape=x.type.shape)


@maker("scatter_set")
def _scatter_set(d: Drawing) -> Any:
    x = _pickable(d)
    axes, indices, _ = _indices(d, x.type.shape)
    y = d.new(_picked(x, axes, indices), x.type.dtype)
    return d.add("scatter_set", [x, y, *indices], axes=axes)


@maker("where")
def _where(d: Drawing) -> Any:
    x = _any_of(d)
    shape, dtype = x.type.shape, x.type.dtype
    which = d.some(lambda t: t.dtype == bool and t.shape == shape, lambda: d.new(shape, "?"), True)
    y = d.some(lambda t: t.dtype == dtype and t.shape == shape, lambda: d.new(shape, dtype))
    return d.add("where", [which, x, y])


@maker("shared")
def _shared(d: Drawing) -> Any:
    x = _any_of(d, FLOATS)
    return d.add("shared", [x, d.new(x.type.shape, "?"), d.new(x.type.shape, "?")])


@maker("scalar_pow")
def _scalar_pow(d: Drawing) -> Any:
    dtype = FLOATS[d.rng.integers(len(FLOATS))]
    exponent = [2, 3, -1, 0.5, 1.5, 0, -2][d.rng.integers(7)]
    low = 0.3 if exponent != int(exponent) else -2.0
    return d.add("scalar_pow", [d.new(d.shape(), dtype, low, 2.0)], exponent=exponent)


@maker("ldexp")
def _ldexp(d: Drawing) -> Any:
    x = _any_of(d, FLOATS)
    return d.add("ldexp", [x, d.given(d.rng.integers(-9, 10, x.type.shape).astype("i4"))])


for _name in ("multiply_no_nan", "divide_no_nan", "over_length"):
    MAKERS[_name] = _elementwise(_name)

PRODUCTS = [np.dtype(c) for c in "efdFDiq"]


@maker("matmul")
def _matmul(d: Drawing) -> Any:
    m, k, n = (int(x) for x in d.rng.choice([0, 1, 2, 3, 5, 8, 17, 33], 3))
    dtype = PRODUCTS[d.rng.integers(len(PRODUCTS))]
    lead = d.shape(0, 1)[:1]
    shapes = [((m, k), (k, n)), ((k,), (k, n)), ((m, k), (k,)), ((k,), (k,)),
              ((*lead, m, k), (*lead, k, n))][d.rng.integers(5)]  # fmt: skip
    operands = [
        d.some(lambda t, s=s: t.shape == s and t.dtype == dtype, lambda s=s: d.new(s, dtype))
        for s in shapes
    ]
    return d.add("matmul", operands)


@maker("einsum")
def _einsum(d: Drawing) -> Any:
    dtype = PRODUCTS[d.rng.integers(1, len(PRODUCTS))]
    text, shapes = [("ij,kj->ki", [(3, 4), (5, 4)]), ("iij,kj->ik", [(2, 2, 3), (4, 3)]),
                    ("abc,cd->abd", [(2, 3, 4), (4, 2)])][d.rng.integers(3)]  # fmt: skip
    operands = [d.new(s, dtype) for s in shapes]
    return d.add("einsum", operands, subscripts=text, optimize=False)


# *** the rest: fixed shapes ***

HOW = {"stride": (2, 1), "padding": ((1, 0), (1, 2)), "dilation": (1, 2), "groups": 2}
PLAIN = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}
REALS = [np.dtype(c) for c in "fd"]
FIELDS = [np.dtype(c) for c in "fdFD"]
# name: (shapes of operands, settings, dtypes, whether the first is made positive definite)
FIXED: list[tuple[str, list[tuple[int, ...]], dict[str, Any], list[Any], bool]] = [
    ("windows", [(2, 9, 11)], {"window": (3, 2), "stride": (2, 3), "dilation": (1, 2)}, DTYPES,
     False),
    ("windows", [(4, 30)], {"window": (5,), "stride": (1,), "dilation": (1,)}, DTYPES, False),
    ("overlap_add", [(2, 4, 3, 3, 2)],
     {"shape": (2, 9, 11), "stride": (2, 3), "dilation": (1, 2)}, NUMBERS, False),
    ("convolution", [(3, 4, 7, 9), (6, 2, 3, 2)], HOW, FLOATS[1:], False),
    ("convolution", [(2, 3, 20), (5, 3, 4)], PLAIN, FLOATS[1:], False),
    ("convolution_input", [(3, 6, 3, 10), (6, 2, 3, 2)], {"shape": (3, 4, 7, 9), **HOW},
     FLOATS[1:], False),
    ("convolution_weight", [(3, 4, 7, 9), (3, 6, 3, 10)], {"shape": (6, 2, 3, 2), **HOW},
     FLOATS[1:], False),
    ("convolve", [(7,), (3,)], {"mode": "same"}, FIELDS, False),
    ("correlate", [(2,), (5,)], {"mode": "full"}, FIELDS, False),
    ("solve", [(3, 3), (3, 2)], {}, FIELDS, True),
    ("solve", [(2, 4, 4), (2, 4, 1)], {}, FIELDS, True),
    ("inv", [(2, 3, 3)], {}, FIELDS, True),
    ("det", [(2, 3, 3)], {}, FIELDS, True),
    ("cofactor", [(3, 3)], {}, REALS, True),
    ("cofactor_slope", [(3, 3), (3, 3)], {}, REALS, True),
    ("slogdet", [(2, 3, 3)], {}, FIELDS, True),
    ("cholesky", [(2, 3, 3)], {"upper": False}, FIELDS, True),
    ("cholesky", [(4, 4)], {"upper": True}, FIELDS, True),
    ("eigh", [(3, 3)], {"uplo": "L"}, REALS, True),
    ("scipy_eigh", [(3, 3)], {"uplo": "U", "driver": "evr"}, REALS, True),
    ("eigvalsh", [(3, 3)], {"uplo": "U"}, REALS, True),
    ("eig", [(3, 3)], {}, [np.dtype("D")], True),
    ("eigvals", [(3, 3)], {}, [np.dtype("D")], True),
    ("svd", [(4, 3)], {"full": False}, REALS, False),
    ("svdvals", [(4, 3)], {}, FIELDS, False),
    ("qr", [(4, 3)], {"mode": "reduced"}, REALS, False),
    ("pinv", [(4, 3)], {"rcond": 1e-12, "hermitian": False}, REALS, False),
    ("lstsq", [(4, 3), (4, 2)], {"rcond": None}, REALS, False),
    ("solve_triangular", [(4, 4), (4, 2)],
     {"lower": True, "transposed": False, "unit": False}, REALS, True),
    ("solve_triangular", [(3, 3), (3, 1)],
     {"lower": False, "transposed": True, "unit": True}, REALS, True),
    ("solve_banded", [(4, 5), (5, 2)], {"below": 1, "above": 2}, REALS, True),
    ("solve_sparse", [(5,), (4, 2)],
     {"places": Places(np.array([0, 1, 2, 3, 2]), np.array([0, 1, 2, 3, 0]), 4)},
     [np.dtype("d")], True),
    ("lu", [(3, 3)], {}, REALS, True),
    ("matrix_function", [(3, 3)], {"name": "expm"}, REALS, False),
    ("matrix_frechet", [(3, 3), (3, 3)], {"name": "expm"}, REALS, False),
    ("sylvester", [(3, 3), (3, 3), (3, 3)], {}, REALS, True),
    ("fft", [(2, 3)], {"axis": -1, "norm": "ortho"}, [np.dtype("D")], False),
    ("ifft", [(2, 3)], {"axis": -2, "norm": "forward"}, [np.dtype("D")], False),
    ("rfft", [(2, 5)], {"axis": -1, "norm": "backward"}, [np.dtype("d")], False),
    ("irfft", [(2, 3)], {"axis": -1, "n": 4, "norm": "backward"}, [np.dtype("D")], False),
    ("airy", [(7,)], {}, [np.dtype("d")], False),
    ("fresnel", [(7,)], {}, [np.dtype("d")], False),
    ("sici", [(7,)], {}, [np.dtype("d")], True),
    ("shichi", [(7,)], {}, [np.dtype("d")], True),
    ("ellipj", [(7,), (7,)], {}, [np.dtype("d")], True),
]  # fmt: skip


def _fixed(d: Drawing, row: Any) -> Any:
    name, shapes, settings, dtypes, positive = row
    dtype = dtypes[d.rng.integers(len(dtypes))]
    operands = []
    for i, shape in enumerate(shapes):
        if positive and len(shape) == 1:
            operands.append(d.new(shape, dtype, 0.1, 0.9))
        elif i == 0 and "above" in settings:
            bands = d.rng.uniform(-0.4, 0.4, shape)
            bands[settings["above"]] += 3  # the diagonal
            operands.append(d.given(bands.astype(dtype)))
        elif positive and i == 0:
            a = d.rng.uniform(-0.4, 0.4, shape) + 3 * np.eye(shape[-1])
            a = a + np.diag(np.arange(shape[-1]))
            hermitian = a + np.swapaxes(a, -1, -2)
            operands.append(d.given(hermitian.astype(dtype)))
        else:
            fresh = lambda shape=shape: d.new(shape, dtype)  # noqa: E731
            operands.append(d.some(lambda t, s=shape: t == ArrayType(s, dtype), fresh))
    return d.add(name, operands, **settings)


for _name in dict.fromkeys(row[0] for row in FIXED):
    _rows = [row for row in FIXED if row[0] == _name]
    MAKERS[_name] = lambda d, rows=_rows: _fixed(d, rows[d.rng.integers(len(rows))])


@maker("recursion")
def _recursion(d: Drawing) -> Any:
    a = d.given(np.concatenate([[1.0], d.rng.uniform(-0.4, 0.4, 2)]))
    return d.add("recursion", [d.new((2, 7), "f8"), a])


# *** control: bodies are small graphs of their own ***

_INSIDE = ["add", "mul", "sub", "tanh", "sin", "maximum", "neg", "square"]


def _body(d: Drawing, types: list[ArrayType], wanted: list[ArrayType]) -> Graph:
    """A few elementwise nodes over inputs of one type, with outputs of it."""
    inner = Drawing(d.rng)
    inputs = tuple(Value(t) for t in types)
    inner.values = list(inputs)
    for _ in range(int(d.rng.integers(1, 5))):
        name = _INSIDE[d.rng.integers(len(_INSIDE))]
        count = primitives[name].ufunc.nin if primitives[name].ufunc else 1 + (name != "neg")
        picks = [inner.values[d.rng.integers(len(inner.values))] for _ in range(count)]
        inner.add(name, picks)
    last = inner.values[-1]
    (calm,) = inner.add("tanh", [last])
    outputs = tuple([calm, last][i % 2] for i, _ in enumerate(wanted))
    return Graph(inputs, tuple(inner.nodes), outputs)


def _state(d: Drawing) -> ArrayType:
    return ArrayType(d.shape(0, 2), FLOATS[d.rng.integers(1, len(FLOATS))])


@maker("call")
def _call(d: Drawing) -> Any:
    t = _state(d)
    graph = _body(d, [t, t], [t])
    operands = [d.some(lambda u: u == t, lambda: d.new(t.shape, t.dtype)) for _ in range(2)]
    return d.add("call", operands, graph=graph, label="part")


@maker("scan")
def _scan(d: Drawing) -> Any:
    t = _state(d)
    length = int(d.rng.choice([0, 1, 2, 5]))
    graph = _body(d, [t, t, t], [t, t])
    rows = d.new((length, *t.shape), t.dtype)
    operands = [d.new(t.shape, t.dtype), d.new(t.shape, t.dtype), rows]
    return d.add(
        "scan", operands, graph=graph, n_constants=1, n_carry=1, length=length,
        reverse=bool(d.rng.integers(2)),
    )  # fmt: skip


@maker("cond")
def _cond(d: Drawing) -> Any:
    t = _state(d)
    branches = [_body(d, [t, t], [t]) for _ in range(2)]
    flag = d.new((), "?")
    operands = [flag, d.new(t.shape, t.dtype), d.new(t.shape, t.dtype)]
    return d.add("cond", operands, on_true=branches[0], on_false=branches[1])


_WORD = np.dtype("q")


@maker("while_loop")
def _while_loop(d: Drawing) -> Any:
    t = _state(d)
    limit, count, x = Value(ArrayType((), _WORD)), Value(ArrayType((), _WORD)), Value(t)
    test = Drawing(d.rng)
    (flag,) = test.add("less", [count, limit])
    condition = Graph((limit, count, x), tuple(test.nodes), (flag,))
    inner = Drawing(d.rng)
    one, old, y = Value(ArrayType((), _WORD)), Value(ArrayType((), _WORD)), Value(t)
    (more,) = inner.add("add", [old, one])
    (next_,) = inner.add("sin", [y])
    body = Graph((one, old, y), tuple(inner.nodes), (more, next_))
    operands = [d.given(np.asarray(n)) for n in (3, 1, 0)]
    return d.add(
        "while_loop", [*operands, d.new(t.shape, t.dtype)],
        condition=condition, body=body, n_condition=1, n_body=1,
    )  # fmt: skip


def draw(seed: int, names: list[str]) -> Drawing:
    """A graph of one to six nodes; the first is the seed's own, in turn."""
    d = Drawing(np.random.default_rng(seed))
    wanted = [names[seed % len(names)]]
    wanted += [names[i] for i in d.rng.integers(0, len(names), d.rng.integers(0, 5))]
    for name in wanted:
        MAKERS[name](d)
    for node in d.nodes:
        assert all(v.type.size <= 40 * MOST for v in node.outputs)
    return d


__all__ = ["ELSEWHERE", "MAKERS", "Node", "draw"]
