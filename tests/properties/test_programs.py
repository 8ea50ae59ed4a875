"""Random programs: values are NumPy's own bits, and every mode agrees with differences."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import adjoint as ad
from adjoint.graph import evaluate
from adjoint.testing import inner, random_like

SHAPES = [(), (1,), (3,), (2, 1), (2, 3), (4, 2, 1)]

UNARY = {
    "sin": np.sin,
    "tanh": np.tanh,
    "bump": lambda x: np.exp(-x * x),
    "root": lambda x: np.sqrt(1 + x**2),
    "log": lambda x: np.log1p(x * x),
    "cube": lambda x: 0.1 * x**3,
    "negative": lambda x: -x,
    "clip by where": lambda x: np.where(x > 0.25, np.arctan(x), 0.5 * x),
    "sum": lambda x: np.sum(x),
    "mean of rows": lambda x: x.mean(axis=-1, keepdims=True) if x.ndim else x,
    "sum of columns": lambda x: x.sum(axis=0) if x.ndim else x,
    "cumsum": lambda x: np.cumsum(x, axis=-1) if x.ndim else x,
    "transpose": lambda x: np.transpose(x),
    "flatten": lambda x: np.reshape(x, -1),
    "reverse": lambda x: x[..., ::-1] if x.ndim else x,
    "first": lambda x: x[..., :1] if x.ndim else x,
    "take": lambda x: x[..., np.array([0, -1, 0])] if x.ndim else x,
    "new axis": lambda x: x[..., None] if x.ndim < 3 else x,
    "fill": lambda x: _filled(x),
    "column norms": lambda x: np.sqrt(np.sum(x**2, axis=-1) + 0.1) if x.ndim else x,
    "prod": lambda x: np.prod(np.tanh(x), axis=-1) if x.ndim else x,
    "scan": lambda x: _scanned(x),
    "while": lambda x: _looped(x),
    "cond": lambda x: _branched(x),
    "checkpoint": lambda x: ad.checkpoint(lambda v: np.sin(v) * v)(x),
    "jit": lambda x: ad.vmap(np.cos)(x) if x.ndim else np.cos(x),
}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (1.5 + y**2),
    "arctan2": lambda x, y: np.arctan2(x, 1.5 + y * y),
    "logaddexp": np.logaddexp,
    "power": lambda x, y: (1 + x * x) ** np.tanh(y),
    "select": lambda x, y: np.where(np.sin(3 * x) > y, x * y, x - y),
    "outer": lambda x, y: np.multiply.outer(x.sum(), y),
    "join": lambda x, y: np.concatenate([np.ravel(x), np.ravel(y)]),
}


def _filled(x):
    y = x * 2.0
    if x.ndim:
        y[..., 0] = np.sin(y[..., -1])
        y[..., -1] += 0.5 * x[..., 0]
    return y


def _scanned(x):
    if not x.ndim:
        return x
    total, rows = ad.scan(lambda c, w: (np.tanh(c + w), c * w), x[0] * 0.5, x)
    return rows + total


def _looped(x):
    start = (x * 0.0 + 1.0).sum() * 0.0
    return ad.while_loop(
        lambda c: c[0] < 2.5, lambda c: (c[0] + 1.0, np.sin(c[1]) + x), (start, x)
    )[1]


def _branched(x):
    return ad.cond(np.sum(x) > 0.3, lambda v: v * v, lambda v: np.cos(v), x)


@st.composite
def programs(draw):
    """Some arguments, and a list of (name, operand, other operand)."""
    count = draw(st.integers(1, 3))
    shapes = [draw(st.sampled_from(SHAPES)) for _ in range(count)]
    seed = draw(st.integers(0, 2**20))
    steps = []
    for k in range(draw(st.integers(1, 7))):
        name = draw(st.sampled_from([*UNARY, *BINARY]))
        steps.append(
            (name, draw(st.integers(0, count + k - 1)), draw(st.integers(0, count + k - 1)))
        )
    return shapes, seed, steps


def build(program):
    shapes, seed, steps = program
    rng = np.random.default_rng(seed)
    args = tuple(np.asarray(rng.uniform(-1.5, 1.5, shape)) for shape in shapes)

    def f(*args):
        values = list(args)
        for name, i, j in steps:
            if name in UNARY:
                made = UNARY[name](values[i])
            else:
                made = _fitted(BINARY[name], values[i], values[j])
            values.append(made if made.size <= 200 else made[..., :2])
        return [values[-1], values[len(args)]]

    return f, args


def _fitted(operation, x, y):
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        y = y.sum()
    return operation(x, y)


def _bits(tree):
    return [(np.shape(x), np.asarray(x).dtype, np.asarray(x).tobytes()) for x in tree]


@given(programs())
@settings(max_examples=250)
def test_values_are_numpys_bits_eagerly_and_as_a_graph(program):
    f, args = build(program)
    wanted = _bits(f(*args))
    assert _bits(ad.vjp(f, *args)[0]) == wanted
    graph = ad.trace(f, *args)
    assert _bits(evaluate(graph, args)) == wanted


@given(programs())
@settings(max_examples=250)
def test_forward_and_reverse_mode_pair_up_and_agree_with_the_graphs(program):
    f, args = build(program)
    rng = np.random.default_rng(5)
    tangents = random_like(args, rng)
    out, pullback = ad.vjp(f, *args)
    bars = random_like(out, rng)
    pulled = pullback(bars)
    dots = ad.jvp(f, args, tangents)[1]
    scale = 1.0 + sum(np.sum(np.abs(np.multiply(b, d))) for b, d in zip(bars, dots, strict=True))
    assert abs(inner(pulled, tangents) - inner(bars, dots)) <= 1e-11 * scale
    adjoint = evaluate(ad.trace(f, *args).adjoint(), [*args, *bars])
    for a, b in zip(pulled, adjoint, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11 * scale)


@given(programs())
@settings(max_examples=60)
def test_second_order_against_differences(program):
    f, args = build(program)
    if _near_a_choice(f, args):
        return
    ad.check_grads(f, args, tolerance=1e-5)


def _near_a_choice(f, args):
    """Whether a small move changes which branch is taken, so that differences mean nothing."""
    value = f(*args)
    rng = np.random.default_rng(0)
    for _ in range(4):
        moved = [x + 3e-3 * rng.standard_normal(x.shape) for x in args]
        for a, b in zip(value, f(*moved), strict=True):
            if np.max(np.abs(a - b), initial=0.0) > 0.5 * (1 + np.max(np.abs(a), initial=0.0)):
                return True
    return False


@given(programs())
@settings(max_examples=60)
def test_vmap_is_a_loop(program):
    f, args = build(program)
    rng = np.random.default_rng(7)
    stacked = [np.stack([x, x + 0.1 * rng.standard_normal(x.shape)]) for x in args]
    got = ad.vmap(f)(*stacked)
    for i in range(2):
        for a, b in zip(got, f(*[x[i] for x in stacked]), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-11, atol=1e-11)
