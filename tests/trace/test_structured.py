"""Arrays with fields that a recorded function makes: a stand-in for each field."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from numpy.lib import recfunctions

import adjoint as ad
from adjoint.errors import ConversionError, DTypeError, UnsupportedError

PARTICLE: Any = np.dtype([("x", float), ("v", float, 3), ("m", float)])
NESTED: Any = np.dtype([("place", [("x", float), ("y", float)]), ("q", float)])
OUTSIDE = np.zeros(3, PARTICLE)


def _fields(x: Any) -> Any:
    z = np.zeros(4, dtype=PARTICLE)
    z["x"] = np.arange(4) * x
    z["v"][1] = [x, x * x, 1]
    z["m"][:] = 2
    z["x"][2] += x
    return (z["x"] * z["m"]).sum() + (z["v"] ** 2).sum()


def _views(x: Any) -> Any:
    z = np.zeros((6, 5), [("U", np.double), ("V", np.double)])
    u, v = z["U"][1:-1, 1:-1], z["V"][1:-1, 1:-1]
    u[...] = 1.0
    z["V"][2:4, 2:4] = 0.25
    for _ in range(3):
        both = u * v * v
        u += x * (z["U"][:-2, 1:-1] + z["U"][2:, 1:-1] - 2 * u) - both
        v += both * x
    return (z["U"] ** 2).sum() + z["V"].sum()


def _records(x: Any) -> Any:
    z = np.zeros(3, PARTICLE)
    for i, p in enumerate(z):
        p["x"], p["v"] = x * i, [x, i, x * x]
        p["m"] += x
    one = z[1]
    one["x"] *= 3.0
    a, _, c = one
    return sum(p["x"] * p["m"] for p in z) + z["v"].sum() + a * c + one[0] + len(one)


def _rows(x: Any) -> Any:
    z = np.empty(5, PARTICLE)
    z[:] = (x, 0, 1)
    z[2] = (x * x, [1, x, 1], 2)
    z[3], z[0] = z[2], (x, x, x)
    z[z["m"] > 1]["m"] = 9  # of a copy
    z["m"][z["m"] > 1] *= x
    return z["m"].sum() * z["x"].sum() + z["v"].sum()


def _made_of_tuples(x: Any) -> Any:
    z = np.array([(x, (1, 2, x), 3.0), (2 * x, (x, 0, 0), x)], dtype=PARTICLE)
    return z["x"].sum() + (z["v"] * z["m"][:, None]).sum()


def _parts(x: Any) -> Any:
    z = np.zeros(4, PARTICLE)
    part, several = z[1:3], z[["x", "m"]]
    part["x"] = x
    part[0] = (x * x, 1, 2)
    several["m"] += x
    other, picked = z.copy(), z[[0, 1]]
    other["x"], picked["x"] = 0, 5
    both = np.concatenate([z, copy.deepcopy(other)])
    assert (z == other).shape == (4,)
    return both["x"].sum() * z["m"].sum() + np.zeros_like(z)["x"].sum() * x


def _nested(x: Any) -> Any:
    z = np.zeros(3, NESTED)
    z["place"]["x"] = x
    z["place"][1] = (x * x, 2)
    z[2] = ((x, x), x)
    return (z["place"]["x"] * z["place"]["y"]).sum() + z["q"].sum()


def _by_attribute(x: Any) -> Any:
    z = np.zeros(3, PARTICLE).view(np.recarray)
    z.x = x
    z.v[1] = x * x
    z.m += 1
    return (z.x * z.m).sum() + z.v.sum()


def _two_axes(x: Any) -> Any:
    z = np.zeros((2, 3), PARTICLE)
    z[0, ...]["x"] = x
    z[..., 1]["v"][..., 0] = x * x
    z[1, 2] = (x, x, x)
    z[:, 0]["m"] = x
    return z.ravel()["x"].sum() + z["v"].sum() * z.reshape(3, 2)["m"].sum()


def _by_numpy(x: Any) -> Any:
    z = np.sort(np.array([(3, 1.0), (1, 2.0)], dtype=[("k", int), ("w", float)]), order="k")
    flat = np.zeros(2, [("a", float), ("b", float)])
    flat["a"], flat["b"] = x, z["w"] * x
    names = np.zeros(2, [("n", "U5"), ("w", float)])
    names["n"] = ["a", "b"]
    names["w"][names["n"] == "b"] = x
    return (recfunctions.structured_to_unstructured(flat) ** 2).sum() + names["w"].sum()


def _from_outside(x: Any) -> Any:
    z = OUTSIDE.copy()
    z["x"][0] = x * x
    return z["x"].sum()


CASES = [_fields, _views, _records, _rows, _made_of_tuples, _parts, _nested]
CASES += [_by_attribute, _two_axes, _by_numpy, _from_outside]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_a_field_is_an_array_like_any_other(f: Any) -> None:
    x = np.float64(0.7)
    value, slope = ad.value_and_grad(f)(x)
    difference = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    assert value == f(x)
    assert slope == pytest.approx(difference, rel=1e-7)
    assert ad.jvp(f, (x,), (1.0,))[1] == pytest.approx(slope, rel=1e-12)
    assert ad.jit(ad.grad(f))(x) == pytest.approx(slope, rel=1e-12)


def test_batches_and_second_derivatives() -> None:
    at = np.array([0.3, 0.7, 1.1])
    np.testing.assert_allclose(ad.vmap(_records)(at), [_records(x) for x in at], rtol=1e-12)
    second = ad.grad(ad.grad(_rows))(0.7)
    slopes = [ad.grad(_rows)(0.7 + step) for step in (1e-6, -1e-6)]
    assert second == pytest.approx((slopes[0] - slopes[1]) / 2e-6, rel=1e-7)


def _state(x: Any) -> Any:
    z = np.zeros(2, PARTICLE)
    z["x"], z["v"][1] = x, x * x
    return z


def test_what_is_returned_is_numpys_own() -> None:
    wanted = _state(2.0)
    for made in (ad.jit(_state)(2.0), ad.vjp(_state, 2.0)[0]):
        assert type(made) is np.ndarray
        assert made.dtype == PARTICLE
        assert made.tobytes() == wanted.tobytes()
    _, aux = ad.grad(lambda x: (_state(x)["x"].sum(), _state(x)), has_aux=True)(2.0)
    assert aux.tobytes() == wanted.tobytes()
    assert ad.jvp(_state, (2.0,), (1.0,))[1]["v"].tolist() == [[0, 0, 0], [4, 4, 4]]
    assert ad.vmap(_state)(np.arange(3.0)).shape == (3, 2)


def test_what_is_known_of_it() -> None:
    def f(x: Any) -> Any:
        z = np.zeros((3, 2), PARTICLE)
        assert isinstance(z, np.ndarray)
        assert (z.shape, len(z), z.ndim, z.size) == ((3, 2), 3, 2, 6)
        assert (np.shape(z), z.dtype.names) == ((3, 2), ("x", "v", "m"))
        assert type(np.sum(np.asarray(z.view())["m"])) is np.float64
        with pytest.raises(ValueError, match="no field of name"):
            z["y"]
        return x

    assert ad.grad(f)(1.0) == 1.0


def test_what_has_no_rule_is_named() -> None:
    def lost(x: Any) -> Any:
        return np.linalg.norm(np.argsort(_state(x), order="x"))

    def outside(x: Any) -> Any:
        OUTSIDE["x"][0] = x
        return x

    with pytest.raises(ConversionError, match="an array with fields that holds recorded"):
        ad.grad(lost)(1.0)
    with pytest.raises(UnsupportedError, match="'byteswap' has no rule for an array with fields"):
        ad.grad(lambda x: _state(x).byteswap()["x"].sum())(1.0)
    with pytest.raises(ConversionError, match=r"p = p\.copy\(\)"):
        ad.grad(outside)(1.0)
    with pytest.raises(DTypeError, match="give its fields in a dict"):
        ad.grad(lambda z: z["x"].sum())(OUTSIDE)
