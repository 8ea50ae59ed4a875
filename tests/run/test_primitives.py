"""Every primitive compiled, against its NumPy reference: all dtypes, awkward numbers and sizes."""

import warnings
from typing import Any

import numpy as np
import pytest

from adjoint.graph import ArrayType, Graph, Node, Value, evaluate, primitives
from adjoint.run import compile_graph

FLOATS = ["f2", "f4", "f8"]
INTEGERS = ["i1", "i4", "i8", "u1", "u2", "u8"]
OTHERS = ["?", "c8", "c16", "g"]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.5, 3.0]
SHAPES = [(), (1,), (0,), (2, 0, 3), (7,), (3, 1, 5), (67,)]
TOLERANCE = {"f2": 4e-3, "f4": 3e-6, "f8": 2e-14, "c8": 1e-5, "c16": 1e-13, "g": 1e-13}

ELEMENTWISE = [p for p in primitives if p.ufunc is not None or p.name in (
    "multiply_no_nan", "divide_no_nan", "over_length", "expit", "erf", "erfc", "real", "imag",
    "stop_gradient",
)]  # fmt: skip


def sample(rng: Any, shape: Any, dtype: str, special: bool = True) -> Any:
    size = int(np.prod(shape))
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        info = np.iinfo(dtype)
        values = rng.integers(0 if kind == "u" else -9, 10, size)
        edges = [info.min, info.max, 0, 1]
        values = np.array([int(v) for v in values], object)
        if special:
            for i in range(size):
                if rng.random() < 0.2:
                    values[i] = edges[rng.integers(4)]
        return values.astype(dtype).reshape(shape)
    values = rng.standard_normal(size) * 3
    if special:
        values = np.where(rng.random(size) < 0.3, rng.choice(SPECIAL, size), values)
    if kind == "c":
        values = values + 1j * rng.standard_normal(size)
    return values.astype(dtype).reshape(shape)


def one_node(name: str, arrays: list[Any], settings: dict[str, Any]) -> Graph:
    primitive = primitives[name]
    inputs = tuple(Value(ArrayType(x.shape, x.dtype)) for x in arrays)
    types = primitive.infer(*[v.type for v in inputs], **settings)
    outputs = tuple(Value(t) for t in types)
    attributes = tuple(settings[key] for key in primitive.attributes)
    return Graph(inputs, (Node(primitive, inputs, attributes, outputs),), outputs)


def compare(graph: Graph, arrays: list[Any], tolerance: float) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = evaluate(graph, arrays)
        got = compile_graph(graph)(arrays)
    for wanted, y in zip(expected, got, strict=True):
        wanted = np.asarray(wanted)
        assert (y.shape, y.dtype) == (wanted.shape, wanted.dtype)
        if tolerance == 0:
            np.testing.assert_array_equal(y, wanted)
        else:
            np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS + OTHERS)
@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=lambda p: p.name)
def test_elementwise(primitive: Any, dtype: str) -> None:
    rng = np.random.default_rng(1)
    count = (
        primitive.ufunc.nin
        if primitive.ufunc is not None
        else (2 if primitive.name.endswith("no_nan") else 1)
    )
    shape = SHAPES[-1]
    arrays = [sample(rng, shape, dtype) for _ in range(count)]
    if primitive.name in ("expit", "erf", "erfc") and dtype not in ("f4", "f8"):
        pytest.skip("SciPy computes these in another dtype: the tracer converts first")
    if primitive.name == "ldexp":
        arrays[1] = rng.integers(-3, 4, shape).astype("i4")
    try:
        graph = one_node(primitive.name, arrays, {})
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evaluate(graph, arrays)
    except (TypeError, ValueError):
        pytest.skip("NumPy has no such loop")
    if any(v.type.dtype != np.dtype(dtype) for v in graph.inputs) and primitive.name != "ldexp":
        pytest.skip("the tracer would convert first")
    wanted = primitive.infer(*graph.input_types)[0]
    if primitive.ufunc is not None:
        loop = primitive.ufunc.resolve_dtypes((*[x.dtype for x in arrays], None))
        if any(a != b.dtype for a, b in zip(loop, arrays, strict=False)):
            pytest.skip("the tracer would convert first")
    exact = wanted.dtype.kind in "biu" or (primitive.name in (
        "add", "sub", "mul", "neg", "div", "abs", "maximum", "minimum", "fmax", "fmin", "sqrt",
        "norm_sqrt",
        "floor", "ceil", "rint", "trunc", "sign", "copysign", "square", "heaviside",
        "multiply_no_nan", "divide_no_nan", "over_length",
    ) and dtype not in OTHERS)  # fmt: skip
    compare(graph, arrays, 0 if exact else TOLERANCE.get(dtype, 1e-12))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["add", "exp", "greater", "where", "cast", "scalar_pow"])
def test_elementwise_in_every_shape(name: str, shape: Any) -> None:
    rng = np.random.default_rng(2)
    arrays = [sample(rng, shape, "f4", special=False) for _ in range(2)]
    settings: dict[str, Any] = {}
    if name == "where":
        arrays = [sample(rng, shape, "?"), *arrays]
    if name in ("exp", "cast", "scalar_pow"):
        arrays = arrays[:1]
    if name == "cast":
        settings = {"dtype": np.dtype("f8")}
    if name == "scalar_pow":
        settings = {"exponent": 3}
    compare(one_node(name, arrays, settings), arrays, 3e-6)


@pytest.mark.parametrize("target", FLOATS + INTEGERS + OTHERS)
@pytest.mark.parametrize("source", FLOATS + INTEGERS + OTHERS)
def test_cast(source: str, target: str) -> None:
    rng = np.random.default_rng(3)
    x = sample(rng, (19,), source, special=False)
    if np.dtype(source).kind in "fc" and np.dtype(target).kind in "iu":
        x = np.abs(x) if np.dtype(target).kind == "u" else x  # what C leaves open stays open
    compare(one_node("cast", [x], {"dtype": np.dtype(target)}), [x], 0)


def test_cast_to_float16_rounds_once() -> None:
    halves = np.arange(0, 0x7C00, dtype="u2").view("f2").astype("f8")
    middle = (halves[1:] + halves[:-1]) / 2
    x = np.concatenate([middle, np.nextafter(middle, 0), np.nextafter(middle, 9e9), -middle])
    x = np.concatenate([x, [65519.0, 65520.0, 1e300, np.inf, -np.inf, np.nan, 5e-324]])
    with np.errstate(over="ignore"):
        compare(one_node("cast", [x], {"dtype": np.dtype("f2")}), [x], 0)


@pytest.mark.parametrize("exponent", [-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 7, 1.5, 40])
@pytest.mark.parametrize("dtype", FLOATS)
def test_scalar_pow(exponent: float, dtype: str) -> None:
    rng = np.random.default_rng(4)
    x = sample(rng, (53,), dtype)
    x[x == -np.inf] = np.inf  # NumPy's answer to sqrt(-inf) depends on its version
    compare(one_node("scalar_pow", [x], {"exponent": exponent}), [x], 8 * TOLERANCE[dtype])


REDUCTIONS = ["sum", "prod", "max", "min", "any", "all"]


@pytest.mark.parametrize("dtype", [*FLOATS, "i4", "u1", "i8", "?", "c16", "g"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    cases = [((5,), (0,)), ((67, 3), (0,)), ((3, 67), (1,)), ((4, 5, 6), (0, 2)), ((4, 5, 6), (1,)),
             ((2, 3, 4), (0, 1, 2)), ((1,), (0,)), ((3, 1), (1,)), ((300,), (0,)), ((2, 130), (1,)),
             ((0, 3), (1,)), ((4, 5), ())]  # fmt: skip
    if name not in ("max", "min"):
        cases += [((0,), (0,)), ((3, 0), (1,)), ((0, 3), (0,))]
    for shape, axes in cases:
        x = sample(rng, shape, dtype, special=False)
        if name == "prod" and np.dtype(dtype).kind in "fc":
            x = np.exp(x / 40).astype(dtype)
        tolerance = 30 * TOLERANCE.get(dtype, 0)
        compare(one_node(name, [x], {"axes": axes}), [x], tolerance)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_extremes_pass_nan_on(name: str, dtype: str) -> None:
    for n in (3, 40, 200):
        for at in (0, n // 2, n - 1):
            x = np.linspace(-1, 1, 2 * n).reshape(2, n).astype(dtype)
            x[1, at] = np.nan
            for axes in ((1,), (0,), (0, 1)):
                compare(one_node(name, [x], {"axes": axes}), [x], 0)


HOW = {"stride": (2, 1), "padding": ((1, 0), (1, 2)), "dilation": (1, 2), "groups": 2}
OTHER_CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("broadcast", [(3, 1)], {"shape": (2, 3, 4)}),
    ("broadcast", [()], {"shape": (5,)}),
    ("broadcast", [(3, 1)], {"shape": (3, 0)}),
    ("reshape", [(3, 4)], {"shape": (2, 6)}),
    ("reshape", [(0, 4)], {"shape": (2, 0)}),
    ("reshape", [()], {"shape": (1, 1)}),
    ("permute_axes", [(3, 4, 5)], {"axes": (2, 0, 1)}),
    ("permute_axes", [(33, 20)], {"axes": (1, 0)}),
    ("slice", [(7, 9)], {"start": (5, 1), "step": (-2, 3), "shape": (3, 2)}),
    ("slice", [(7, 9)], {"start": (0, 0), "step": (1, 1), "shape": (0, 9)}),
    ("unslice", [(3, 2)], {"start": (5, 1), "step": (-2, 3), "shape": (7, 9)}),
    ("unslice", [(3, 20)], {"start": (1, 5), "step": (1, 1), "shape": (5, 40)}),
    ("unslice", [(0, 2)], {"start": (0, 0), "step": (1, 1), "shape": (3, 2)}),
    ("set_slice", [(7, 9), (3, 2)], {"start": (5, 1), "step": (-2, 3)}),
    ("set_slice", [(5, 40), (3, 20)], {"start": (1, 5), "step": (1, 1)}),
    ("concatenate", [(3, 4), (3, 0), (3, 29)], {"axis": 1}),
    ("concatenate", [(3, 4), (1, 4), (2, 4)], {"axis": 0}),
    ("cumsum", [(4, 5)], {"axis": 0}),
    ("cumsum", [(4, 37)], {"axis": 1}),
    ("cumsum", [(0,)], {"axis": 0}),
    ("cumprod", [(4, 5)], {"axis": 0}),
    ("cumprod", [(4, 5)], {"axis": 1}),
    ("argmax", [(4, 37)], {"axis": 0}),
    ("argmax", [(4, 37)], {"axis": 1}),
    ("argmin", [(4, 37)], {"axis": 0}),
    ("argmin", [(4, 3, 5)], {"axis": 1}),
    ("argsort", [(4, 5)], {"axis": 1, "kind": "stable"}),
    ("sort", [(4, 5)], {"axis": 0, "kind": "stable"}),
    ("matmul", [(3, 4), (4, 5)], {}),
    ("matmul", [(2, 3, 4), (2, 4, 5)], {}),
    ("matmul", [(2, 1, 3, 4), (2, 1, 4, 5)], {}),
    ("matmul", [(4,), (4, 5)], {}),
    ("matmul", [(3, 4), (4,)], {}),
    ("matmul", [(4,), (4,)], {}),
    ("matmul", [(3, 0), (0, 5)], {}),
    ("matmul", [(0, 4), (4, 5)], {}),
    ("matmul", [(70, 90), (90, 50)], {}),
    ("windows", [(2, 9, 11)], {"window": (3, 2), "stride": (2, 3), "dilation": (1, 2)}),
    ("windows", [(4, 30)], {"window": (5,), "stride": (1,), "dilation": (1,)}),
    ("overlap_add", [(2, 4, 3, 3, 2)],
     {"shape": (2, 9, 11), "stride": (2, 3), "dilation": (1, 2)}),
    ("overlap_add", [(4, 26, 5)], {"shape": (4, 30), "stride": (1,), "dilation": (1,)}),
    ("convolution", [(3, 4, 7, 9), (6, 2, 3, 2)], HOW),
    ("convolution_input", [(3, 6, 3, 10), (6, 2, 3, 2)], {"shape": (3, 4, 7, 9), **HOW}),
    ("convolution_weight", [(3, 4, 7, 9), (3, 6, 3, 10)], {"shape": (6, 2, 3, 2), **HOW}),
    ("convolution", [(2, 3, 20), (5, 3, 4)],
     {"stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}),
    ("einsum", [(3, 4), (5, 4)], {"subscripts": "ij,kj->ki", "optimize": True}),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [*FLOATS, "i4", "u1", "?", "c8", "c16", "g"])
@pytest.mark.parametrize("case", OTHER_CASES, ids=lambda c: f"{c[0]}-{c[1][0]}")
def test_other(case: Any, dtype: str) -> None:
    name, shapes, settings = case
    rng = np.random.default_rng(6)
    arrays = [sample(rng, shape, dtype, special=False) for shape in shapes]
    try:
        graph = one_node(name, arrays, settings)
        with np.errstate(all="ignore"):
            evaluate(graph, arrays)
    except (TypeError, ValueError):
        pytest.skip("NumPy refuses")
    compare(graph, arrays, 30 * TOLERANCE.get(dtype, 0))


GATHERS = [
    ((5,), (0,), (7,)), ((5, 3), (0,), (4,)), ((5, 30), (1,), (4,)), ((5, 30), (0,), (2, 3)),
    ((4, 5, 6), (0, 2), (3,)), ((4, 5, 6), (1, 2), (3,)), ((4, 5), (0, 1), (2, 3)),
    ((5,), (0,), ()), ((5, 3), (0,), (0,)),
]  # fmt: skip


@pytest.mark.parametrize("index_dtype", ["i8", "i4", "u1", "i2"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "c16", "?"])
@pytest.mark.parametrize("case", GATHERS, ids=str)
def test_gather_and_scatter(case: Any, dtype: str, index_dtype: str) -> None:
    shape, axes, common = case
    rng = np.random.default_rng(7)
    x = sample(rng, shape, dtype, special=False)
    low = [0 if index_dtype[0] == "u" else -shape[a] for a in axes]
    indices = [
        rng.integers(lo, shape[a], common).astype(index_dtype)
        for a, lo in zip(axes, low, strict=True)
    ]
    gather = one_node("gather", [x, *indices], {"axes": axes})
    compare(gather, [x, *indices], 0)
    y = sample(rng, gather.output_types[0].shape, dtype, special=False)
    tolerance = TOLERANCE.get(dtype, 0)
    settings = {"axes": axes, "shape": shape}
    compare(one_node("scatter_add", [y, *indices], settings), [y, *indices], tolerance)
    if dtype != "?":
        compare(one_node("scatter_set", [x, y, *indices], {"axes": axes}), [x, y, *indices], 0)
