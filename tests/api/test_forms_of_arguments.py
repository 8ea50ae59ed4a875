"""Arguments in every form NumPy has: dtypes, layouts, sizes 0; and what is refused by name."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import AdjointError, DTypeError, UnsupportedError

BASE = np.array([0.5, 1.5, -0.75, 1.125])
READ_ONLY = BASE.copy()
READ_ONLY.flags.writeable = False
FORMS = {
    "half": BASE.astype(np.float16),
    "single": BASE.astype(np.float32),
    "longdouble": BASE.astype(np.longdouble),
    "complex64": (BASE + 1j * BASE[::-1]).astype(np.complex64),
    "no axes": np.array(0.75),
    "scalar": np.float32(0.75),
    "empty": np.zeros(0),
    "empty matrix": np.zeros((0, 3), np.float32),
    "read-only": READ_ONLY,
    "strided": np.linspace(0.0, 1.0, 8)[::2],
    "reversed": BASE[::-1],
    "transposed": BASE.reshape(2, 2).T,
    "stretched": np.broadcast_to(np.array([0.25, 0.5]), (3, 2)),
    "big-endian": BASE.astype(">f8"),
    "unaligned": np.frombuffer(b"\0" + BASE.tobytes(), np.uint8)[1:].view(float),
}
NUMBERS = np.arange(24, dtype=np.int32)
FOREIGN = np.arange(1.0, 25.0).astype(">f8")


def f(x):
    """Integers and another order of bytes as constants, an assignment, a choice."""
    y = np.zeros_like(x)
    y[...] = x * x
    y += x * NUMBERS[: np.size(x)].reshape(np.shape(x))
    y = np.where(x.real > 0, y, 2 * y) * FOREIGN[: np.size(x)].reshape(np.shape(x))
    return np.sum(y.real) + np.sum(x.imag)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_in_every_mode(name):
    x = FORMS[name]
    before = np.array(x)
    size, shape = np.size(x), np.shape(x)
    wide = before.astype(complex if before.dtype.kind == "c" else float)
    weights = np.where(wide.real > 0, 1, 2) * FOREIGN[:size].reshape(shape)
    wanted = weights * (2 * wide + NUMBERS[:size].reshape(shape))
    if before.dtype.kind == "c":
        wanted = wanted - 1j
    results = {
        "grad": ad.grad(f)(x),
        "jit of grad": ad.jit(ad.grad(f))(x),
        "grad of jit": ad.grad(ad.jit(f))(x),
        "vmap": ad.vmap(ad.grad(f))(np.stack([before, before]))[1],
        "reverse": np.reshape(ad.jacobian(f, mode="reverse")(x), shape),
        "forward": np.reshape(ad.jacobian(f, mode="forward")(x), shape),
    }
    dtype = before.dtype.newbyteorder("=")
    tolerance = {2: 4e-3, 4: 1e-5}.get(before.real.dtype.itemsize, 1e-12)
    for mode, got in results.items():
        assert np.shape(got) == shape, mode
        np.testing.assert_allclose(got, wanted, rtol=tolerance, err_msg=mode)
        if mode in ("grad", "jit of grad", "grad of jit", "vmap"):
            assert got.dtype == dtype, mode
    value, dot = ad.jvp(f, (x,), (np.ones_like(x),))
    np.testing.assert_allclose(value, f(before), rtol=tolerance)
    np.testing.assert_allclose(dot, np.sum(wanted).real, rtol=10 * tolerance)
    second = ad.hvp(f, x, np.ones_like(x))
    np.testing.assert_allclose(second, 2 * weights + 0 * wanted.real, rtol=tolerance)
    assert second.dtype == dtype
    twice = ad.grad(lambda x: np.sum(np.real(ad.grad(f)(x))))(x)
    np.testing.assert_allclose(twice, 2 * weights, rtol=tolerance)
    np.testing.assert_array_equal(np.array(x), before)


class Sub(np.ndarray):
    pass


REFUSED = {
    "masked": (np.ma.masked_array([1.0, 2.0], [0, 1]), UnsupportedError, "masked arrays"),
    "matrix": (np.array([[1.0, 2.0]]).view(np.matrix), UnsupportedError, "subclass matrix"),
    "subclass": (BASE.view(Sub), UnsupportedError, "subclass Sub"),
    "objects": (np.array([1.0, 2.0], object), DTypeError, "dtype object"),
    "text": (np.array(["a"]), DTypeError, "dtype <U1"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), DTypeError, "dtype datetime64"),
}
MODES = {
    "grad": lambda f, x: ad.grad(f)(x),
    "vjp": lambda f, x: ad.vjp(f, x),
    "jvp": lambda f, x: ad.jvp(f, (x,), (x,)),
    "jacobian": lambda f, x: ad.jacobian(f, mode="sparse")(x),
    "jit": lambda f, x: ad.jit(f)(x),
    "vmap": lambda f, x: ad.vmap(f)(x),
    "trace": lambda f, x: ad.trace(f, x),
    "scan": lambda f, x: ad.scan(lambda c, r: (c, r), 0.0, x),
    "minimize": lambda f, x: ad.minimize(f, x),
    "check_grads": lambda f, x: ad.check_grads(f, (x,)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name_in_every_mode(name, mode):
    x, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text) as caught:
        MODES[mode](lambda x: np.sum(x * x), x)
    assert str(caught.value).startswith(f"{mode}: ")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("name", ["masked", "matrix", "objects"])
def test_constants_that_would_lose_their_meaning_are_refused(name):
    """The mask would be ignored, the product of matrices be one of elements, the sum be 0."""
    other, kind, text = REFUSED[name]
    for make in (ad.grad, ad.jit, lambda f: ad.vmap(f, in_axes=1)):
        with pytest.raises(kind, match=text):
            make(lambda x: np.sum(x * other))(np.ones((2, 2)))
        with pytest.raises(AdjointError):
            make(lambda x: np.sum(other * x))(np.ones((2, 2)))
