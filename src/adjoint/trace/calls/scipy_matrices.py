"""scipy.linalg on stand-in arrays: functions of matrices, special matrices, matrix equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import scipy_linalg as p
from adjoint.trace.calls.scipy_linalg import adjoint, doubles, matrices, refused
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import scipy_rule


def _matrix_rule(name: str) -> None:
    @scipy_rule(f"scipy.linalg.{name}")
    def rule(A: Any, disp: Any = True, blocksize: Any = None) -> Any:
        if not disp:
            raise refused(name, "disp=False, an estimate of the error,", "disp=True")
        (x,) = matrices(A)
        if name in ("logm", "sqrtm"):  # a real matrix may have a complex logarithm or root
            complexly = _is_complex(name, x)
            x = doubles(x)[0] if name == "logm" else x
            x = x.astype(np.result_type(x.dtype, np.complex64)) if complexly else x
        return bind(p.matrix_function, (x,), (name,))


def _is_complex(name: str, x: Any, *settings: Any) -> bool:
    """Whether SciPy makes a complex matrix of a real one whose values are known."""
    import scipy.linalg

    known = None if x.dtype.kind == "c" else concrete_value(x)
    return known is not None and np.iscomplexobj(getattr(scipy.linalg, name)(known, *settings))


for _name in p.MATRIX_FUNCTIONS:
    _matrix_rule(_name)


@valued_rule("scipy.linalg.expm_frechet", A=2, E=2)
def expm_frechet(
    A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """The exponential and its derivative towards E."""
    a, e = doubles(A, E)
    moved = bind(p.matrix_frechet, (a, e), ("expm",))
    return (bind(p.matrix_function, (a,), ("expm",)), moved) if compute_expm else moved


@valued_rule("scipy.linalg.fractional_matrix_power", A=2)
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """``exp(t log A)``; integer powers by products."""
    (a,) = matrices(A)
    if not hasattr(t, "recorder") and float(t).is_integer():
        return np.linalg.matrix_power(a, int(t))
    import scipy.linalg

    power = bind(p.matrix_function, (t * scipy.linalg.logm(a),), ("expm",))
    exponent = concrete_value(t) if hasattr(t, "recorder") else t
    if exponent is None or not _is_complex("fractional_matrix_power", a, float(exponent)):
        return power
    return power.astype(np.result_type(power.dtype, np.complex64))


# *** special matrices ***


@scipy_rule("scipy.linalg.toeplitz")
def toeplitz(c: Any, r: Any = None) -> Any:
    """Constant along diagonals."""
    c = as_operand(c)
    r = np.conjugate(c) if r is None else as_operand(r)
    values = np.concatenate([np.flip(c, -1), r[..., 1:]], axis=-1)
    m, n = c.shape[-1], r.shape[-1]
    return values[..., m - 1 - np.arange(m)[:, None] + np.arange(n)[None, :]]


@scipy_rule("scipy.linalg.hankel")
def hankel(c: Any, r: Any = None) -> Any:
    """Constant along antidiagonals."""
    c = as_operand(c)
    r = np.zeros_like(c) if r is None else as_operand(r)
    values = np.concatenate([c, r[..., 1:]], axis=-1)
    return values[..., np.arange(c.shape[-1])[:, None] + np.arange(r.shape[-1])[None, :]]


@scipy_rule("scipy.linalg.circulant")
def circulant(c: Any) -> Any:
    """Each column turned by one."""
    c = as_operand(c)
    n = c.shape[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)[None, :]) % n]


@scipy_rule("scipy.linalg.companion")
def companion(a: Any) -> Any:
    """The matrix with a given characteristic polynomial."""
    (a,) = matrices(a)
    n = a.shape[-1] - 1
    top = -a[..., 1:] / a[..., :1]
    rest = np.broadcast_to(np.eye(n - 1, n, dtype=a.dtype), (*a.shape[:-1], n - 1, n))
    return np.concatenate([top[..., None, :], rest], axis=-2)


@scipy_rule("scipy.linalg.leslie")
def leslie(f: Any, s: Any) -> Any:
    """Fecundities in the first row, survivals below the diagonal."""
    f, s = matrices(f, s)
    n = f.shape[-1]
    below = np.concatenate([s[..., :, None] * np.eye(n - 1, dtype=s.dtype),
                            np.zeros((*s.shape, 1), s.dtype)], axis=-1)  # fmt: skip
    return np.concatenate([f[..., None, :], below], axis=-2)


@scipy_rule("scipy.linalg.block_diag")
def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal."""
    blocks = [as_operand(a) for a in arrs]
    blocks = [np.reshape(a, (1,) * (2 - a.ndim) + a.shape) for a in blocks]
    dtype = np.result_type(*[a.dtype for a in blocks])
    width = sum(a.shape[-1] for a in blocks)
    rows, at = [], 0
    for a in blocks:
        before = np.zeros((*a.shape[:-1], at), dtype)
        after = np.zeros((*a.shape[:-1], width - at - a.shape[-1]), dtype)
        rows.append(np.concatenate([before, a.astype(dtype), after], axis=-1))
        at += a.shape[-1]
    return np.concatenate(rows, axis=-2)


@scipy_rule("scipy.linalg.kron")
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product."""
    return _kron(as_operand(a), as_operand(b))


def _kron(a: Any, b: Any) -> Any:
    product = a[:, None, :, None] * b[None, :, None, :]
    return np.reshape(product, (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]))


@scipy_rule("scipy.linalg.khatri_rao")
def khatri_rao(a: Any, b: Any) -> Any:
    """The Kronecker product column by column."""
    a, b = as_operand(a), as_operand(b)
    product = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(product, (*product.shape[:-3], -1, product.shape[-1]))


@scipy_rule("scipy.linalg.convolution_matrix")
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """The matrix that convolves with a."""
    a = as_operand(a)
    m = a.shape[-1]
    rows = np.arange(m + n - 1)[:, None] - np.arange(n)[None, :]
    whole = np.where((rows >= 0) & (rows < m), a[..., np.clip(rows, 0, m - 1)], 0)
    if mode == "full":
        return whole
    length = max(m, n) if mode == "same" else max(m, n) - min(m, n) + 1
    start = (m + n - 1 - length) // 2
    return whole[..., start : start + length, :]


# *** structured systems and matrix equations ***


def _first_and_row(c_or_cr: Any) -> tuple[Any, Any]:
    if isinstance(c_or_cr, tuple):
        return as_operand(c_or_cr[0]), as_operand(c_or_cr[1])
    c = as_operand(c_or_cr)
    return c, np.conjugate(c)


@valued_rule("scipy.linalg.solve_toeplitz")
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """A system with a Toeplitz matrix."""
    return np.linalg.solve(*doubles(toeplitz(*_first_and_row(c_or_cr)), b))


@valued_rule("scipy.linalg.matmul_toeplitz")
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    """A Toeplitz matrix times vectors, without the matrix: it is the corner of a circulant one."""
    column, row, x = doubles(*_first_and_row(c_or_cr), x)
    vector = x.ndim == 1
    around = np.concatenate([column, np.flip(row[..., 1:], -1)], axis=-1)
    real = all(v.dtype.kind != "c" for v in (column, row, x))
    there, back = (np.fft.rfft, np.fft.irfft) if real else (np.fft.fft, np.fft.ifft)
    size = around.shape[-1]
    x = x[:, None] if vector else x
    whole = back(there(around)[..., None] * there(x, n=size, axis=-2), n=size, axis=-2)
    product = whole[..., : column.shape[-1], :]
    return product[..., 0] if vector else product


@valued_rule("scipy.linalg.solve_circulant")
def solve_circulant(
    c: Any, b: Any, singular: str = "raise", tol: Any = None, caxis: int = -1,
    baxis: int = 0, outaxis: int = 0,
) -> Any:  # fmt: skip
    """A system with a circulant matrix, along axes."""
    c, b = matrices(c, b)
    fc, fb = np.fft.fft(np.moveaxis(c, caxis, -1)), np.fft.fft(np.moveaxis(b, baxis, -1))
    x = np.fft.ifft(fb / fc)
    real = c.dtype.kind != "c" and b.dtype.kind != "c"
    return np.moveaxis(np.real(x) if real else x, -1, outaxis)


@valued_rule("scipy.linalg.solve_sylvester")
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """``a x + x b = q``."""
    return bind(p.sylvester, matrices(a, b, q), ())


@valued_rule("scipy.linalg.solve_continuous_lyapunov", "scipy.linalg.solve_lyapunov")
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """``a x + x a^H = q``."""
    a, q = matrices(a, q)
    return bind(p.sylvester, (a, adjoint(a), q), ())


_SMALL = 10  # rows from which SciPy does not write the n^2 equations of the n^2 unknowns


def _by_cayley(a: Any, q: Any) -> Any:
    """The discrete equation as a continuous one, whose matrix is (a - 1) / (a + 1)."""
    one = np.eye(a.shape[-1])
    inverse = np.linalg.inv(a + one)
    b = (a - one) @ inverse
    return solve_continuous_lyapunov(b, -2 * inverse @ q @ adjoint(inverse))


@valued_rule("scipy.linalg.solve_discrete_lyapunov", a=2, q=2)
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """``a x a^H - x + q = 0``."""
    a, q = doubles(a, q)
    n = a.shape[-1]
    if method not in (None, "direct", "bilinear"):
        raise ValueError(f"Unknown solver {method}")
    if method == "bilinear" or (method is None and n >= _SMALL):
        return _by_cayley(a, q)
    conj = np.conjugate(a) if a.dtype.kind == "c" else a
    system = np.eye(n * n, dtype=a.dtype) - _kron(a, conj)
    return np.reshape(np.linalg.solve(system, np.ravel(q)), q.shape)
