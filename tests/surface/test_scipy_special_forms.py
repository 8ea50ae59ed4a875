"""Ufuncs of scipy.special in every form of a call, and of float16 and float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp
from scipy.special import gammaln as imported

import adjoint as ad
from adjoint.graph import primitives

ROWS = [
    row
    for row in primitives
    if row.structure == "elementwise"
    and row.domain
    and isinstance(getattr(sp, row.name, None), np.ufunc)
    and {"d", "dd", "ddd", "dddd"} & {t.split("->")[0] for t in getattr(sp, row.name).types}
    and not row.name.endswith("_cv")  # SciPy's loop for float32 does not end (1.17)
]


def drawn(row: Any, rng: np.random.Generator, kind: Any = float) -> list[Any]:
    counts = row.notes.get("integers", ())
    return [
        rng.integers(low, high + 1, 3) if i in counts else rng.uniform(low, high, 3).astype(kind)
        for i, (low, high) in enumerate(row.domain)
    ]


def agrees(f: Callable[..., Any], xs: list[Any], which: int = -1) -> None:
    """Bits and dtype of the value, and the dtype of the gradient."""

    def one(x: Any) -> Any:
        return f(*[x if k == which % len(xs) else other for k, other in enumerate(xs)])

    with np.errstate(all="ignore"):
        plain = f(*xs)
        value, pull = ad.vjp(one, xs[which])
        moved = pull(np.ones_like(plain))[0]
    assert value.dtype == plain.dtype
    np.testing.assert_array_equal(value, plain)
    assert (moved.dtype, moved.shape) == (xs[which].dtype, xs[which].shape)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*cast:RuntimeWarning")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_ufunc_in_every_form(row: Any, rng: np.random.Generator) -> None:
    ufunc = getattr(sp, row.name)
    xs = drawn(row, rng)
    agrees(lambda *xs: ufunc(*xs, dtype=np.float64), xs)
    agrees(lambda *xs: ufunc(*xs, casting="same_kind", order="C", subok=False), xs)
    loops = [t for t in ufunc.types if set(t) <= set("dlp->")]
    agrees(lambda *xs: ufunc(*xs, signature=loops[-1], casting="same_kind"), xs)
    for kind in (np.float32, np.float16):
        agrees(ufunc, drawn(row, rng, kind))
    mixed = [x[0].item() for x in xs[:-1]]
    agrees(ufunc, [*mixed, xs[-1].astype(np.float32)])


@pytest.mark.parametrize("name", ["exp2", "cbrt", "expm1", "log1p"])
def test_bits_are_scipys_where_numpys_round_in_another_way(name: str) -> None:
    ufunc = getattr(sp, name)
    x = np.linspace(0.01, 3, 4001)
    for kind in (np.float64, np.float32, np.float16):
        agrees(ufunc, [x.astype(kind)])
    np.testing.assert_allclose(ad.jit(ufunc)(x), ufunc(x), rtol=1e-15)
    bend = ad.jacobian(ad.jacobian(ufunc))
    numpys = ad.jacobian(ad.jacobian(getattr(np, name)))
    np.testing.assert_allclose(bend(1.3), numpys(1.3), rtol=1e-14)


@pytest.mark.parametrize("name", ["wofz", "hankel1", "hankel2e"])
def test_complex_results_keep_scipys_precision(name: str) -> None:
    ufunc = getattr(sp, name)
    orders = [] if ufunc.nin == 1 else [0.5]
    for kind in (np.float16, np.float32, np.float64):
        agrees(ufunc, [*orders, np.array([0.3, 1.2]).astype(kind)])
    with pytest.raises(TypeError, match="Cannot cast"):
        ad.vjp(lambda x: ufunc(*orders, x, where=x > 1, out=np.zeros(2)), np.array([0.5, 1.5]))


def test_several_results_keep_scipys_precision() -> None:
    x = np.array([0.3, 0.6], np.float16)
    for ufunc in (sp.ellipj, sp.airy, sp.sici):
        xs = [x] * ufunc.nin
        value, pull = ad.vjp(ufunc, *xs)
        plain = ufunc(*xs)
        assert [v.dtype for v in value] == [v.dtype for v in plain]
        assert pull(tuple(map(np.ones_like, plain)))[0].dtype == np.float16


def test_a_name_imported_from_scipy_takes_lists() -> None:
    x = np.array([2.5, 4.0])
    slope = ad.grad(lambda x: np.sum(imported([x[0], [x[1]][0], 3.0])))(x)
    np.testing.assert_allclose(slope, sp.psi(x), rtol=1e-14)
    hessian = ad.hessian(lambda x: np.sum(sp.xlogy([x[0], 2.0], [x[1], x[0]])))(x)
    np.testing.assert_allclose(hessian, [[-2 / 6.25, 0.25], [0.25, -2.5 / 16]], rtol=1e-13)
    both = ad.vjp(lambda x: sp.ellipj([x[0] / 5, 0.3], 0.5), x)[0]
    np.testing.assert_array_equal(both, sp.ellipj([0.5, 0.3], 0.5))
    assert imported is sp.gammaln
    assert isinstance(sp.gammaln, np.ufunc)


def test_reductions_begin_where_scipys_do() -> None:
    x = np.array([0.5, 0.6, 0.7])
    assert sp.huber.identity == 0
    for ufunc in (sp.huber, sp.kl_div, sp.poch, sp.beta):
        agrees(ufunc.reduce, [x])
        agrees(lambda x, ufunc=ufunc: ufunc.reduce(x, initial=None), [x])
        agrees(lambda x, ufunc=ufunc: ufunc.reduceat(x, [0, 1]), [x])
    assert ad.vjp(np.hypot.reduce, np.array([-3.0]))[0] == 3.0
    chosen = np.array([True, False, True])
    agrees(lambda x: np.logaddexp.reduce(x, where=chosen), [x])


def test_a_dtype_is_that_of_the_result() -> None:
    n, x = np.arange(3), np.array([0.2, 0.3, 0.4])
    agrees(lambda n, x: sp.eval_chebyt(n, x, dtype=np.float64), [n, x])
    held = ad.vjp(lambda x: np.multiply(x > 0.25, np.greater(x, 0.25, dtype=bool) * x), x)[0]
    np.testing.assert_array_equal(held, np.where(x > 0.25, x, 0))
    with pytest.raises(TypeError, match="Cannot cast"):
        ad.grad(lambda x: np.sum(sp.erf(x, dtype=np.float32, casting="safe")))(x)
    with pytest.raises(TypeError, match="unexpected keyword"):
        ad.grad(lambda x: np.sum(np.exp(x, colour=1)))(x)


@pytest.mark.filterwarnings("ignore:.*cast:RuntimeWarning")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_slopes_of_single_precision_stay_there(row: Any, rng: np.random.Generator) -> None:
    ufunc, xs = getattr(sp, row.name), drawn(row, rng, np.float32)
    weights = np.arange(1.0, 4.0)

    def total(x: Any) -> Any:
        return np.sum(weights * np.real(ufunc(*xs[:-1], x)))

    for node in ad.trace(ad.grad(total), xs[-1]).nodes:
        if node.primitive.name in ("mul", "div", "add", "sub"):
            assert len({operand.type.dtype for operand in node.operands}) == 1, node


@pytest.mark.parametrize("name", ["beta", "rgamma", "kolmogorov", "stdtridf"])
def test_slopes_of_single_precision_are_compiled(name: str) -> None:
    ufunc = getattr(sp, name)
    xs = [np.array([0.55, 0.62, 0.9], np.float32)] * ufunc.nin
    slopes = ad.grad(lambda *xs: np.sum(np.arange(1.0, 4.0) * ufunc(*xs)), ufunc.nin - 1)
    np.testing.assert_allclose(ad.jit(slopes)(*xs), slopes(*xs), rtol=1e-4)
