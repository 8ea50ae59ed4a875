import numpy as np
import pytest
from scipy import optimize

from adjoint import nn, optim
from adjoint.errors import StructureError

# NIST StRD "Misra1a", y = b1 (1 - exp(-b2 x)), with its certified values.
MISRA_X = np.array(
    [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760]
)
MISRA_Y = np.array(
    [
        10.07,
        14.73,
        17.94,
        23.93,
        29.61,
        35.18,
        40.02,
        44.82,
        50.76,
        55.05,
        61.01,
        66.4,
        75.47,
        81.78,
    ]
)
MISRA_B = np.array([2.3894212918e02, 5.5015643181e-04])
MISRA_SQUARES = 1.2455138894e-01


def _rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _rosenbrock_residuals(x):
    return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def _misra(b):
    return MISRA_Y - b[0] * (1 - np.exp(-b[1] * MISRA_X))


START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])


@pytest.mark.parametrize(
    "method",
    ["bfgs", "l-bfgs-b", "cg", "newton-cg", "trust-ncg", "trust-krylov", "trust-exact", "slsqp"],
)
def test_rosenbrock_is_solved(method):
    result = optim.minimize(_rosenbrock, START, method=method, tol=1e-9)
    assert isinstance(result, optimize.OptimizeResult)
    np.testing.assert_allclose(result.x, np.ones(5), atol=1e-5)
    # Exact derivatives: as many calls as SciPy needs with the gradient given by hand.
    if method == "bfgs":
        by_hand = optimize.minimize(
            optimize.rosen, START, jac=optimize.rosen_der, method=method, tol=1e-9
        )
        assert result.nit == by_hand.nit


@pytest.mark.parametrize("method", ["nelder-mead", "powell"])
def test_methods_without_derivatives(method):
    result = optim.minimize(lambda x: np.sum((x - 2.0) ** 2), np.zeros(2), method=method)
    np.testing.assert_allclose(result.x, [2, 2], atol=1e-3)


def test_unknowns_may_be_a_tree():
    def f(p):
        return np.sum((p["a"] - 1.0) ** 2) + (p["b"][0] + 2.0) ** 2 + np.sum(p["b"][1] ** 2)

    seen = []
    x0 = {"a": np.zeros((2, 3)), "b": (0.5, np.ones(2, np.float32))}
    result = optim.minimize(f, x0, method="l-bfgs", callback=seen.append)
    np.testing.assert_allclose(result.x["a"], np.ones((2, 3)), atol=1e-5)
    assert float(result.x["b"][0]) == pytest.approx(-2, abs=1e-5)
    assert result.x["b"][1].dtype == np.float32
    assert result.jac["a"].shape == (2, 3)
    assert len(seen) == result.nit
    assert set(seen[0]) == {"a", "b"}


def test_bounds_constraints_arguments_and_branches():
    bounded = optim.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2), bounds=[(0, 1), (0, 5)])
    np.testing.assert_allclose(bounded.x, [1, 3], atol=1e-6)
    on_circle = {"type": "eq", "fun": lambda x: np.sum(x**2) - 1.0}
    result = optim.minimize(
        lambda x: x[0] + x[1], np.array([0.5, -0.2]), method="slsqp", constraints=on_circle
    )
    np.testing.assert_allclose(result.x, -np.sqrt([0.5, 0.5]), atol=1e-5)
    shifted = optim.minimize(lambda x, c: np.sum((x - c) ** 2), np.zeros(2), (np.array([1.0, 2]),))
    np.testing.assert_allclose(shifted.x, [1, 2], atol=1e-6)

    def branching(x):
        return (x[0] - 1) ** 2 if x[0] > 0 else 4 * (x[0] - 1) ** 2

    np.testing.assert_allclose(optim.minimize(branching, np.array([-2.0])).x, [1], atol=1e-5)
    np.testing.assert_allclose(
        optim.minimize(branching, np.array([-2.0]), native=False).x, [1], atol=1e-5
    )


def test_trust_constr_with_products():
    result = optim.minimize(_rosenbrock, START, method="trust-constr", options={"maxiter": 300})
    np.testing.assert_allclose(result.x, np.ones(5), atol=1e-4)


@pytest.mark.parametrize("method", ["levenberg-marquardt", "gauss-newton"])
@pytest.mark.parametrize("start", [[500.0, 1e-4], [250.0, 5e-4]])
@pytest.mark.parametrize("dense", [True, False])
def test_squares_reach_the_certified_values(method, start, dense):
    result = optim.minimize(_misra, np.array(start), method=method, options={"dense": dense})
    assert result.success
    np.testing.assert_allclose(result.x, MISRA_B, rtol=1e-7)
    assert 2 * result.cost == pytest.approx(MISRA_SQUARES, rel=1e-9)
    assert result.nit < 60


@pytest.mark.parametrize("method", ["levenberg-marquardt", "gauss-newton", "lm"])
def test_squares_of_rosenbrock_and_trees(method):
    result = optim.minimize(_rosenbrock_residuals, START, method=method)
    np.testing.assert_allclose(result.x, np.ones(5), atol=1e-8)
    line = optim.minimize(
        lambda p: {"a": p["k"] * np.arange(3.0) - 2, "b": p["c"] - 1.0},
        {"k": 0.0, "c": np.zeros(2)},
        method=method,
    )
    assert float(line.x["k"]) == pytest.approx(6 / 5)  # sum x y / sum x^2
    np.testing.assert_allclose(line.x["c"], [1, 1])


def test_squares_with_a_direction_that_does_nothing():
    result = optim.minimize(lambda x: x[:1] - 3.0, np.zeros(3), method="lm")
    np.testing.assert_allclose(result.x, [3, 0, 0], atol=1e-8)
    with pytest.raises(StructureError, match="not finite"):
        optim.minimize(lambda x: np.log(x), np.full(1, np.inf), method="lm")


def test_refusals():
    with pytest.raises(StructureError, match="unknown method"):
        optim.minimize(_rosenbrock, START, method="magic")
    with pytest.raises(StructureError, match="real floating-point"):
        optim.minimize(_rosenbrock, np.array([1, 2]))


@pytest.mark.parametrize(
    "method",
    [
        optim.lbfgs(),
        optim.bfgs(),
        optim.conjugate_gradient(),
        optim.newton_cg(),
        optim.levenberg_marquardt(),
    ],
    ids=lambda method: method.method,
)
def test_full_batch_methods_fit_a_network(method):
    x = np.linspace(-1, 1, 20)[:, None]
    y = np.sin(3 * x)
    model = nn.Sequential(nn.Linear(1, 6, rng=0), nn.Tanh(), nn.Linear(6, 1, rng=1))

    def objective(model):
        rest = model(x) - y
        return rest if method.of_residuals else nn.mean_squared_error(model(x), y)

    # So many that the way, which rounding decides, does not matter.
    fitted, result = method.run(objective, model, 300)
    assert isinstance(fitted, nn.Sequential)
    assert result.nit <= 300
    assert nn.mean_squared_error(fitted(x), y) < 2e-3


def test_gauss_newton_solves_a_linear_model_in_one_step():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    model = nn.Linear(3, 2)
    fitted, _ = optim.gauss_newton().run(lambda model: model(x) - y, model, 1)
    expected = np.linalg.lstsq(np.hstack([x, np.ones((20, 1))]), y)[0]
    np.testing.assert_allclose(fitted.weight, expected[:3], rtol=1e-10)
    np.testing.assert_allclose(fitted.bias, expected[3], rtol=1e-10)


def test_baselines_find_the_gradient():
    p = {"w": np.array([[1.0, -2.0], [0.5, 3.0]]), "b": np.array([0.25])}

    def f(p):
        return float(np.sum(np.sin(p["w"]) * p["b"]) + p["b"][0] ** 2)

    exact = {"w": np.cos(p["w"]) * 0.25, "b": np.array([np.sin(p["w"]).sum() + 0.5])}
    central, forward = optim.finite_differences(f, p), optim.weight_perturbation(f, p)
    shaken = optim.perturbation(f, p, np.random.default_rng(0), samples=4000)
    for key in p:
        np.testing.assert_allclose(central[key], exact[key], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(forward[key], exact[key], atol=1e-5)
        np.testing.assert_allclose(shaken[key], exact[key], atol=0.15)


@pytest.mark.parametrize("dense", [True, False])
def test_the_damping_does_not_depend_on_units(dense):
    def steps(units):
        seen = []
        optim.minimize(
            lambda c: _misra(c * units),
            np.array([500.0, 1e-4]) / units,
            method="levenberg-marquardt",
            options={"dense": dense, "maxiter": 4},
            callback=lambda c: seen.append(c * units),
        )
        return np.array(seen)

    np.testing.assert_allclose(steps(np.array([1e3, 1e-4])), steps(np.ones(2)), rtol=1e-6)


def test_a_search_that_is_stuck_does_not_call_it_success():
    # The least residual is at the kink x = 0, where the slope on one side points to the other.
    def residual(x):
        return np.where(x < 0, -x, x) + 1.0 + 0.5 * x

    result = optim.minimize(residual, np.zeros(1), method="lm")
    assert not result.success
    assert "slope is not 0" in result.message
    assert abs(result.x[0]) < 1e-12
