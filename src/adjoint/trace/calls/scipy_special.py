"""scipy.special on stand-in arrays: its Python functions, and ufuncs with other results.

Most of its ufuncs are rows of ``primitives/special*.py``, found by name. This module is
loaded when scipy.special has been imported and somebody records.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.errors import NoDerivativeError
from adjoint.graph.primitive import Primitive, primitives
from adjoint.graph.source import source_here
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.special import SciPyFunction
from adjoint.primitives.special_several import SEVERAL
from adjoint.trace import replacing
from adjoint.trace.calls.support import as_operand, common_dtype
from adjoint.trace.elementwise import dtype_key, elementwise, scipy_loop
from adjoint.trace.lists import Ufunc
from adjoint.trace.recorder import bind, innermost
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.tables import implements
from adjoint.trace.views import detached


def inexact(x: Any) -> Any:
    """An operand of SciPy's own array code, which leaves every float as it is."""
    x = as_operand(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def floating(x: Any) -> Any:
    """An operand in the dtype SciPy computes in: float32 or float64, or complex."""
    x = inexact(x)
    return x.astype(np.float32) if x.dtype == np.float16 else x


def doubled(x: Any) -> Any:
    """An operand of code of SciPy's that computes in double precision alone."""
    x = floating(x)
    return x.astype(np.result_type(x.dtype, np.float64))


def is_traced_float(x: Any) -> bool:
    """Whether a derivative with respect to x may be asked for."""
    return hasattr(x, "recorder") and x.dtype.kind in "fc"


def static(value: Any, function: str, name: str) -> Any:
    """An argument that must be known: a plain number or array."""
    if is_traced_float(value):
        raise NoDerivativeError(
            f"{function} has no derivative in {name}",
            function=function,
            source=source_here(),
            remedy=f"pass {name} as a plain value, or ad.stop_gradient({name})",
        )
    return value


# *** sums of exponentials ***


@scipy_rule("scipy.special.logsumexp")
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """log(sum(b exp(a))), shifted by the largest; digits near 0 are kept as SciPy keeps them."""
    a = inexact(a)
    if b is not None:
        b = as_operand(b)
        if common_dtype(a, b) != a.dtype:
            a = a.astype(common_dtype(a, b))
        shape = np.broadcast_shapes(a.shape, b.shape)
        a, b = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
        a = np.where(b == 0, -np.inf, a)
    if a.size == 0:
        return _empty_sum(a, axis, keepdims, return_sign)
    real = np.real(a) if a.dtype.kind == "c" else a
    top = stop_gradient(np.max(real, axis=axis, keepdims=True))
    finite = np.isfinite(top)
    top = np.where(finite, top, 0)
    e = np.exp(a - top)
    if b is None and a.dtype.kind != "c":
        largest = (stop_gradient(real) == top) & finite
        count = np.maximum(np.sum(largest, axis=axis, keepdims=True).astype(a.dtype), 1)
        # each largest term is exp(0) = 1: what is left of it is 0, but its slope stays
        rest = np.where(finite, np.sum(e - largest, axis=axis, keepdims=True), 0)
        infinite = np.log(np.sum(stop_gradient(e), axis=axis, keepdims=True))
        out = np.where(finite, np.log1p(rest / count) + np.log(count) + top, infinite)
        sign = np.ones_like(top)
    else:
        total = np.sum(e if b is None else b * e, axis=axis, keepdims=True)
        if return_sign:
            size = np.abs(total)
            sign = np.sign(total) if a.dtype.kind != "c" else total / np.where(size == 0, 1, size)
            total = size
        out = np.log(total) + top
    if not keepdims:
        out = np.squeeze(out, axis) if axis is not None else np.reshape(out, ())
        if return_sign:
            sign = np.squeeze(sign, axis) if axis is not None else np.reshape(sign, ())
    return (out, sign) if return_sign else out


def _empty_sum(a: Any, axis: Any, keepdims: bool, return_sign: bool) -> Any:
    out = np.sum(a, axis=axis, keepdims=keepdims) - np.inf
    return (out, np.zeros_like(out)) if return_sign else out


@scipy_rule("scipy.special.softmax")
def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x))."""
    x = inexact(x)
    e = np.exp(x - stop_gradient(np.max(x, axis=axis, keepdims=True)))
    return e / np.sum(e, axis=axis, keepdims=True)


@scipy_rule("scipy.special.log_softmax")
def log_softmax(x: Any, axis: Any = None) -> Any:
    """log(softmax(x))."""
    x = inexact(x)
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    shifted = x - np.where(np.isfinite(top), top, 0)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@scipy_rule("scipy.special.softplus")
def softplus(x: Any, **kwargs: Any) -> Any:
    """log(1 + exp(x))."""
    return np.logaddexp(0.0, inexact(x), **kwargs)


# *** gamma and zeta ***


@scipy_rule("scipy.special.polygamma")
def polygamma(n: Any, x: Any) -> Any:
    """Derivatives of the digamma function."""
    n = np.asarray(static(n, "scipy.special.polygamma", "n"))
    return elementwise(primitives["polygamma"], n.astype(np.int64), floating(x))


@scipy_rule("scipy.special.multigammaln")
def multigammaln(a: Any, d: Any) -> Any:
    """The logarithm of the multivariate gamma function."""
    a = floating(a)
    terms = [sp.gammaln(a - 0.5 * j) for j in range(int(d))]
    return sum(terms[1:], terms[0]) + (d * (d - 1) / 4.0) * np.log(np.pi)


@scipy_rule("scipy.special.zeta")
def zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    """The Riemann or Hurwitz zeta function."""
    if q is None:
        return elementwise(primitives["riemann_zeta"], floating(x))
    numbers = (int, float)  # they take the dtype of the other
    operands = [v if isinstance(v, numbers) else floating(v) for v in (x, q)]
    return elementwise(primitives["zeta"], *operands)


@scipy_rule("scipy.special.comb")
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """Binomial coefficients of real numbers."""
    static(0.0 if not exact else N, "scipy.special.comb(exact=True)", "N")
    static(0.0 if not exact else k, "scipy.special.comb(exact=True)", "k")
    N, k = floating(N), floating(k)
    if repetition:
        return comb(N + k - 1, k)
    valid = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(valid, sp.binom(N, k), 0.0)


@scipy_rule("scipy.special.perm")
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """Permutations of k of N things, of real numbers."""
    static(0.0 if not exact else N, "scipy.special.perm(exact=True)", "N")
    N, k = floating(N), floating(k)
    valid = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(valid, sp.poch(N - k + 1, k), 0.0)


@scipy_rule("scipy.special.factorial")
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """gamma(n + 1)."""
    static(0.0 if not exact else n, "scipy.special.factorial(exact=True)", "n")
    n = floating(n)
    value = sp.gamma(n + 1)
    return value if extend == "complex" else np.where(n < 0, 0.0, value)


def _multifactorial(name: str, n: Any, k: Any, exact: bool, extend: str) -> Any:
    """Of whole numbers by steps of k, or SciPy's continuation of it."""
    static(0.0 if not exact else n, f"{name}(exact=True)", "n")
    k = static(k, name, "k")
    if extend == "complex":
        n = floating(n)
        value = np.power(k, n / k) * sp.gamma(n / k + 1) * (sp.rgamma(1 / k + 1) / k ** (1 / k))
        return value if n.dtype.kind == "c" else np.where(n == -k, np.nan, value)
    if is_traced_float(n):
        raise ValueError(f"{name}: numbers that are not whole need extend='complex'")
    rest = n % k
    more = k ** ((n - rest) / k) * sp.gamma(n / k + 1) / sp.gamma(rest / k + 1)
    return np.where(n < 0, 0.0, more * np.maximum(rest, 1))


@scipy_rule("scipy.special.factorial2")
def factorial2(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """The product of every second number up to n."""
    return _multifactorial("scipy.special.factorial2", n, 2, exact, extend)


@scipy_rule("scipy.special.factorialk")
def factorialk(n: Any, k: Any, exact: bool = False, extend: str = "zero") -> Any:
    """The product of every k-th number up to n."""
    return _multifactorial("scipy.special.factorialk", n, k, exact, extend)


@scipy_rule("scipy.special.diric")
def diric(x: Any, n: int) -> Any:
    """sin(n x / 2) / (n sin(x / 2)), and its limit at multiples of 2 pi."""
    x = floating(x)
    n = int(static(n, "scipy.special.diric", "n"))
    below = np.sin(x / 2)
    pole = np.abs(below) < 1e-9
    turns = np.round(stop_gradient(x) / (2 * np.pi))
    off = x - 2 * np.pi * turns
    near = np.where(turns * (n - 1) % 2 == 0, 1.0, -1.0) * (1 - (n * n - 1) / 24 * off * off)
    safe = np.where(pole, 1.0, below)
    return np.where(pole, near, np.sin(n * np.where(pole, 1.0, x) / 2) / (n * safe))


# *** functions of an order, and their derivatives by name ***


@scipy_rule("scipy.special.lambertw")
def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Any:
    """The branch k of w exp(w) = z."""
    z = floating(z)
    z = z if z.dtype.kind == "c" else z.astype(np.result_type(z.dtype, np.complex64))
    return elementwise(primitives["lambertw"], np.asarray(k).astype(np.int64), z)


@lru_cache(maxsize=64)
def _spherical_dtype(name: str, dtype: np.dtype[Any], derivative: bool) -> np.dtype[Any]:
    """What SciPy's code gives, which casts to single precision in some functions only."""
    function = SciPyFunction(name).find()
    found: np.dtype[Any] = function(np.ones(1, int), np.ones(1, dtype), derivative).dtype
    return found


@lru_cache(maxsize=8)
def _half_computed_in(name: str) -> type[np.floating[Any]]:
    """What SciPy computes in where the argument is of half precision: single from 1.18 on."""
    function, half = SciPyFunction(name).find(), np.full(1, 1.1, np.float16)
    single = function(np.ones(1, int), half.astype(np.float32))
    return np.float32 if function(np.ones(1, int), half) == single else np.float64


def _spherical(name: str) -> None:
    row = primitives[name]
    signs = {"spherical_kn": (-1.0, -1.0), "spherical_in": (1.0, 1.0)}
    down, up = signs.get(name, (1.0, -1.0))

    @scipy_rule(f"scipy.special.{name}")
    def rule(n: Any, z: Any, derivative: bool = False) -> Any:
        n = np.asarray(static(n, f"scipy.special.{name}", "n")).astype(np.int64)
        z = inexact(z)
        dtype = _spherical_dtype(name, z.dtype, bool(derivative))
        z = z.astype(_half_computed_in(name)) if z.dtype == np.float16 else z
        if derivative:
            below = elementwise(row, np.maximum(n - 1, 0), z)
            result = down * n * below + up * (n + 1) * elementwise(row, n + 1, z)
            result = result / (2 * n + 1)
        else:
            result = elementwise(row, n, z)
        return result if result.dtype == dtype else result.astype(dtype)


for _name in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"):
    _spherical(_name)


def _order_derivative(name: str, ufunc: Any, sign: float, outer: float) -> None:
    """Jvp and its like: the n-th derivative in z, by differences of orders."""

    @scipy_rule(f"scipy.special.{name}")
    def rule(v: Any, z: Any, n: int = 1) -> Any:
        total, factor = 0.0, 1.0
        v, z = floating(v), floating(z)
        for i in range(n + 1):
            total = total + factor * ufunc(v - n + 2 * i, z)
            factor = sign * factor * (n - i) / (i + 1)
        return outer**n * total / 2.0**n


for _name, _ufunc, _sign, _outer in (
    ("jvp", sp.jv, -1.0, 1.0),
    ("yvp", sp.yv, -1.0, 1.0),
    ("h1vp", sp.hankel1, -1.0, 1.0),
    ("h2vp", sp.hankel2, -1.0, 1.0),
    ("ivp", sp.iv, 1.0, 1.0),
    ("kvp", sp.kv, 1.0, -1.0),
):
    _order_derivative(_name, _ufunc, _sign, _outer)

# *** ufuncs with complex or several results, and NumPy's under another name ***


def _complex_row(name: str, which: int) -> None:
    """The last operand is made complex, as the result is."""
    row, ufunc = primitives[name], getattr(sp, name)

    @implements(ufunc)
    def rule(*operands: Any) -> Any:
        dtype = scipy_loop(ufunc, tuple(map(dtype_key, operands)))[-1]
        return elementwise(row, *operands[:which], as_operand(operands[which]).astype(dtype))


for _name, _which in (("wofz", 0), ("hankel1", 1), ("hankel2", 1), ("hankel1e", 1),
                      ("hankel2e", 1)):  # fmt: skip
    _complex_row(_name, _which)


def _several_rule(name: str) -> None:
    row: Primitive = primitives[name]
    ufunc = getattr(sp, name)

    @implements(ufunc)
    def rule(*operands: Any) -> Any:
        dtype = scipy_loop(ufunc, tuple(map(dtype_key, operands)))[0]
        xs = [as_operand(x) for x in operands]
        shape = np.broadcast_shapes(*[x.shape for x in xs])
        xs = [detached(np.broadcast_to(x.astype(dtype), shape)) for x in xs]
        return bind(row, xs, ())


for _name in SEVERAL:
    _several_rule(_name)


@implements(sp.gammasgn)
def gammasgn(x: Any) -> Any:
    """The sign of the gamma function, which stays where it is."""
    kind = scipy_loop(sp.gammasgn, (dtype_key(x),))[-1]
    real = stop_gradient(as_operand(x).astype(kind))
    below = np.where(np.floor(real) % 2 == 0, 1.0, -1.0)
    left = np.where(real == np.floor(real), np.nan, below)
    sign = np.where(real == 0, np.copysign(1.0, real), np.where(real > 0, 1.0, left))
    return np.where(np.isnan(real), np.nan, sign).astype(kind)


if sp.round is not np.rint:
    implements(sp.round)(lambda x: np.rint(floating(x)))


def _numpys(name: str) -> None:
    """NumPy's inside jit, as machine code; elsewhere SciPy's, which round in another way."""
    row = primitives[f"scipy_{name}"]
    function = getattr(np, name)

    @implements(getattr(sp, name))
    def rule(x: Any) -> Any:
        recorder = innermost((x,))
        if recorder is None or recorder.concrete or x.dtype.kind == "c":
            return elementwise(row, x)
        return function(floating(x))


for _name in ("exp2", "cbrt", "expm1", "log1p"):
    if getattr(sp, _name) is not getattr(np, _name):
        _numpys(_name)

# *** lists of recorded numbers ***

replacing.also(
    vars(sp),
    {name: Ufunc(ufunc) for name, ufunc in vars(sp).items() if isinstance(ufunc, np.ufunc)},
)
