"""Worked numbers: the most worked example there is, kinks, shared values, sizes 0 and 1."""

import re

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import GradientCheckError, StructureError
from adjoint.gallery.mazur import BIASES, HIDDEN, OUTPUT, error
from adjoint.inspect import explain


@pytest.fixture(scope="module")
def mazur():
    return explain(error, HIDDEN, OUTPUT, BIASES, rate=0.5)


@pytest.mark.parametrize(
    "number",
    [
        "0.298371109",
        "0.35891648",  # w5 after one step
        "0.408666186",
        "0.51130127",
        "0.561370121",
        "0.149780716",
        "0.19956143",
        "0.24975114",
        "0.29950229",
        "0.082167041",  # the gradient of w5
        "0.186815602",  # out (1 - out)
        "0.138498562",  # the delta of the first output
    ],
)
def test_mazur_numbers_appear(mazur, number):
    # Published figures are cut or rounded in their last digit: 0.299502287 is 0.29950229.
    found = [float(x) for x in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", mazur.text())]
    assert any(abs(x - float(number)) < 1e-8 for x in found)


def test_gradients_are_those_of_grad(mazur):
    wanted = ad.grad(error, argnums=(0, 1, 2))(HIDDEN, OUTPUT, BIASES)
    for ours, theirs in zip(mazur.gradients.values(), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "largest difference 0" in mazur.check


def test_lines_of_the_user_and_arithmetic(mazur):
    text = mazur.text()
    assert "mazur.py" in text
    assert "return 0.5 * np.sum((TARGET" in text
    assert "v1[0] = 0.05 · 0.15 + 0.1 · 0.2 = 0.0275" in text
    assert "(0.75136507 · (1 − 0.75136507)) = 0.74136507 · 0.186815602 = 0.138498562" in text


def test_page_needs_nothing_else(mazur, tmp_path):
    place = tmp_path / "step.html"
    place.write_text("old")
    mazur.to_html(place)
    page = place.read_text()
    assert page.startswith("<!doctype html>")
    assert "0.35891648" in page
    assert not re.search(r"(src|href)=|https?:|<script|@import|url\(", page)
    assert [p.name for p in tmp_path.iterdir()] == ["step.html"]


def test_latex_environments_are_closed(mazur):
    made = mazur.to_latex()
    assert made.count(r"\begin{align*}") == made.count(r"\end{align*}") > 20
    assert r"v_{1}[0] &= 0.05 \cdot  0.15 + 0.1 \cdot  0.2" in made
    assert "[[0.15\\;0.25]\\;[0.2\\;0.3]]" in made
    assert not re.search(r"[^\x00-\x7f]", "".join(re.sub(r"%.*", "", made)))


def test_shares_add_up():
    def f(x):
        y = np.sin(x)
        return y * y * x

    made = explain(f, 0.7)
    assert made.gradients["x"] == ad.grad(f)(0.7)
    assert "is the sum of 2 shares" in made.text()
    assert "a share of δx" in made.text()


def test_where_is_safe_and_python_may_branch():
    def f(x):
        if x[0] > 0:
            return np.sum(np.where(x > 0, np.log(x), 0.0))
        return 0.0 * x[0]

    made = explain(f, np.array([2.0, 0.0, -1.0]))
    np.testing.assert_array_equal(made.gradients["x"], [0.5, 0.0, 0.0])


def test_kink_follows_the_convention():
    made = explain(lambda x: np.abs(x).sum(), np.array([-2.0, 0.0, 3.0]))
    np.testing.assert_array_equal(made.gradients["x"], [-1.0, 0.0, 1.0])


@pytest.mark.parametrize("x", [np.zeros(0), np.ones(1), np.ones((1, 1)), np.ones((2, 0, 3))])
def test_sizes_0_and_1(x):
    made = explain(lambda x: np.sum(x * x), x)
    np.testing.assert_array_equal(made.gradients["x"], 2 * x)
    made.to_latex()


@pytest.mark.parametrize(
    ("a", "b"),
    [((2,), (2,)), ((3, 2), (2,)), ((2,), (2, 4)), ((3, 2), (2, 4)), ((5, 3, 2), (2, 4))],
)
def test_products_of_all_ranks(a, b):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=a), rng.normal(size=b)

    def f(x, y):
        return np.sum(np.tanh(x @ y))

    made = explain(f, x, y, limit=40, digits=17)
    # Every worked equation is true: Python agrees with what stands between its signs.
    for line in made.text().splitlines():
        sides = [s.replace("·", "*").replace("−", "-") for s in line.split(" = ")[1:]]
        if len(sides) > 1 and not re.search(r"[A-Za-z²@…]", "".join(sides).replace("e-", "")):
            values = [eval(side) for side in sides]
            np.testing.assert_allclose(values, values[-1], rtol=1e-12, atol=1e-15)


def test_large_arrays_are_summarised():
    made = explain(lambda x: np.sum(x**2), np.arange(1000.0))
    assert "[1000] float64, mean 499.5, min 0, max 999, norm 1.824e+04" in made.text()
    assert len(made.text()) < 3000


def test_model_with_loss():
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Tanh(), nn.Linear(2, 4, rng=1))
    x, y = rng.normal(size=(5, 3)), np.array([0, 3, 1, 1, 2])
    made = explain(model, nn.cross_entropy, x, y)
    wanted = ad.grad(lambda m: nn.cross_entropy(m(x), y))(model)
    assert list(made.gradients) == list(nn.parameters(model))
    np.testing.assert_allclose(
        made.gradients["layers[0].weight"], wanted.layers[0].weight, rtol=1e-12
    )
    assert explain(model, x).gradients["layers[2].bias"].tolist() == [5.0] * 4


def test_trees_argnums_and_float32():
    p = {"w": np.float32([1.0, 2.0]), "n": 3}
    made = explain(lambda p, x: np.sum(p["w"] ** p["n"] * x), p, np.float32(2.0), argnums=0)
    assert list(made.gradients) == ["p['w']"]
    assert made.gradients["p['w']"].dtype == np.float32
    np.testing.assert_array_equal(made.gradients["p['w']"], [6.0, 24.0])


def test_long_chains_are_no_recursion():
    def f(x):
        for _ in range(3000):
            x = x * 1.0001
        return x

    assert explain(f, 1.0).gradients["x"] == ad.grad(f)(1.0)


def test_a_function_that_changes_is_caught():
    calls = iter(range(100))
    with pytest.raises(GradientCheckError, match="worked gradient of x"):
        explain(lambda x: x * float(next(calls)), 2.0)


def test_nothing_to_differentiate():
    with pytest.raises(StructureError, match="pass floats"):
        explain(lambda n: n + 1, 3)
