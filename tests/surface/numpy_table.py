"""Every differentiable function of NumPy's, with the variants of its arguments."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)
Case = checking.Case

_rng = np.random.default_rng(7)


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    return _rng.uniform(low, high, shape)


def cplx(*shape: int) -> Any:
    return real(*shape) + 1j * real(*shape)


def positive(*shape: int) -> Any:
    return real(*shape, low=0.3, high=3.0)


def spaced(*shape: int) -> Any:
    """Elements far apart, in random order: no ties within reach of the differences."""
    n = int(np.prod(shape))
    return (_rng.permutation(n) * 0.37 - 0.13 * n + 0.05).reshape(shape)


def hermitian(n: int, kind: str = "f") -> Any:
    a = cplx(n, n) if kind == "c" else real(n, n)
    return a @ a.conj().T + n * np.eye(n)


cases: list[Any] = []


def add(name: str, f: Any, *args: Any, skip: str = "", tolerance: float = 1e-6) -> None:
    cases.append(Case(name, f, args, frozenset(skip.split()), tolerance))


# *** ufuncs ***

_UNARY = {
    "abs fabs square exp exp2 expm1 sin cos sinh cosh tanh arcsinh arctan negative positive "
    "deg2rad rad2deg degrees radians conjugate": real,
    "sqrt cbrt reciprocal log log2 log10": positive,
    "log1p arcsin arccos arctanh tan": lambda *s: real(*s, low=-0.9, high=0.9),
    "arccosh": lambda *s: real(*s, low=1.2, high=3.0),
    "sign floor ceil rint trunc": spaced,
}
for names, sample in _UNARY.items():
    for name in names.split():
        ufunc = getattr(np, name)
        add(name, ufunc, sample(3, 4))
        add(name + " 0-d", ufunc, sample(1)[0])
        add(name + " empty", ufunc, sample(0, 2))
_COMPLEX = (
    "square exp exp2 expm1 sin cos sinh cosh tanh arcsinh arctan negative positive conjugate sqrt "
    "reciprocal log log2 log10 log1p arcsin arccos arctanh tan arccosh abs"
)
for name in _COMPLEX.split():
    add(name + " complex", getattr(np, name), cplx(2, 3), tolerance=1e-5)
_BINARY = {
    "add subtract multiply maximum minimum fmax fmin logaddexp logaddexp2 hypot arctan2": real,
    "true_divide power float_power remainder fmod floor_divide copysign heaviside": positive,
    "mod divide pow atan2": positive,
}
for names, sample in _BINARY.items():
    for name in names.split():
        ufunc = getattr(np, name)
        add(name, ufunc, sample(3, 1), sample(4))
        add(name + " scalar", lambda x, f=ufunc: f(x, 1.3), sample(3))
        add(name + " swapped", lambda x, f=ufunc: f(1.7, x), sample(3))
for name in ("add", "subtract", "multiply", "true_divide", "power"):
    add(name + " complex", getattr(np, name), cplx(2, 3), cplx(3))
add("divmod", lambda x, y: np.divmod(x, y)[1], positive(3), positive(3))
add("modf", lambda x: np.modf(x)[0], spaced(4))
add("frexp", lambda x: np.frexp(x)[0], spaced(4))
add("nextafter", lambda x: np.nextafter(x, 9.0), spaced(4))
add("ldexp", lambda x: np.ldexp(x, 3), real(4))
add("real", np.real, cplx(3))
add("imag", np.imag, cplx(3))
add("angle", np.angle, cplx(3))
add("angle deg", lambda z: np.angle(z, deg=True), cplx(3))
add("sinc", np.sinc, spaced(5))
add("i0", np.i0, spaced(5) * 4)
add("nan_to_num", np.nan_to_num, np.array([1.0, 2.5, -3.0]))
add("clip", lambda x: np.clip(x, -0.7, 0.9), spaced(7))
add("clip arrays", np.clip, spaced(4), np.full(4, -0.61), np.full(4, 0.72))
add("x ** 3", lambda x: x**3, real(4))
add("x ** -1.5", lambda x: x**-1.5, positive(4))
add("x ** 0", lambda x: x**0, real(4))
add("2 ** x", lambda x: 2**x, real(4))
add("round", lambda x: np.round(x, 1), spaced(5))
add("fix", np.fix, spaced(5))

# *** call forms of ufuncs ***

for name in (
    "add",
    "multiply",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "logaddexp",
    "hypot",
    "subtract",
    "true_divide",
):
    ufunc = getattr(np, name)
    data = spaced(3, 4) if name not in ("true_divide",) else positive(3, 4)
    add(name + ".reduce", ufunc.reduce, data)
    add(name + ".reduce axis", lambda x, f=ufunc: f.reduce(x, axis=1, keepdims=True), data)
    add(name + ".accumulate", lambda x, f=ufunc: f.accumulate(x, axis=1), data)
    add(name + ".reduceat", lambda x, f=ufunc: f.reduceat(x, [0, 2, 1]), data)
    add(name + ".outer", ufunc.outer, positive(2), positive(3))
add("add.reduce axes", lambda x: np.add.reduce(x, axis=(0, 2)), real(2, 3, 4))
add("add.reduce initial", lambda x: np.add.reduce(x, initial=2.0), real(3))
add("ufunc dtype", lambda x: np.multiply(x, 2, dtype=np.float64), real(3))
add("ufunc where", lambda x: np.multiply(x, x, where=x > 0, out=np.zeros(5)), spaced(5))


def _out(x: Any) -> Any:
    a = np.zeros((2, 3))
    np.multiply(x, x, out=a[1])
    return a


def _at(x: Any) -> Any:
    a = np.ones(4)
    np.add.at(a, [0, 2, 0], x)
    np.multiply.at(a, [1, 1, 3], x)
    np.subtract.at(a, 2, x[0])
    return a


add("ufunc out", _out, real(3))
add("ufunc.at", _at, real(3))

# *** reductions ***

for name in (
    "sum",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "prod",
    "ptp",
    "nansum",
    "nanmean",
    "nanvar",
    "nanstd",
    "nanmax",
    "nanmin",
    "nanprod",
    "median",
    "nanmedian",
):
    f = getattr(np, name)
    skip = "vmap jit" if name in ("nanmedian", "nanvar", "nanstd", "nanmean") else ""
    data = spaced(3, 4)
    add(name, f, data, skip=skip)
    add(name + " axis", lambda x, f=f: f(x, axis=1), data, skip=skip)
    add(name + " -1 keepdims", lambda x, f=f: f(x, axis=-1, keepdims=True), data, skip=skip)
    add(name + " axes", lambda x, f=f: f(x, axis=(0, 2)), spaced(2, 3, 4), skip=skip)
    if name not in ("std", "nanstd"):  # a kink: the root of 0
        add(name + " one", f, data[:1, :1], skip=skip)
for name in ("sum", "mean", "var", "std", "max", "min", "prod"):
    add("method " + name, lambda x, n=name: getattr(x, n)(axis=0), spaced(3, 4))
add("sum empty", np.sum, real(0, 3))
add("prod zero", np.prod, np.array([1.5, 0.0, 2.0]))
add("prod zeros", np.prod, np.array([1.5, 0.0, 0.0]))
add("var ddof", lambda x: np.var(x, ddof=1, axis=0), real(3, 4))
add("std ddof", lambda x: np.std(x, ddof=2), real(5))
add("var complex", np.var, cplx(4))
add("sum where", lambda x: np.sum(x, where=x > 0), spaced(5))
add("mean where", lambda x: np.mean(x, where=x > 0, axis=0), spaced(4, 2))
add("max initial", lambda x: np.max(x, initial=0.31), spaced(5))
add("average", lambda x, w: np.average(x, weights=w), real(4), positive(4))
add("average axis", lambda x: np.average(x, axis=1, weights=[1.0, 2, 3]), real(2, 3))
for name in ("cumsum", "cumprod", "nancumsum", "nancumprod"):
    add(name, getattr(np, name), real(3, 2))
    add(name + " axis", lambda x, g=name: getattr(np, g)(x, axis=1), real(3, 4))
add("cumprod zero", np.cumprod, np.array([2.0, 0.0, 3.0, 0.0]))
add("cumulative_sum", lambda x: np.cumulative_sum(x, include_initial=True), real(4))
add("cumulative_prod", np.cumulative_prod, real(4))
for method in (
    "linear",
    "lower",
    "higher",
    "nearest",
    "midpoint",
    "hazen",
    "weibull",
    "median_unbiased",
    "inverted_cdf",
    "averaged_inverted_cdf",
):
    add(
        "quantile " + method,
        lambda x, m=method: np.quantile(x, [0.13, 0.5, 0.92], method=m),
        spaced(9),
    )
add("quantile axis", lambda x: np.quantile(x, 0.3, axis=1, keepdims=True), spaced(3, 5))
add("percentile", lambda x: np.percentile(x, [20, 77], axis=0), spaced(4, 3))
add("nanquantile", lambda x: np.nanquantile(x, 0.4, axis=1), spaced(2, 5), skip="vmap jit")
add("nanpercentile", lambda x: np.nanpercentile(x, [40, 60]), spaced(6), skip="vmap jit")
add("median even", np.median, spaced(6))
add("count_nonzero", lambda x: x * np.count_nonzero(x), real(3))
add("argmax", lambda x: x[np.argmax(x)] * 2, spaced(5))

# *** shapes ***

x34 = real(3, 4)
add("reshape", lambda x: np.reshape(x, (2, -1)), x34)
add("reshape F", lambda x: np.reshape(x, (2, 6), order="F"), x34)
add("ravel", np.ravel, x34)
add("ravel F", lambda x: np.ravel(x, order="F"), x34)
add("flatten", lambda x: x.flatten(), x34)
add("transpose", np.transpose, x34)
add("transpose axes", lambda x: np.transpose(x, (2, 0, 1)), real(2, 3, 4))
add("permute_dims", lambda x: np.permute_dims(x, (1, 0)), x34)
add("swapaxes", lambda x: np.swapaxes(x, 0, -1), real(2, 3, 4))
add("moveaxis", lambda x: np.moveaxis(x, 0, -1), real(2, 3, 4))
add("rollaxis", lambda x: np.rollaxis(x, 2), real(2, 3, 4))
add("matrix_transpose", np.matrix_transpose, real(2, 3, 4))
add("expand_dims", lambda x: np.expand_dims(x, (0, 2)), x34)
add("squeeze", np.squeeze, real(1, 3, 1))
add("broadcast_to", lambda x: np.broadcast_to(x, (2, 3, 4)), real(3, 1))
add("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y)[0] * 2, real(3, 1), real(4))
for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    add(name, getattr(np, name), real(3))
    add(name + " 0-d", getattr(np, name), real(1)[0])
add("concatenate", lambda x, y: np.concatenate([x, y], axis=1), real(2, 3), real(2, 1))
add("concatenate None", lambda x, y: np.concatenate([x, y], axis=None), real(2, 3), real(2))
for name in ("stack", "vstack", "hstack", "dstack", "column_stack"):
    add(name, lambda x, y, g=name: getattr(np, g)([x, y]), real(3), real(3))
add("stack axis", lambda x, y: np.stack([x, y], axis=-1), x34, x34)
add("block", lambda x, y: np.block([[x, y], [y.T, x]]), real(2, 2), real(2, 2))
add("split", lambda x: np.split(x, [1, 3])[1] * 2, real(5))
add("array_split", lambda x: np.array_split(x, 3)[0] * 2, real(5))
for name in ("hsplit", "vsplit", "dsplit"):
    add(name, lambda x, g=name: getattr(np, g)(x, 2)[1], real(2, 2, 2))
add("unstack", lambda x: np.unstack(x, axis=1)[0], x34)
for name in ("flip", "fliplr", "flipud", "rot90"):
    add(name, getattr(np, name), x34)
add("rot90 k", lambda x: np.rot90(x, k=3, axes=(0, 1)), x34)
add("roll", lambda x: np.roll(x, 2), x34)
add("roll axes", lambda x: np.roll(x, (1, -2), axis=(0, 1)), x34)
add("repeat", lambda x: np.repeat(x, 2, axis=1), x34)
add("repeat counts", lambda x: np.repeat(x, [1, 0, 2], axis=0), x34)
add("tile", lambda x: np.tile(x, (2, 1, 2)), x34)
add("resize", lambda x: np.resize(x, (3, 5)), real(4))
add("append", lambda x, y: np.append(x, y), real(3), real(2))
add("append axis", lambda x, y: np.append(x, y, axis=0), real(1, 3), real(2, 3))
add("insert", lambda x, y: np.insert(x, [1, 2], y), real(4), real(2))
add("insert one", lambda x: np.insert(x, 1, x[0], axis=0), real(4))
add("delete", lambda x: np.delete(x, [0, 2], axis=1), x34)
add("delete one", lambda x: np.delete(x, 1), real(4))
add("trim_zeros", np.trim_zeros, np.array([0.0, 1.0, 2.0, 0.0]), skip="vmap jit second bits")
cases.pop()
add("pad", lambda x: np.pad(x, ((1, 2), (0, 1))), x34)
for mode in (
    "edge",
    "wrap",
    "reflect",
    "symmetric",
    "linear_ramp",
    "maximum",
    "minimum",
    "mean",
    "median",
    "empty",
):
    if mode != "empty":
        add("pad " + mode, lambda x, m=mode: np.pad(x, ((1, 2), (2, 1)), mode=m), spaced(3, 4))
add("pad constants", lambda x: np.pad(x, 2, constant_values=(1.5, 2.5)), real(3))
add("pad stat_length", lambda x: np.pad(x, 2, mode="mean", stat_length=2), real(5))
add("pad odd", lambda x: np.pad(x, 2, mode="reflect", reflect_type="odd"), real(5))
add("diagonal", lambda x: np.diagonal(x, 1), x34)
add("diag", np.diag, real(3))
add("diag matrix", lambda x: np.diag(x, -1), x34)
add("diagflat", lambda x: np.diagflat(x, 1), real(2, 2))
add("trace", np.trace, x34)
add("tril", lambda x: np.tril(x, 1), x34)
add("triu", lambda x: np.triu(x, -1), x34)
add("meshgrid", lambda x, y: np.meshgrid(x, y)[0] * np.meshgrid(x, y)[1], real(2), real(3))
add("astype", lambda x: x.astype(np.float64) * 2, x34)
add("copy", np.copy, x34)
add("array", lambda x: np.array([x[0], 2 * x[1], 3.0]), real(3))
add("array nested", lambda x: np.array([[x[0], 1], [x[1], x[2] ** 2]]), real(3))
add("array matrix", lambda x: np.array([x, x * 2]), real(3))
add("asarray", lambda x: np.asarray(x) * 2, real(3))
add("full", lambda x: np.full((2, 2), x[0]), real(2))
add("full_like", lambda x: np.full_like(x, x[0]), real(2))
add("r_", lambda x: np.r_[0.0, x, x[:1]], real(3))
add("c_", lambda x: np.c_[x, x * 2], real(3))
add("linspace", lambda x: np.linspace(x[0], x[1], 5), real(2))
add("linspace open", lambda x: np.linspace(x[0], 3.0, 4, endpoint=False), real(2))
add("logspace", lambda x: np.logspace(x[0], x[1], 4), real(2))
add("geomspace", lambda x: np.geomspace(x[0], x[1], 4), positive(2), skip="vmap jit bits")
add("vander", lambda x: np.vander(x, 4), real(3))

# *** indexing, choosing, sorting ***

add("index", lambda x: x[1, ::2], x34)
add("index negative step", lambda x: x[::-1, 3:0:-2], x34)
add("index newaxis", lambda x: x[:, None, 1], x34)
add("index array", lambda x: x[[2, 0, 2]], x34)
add("index arrays", lambda x: x[[2, 0], [1, 1]], x34)
add("index mixed", lambda x: x[:, [1, 1, 0], None], x34)
add("index apart", lambda x: x[[0, 1], :, [2, 2]], real(2, 3, 4))
add("index mask", lambda x: x[np.array([True, False, True])], x34)
add("index own mask", lambda x: x[x > 0], spaced(5), skip="vmap jit")
add("where", lambda x, y: np.where(x > y, x, 2 * y), spaced(4), spaced(4) + 0.11)
add("take", lambda x: np.take(x, [2, 0], axis=1), x34)
add("take wrap", lambda x: np.take(x, [5, -1], mode="wrap"), x34)
add("take_along_axis", lambda x: np.take_along_axis(x, np.array([[2], [0], [1]]), 1), x34)
add("compress", lambda x: np.compress([True, False, True], x, axis=0), x34)
add("extract", lambda x: np.extract(np.array([True, False, True]), x), real(3))
add("choose", lambda x, y: np.choose([0, 1, 1], [x, y]), real(3), real(3))
add("select", lambda x: np.select([x > 1, x > 0], [x**2, x], 0.5 * x), spaced(6))
add(
    "piecewise",
    lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v**2]),
    spaced(6),
)
for name in ("sort",):
    add(name, np.sort, spaced(3, 4))
    add(name + " axis", lambda x: np.sort(x, axis=0), spaced(3, 4))
    add(name + " None", lambda x: np.sort(x, axis=None), spaced(3, 4))
add("sort_complex", np.sort_complex, cplx(4))
add("partition", lambda x: np.partition(x, 2), spaced(9), skip="vmap jit")
add("argsort", lambda x: x[np.argsort(x)], spaced(5))
add("unique", np.unique, np.array([3.0, 1.0, 2.5]), skip="vmap jit")
add("diff", lambda x: np.diff(x, n=2, axis=0), real(4, 3))
add("diff ends", lambda x: np.diff(x, prepend=0.0, append=x[:1]), real(4))
add("ediff1d", np.ediff1d, real(4))
add("gradient", np.gradient, real(5))
add("gradient 2", lambda x: np.gradient(x, 0.5, axis=1, edge_order=2), real(3, 4))
add("gradient points", lambda x: np.gradient(x, np.array([0.0, 1, 1.5, 3])), real(4))
add("trapezoid", np.trapezoid, real(5))
add("trapezoid x", lambda y, x: np.trapezoid(y, x), real(5), real(5))
add("interp", np.interp, np.array([0.3, 1.2, 2.7]), np.array([0.0, 1.0, 2.0, 3.0]), real(4))
add(
    "interp outside",
    lambda x, y: np.interp(x, [0.0, 1.0, 2.0], y, left=-1.0),
    np.array([-0.5, 2.4, 1.1]),
    real(3),
)
add(
    "interp period",
    lambda x, y: np.interp(x, [0.0, 1.0, 2.0], y, period=3.0),
    np.array([-0.5, 3.4, 1.1]),
    real(3),
)
GRID = np.array([0.0, 2.0, 1.2, 3.5, 0.3])
add("unwrap", np.unwrap, np.array([0.0, 2.0, 5.5, 6.0, 0.3]))
add("bincount", lambda w: np.bincount([0, 2, 0, 1], weights=w), real(4))
for settings in ({"bins": 3}, {"bins": [0.0, 1, 1.5, 4], "density": True}):
    name = f"{settings}"
    add("histogram" + name, lambda w, s=settings: np.histogram(GRID, weights=w, **s)[0], real(5))
add("histogram2d", lambda w: np.histogram2d(GRID, GRID[::-1], 3, weights=w)[0], real(5))
add("histogramdd", lambda w: np.histogramdd(GRID[:, None], 4, weights=w)[0], real(5))
add("convolve", np.convolve, real(5), real(3))
for mode in ("same", "valid", "full"):
    for n, m in ((5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 4)):
        add(f"convolve {mode} {n} {m}", lambda a, v, k=mode: np.convolve(a, v, k), real(n), real(m))
        add(
            f"correlate {mode} {n} {m}",
            lambda a, v, k=mode: np.correlate(a, v, k),
            real(n),
            real(m),
        )
add("correlate complex", lambda a, v: np.correlate(a, v, "full"), cplx(4), cplx(2))
add("cov", np.cov, real(3, 5))
add("cov two", lambda x, y: np.cov(x, y, ddof=0), real(5), real(5))
add("cov weights", lambda x: np.cov(x, fweights=[1, 2, 1, 1], rowvar=True), real(2, 4))
add("corrcoef", np.corrcoef, real(3, 5))
add("cross", np.cross, real(4, 3), real(3))
add("kron", np.kron, real(2, 3), real(1, 2))
add("kron vector", np.kron, real(2), real(2, 2))
add("polyval", np.polyval, real(4), real(3))
add("polyder", np.polyder, real(4))
add("polyint", np.polyint, real(4))
add("polyadd", np.polyadd, real(3), real(2))
add("polysub", np.polysub, real(3), real(2))
add("polymul", np.polymul, real(3), real(2))
add("polydiv", np.polydiv, real(4), positive(2))
add(
    "polyfit",
    lambda x, y: np.polyfit(x, y, 2),
    np.array([0.0, 1, 2, 3.3, 4]),
    real(5),
    tolerance=1e-5,
)
add("poly", np.poly, real(3))
add(
    "roots",
    lambda c: np.sort(np.abs(np.roots(c))),
    np.array([1.0, -6.0, 11.0, -5.9]),
    tolerance=1e-4,
)
add("apply_along_axis", lambda x: np.apply_along_axis(lambda r: np.cumsum(r**2), 1, x), real(2, 3))
add("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, 2]), real(2, 3, 2))
add("real_if_close", lambda x: np.real_if_close(x * 2), real(3))

# *** products ***

add("dot", np.dot, real(3, 4), real(4, 2))
add("dot vectors", np.dot, real(4), real(4))
# NumPy sums the products of more than two axes row by row, and these as one matrix product.
add("dot nd", np.dot, real(2, 3, 4), real(5, 4, 2), skip="bits")
add("matmul", np.matmul, real(2, 3, 4), real(4, 2))
add("matmul batch", np.matmul, real(2, 1, 3, 4), real(5, 4, 2))
add("matmul vector", np.matmul, real(4), real(2, 4, 3))
add("matmul empty", np.matmul, real(2, 0), real(0, 3))
add("matvec", np.matvec, real(2, 3, 4), real(4))
add("vecmat", np.vecmat, real(3), real(2, 3, 4))
add("vdot", np.vdot, cplx(3), cplx(3))
add("inner", np.inner, real(2, 3), real(4, 3))
add("outer", np.outer, real(3), real(2))
add("vecdot", np.vecdot, cplx(2, 3), cplx(3), skip="bits")
add("tensordot", lambda x, y: np.tensordot(x, y, 2), real(2, 3, 4), real(3, 4, 2))
add(
    "tensordot axes",
    lambda x, y: np.tensordot(x, y, ([0, 2], [1, 0])),
    real(2, 3, 4),
    real(4, 2, 3),
)
for text, shapes in (
    ("ij,jk->ik", ((2, 3), (3, 4))),
    ("ii->i", ((3, 3),)),
    ("ii", ((3, 3),)),
    ("ij->", ((2, 3),)),
    ("...i,...i->...", ((2, 3), (3,))),
    ("ij,ij,j->i", ((2, 3), (2, 3), (3,))),
    ("iij->j", ((2, 2, 3),)),
    ("bij,bjk", ((2, 3, 2), (2, 2, 3))),
):
    add("einsum " + text, lambda *xs, t=text: np.einsum(t, *xs), *[real(*s) for s in shapes])
add(
    "einsum optimize",
    lambda x, y, z: np.einsum("ij,jk,kl", x, y, z, optimize=True),
    real(2, 3),
    real(3, 4),
    real(4, 2),
)

# *** linear algebra ***

la = np.linalg
spd, spdc = hermitian(3), hermitian(3, "c")
wide, tall, square = real(2, 4), real(4, 2), real(3, 3) + 2 * np.eye(3)
add("inv", la.inv, square)
add("inv batch", la.inv, real(2, 3, 3) + 3 * np.eye(3))
add("solve", la.solve, square, real(3))
add("solve matrix", la.solve, real(2, 3, 3) + 3 * np.eye(3), real(3, 2))
add("solve complex", la.solve, cplx(2, 2), cplx(2, 2))
add("det", la.det, square)
add("det singular", la.det, np.array([[1.0, 2], [2, 4]]), skip="second")
add("slogdet", lambda a: la.slogdet(a)[1], square)
add("slogdet complex", lambda a: la.slogdet(a)[0], cplx(2, 2))
add("cholesky", lambda a: la.cholesky(a + a.T), spd)
add("cholesky upper", lambda a: la.cholesky(a + a.T, upper=True), spd)
add("cholesky as read", la.cholesky, spdc)
add("cholesky complex", lambda a: la.cholesky(a + np.conj(a.T)), spdc)
for mode in ("reduced", "complete", "r"):
    for label, a in (("square", square), ("tall", tall), ("wide", wide), ("complex", cplx(3, 2))):
        if mode != "complete" or label in ("square", "wide"):
            add(
                f"qr {mode} {label}",
                lambda a, m=mode: tuple(la.qr(a, m)) if m != "r" else la.qr(a, m),
                a,
            )
        else:  # the columns that are added may turn among themselves: their projector may not
            add(
                f"qr {mode} {label}",
                lambda a: (lambda q, r: (q[:, :2], r[:2], q[:, 2:] @ np.conj(q[:, 2:]).T))(
                    *la.qr(a, "complete")
                ),
                a,
            )
add("eigh", lambda a: tuple(la.eigh(a)), spd)
add("eigh upper", lambda a: tuple(la.eigh(a, UPLO="U")), spd)
add("eigvalsh", la.eigvalsh, spd)
add("eigvalsh complex", la.eigvalsh, spdc)
add("eigh complex", lambda a: np.abs(la.eigh(a)[1]) ** 2, spdc)
add("eigvals", la.eigvals, real(3, 3), skip="vmap jit")
add("eig", lambda a: la.eig(a)[0], real(4, 4), skip="vmap jit")
add("eig vectors", lambda a: la.eig(a)[1], cplx(3, 3), tolerance=1e-5)
for full in (False, True):
    for label, a in (("square", square), ("tall", tall), ("wide", wide)):
        if full and label != "square":
            add(
                f"svd {full} {label}",
                lambda a: (
                    lambda u, s, vh: (u[:, :2], s, vh[:2], u[:, 2:] @ u[:, 2:].T, vh[2:].T @ vh[2:])
                )(*la.svd(a)),
                a,
            )
        else:
            add(f"svd {full} {label}", lambda a, k=full: tuple(la.svd(a, full_matrices=k)), a)
add("svd complex", lambda a: np.abs(la.svd(a, full_matrices=False)[0]) ** 2, cplx(3, 2))
add("svdvals", la.svdvals, wide)
add("svd hermitian", lambda a: la.svd(a, hermitian=True)[1], spd)
add("pinv tall", la.pinv, tall)
add("pinv wide", la.pinv, wide)
add("pinv hermitian", lambda a: la.pinv(a + a.T, hermitian=True), spd)
add("pinv as read", lambda a: la.pinv(a, hermitian=True), spdc)
add("pinv cutoffs", lambda a: la.pinv(a, rtol=np.array([1e-15, 0.9])), np.stack([wide, tall.T]))
add("matrix_rank", lambda a: a * la.matrix_rank(np.stack([a, 0 * a]), tol=1e-3)[0], tall)
add("lstsq", lambda a, b: la.lstsq(a, b)[0], tall, real(4))
add("lstsq residual", lambda a, b: la.lstsq(a, b)[1], tall, real(4, 2))
add("lstsq wide", lambda a, b: la.lstsq(a, b)[0], wide, real(2))
add("cond", la.cond, square)
for p in (1, -1, 2, -2, np.inf, -np.inf, "fro"):
    add(f"cond {p}", lambda a, p=p: la.cond(a, p), square)
for order in (None, 0, 1, -1, 2, 3, 2.5, -2, np.inf, -np.inf):
    add(f"norm {order}", lambda x, o=order: la.norm(x, o), spaced(4))
    add(f"norm {order} axis", lambda x, o=order: la.norm(x, o, axis=1, keepdims=True), spaced(2, 3))
for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    add(f"matrix norm {order}", lambda x, o=order: la.norm(x, o, axis=(0, 2)), spaced(2, 2, 3))
    add(f"matrix_norm {order}", lambda x, o=order: la.matrix_norm(x, ord=o or "fro"), spaced(2, 3))
add("norm complex", la.norm, cplx(3))
add("norm 3-d", la.norm, real(2, 3, 2))
add("vector_norm", lambda x: la.vector_norm(x, axis=0, ord=3), real(3, 2))
for n in (-3, -1, 0, 1, 2, 3, 5):
    add(f"matrix_power {n}", lambda a, n=n: la.matrix_power(a, n), square)
add("multi_dot", lambda a, b, c: la.multi_dot([a, b, c]), real(2, 3), real(3, 4), real(4))
add("tensorsolve", la.tensorsolve, real(2, 3, 6), real(2, 3), tolerance=1e-4)
add("tensorinv", lambda a: la.tensorinv(a, ind=1), real(4, 2, 2), tolerance=1e-4)
add("linalg.trace", la.trace, real(2, 3, 3))
add("linalg.diagonal", la.diagonal, real(2, 3, 3))
add("linalg.cross", la.cross, real(2, 3), real(2, 3))
add("linalg.outer", la.outer, real(2), real(3))
add("linalg.vecdot", la.vecdot, cplx(2, 3), cplx(2, 3), skip="bits")

# *** Fourier ***

for name in ("fft", "ifft", "hfft"):
    for norm in ("backward", "ortho", "forward"):
        add(f"{name} {norm}", lambda x, g=name, k=norm: getattr(np.fft, g)(x, norm=k), cplx(5))
    add(f"{name} n", lambda x, g=name: getattr(np.fft, g)(x, n=4, axis=0), cplx(6, 2))
    add(f"{name} longer", lambda x, g=name: getattr(np.fft, g)(x, n=7), cplx(4))
for n in (4, 5, 1):
    for norm in ("backward", "ortho", "forward"):
        add(f"rfft {norm} {n}", lambda x, k=norm: np.fft.rfft(x, norm=k), real(n))
        add(
            f"irfft {norm} {n}",
            lambda x, k=norm, m=n: np.fft.irfft(x, n=m, norm=k),
            cplx(n // 2 + 1),
        )
add("rfft axis", lambda x: np.fft.rfft(x, axis=0, n=6), real(4, 2))
add("fft real", np.fft.fft, real(5))
add("irfft", np.fft.irfft, cplx(4))
add("ihfft", np.fft.ihfft, real(5))
add("fft2", np.fft.fft2, cplx(3, 4))
add("ifft2", np.fft.ifft2, cplx(3, 4))
add("fftn", lambda x: np.fft.fftn(x, s=(2, 5), axes=(0, 2)), cplx(2, 3, 4))
add("ifftn", np.fft.ifftn, cplx(2, 3))
add("rfft2", np.fft.rfft2, real(3, 4))
add("rfftn", np.fft.rfftn, real(2, 3, 5))
add("irfft2", np.fft.irfft2, cplx(3, 4))
add("irfftn", lambda x: np.fft.irfftn(x, s=(3, 5), axes=(0, 1)), cplx(3, 4))
add("fftshift", np.fft.fftshift, real(3, 4))
add("ifftshift", np.fft.ifftshift, real(5))
