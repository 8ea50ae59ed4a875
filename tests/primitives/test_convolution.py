import itertools

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import StructureError
from adjoint.primitives.convolution import (
    convolution,
    convolution_input,
    convolution_transposed,
    convolution_weight,
)
from adjoint.primitives.windows import average_pool, max_pool, overlap_add, windows

# x shape, w shape, stride, padding, dilation, groups: every number different where it can be.
CASES = {
    "1d": ((2, 3, 11), (5, 3, 4), (1,), ((0, 0),), (1,), 1),
    "1d strided": ((2, 3, 11), (5, 3, 2), (3,), ((1, 2),), (2,), 1),
    "2d": ((2, 3, 7, 8), (5, 3, 2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "2d all": ((2, 6, 9, 10), (4, 3, 2, 3), (2, 3), ((1, 0), (2, 1)), (3, 2), 2),
    "depthwise": ((2, 4, 5, 6), (8, 1, 3, 2), (1, 2), ((1, 1), (0, 1)), (1, 1), 4),
    "3d": ((2, 3, 4, 5, 6), (4, 3, 2, 3, 1), (1, 2, 3), ((0, 1), (1, 1), (0, 0)), (1, 1, 2), 1),
    "no batch": ((0, 3, 7), (5, 3, 2), (1,), ((0, 0),), (1,), 1),
    "kernel too long": ((2, 3, 2), (5, 3, 4), (1,), ((0, 0),), (1,), 1),
    "one of everything": ((1, 1, 1), (1, 1, 1), (1,), ((0, 0),), (1,), 1),
}
NAMES = ("stride", "padding", "dilation", "groups")


def by_loops(x, w, stride, padding, dilation, groups):
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    kernel = w.shape[2:]
    extents = [
        max(0, (n - d * (k - 1) - 1) // s + 1)
        for n, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)
    ]
    y = np.zeros((x.shape[0], w.shape[0], *extents))
    per_in, per_out = w.shape[1], w.shape[0] // groups
    for n, o in itertools.product(range(x.shape[0]), range(w.shape[0])):
        for place in itertools.product(*map(range, extents)):
            for c in range(per_in):
                for k in itertools.product(*map(range, kernel)):
                    at = [
                        p * s + i * d for p, s, i, d in zip(place, stride, k, dilation, strict=True)
                    ]
                    channel = o // per_out * per_in + c
                    y[(n, o, *place)] += padded[(n, channel, *at)] * w[(o, c, *k)]
    return y


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_convolution_agrees_with_loops(case, rng):
    x, w = rng.normal(size=case[0]), rng.normal(size=case[1])
    y = convolution(x, w, *case[2:])
    np.testing.assert_allclose(y, by_loops(x, w, *case[2:]), rtol=1e-12, atol=1e-12)
    assert y.flags.c_contiguous


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_both_cotangents_are_transposes(case, rng):
    how = dict(zip(NAMES, case[2:], strict=True))
    x, w = rng.normal(size=case[0]), rng.normal(size=case[1])
    y = convolution(x, w, **how)
    y_bar = rng.normal(size=y.shape)
    pairing = np.sum(y * y_bar)
    x_bar = convolution_input(y_bar, w, shape=x.shape, **how)
    w_bar = convolution_weight(x, y_bar, shape=w.shape, **how)
    assert x_bar.shape == x.shape
    assert w_bar.shape == w.shape
    np.testing.assert_allclose(np.sum(x_bar * x), pairing, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(np.sum(w_bar * w), pairing, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["1d strided", "2d all", "depthwise"])
def test_derivatives_of_all_three_rows(name, rng):
    case = CASES[name]
    how = dict(zip(NAMES, case[2:], strict=True))
    x, w = rng.normal(size=case[0]), rng.normal(size=case[1])
    y_bar = rng.normal(size=convolution(x, w, **how).shape)
    functions = {
        "forward": (lambda x, w: np.sum(np.sin(convolution(x, w, **how))), (x, w)),
        "input": (
            lambda y, w: np.sum(np.sin(convolution_input(y, w, shape=x.shape, **how))),
            (y_bar, w),
        ),
        "weight": (
            lambda x, y: np.sum(np.sin(convolution_weight(x, y, shape=w.shape, **how))),
            (x, y_bar),
        ),
    }
    for f, args in functions.values():
        gradients = ad.grad(f, argnums=(0, 1))(*args)
        direction = [rng.normal(size=a.shape) for a in args]
        up, down = (
            f(*[a + h * d for a, d in zip(args, direction, strict=True)]) for h in (1e-6, -1e-6)
        )
        slope = sum(np.sum(g * d) for g, d in zip(gradients, direction, strict=True))
        np.testing.assert_allclose(slope, (up - down) / 2e-6, rtol=2e-6, atol=1e-6)


def test_transposed_convolution_maps_back_to_every_extent(rng):
    w = rng.normal(size=(5, 3, 4))
    for extra in (0, 1, 2):
        y = rng.normal(size=(2, 5, 6))
        x = convolution_transposed(y, w, stride=3, padding=1, extra=extra)
        assert x.shape == (2, 3, 5 * 3 + 4 - 2 + extra)
        z = rng.normal(size=x.shape)
        back = convolution(z, w, stride=3, padding=1)
        np.testing.assert_allclose(np.sum(back * y), np.sum(x * z), rtol=1e-11)


def test_windows_and_their_transpose(rng):
    x = rng.normal(size=(2, 7, 9))
    how = {"stride": (2, 3), "dilation": (1, 2)}
    view = windows(x, window=(3, 2), **how)
    assert view.shape == (2, 3, 3, 3, 2)
    assert view[1, 2, 1, 0, 1] == x[1, 4, 5]
    y = rng.normal(size=view.shape)
    back = overlap_add(y, shape=x.shape, **how)
    np.testing.assert_allclose(np.sum(back * x), np.sum(y * view), rtol=1e-12)


def test_pools_agree_with_loops_and_padding_never_wins(rng):
    x = rng.normal(size=(2, 3, 7, 8)) - 5
    top = max_pool(x, (2, 3), stride=(2, 1), padding=(1, 0))
    mean = average_pool(x, (2, 3), stride=(2, 1), padding=(1, 0))
    assert top.shape == mean.shape == (2, 3, 4, 6)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    for i, j in itertools.product(range(4), range(6)):
        np.testing.assert_array_equal(
            top[:, :, i, j], x[:, :, max(0, 2 * i - 1) : 2 * i + 1, j : j + 3].max((2, 3))
        )
        window = padded[:, :, 2 * i : 2 * i + 2, j : j + 3]
        np.testing.assert_allclose(mean[:, :, i, j], window.mean((2, 3)), rtol=1e-13)


def test_pooling_sends_the_cotangent_to_the_winner(rng):
    x = rng.permutation(48).reshape(1, 1, 6, 8).astype(float)
    g = ad.grad(lambda x: np.sum(max_pool(x, 2) * np.arange(12.0).reshape(3, 4)))(x)
    for i, j in itertools.product(range(3), range(4)):
        block = x[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        expected = np.where(block == block.max(), 4.0 * i + j, 0)
        np.testing.assert_array_equal(g[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2], expected)
    even = ad.grad(lambda x: np.sum(average_pool(x, 2, padding=1)))(x)
    np.testing.assert_array_equal(even, np.full(x.shape, 0.25))


def test_single_precision_is_kept(rng):
    x = rng.normal(size=(2, 3, 6, 7)).astype(np.float32)
    w = rng.normal(size=(4, 3, 2, 2)).astype(np.float32)
    assert convolution(x, w, padding=1).dtype == np.float32
    assert max_pool(x, 2, padding=1).dtype == np.float32
    assert average_pool(x, 2, padding=1).dtype == np.float32


@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("name", ["1d strided", "2d all", "depthwise"])
def test_batching_equals_one_call_for_each_example(name, which, rng):
    case = CASES[name]
    how = dict(zip(NAMES, case[2:], strict=True))
    x, w = (rng.normal(size=(3, *s) if b else s) for s, b in zip(case[:2], which, strict=True))
    axes = tuple([0 if b else None for b in which])

    def all_three(x, w):
        y = convolution(x, w, **how)
        x_bar = convolution_input(np.sin(y), w, shape=x.shape, **how)
        return y, x_bar, convolution_weight(x, np.sin(y), shape=w.shape, **how)

    together = ad.vmap(all_three, in_axes=axes)(x, w)
    for i in range(3):
        apart = all_three(*[a[i] if b else a for a, b in zip((x, w), which, strict=True)])
        for one, all_ in zip(apart, together, strict=True):
            np.testing.assert_allclose(all_[i], one, rtol=1e-11, atol=1e-12)


def test_batching_of_pools(rng):
    x = rng.normal(size=(3, 2, 5, 6))
    f = lambda x: np.sum(np.sin(max_pool(x, 2, stride=1)) * average_pool(x, 2, stride=1))  # noqa: E731
    together = ad.vmap(ad.grad(f))(x)
    for i in range(3):
        np.testing.assert_allclose(together[i], ad.grad(f)(x[i]), rtol=1e-12, atol=1e-14)


def test_operands_that_do_not_fit_are_refused():
    x = np.zeros((2, 3, 6))
    with pytest.raises(StructureError, match=r"channels do not fit groups=1"):
        convolution(x, np.zeros((4, 2, 2)))
    with pytest.raises(StructureError, match="one whole number, or 1 of them"):
        convolution(x, np.zeros((4, 3, 2)), stride=(1, 2))
    with pytest.raises(StructureError, match="the dtypes differ"):
        convolution(x, np.zeros((4, 3, 2), np.float32))
