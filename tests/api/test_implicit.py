"""root and fixed_point: exact derivatives of solutions."""

from typing import NamedTuple

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConvergenceError, DTypeError, StructureError, UnsupportedError

A = np.array([[0.2, 0.1, -0.3], [0.0, -0.4, 0.2], [0.25, 0.1, 0.1]])
B = np.array([0.3, -0.2, 0.7])


def close(a, b, tolerance=1e-9):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def equilibrium(w, b):
    """The state of a recurrent network that has come to rest."""
    return ad.fixed_point(lambda x, w: np.tanh(w @ x + b), np.zeros(3), w)


def zero(a, b):
    """A root in two unknowns of different shapes, b taken from outside."""

    def f(p, a):
        return {
            "u": p["u"] ** 3 + p["u"] * np.sum(p["v"] ** 2) - a,
            "v": p["v"] * (2 + p["u"]) - np.sin(a) * b,
        }

    return ad.root(f, {"u": 1.0, "v": np.ones(2)}, a)


def total_zero(a, b):
    p = zero(a, b)
    return p["u"] ** 2 + np.sum(p["v"] * np.array([1.0, -3.0]))


def total_equilibrium(w, b):
    return np.sum(equilibrium(w, b) ** 2 * np.array([1.0, 2.0, -1.0]))


CASES = {
    "root": (total_zero, (1.7, np.array([0.5, -0.4]))),
    "fixed point": (total_equilibrium, (A, B)),
}


def test_values_solve_their_equations():
    x = equilibrium(A, B)
    close(x, np.tanh(A @ x + B), 1e-14)
    p = zero(1.7, np.array([0.5, -0.4]))
    close(p["u"] ** 3 + p["u"] * np.sum(p["v"] ** 2), 1.7, 1e-14)
    assert type(p["u"]) is np.float64


def test_known_derivatives():
    def square_root(a):
        return ad.root(lambda x: x * x - a, 1.0)

    close(ad.grad(square_root)(2.0), 0.5 / np.sqrt(2))
    close(ad.grad(ad.grad(square_root))(2.0), -0.25 * 2**-1.5)
    close(ad.grad(ad.grad(ad.grad(square_root)))(2.0), 0.375 * 2**-2.5)
    close(ad.jvp(square_root, (2.0,), (3.0,))[1], 1.5 / np.sqrt(2))
    x = equilibrium(A, B)
    slope = 1 - x**2
    jacobian = np.linalg.solve(np.eye(3) - slope[:, None] * A, np.diag(slope))
    close(ad.jacobian(equilibrium, 1, mode="forward")(A, B), jacobian)
    close(ad.jacobian(equilibrium, 1, mode="reverse")(A, B), jacobian)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("wrap", ["plain", "jit", "checkpoint"])
def test_against_differences_to_second_order(case, wrap):
    f, args = CASES[case]
    wrapped = {"plain": lambda f: f, "jit": ad.jit, "checkpoint": ad.checkpoint}[wrap](f)
    ad.check_grads(wrapped, args, tolerance=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_inside_jit_and_vmap(case):
    f, args = CASES[case]
    both = ad.value_and_grad(f, (0, 1))
    value, gradient = ad.jit(both)(*args)
    close(value, f(*args))
    for a, b in zip(gradient, ad.grad(f, (0, 1))(*args), strict=True):
        close(a, b)
    stacked = [np.stack([x, 0.9 * np.asarray(x), 0.5 * np.asarray(x)]) for x in args]
    values, gradients = ad.vmap(both)(*stacked)
    for i in range(3):
        one = [x[i] for x in stacked]
        close(values[i], f(*one))
        for a, b in zip(gradients, ad.grad(f, (0, 1))(*one), strict=True):
            close(a[i], b)
    total = ad.grad(lambda *xs: np.sum(ad.vmap(f)(*xs)), (0, 1))(*stacked)
    for a, b in zip(total, gradients, strict=True):
        close(a, b)
    twice = ad.vmap(ad.vmap(f, in_axes=(0, None)), in_axes=(None, 0))(*stacked)
    close(twice[1, 2], f(stacked[0][2], stacked[1][1]))


def test_hessian_through_vmap_of_grad():
    f, args = CASES["root"]
    a, b = args
    hessian = ad.hessian(lambda b: f(a, b))(b)
    rows = [ad.grad(lambda b, i=i: ad.grad(f, 1)(a, b)[i])(b) for i in range(2)]
    close(hessian, np.stack(rows))


def test_a_root_inside_a_fixed_point():
    def outer(c):
        def step(x):
            return 0.3 * ad.root(lambda y, x: y**3 + y - x - c, 0.5, x) + 0.1

        return ad.fixed_point(step, 0.0)

    ad.check_grads(outer, (0.8,))
    ad.check_grads(ad.jit(outer), (0.8,))


def test_inside_a_scan_and_a_branch():
    """An implicit Euler step: a root in every row."""

    def step(y, h):
        new = ad.root(lambda z, y: z - y + h * z**3, y, y)
        return new, ad.cond(new > 0.5, lambda v: v * v, lambda v: v, new)

    def run(y0, h):
        last, rows = ad.scan(step, y0, h)
        return last * np.sum(rows)

    ad.check_grads(run, (1.2, np.array([0.1, 0.2, 0.3, 0.05])))


class Point(NamedTuple):
    x: np.ndarray
    y: float


def test_trees_and_the_first_guess():
    def f(start, a):
        solution = ad.root(lambda p: Point(p.x**2 - a, p.y * 2 - p.x[0]), start)
        assert type(solution) is Point
        return np.sum(solution.x) + solution.y

    start = Point(np.array([1.0, 2.0]), 0.0)
    bar = ad.grad(f)(start, np.array([2.0, 5.0]))
    close(bar.x, [0.0, 0.0])
    assert bar.y == 0.0
    ad.check_grads(lambda a: f(start, a), (np.array([2.0, 5.0]),))


def test_the_dtype_is_followed():
    a = np.array([2.0, 3.0], np.float32)
    value, gradient = ad.value_and_grad(
        lambda a: np.sum(ad.root(lambda x: x**2 - a, np.ones(2, np.float32)))
    )(a)
    assert value.dtype == gradient.dtype == np.float32
    close(gradient, 0.5 / np.sqrt(a), 1e-6)


@pytest.mark.parametrize("n", [401, 3000])
def test_many_unknowns_need_no_matrix(n):
    """A nonlinear diffusion equation, solved and differentiated by products alone."""
    right = np.linspace(0.5, 1.5, n)

    def residual(u, k):
        left = np.concatenate([np.zeros(1), u[:-1]])
        after = np.concatenate([u[1:], np.zeros(1)])
        return 2.5 * u - left * 0.5 - after * 0.7 + k * u**3 - right

    def total(k):
        return np.sum(ad.root(residual, np.zeros(n), k) ** 2) / n

    k, h = 0.4, 1e-4
    slope = (total(k + h) - total(k - h)) / (2 * h)
    close(ad.grad(total)(k), slope, 1e-7)
    close(ad.jvp(total, (k,), (1.0,))[1], slope, 1e-7)
    curve = (total(k + h) - 2 * total(k) + total(k - h)) / h**2
    close(ad.grad(ad.grad(total))(k), curve, 1e-5)
    close(ad.vmap(ad.grad(total))(np.array([k, 0.2]))[0], slope, 1e-7)
    deep = ad.grad(lambda k: np.sum(ad.fixed_point(lambda u: u - 0.3 * residual(u, k), right)))
    wide = ad.grad(lambda k: np.sum(ad.root(residual, right, k)))
    close(deep(k), wide(k), 1e-8)


def test_the_minimiser_of_an_inner_problem():
    """Bilevel: the inner solution is the root of the inner gradient."""
    data = np.array([1.0, 2.0, 4.0])

    def ridge(x, penalty):
        return np.sum((x - data) ** 2) + penalty * np.sum(x**2)

    def outer(penalty):
        best = ad.root(ad.grad(ridge), np.zeros(3), penalty)
        return np.sum((best - 1.0) ** 2)

    closed = lambda p: np.sum((data / (1 + p) - 1) ** 2)  # noqa: E731
    close(outer(0.5), closed(0.5))
    close(ad.grad(outer)(0.5), ad.grad(closed)(0.5))
    best = ad.minimize(lambda q: outer(q[0]), np.array([0.5]), method="bfgs", tol=1e-10)
    close(ad.grad(outer)(best.x[0]), 0.0, 1e-6)


def test_newton_is_damped_where_full_steps_diverge():
    close(ad.root(np.arctan, 3.0), 0.0, 1e-12)


def test_an_equation_without_a_solution_is_an_error():
    with pytest.raises(ConvergenceError, match="there may be no solution near"):
        ad.root(lambda x: x**2 + 1, 3.0)


def _text(caught):
    return "\n".join(x for x in str(caught.value).splitlines() if not x.startswith("  at:"))


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: ad.fixed_point(lambda x: 2 * x + 1, 1.0, max_iterations=20),
            ConvergenceError,
            "fixed_point: not converged after at most 20 iterations\n  got: 0.5\n"
            "  wanted: a relative change of at most 7.11e-15\n"
            "  remedy: the map may not be a contraction: damp it, start nearer to the solution, "
            "or raise max_iterations or tol",
        ),
        (
            lambda: ad.root(lambda x: np.stack([x[0] + x[1], x[0] + x[1]]) - 1.0, np.ones(2)),
            ConvergenceError,
            "root: the Jacobian is singular on the way to the solution\n"
            "  remedy: start nearer to the solution, or where the equations are independent",
        ),
        (
            lambda: ad.root(lambda x: x, 1j),
            UnsupportedError,
            "root: complex unknowns are not supported\n  got: c128[]\n"
            "  remedy: solve for the real and the imaginary part, two real unknowns",
        ),
        (
            lambda: ad.root(lambda x: x, 1),
            DTypeError,
            "root: a first guess of the dtype int64 cannot move\n  got: i64[]\n"
            "  remedy: pass floats: 1.0 for 1, or x0.astype(float)",
        ),
        (
            lambda: ad.root(lambda x: np.stack([x, x]), 1.0),
            StructureError,
            "root: the function must return what it is given: the same shapes and dtypes as x0\n"
            "  got: f64[2]\n  wanted: f64[]\n"
            "  remedy: give x0 the shape and dtype of the result",
        ),
        (
            lambda: ad.root(lambda x: None, None),
            StructureError,
            "root: there are no unknowns",
        ),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert _text(caught) == text
