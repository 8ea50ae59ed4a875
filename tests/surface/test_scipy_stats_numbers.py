"""scipy.stats: families whose functions SciPy finds by number, moved by what has a formula."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

CASES = [
    ("rice", (0.8,), "cdf"),
    ("rice", (0.8,), "ppf"),
    ("vonmises", (3.9,), "cdf"),
    ("ncx2", (21.0, 1.1), "sf"),
    ("nct", (14.0, 0.24), "ppf"),
    ("ncf", (27.0, 27.0, 0.4), "logpdf"),
    ("pearson3", (-2.1,), "cdf"),
    ("geninvgauss", (2.3, 1.5), "isf"),
    ("genhyperbolic", (0.5, 1.5, -0.5), "logpdf"),
    ("kappa4", (0.1, -0.2), "ppf"),
    ("skewnorm", (4.0,), "ppf"),
    ("truncnorm", (-1.2, 2.1), "ppf"),
    ("triang", (0.16,), "cdf"),
    ("tukeylambda", (3.1,), "cdf"),
    ("crystalball", (2.0, 3.0), "cdf"),
    ("recipinvgauss", (0.63,), "pdf"),
]


@pytest.mark.parametrize(("name", "shapes", "method"), CASES)
def test_functions(
    name: str, shapes: tuple[float, ...], method: str, rng: np.random.Generator
) -> None:
    dist = getattr(st, name)
    q = np.array([0.2, 0.7])
    x = q if method in ("ppf", "isf") else dist.ppf(q, *shapes, loc=0.3, scale=1.7)

    def f(x: Any, loc: Any, scale: Any, *shapes: Any) -> Any:
        return getattr(dist, method)(x, *shapes, loc=loc, scale=scale)

    args = (x, np.float64(0.3), np.float64(1.7), *map(np.float64, shapes))
    skip = {"bits", "vmap", "jit"} | ({"second"} if name != "rice" else set())
    checking.check(checking.Case(name, f, args, frozenset(skip), 3e-6), rng, h=2e-4)


@pytest.mark.parametrize("mode", ["jit", "vmap"])
def test_where_values_are_not_known(mode: str) -> None:
    def slope(b: Any) -> Any:
        return ad.grad(lambda b: st.rice.cdf(1.3, b) + st.rice.ppf(0.3, b))(b)

    wanted = slope(0.8)
    h = 1e-5
    ends = [st.rice.cdf(1.3, 0.8 + s * h) + st.rice.ppf(0.3, 0.8 + s * h) for s in (1, -1)]
    assert wanted == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)
    if mode == "jit":
        assert ad.jit(slope)(0.8) == pytest.approx(wanted, rel=1e-12)
    else:
        rows = ad.vmap(slope)(np.array([0.8, 1.1]))
        assert rows.tolist() == pytest.approx([wanted, slope(1.1)], rel=1e-12)


MOMENTS = [
    ("weibull_min", (1.8,), "mean"),
    ("t", (5.2,), "var"),
    ("burr12", (10.0, 4.0), "mean"),
    ("skewnorm", (4.0,), "entropy"),
    ("gamma", (2.0,), "entropy"),
    ("johnsonsb", (4.3, 3.1), "var"),
    ("rice", (0.8,), "entropy"),
    ("truncnorm", (-1.2, 2.1), "mean"),
    ("pareto", (3.6,), "std"),
]


@pytest.mark.parametrize(("name", "shapes", "method"), MOMENTS)
def test_moments(name: str, shapes: tuple[float, ...], method: str) -> None:
    f = getattr(getattr(st, name), method)

    def g(first: Any) -> Any:
        return f(first, *shapes[1:], loc=0.3, scale=1.7)

    h = 1e-3
    near = [g(shapes[0] + k * h) for k in (1, -1, 2, -2)]
    wanted = (8 * (near[0] - near[1]) - (near[2] - near[3])) / (12 * h)
    value, slope = ad.value_and_grad(g)(shapes[0])
    assert value == pytest.approx(g(shapes[0]), rel=1e-10)
    assert slope == pytest.approx(wanted, rel=1e-6)


def test_shapes_at_which_a_formula_has_a_limit() -> None:
    x, h = np.array([-0.4, 0.7, 1.9]), 1e-3

    def slope(method: Any, at: Any) -> Any:
        def f(c: Any) -> Any:
            return method(x, c) if at is None else method(x, at, c)

        ends = [f(k * h) for k in (1, -1, 2, -2)]
        wanted = (8 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12 * h)
        _, dot = ad.jvp(f, (0.0,), (1.0,))
        np.testing.assert_allclose(dot, wanted, rtol=1e-6)

    slope(st.genextreme.logpdf, None)
    # SciPy's own values lose digits near 0: the first term of the series in the skew
    _, dot = ad.jvp(lambda c: st.pearson3.logpdf(x, c), (0.0,), (1.0,))
    np.testing.assert_allclose(dot, (x**3 - 3 * x) / 6, rtol=1e-12)
    slope(st.kappa4.logpdf, 0.3)
    q, dot = ad.jvp(lambda c: st.genextreme.ppf(0.3, c), (0.0,), (1.0,))
    assert q == pytest.approx(-np.log(-np.log(0.3)))
    assert dot == pytest.approx(-0.5 * np.log(-np.log(0.3)) ** 2)


def test_singular_covariance(rng: np.random.Generator) -> None:
    cov = np.zeros((4, 4))
    cov[:2, :2] = [[1.0, 0.3], [0.3, 2.0]]
    tail = np.zeros((3, 2))

    def f(x: Any, mean: Any) -> Any:
        points = np.concatenate([x, tail], axis=1)
        center = np.concatenate([mean, np.zeros(2)])
        return st.multivariate_normal.logpdf(points, center, cov, allow_singular=True)

    args = (rng.normal(size=(3, 2)), np.array([0.4, -0.2]))
    checking.check(checking.Case("singular", f, args, frozenset({"bits", "jit"})), rng)


def test_an_integral_that_misses_is_not_a_number() -> None:
    """This tail of crystalball goes on beyond the last of the fixed places."""
    assert np.isnan(ad.grad(lambda b: st.crystalball.entropy(b, 1.2))(2.0))


DIRECTION = np.array([0.6, 0.8, 0.0])
OTHERS = {
    "dirichlet.entropy": lambda a: st.dirichlet.entropy(np.stack([a, a + 1, 2 * a])),
    "dirichlet.var": lambda a: np.sum(st.dirichlet.var(np.stack([a, a + 1, 2 * a]))),
    "dirichlet_multinomial": lambda a: st.dirichlet_multinomial.logpmf(
        np.array([1, 2, 3]), np.stack([a, a + 1, 2 * a]), 6
    ),
    "multinomial.mean": lambda a: st.multinomial.mean(7, np.stack([a / 4, 1 - a / 4]))[1],
    "matrix_normal": lambda a: st.matrix_normal.logpdf(
        np.arange(6.0).reshape(3, 2) * a, np.ones((3, 2)), np.eye(3) + a, np.eye(2) * a
    ),
    "vonmises_fisher": lambda a: st.vonmises_fisher.logpdf(DIRECTION, np.eye(3)[0], a),
    "stats": lambda a: np.sum(np.stack(st.gamma.stats(a, scale=2.0, moments="mvsk"))),
    "poisson.entropy": lambda a: st.poisson.entropy(2.5 * a),
    "geom.entropy": lambda a: st.geom.entropy(a / 4),
    "nnlf": lambda a: st.gamma.nnlf((a, 0.1, 1.3), np.array([1.0, 2.0])),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_methods(name: str) -> None:
    f = OTHERS[name]
    h = 1e-3
    near = [f(1.3 + k * h) for k in (1, -1, 2, -2)]
    wanted = (8 * (near[0] - near[1]) - (near[2] - near[3])) / (12 * h)
    value, slope = ad.value_and_grad(f)(1.3)
    assert value == pytest.approx(f(1.3), rel=1e-12)
    assert slope == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize(
    "f",
    [
        st.norm.logpdf,
        st.cauchy.cdf,
        st.powerlaw(1.5).pdf,
        st.expon.ppf,
        lambda x: st.poisson.logpmf(3, 1 + x),
        lambda x: st.binom.cdf(2, 5, x),
    ],
)
def test_numbers_of_float32_give_float64(f: Any) -> None:
    x = np.array([0.2, 0.7], np.float32)
    wanted = f(x)
    value, slope = ad.vjp(f, x)
    assert value.dtype == ad.jit(f)(x).dtype == wanted.dtype == np.float64
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    assert slope(np.ones(2))[0].dtype == np.float32


TAILS: dict[str, tuple[Any, tuple[float, ...], float]] = {
    # a family, its shapes, a place of which the chance below or above is tiny
    "ncx2": (st.ncx2, (4.0, 6.0), 260.0),
    "ncf": (st.ncf, (27.0, 27.0, 0.416), 12.0),
    "skewnorm": (st.skewnorm, (4.0,), 20.0),
    "norminvgauss": (st.norminvgauss, (1.25, 0.5), -40.0),
    "expon": (st.expon, (), 60.0),
    "hypsecant": (st.hypsecant, (), -60.0),
    "cauchy": (st.cauchy, (), 1e9),
}


@pytest.mark.parametrize("name", TAILS)
def test_tails_have_their_digits(name: str) -> None:
    dist, shapes, x = TAILS[name]
    small, other = ("sf", "logcdf") if x > 0 else ("cdf", "logsf")
    for method in (small, f"log{small}", other):
        f = getattr(dist, method)
        value = float(f(x, *shapes))
        out, pull = ad.vjp(lambda x, f=f: f(x, *shapes), x)
        np.testing.assert_allclose(out, value, rtol=1e-9)
        h = 1e-4 * abs(x)
        slope = (f(x + h, *shapes) - f(x - h, *shapes)) / (2 * h)
        np.testing.assert_allclose(pull(1.0)[0], slope, rtol=1e-3 if h < 1 else 1e-2)
        assert float(pull(1.0)[0]) != 0.0


def test_quantiles_of_tiny_chances() -> None:
    for dist, shapes in ((st.cauchy, ()), (st.ncx2, (4.0, 6.0)), (st.nct, (14.0, 0.24))):
        q = 1e-11
        out, pull = ad.vjp(lambda q, f=dist.isf, s=shapes: f(q, *s), q)
        np.testing.assert_allclose(out, dist.isf(q, *shapes), rtol=1e-12)
        slope = (dist.isf(1.01 * q, *shapes) - dist.isf(0.99 * q, *shapes)) / (0.02 * q)
        np.testing.assert_allclose(pull(1.0)[0], slope, rtol=1e-3)


def test_a_value_without_a_derivative_stays_a_value() -> None:
    def f(c: Any) -> Any:
        return st.gausshyper.isf(1e-12, 13.76, 3.12, c, 5.18)

    out, pull = ad.vjp(f, 2.51)
    assert float(out) == f(2.51)
    assert not np.isfinite(pull(1.0)[0])


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_rates_of_counts(alternative: str) -> None:
    def f(p: Any) -> Any:
        found = st.poisson_means_test(5, p[0], 17, p[1], diff=p[2], alternative=alternative)
        return np.stack([found.statistic, found.pvalue])

    p, h = np.array([100.0, 103.0, 0.05]), 1e-5
    out = ad.vjp(f, p)[0]
    np.testing.assert_allclose(out, f(p), rtol=1e-12)
    slopes = [(ad.vjp(f, p + d)[0] - ad.vjp(f, p - d)[0]) / (2 * h) for d in h * np.eye(3)]
    np.testing.assert_allclose(ad.jacobian(f)(p), np.stack(slopes, axis=1), rtol=1e-5, atol=1e-9)


def test_rates_where_times_are_not_known() -> None:
    def chance(n: Any, diff: Any = 0) -> Any:
        return st.poisson_means_test(5, n, 17, 103.0, diff=diff).pvalue

    assert ad.jit(chance)(100.0) == pytest.approx(chance(100.0), rel=1e-12)
    assert ad.jit(ad.grad(chance))(100.0) == pytest.approx(ad.grad(chance)(100.0), rel=1e-12)
    with pytest.raises(ad.errors.UnsupportedError, match="how many counts"):
        ad.jit(chance)(100.0, 0.1)
    with pytest.raises(ValueError, match="diff"):
        ad.grad(chance)(100.0, -0.1)
    assert float(ad.vjp(lambda n: st.poisson_means_test(0, n, 0, 8.0).pvalue, 9.0)[0]) == 1.0


COUNTS: list[tuple[str, tuple[Any, ...]]] = [
    ("bernoulli", (0.35,)),
    ("binom", (5.0, 0.4)),
    ("nbinom", (5.0, 0.4)),
    ("betabinom", (5.0, 2.3, 0.63)),
    ("betanbinom", (5.0, 9.3, 1.0)),
    ("dlaplace", (0.8,)),
    ("skellam", (4.0, 3.0)),
    ("nchypergeom_wallenius", (14.0, 8.0, 6.0, 0.5)),
]


@pytest.mark.parametrize(("name", "shapes"), COUNTS)
def test_families_of_counts(name: str, shapes: tuple[Any, ...]) -> None:
    law, k = getattr(st, name), np.array([0.0, 2.0, 5.0])

    def f(p: Any) -> Any:
        given = (*shapes[:-1], p)
        quantiles = [law.ppf([0.2, 0.7], *given), law.isf(0.4, *given), law.median(*given)]
        logs = [law.pmf(k, *given), law.logcdf(k - 0.5, *given)[1:], law.sf(k, *given)]
        moments = [np.stack(law.stats(*given, moments="mvs")), law.moment(3, *given)]
        return np.concatenate([np.ravel(part) for part in (*quantiles, *logs, *moments)])

    p, h = shapes[-1], 1e-4
    value, slope = ad.jvp(f, (p,), (1.0,))
    np.testing.assert_allclose(value, f(p), rtol=1e-7)
    wanted = (8 * (f(p + h) - f(p - h)) - (f(p + 2 * h) - f(p - 2 * h))) / (12 * h)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-8)


def test_counts_where_chances_are_not_known() -> None:
    def f(p: Any) -> Any:
        rate = st.erlang.logpdf(0.7, 10 * p, scale=p)
        return rate + st.binom.logpmf([0, 2], 5, p) + st.bernoulli.cdf(0, p) + st.nbinom.mean(3, p)

    np.testing.assert_allclose(ad.jit(f)(0.3), f(0.3), rtol=1e-12)
    with pytest.raises(ad.errors.UnsupportedError, match="range of counts"):
        ad.jit(st.poisson.entropy)(3.0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda a: st.weibull_min.rvs(a, loc=a, scale=2.0, size=3, random_state=1),
        lambda a: st.norm.rvs(a, a, size=(2, 3), random_state=np.random.default_rng(3)),
        lambda a: st.uniform(a, 2 * a).rvs(2, random_state=1),
        lambda a: np.stack(st.beta.support(2.0, 3.0, loc=a, scale=a)),
        lambda a: np.stack(st.truncpareto.support(2.0, 1 + a)),
    ],
)
def test_draws_and_ends_move(draw: Any) -> None:
    np.testing.assert_array_equal(ad.jit(draw)(0.7), draw(0.7))
    slope = (draw(0.7 + 1e-6) - draw(0.7 - 1e-6)) / 2e-6
    np.testing.assert_allclose(ad.jacobian(draw)(0.7), slope, rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "shape"), [("yulesimon", 11.0), ("logser", 0.6), ("poisson", 3.2)]
)
@pytest.mark.parametrize("method", ["cdf", "logcdf", "sf", "logsf"])
def test_between_counts_as_scipy(name: str, shape: float, method: str) -> None:
    """SciPy's formulas of some families do not round a place between two counts."""

    def f(a: Any) -> Any:
        return getattr(getattr(st, name), method)(2.4, a)

    value, slope = ad.value_and_grad(f)(shape)
    h = 1e-5
    np.testing.assert_allclose(value, f(shape), rtol=1e-13)
    np.testing.assert_allclose(slope, (f(shape + h) - f(shape - h)) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize("letter", ["s", "k"])
def test_forms_of_counts_by_the_formula_of_their_powers(letter: str) -> None:
    """The law of zeta reaches too far to be added up."""

    def f(a: Any) -> Any:
        return st.zipf.stats(a, moments=letter) * 1.0

    h = 1e-4
    np.testing.assert_allclose(ad.grad(f)(6.6), (f(6.6 + h) - f(6.6 - h)) / (2 * h), rtol=1e-5)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(6.6), ad.grad(f)(6.6), rtol=1e-9)


@pytest.mark.parametrize("shape", [0.3, 2.0, 29.0, 200.0])
def test_the_entropy_of_fatigue_lives_moves_as_its_integral(shape):
    mp = pytest.importorskip("mpmath")
    c = mp.mpf(shape)

    def slope(z):
        return mp.npdf(z) * c * z * z / (2 + c * c * z * z / 2)

    exact = float(1 / c - mp.quad(slope, [0, 1 / c, 1, 4, 13]))
    entropy = st.fatiguelife.entropy
    assert ad.value_and_grad(entropy)(shape)[0] == entropy(shape)
    for gradient in (ad.grad(entropy), ad.jit(ad.grad(entropy))):
        np.testing.assert_allclose(gradient(shape), exact, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize(
    ("beta", "m", "exact", "bend"),
    [  # by mpmath, from piece to piece
        (1.3, 3.0, [-0.5647629399075691, -0.12317330106695866], 0.8118749942887467),
        (0.3, 2.2, [-3.587976830645888, -0.9406172605612996], 11.074486244963241),
    ],
)
def test_the_entropy_of_a_density_with_a_corner(
    beta: float, m: float, exact: list[float], bend: float
) -> None:
    def f(p: Any) -> Any:
        return st.crystalball(p[0], p[1]).entropy()

    p = np.array([beta, m])
    np.testing.assert_allclose(ad.grad(f)(p), exact, rtol=1e-8)
    np.testing.assert_allclose(ad.hessian(f)(p)[0, 0], bend, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "shapes", "x"),
    [
        ("genpareto", (0.1,), 1.2),
        ("genpareto", (-0.3,), 1.2),
        ("kappa4", (0.2, 0.1), 0.4),
        ("kappa4", (-0.2, -0.1), 0.4),
        ("tukeylambda", (0.8,), 0.3),
    ],
)
def test_families_whose_ends_follow_their_shapes_hold_them(
    name: str, shapes: tuple[float, ...], x: float
) -> None:
    family, p = getattr(st, name), np.array([*shapes, 0.3, 1.7])

    def held(p: Any) -> Any:
        return family(*p[:-2], loc=p[-2], scale=p[-1]).logpdf(x)

    def given(p: Any) -> Any:
        return family.logpdf(x, *p[:-2], loc=p[-2], scale=p[-1])

    slope = ad.grad(given)(p)
    np.testing.assert_allclose(ad.value_and_grad(held)(p)[0], held(p), rtol=1e-14)
    np.testing.assert_allclose(ad.grad(held)(p), slope, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(held))(p), slope, rtol=1e-9)
    np.testing.assert_allclose(ad.vmap(ad.grad(held))(p[None])[0], slope, rtol=1e-9)


def test_an_infinite_moment_stays_infinite() -> None:
    def f(loc: Any) -> Any:
        return st.foldcauchy(4.7, loc=loc).moment(1)

    assert f(0.3) == np.inf
    assert ad.jvp(f, (0.3,), (1.0,))[0] == np.inf


@pytest.mark.parametrize("y", [[1.0, 1.0], [1.0, 2.0], [3.0, 2.0]])
def test_a_line_through_two_points_is_certain_inside_jit(y: list[float]) -> None:
    def f(y: Any) -> Any:
        return np.stack(list(st.linregress(np.array([0.0, 1.0]), y)))

    np.testing.assert_allclose(ad.jit(f)(np.array(y)), f(np.array(y)), rtol=1e-14)


def test_a_line_through_all_points_has_no_spread_inside_jit() -> None:
    x = np.linspace(0.1, 0.7, 7)

    def f(y: Any) -> Any:
        found = st.linregress(x, y)
        return np.stack([found.rvalue, found.pvalue, found.stderr])

    for slope in np.linspace(0.1, 3.0, 30):
        np.testing.assert_allclose(ad.jit(f)(slope * x + 0.2), [1, 0, 0], atol=1e-7)


def test_clouds_with_infinite_places_are_infinitely_far() -> None:
    u, v = np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([[np.inf, -np.inf]])
    assert ad.value_and_grad(st.wasserstein_distance_nd)(u, v)[0] == np.inf
    assert ad.jit(st.wasserstein_distance_nd)(u, v) == np.inf


@pytest.mark.parametrize(
    ("letter", "first", "second"),
    [  # by mpmath, at a shape of SciPy's
        ("s", -0.3096410956711428, 0.1664816937550406),
        ("k", 0.39037902563700866, 0.10288686164996803),
    ],
)
def test_forms_move_as_integrals_about_the_middle(letter: str, first: float, second: float) -> None:
    def f(b: Any) -> Any:
        return st.exponpow.stats(b, moments=letter) * 1.0

    b = 2.697119160358469
    assert ad.value_and_grad(f)(b)[0] == f(b)
    np.testing.assert_allclose(ad.grad(f)(b), first, rtol=1e-10)
    np.testing.assert_allclose(ad.grad(ad.grad(f))(b), second, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_expectiles_in_every_mode(
    count: int, level: float, weighted: bool, rng: np.random.Generator
) -> None:
    weights = rng.uniform(0.2, 2, count) if weighted else None

    def f(x: Any) -> Any:
        return st.expectile(x, level, weights=weights)

    x, d = rng.normal(size=count), rng.normal(size=count)
    value, slope = ad.value_and_grad(f)(x)
    assert value == f(x)
    np.testing.assert_allclose(slope @ d, (f(x + 1e-5 * d) - f(x - 1e-5 * d)) / 2e-5, atol=1e-6)
    np.testing.assert_allclose(ad.jit(f)(x), value, rtol=1e-9)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), slope, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ad.vmap(ad.grad(f))(x[None])[0], slope, rtol=1e-9, atol=1e-12)


MIXED_PLACES = {
    "icdf": lambda law, p: law.icdf(0.3),
    "iccdf": lambda law, p: law.iccdf(p[0]),
    "ilogcdf": lambda law, p: law.ilogcdf(-0.8),
    "median": lambda law, p: law.median(),
    "several": lambda law, p: np.sum(law.icdf(np.array([0.2, 0.7]) * p[1])),
}


@pytest.mark.skipif(not hasattr(st, "Mixture"), reason="since SciPy 1.15")
@pytest.mark.parametrize("name", MIXED_PLACES)
def test_places_of_mixtures_that_are_not_known(name: str) -> None:
    def f(p: Any) -> Any:
        parts = [st.Normal(mu=p[0], sigma=p[1]), st.Uniform(a=p[1], b=p[0] + 2.0)]
        return MIXED_PLACES[name](st.Mixture(parts, weights=[0.3, 0.7]), p)

    p = np.array([0.4, 0.7])
    value, slope = ad.value_and_grad(f)(p)
    np.testing.assert_allclose(value, f(p), rtol=1e-14)
    np.testing.assert_allclose(ad.jit(f)(p), value, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(p), slope, rtol=1e-10)
    np.testing.assert_allclose(ad.vmap(ad.grad(f))(p[None])[0], slope, rtol=1e-10)
    bend = ad.hessian(f)(p)
    np.testing.assert_allclose(ad.jit(ad.hessian(f))(p), bend, rtol=1e-8, atol=1e-10)


def test_multivariate_laws_have_scipys_bits() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 4):
        a = rng.standard_normal((n, n))
        cov, x, mean = a @ a.T + np.eye(n) / 9, rng.standard_normal(n), rng.standard_normal(n)
        alpha, counts = rng.uniform(1, 3, n + 1), np.arange(n + 1)
        functions = [
            lambda c, x=x, m=mean: st.multivariate_normal.logpdf(x, m, c, allow_singular=True),
            lambda c, x=x, m=mean: st.multivariate_normal.pdf(x, m, c),
            lambda c, x=x, m=mean: st.multivariate_normal(m, c).logpdf(x),
            lambda c, m=mean: st.multivariate_normal.entropy(m, c),
            lambda c, a=a: st.matrix_normal.logpdf(a, rowcov=c, colcov=c),
            lambda c, x=alpha: st.dirichlet.logpdf(x / x.sum(), x * c[0, 0]),
            lambda c, p=alpha, k=counts: st.multinomial.logpmf(
                k, k.sum(), p * c[0, 0] / np.sum(p * c[0, 0])
            ),
        ]
        for f in functions:
            assert float(ad.vjp(f, cov)[0]) == float(f(cov))


def test_one_coordinate_stands_for_all_in_a_multivariate_density() -> None:
    def f(c: Any) -> Any:
        return st.multivariate_normal.logpdf([0.4], None, c, allow_singular=True)

    cov = np.array([[2.0, 0.3], [0.3, 1.0]])
    assert float(ad.vjp(f, cov)[0]) == float(f(cov))
    ad.check_grads(f, (cov,), order=2)
