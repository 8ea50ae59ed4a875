"""Formats, questions and memories look at recorded numbers, and keep their derivatives."""

import cmath
import functools
import io
import json
import math
import statistics
from math import isnan

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConcreteValueError, ConversionError, TraceError, UnsupportedError

X = np.array([0.3, 0.7, 1.1])
DEFAULTS = {0.3: 1.0}
NUMPYS = {X[0]: 1.0}


@functools.cache
def legendre(n, x):
    if n < 2:
        return x if n else 1.0
    return ((2 * n - 1) * x * legendre(n - 1, x) - (n - 1) * legendre(n - 2, x)) / n


def cached(x):
    return sum(legendre(n, x[0]) * legendre(n, x[1]) for n in range(6))


def by_hand(x):
    memo = {}

    def fibonacci(n, v):
        if (n, v) not in memo:
            memo[n, v] = v if n < 2 else fibonacci(n - 1, v) * v + fibonacci(n - 2, v)
        return memo[n, v]

    return fibonacci(9, x[0]) * fibonacci(5, x[1])


def kept(x):
    a, b = x[:2]
    d = {a: [b], **{v: [v] for v in x[1:] * 2}}
    d.setdefault(a, []).append(x[2])
    d.setdefault(b, []).append(a)
    return d[a][0] * d.get(a)[1] * sum(d.pop(b))


def again(x):
    d = {x[0]: 2.0, x[1]: 3.0}
    d[x[0]] += 1
    return d[x[0]] * x[0] * d[x[1]] if x[1] in d else x[2]


@pytest.mark.parametrize("f", [cached, by_hand, kept, again])
def test_numbers_are_keys(f):
    value, slope = ad.value_and_grad(f)(X)
    assert value == f(X)
    numeric = [(f(X + 1e-6 * e) - f(X - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
    np.testing.assert_allclose(slope, numeric, rtol=1e-7, atol=1e-9)
    if f is cached:  # a dictionary must know whether numbers are the same
        np.testing.assert_allclose(ad.jit(ad.grad(f))(X), slope, rtol=1e-12)
        wanted = [f(X), f(2 * X)]
        np.testing.assert_allclose(ad.vmap(f)(np.stack([X, 2 * X])), wanted, rtol=1e-12)
    else:
        with pytest.raises(ad.errors.ConcreteValueError, match=r"functools\.cache"):
            ad.jit(f)(X)


def test_numbers_of_one_value_are_not_one_key():
    def f(x):
        kept = {x[0]: 1.0, x[1]: 2.0}
        return kept[x[0]] * x[0]

    assert ad.grad(f)(X)[0] == 1
    with pytest.raises(ConversionError, match="two numbers of one value"):
        ad.grad(f)(np.ones(2))
    with pytest.raises(ConversionError, match="two numbers of one value"):
        ad.grad(lambda x: x[0] if x[0] in DEFAULTS else x[1])(X)
    with pytest.raises(ConversionError, match="two numbers of one value"):
        ad.grad(lambda x: x[0] if x[0] in NUMPYS else x[1])(X)


def test_a_cache_is_not_asked_for_another_numbers_result():
    legendre.cache_clear()
    assert legendre(2, 0.3) == pytest.approx(-0.365)  # the value of the recorded number
    assert ad.grad(lambda x: legendre(2, x))(0.3) == pytest.approx(0.9)
    assert legendre(2, np.float64(0.3)) == pytest.approx(-0.365)
    assert ad.grad(lambda x: legendre(2, x))(0.3) == pytest.approx(0.9)
    assert legendre.cache_info().currsize == 0  # nothing of a recording is left
    both = ad.grad(lambda x: legendre(3, x[0]) * legendre(3, x[1]))(np.array([0.5, 0.5]))
    np.testing.assert_allclose(both, -0.4375 * 0.375 * np.ones(2), rtol=1e-13)


def test_values_are_shown():
    shown = []

    def f(x):
        shown.append("%.2f and %d, %s" % (x[0], x[2], "text"))  # noqa: UP031
        assert not isnan(x[0])
        assert not math.isinf(x.sum())
        assert math.isclose(x[1], 0.7)
        return (x * x).sum()

    np.testing.assert_array_equal(ad.grad(f)(X), 2 * X)
    assert shown == ["0.30 and 1, text"]


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: len({x[0], x[1]}) * x[0], r"float\(ad.stop_gradient\(x\)\)"),
        (lambda x: len(set(x)) * x[0], r"float\(ad.stop_gradient\(x\)\)"),
        (lambda x: len(x.tobytes()) * x[0], r"ad.stop_gradient\(x\).tobytes"),
    ],
)
def test_what_is_not_a_look_is_refused(f, remedy):
    with pytest.raises((ConversionError, UnsupportedError), match=remedy) as caught:
        ad.grad(f)(X)
    assert "test_looking.py" in str(caught.value)
    with pytest.raises((ConversionError, UnsupportedError), match=r"test_looking\.py"):
        ad.jit(f)(X)


def test_the_remedies_work():
    assert ad.grad(lambda x: len({float(ad.stop_gradient(v)) for v in x}) * x[0])(X)[0] == 3
    assert ad.grad(lambda x: len(ad.stop_gradient(x).tobytes()) * x[0])(X)[0] == 24


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: isnan(x[0]) or x[0], r"np\.isnan$"),
        (lambda x: len("%g" % x[0]) * x[0], "f-string"),  # noqa: UP031
    ],
)
def test_unknown_values_cannot_be_looked_at(f, remedy):
    with pytest.raises(TraceError, match=remedy):
        ad.jit(f)(X)


def test_arrays_are_no_keys():
    with pytest.raises(TypeError, match=r"unhashable type: 'numpy\.ndarray'"):
        ad.grad(lambda x: {x: 1.0}[x])(X)


def test_iterators_make_their_results():
    def f(x):
        with np.nditer([x, None]) as places:
            for a, b in places:
                b[...] = a * a
        total = np.nditer([x[:, None], x, None])
        for a, b, c in total:
            c[...] = a * b
        return (places.operands[1] * total.operands[2]).sum()

    np.testing.assert_allclose(ad.grad(f)(X), (X**3).sum() + 3 * X**2 * X.sum(), rtol=1e-13)


def test_iterators_are_asked_for_the_next_element():
    def f(x):
        places = np.nditer([x, x + 1])
        a, b = next(places)
        rest = places.copy()
        c, d = next(rest)
        assert (places.iterindex, rest.iterindex) == (0, 1)
        return a * b + 10 * c * d

    expected = np.zeros_like(X)
    expected.flat[:2] = (2 * X.flat[0] + 1), 10 * (2 * X.flat[1] + 1)
    np.testing.assert_allclose(ad.grad(f)(X), expected, rtol=1e-14)


def test_checks_for_tests_see_values():
    def f(x):
        np.testing.assert_allclose(x, X)
        np.testing.assert_array_less(0, x * x)
        with pytest.raises(AssertionError, match="Mismatched elements: 3 / 3"):
            np.testing.assert_array_equal(x, 2 * x)
        return (x * x).sum()

    np.testing.assert_array_equal(ad.grad(f)(X), 2 * X)
    with pytest.raises(ConversionError, match="checks compare plain arrays"):
        ad.jit(f)(X)


def test_plots_see_values():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    lines = []

    def f(x):
        figure, axes = plt.subplots()
        squares = np.zeros(3)
        squares[:] = x * x
        lines.extend(axes.plot(x, squares, label=f"{x[0]:.1f}"))
        axes.hist(x)
        axes.axhline(x[0])
        figure.savefig(io.BytesIO(), format="png")
        plt.close(figure)
        return squares.sum()

    np.testing.assert_array_equal(ad.grad(f)(X), 2 * X)
    np.testing.assert_array_equal(lines[0].get_xydata(), np.stack([X, X * X], 1))
    with pytest.raises(ConversionError, match="plot what the function returns") as caught:
        ad.jit(f)(X)
    assert "axes.plot(x" in str(caught.value)


def of_columns(x):
    return np.rec.fromrecords([(x[0], x[1])], names="p,q").p.sum()


def test_records_made_of_columns_are_refused():
    for transform in (ad.grad, ad.jit):
        with pytest.raises(TraceError, match="an array for each field") as caught:
            transform(of_columns)(X)
        assert "test_looking.py" in str(caught.value)


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: math.log(x[0], 2), r"np\.log\(x\) / np\.log\(base\)"),
        (lambda x: math.erf(x[0]), r"use scipy\.special\.erf$"),
        (lambda x: cmath.exp(x[0]).real, r"cmath\.exp.*\n.*\n.*use np\.exp"),
    ],
)
def test_functions_of_math_name_what_to_write_where_values_are_not_known(f, remedy):
    with pytest.raises(TraceError, match=remedy) as caught:
        ad.jit(f)(X)
    assert "test_looking.py" in str(caught.value)


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: statistics.stdev(x), r"statistics\.stdev.*\n.*\n.*np\.std\(x, ddof=1\)"),
        (lambda x: json.loads(json.dumps(x.tolist()))[0], "JSON holds plain numbers"),
        (lambda x: x[0].__float__(), "would cut its derivative"),
    ],
)
def test_ways_out_name_the_line_and_what_to_write(f, remedy):
    for transform in (ad.grad, ad.jit):
        with pytest.raises(TraceError, match=remedy) as caught:
            transform(f)(X)
        assert "test_looking.py" in str(caught.value)


def test_values_that_decide_the_dtype_are_asked_for():
    def f(x):
        return np.emath.sqrt(x).sum()

    np.testing.assert_allclose(ad.grad(f)(X), 0.5 / np.sqrt(X), rtol=1e-14)
    with pytest.raises(ConcreteValueError, match=r"np\.sqrt\(x \+ 0j\)"):
        ad.jit(f)(X)

    def g(x):
        return np.abs(np.emath.log(x - 1 + 0j) * np.emath.logn(2, x + 0j)).sum()

    np.testing.assert_allclose(ad.jit(ad.grad(g))(X), ad.grad(g)(X), rtol=1e-12)


def test_ufuncs_of_python_functions():
    both = np.frompyfunc(lambda a, b: (a * b, np.sin(a) + b), 2, 2)
    product = np.frompyfunc(lambda a, b: a * b, 2, 1)

    def f(x):
        p, q = both(np.outer(x, x), x)
        return (p * q).sum() + product.reduce(x) * both(x[0], 2.0)[1]

    def formula(x):
        a = np.outer(x, x)
        return (a * x * (np.sin(a) + x)).sum() + np.prod(x) * (np.sin(x[0]) + 2)

    assert f(X) == pytest.approx(formula(X), rel=1e-14)
    np.testing.assert_allclose(ad.grad(f)(X), ad.grad(formula)(X), rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(X), ad.grad(formula)(X), rtol=1e-12)


def test_ufuncs_of_python_functions_on_plain_numbers():
    def f(x):
        scaled = np.frompyfunc(lambda k: k * x[0], 1, 1)
        return (scaled(np.arange(3.0)).astype(float) ** 2).sum()

    assert f(X) == pytest.approx(5 * X[0] ** 2, rel=1e-14)
    np.testing.assert_allclose(ad.grad(f)(X), [10 * X[0], *[0.0] * (len(X) - 1)], rtol=1e-14)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(X), ad.grad(f)(X), rtol=1e-14)


def test_recorded_ends_of_ranges_in_r():
    def f(x):
        return (np.r_[x[0] : x[1] : 4j, x] ** 2).sum()

    def formula(x):
        return (np.linspace(x[0], x[1], 4) ** 2).sum() + (x * x).sum()

    for transform in (ad.grad, lambda g: ad.jit(ad.grad(g))):
        np.testing.assert_allclose(transform(f)(X), ad.grad(formula)(X), rtol=1e-13)


def as_pybind_says(x):
    raise TypeError(
        "forward(): incompatible function arguments. The following argument types are supported:\n"
        f"    1. (arg0: numpy.ndarray[numpy.float64]) -> float\n\nInvoked with: {x!r}"
    )


@pytest.mark.parametrize("made", [lambda x: x, lambda x: np.zeros(3)])
def test_compiled_code_that_wants_other_arguments_is_named(made):
    with pytest.raises(ConversionError, match=r"compiled code(.*\n)*.*pure_callback") as caught:
        ad.grad(lambda x: as_pybind_says(made(x)))(X)
    assert "test_looking.py" in str(caught.value)
    with pytest.raises(TypeError, match="Invoked with: 3"):  # it is the user's own mistake
        ad.grad(lambda x: as_pybind_says(3) * x)(X)
