"""Whole derivatives of complex functions, and the kinds of numbers that come back."""

import numpy as np
import pytest

import adjoint as ad

X = np.array([0.3, 0.7])
Z = X + 1j * np.array([1.1, -0.4])
COMPLEX = {
    "real to complex": (lambda x: np.exp(1j * x) * x[::-1], X),
    "complex to real": (lambda z: np.abs(z) ** 2 * np.array([1.0, 2.0]) * z[0].real, Z),
    "holomorphic": (lambda z: z**2 * z[::-1], Z),
    "wide": (lambda x: np.sum(np.exp(1j * x)), X),
    "tall": (lambda z: np.abs(np.array([z[0], z[0] * z[1], 2 * z[1]])), Z),
}


def _by_differences(f, x):
    """``d/dx - i d/dy`` of the real part of each result, by which both modes go."""
    columns = []
    for e in 1e-6 * np.eye(len(x)):
        along = (f(x + e) - f(x - e)) / 2e-6
        if x.dtype.kind == "c":
            across = (f(x + 1j * e) - f(x - 1j * e)) / 2e-6
            along = np.real(along) - 1j * np.real(across)
        columns.append(along)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("name", COMPLEX)
def test_every_mode_gives_the_whole_derivative(name):
    f, x = COMPLEX[name]
    wanted = _by_differences(f, x)
    for mode in ("auto", "forward", "reverse", "sparse"):
        for make in (lambda f: f, ad.jit):
            got = make(ad.jacobian(f, mode=mode))(x)
            got = np.reshape(got.toarray() if mode == "sparse" else got, wanted.shape)
            assert got.dtype == wanted.dtype
            np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8)


def test_trees_of_both_kinds():
    def f(p):
        return {"c": p["x"] * p["z"], "r": np.abs(p["z"]) * p["x"], "s": p["x"] ** 2}

    point = {"x": X, "z": Z}
    forward, reverse = (ad.jacobian(f, mode=m)(point) for m in ("forward", "reverse"))
    sparse = ad.jacobian(f, mode="sparse")(point)
    for y in "crs":
        for x in "xz":
            assert forward[y][x].dtype == reverse[y][x].dtype == sparse[y][x].dtype
            np.testing.assert_allclose(forward[y][x], reverse[y][x], rtol=1e-13, atol=1e-14)
            np.testing.assert_allclose(sparse[y][x].toarray(), reverse[y][x], rtol=1e-13)
    np.testing.assert_allclose(np.diag(forward["c"]["x"]), Z)
    np.testing.assert_allclose(np.diag(forward["r"]["z"]), X * np.conj(Z) / np.abs(Z))


@pytest.mark.parametrize(
    "x", [2.0, np.float32(2), np.float64(2), np.array(2.0), np.array(2.0, np.float32)]
)
def test_numbers_come_back_as_they_were_given(x):
    cube = lambda x: x**3  # noqa: E731
    for got in (ad.grad(cube)(x), ad.hvp(cube, x, x), ad.hessian(cube)(x), ad.jacobian(cube)(x)):
        assert type(got) is type(x)
        assert np.asarray(got).dtype == np.asarray(x).dtype
        assert np.shape(got) == ()
    assert ad.hessian(cube)(x) == 12.0
    assert ad.jacobian(lambda x: np.array([x, x**2]))(x).tolist() == [1.0, 4.0]


def test_numbers_in_trees():
    def f(p):
        return p["a"] ** 3 * np.sum(p["b"])

    point = {"a": 2.0, "b": np.ones(2)}
    assert type(ad.hessian(f)(point)["a"]["a"]) is float
    assert type(ad.hvp(f, point, point)["a"]) is float
    assert type(ad.jacobian(f)(point)["a"]) is float
    found = ad.minimize(lambda p: f(p) ** 2 + (p["a"] - 1) ** 2 + p["c"] ** 2,
                        {**point, "c": np.float32(0.5)})  # fmt: skip
    assert type(found.x["a"]) is float
    assert type(found.x["c"]) is np.float32
    assert type(found.jac["a"]) is float
    assert type(ad.minimize(lambda a: (a - 1) ** 2, 0.5).x) is float
