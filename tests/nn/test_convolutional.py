import itertools

import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import StructureError

RNG = np.random.default_rng(0)


def _convolved(x, w, bias, stride, padding, dilation, groups):
    """The sum of the definition, one output number at a time."""
    axes = w.ndim - 2
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    per_group, out_per_group = w.shape[1], w.shape[0] // groups
    positions = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    y = np.zeros((x.shape[0], w.shape[0], *positions))
    for n, o in itertools.product(range(x.shape[0]), range(w.shape[0])):
        first = o // out_per_group * per_group
        for p in itertools.product(*map(range, positions)):
            for c in range(per_group):
                for k in itertools.product(*map(range, w.shape[2:])):
                    at = tuple(p[a] * stride[a] + k[a] * dilation[a] for a in range(axes))
                    y[(n, o, *p)] += x[(n, first + c, *at)] * w[(o, c, *k)]
    return y + bias.reshape(-1, *(1,) * axes)


CASES = [
    (nn.Conv1d, 4, 6, (3,), (9,), {}),
    (nn.Conv1d, 4, 6, 3, (9,), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
    (nn.Conv1d, 1, 1, 1, (1,), {}),
    (nn.Conv1d, 2, 3, 4, (7,), {"padding": "same"}),
    (nn.Conv2d, 3, 2, (2, 3), (5, 6), {"padding": ((1, 0), (2, 1))}),
    (nn.Conv2d, 2, 4, 3, (5, 7), {"stride": (2, 1), "groups": 2, "padding": (1, 0)}),
    (nn.Conv2d, 2, 3, 3, (4, 5), {"padding": "same", "dilation": (1, 2)}),
    (nn.Conv3d, 2, 3, (2, 1, 3), (3, 4, 5), {"stride": (1, 2, 1)}),
]


@pytest.mark.parametrize(("kind", "c", "o", "size", "extents", "options"), CASES)
def test_convolution_is_its_sum(kind, c, o, size, extents, options):
    layer = kind(c, o, size, bias_init=nn.init.normal(), **options)
    x = RNG.standard_normal((2, c, *extents))
    expected = _convolved(
        x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    y = layer(x)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    if options.get("padding") == "same":
        assert y.shape[2:] == extents


def test_convolution_checks_what_it_is_given():
    with pytest.raises(StructureError, match="do not divide into groups"):
        nn.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(StructureError, match="same size"):
        nn.Conv2d(3, 4, 3, padding="same", stride=2)
    with pytest.raises(StructureError, match="unknown padding"):
        nn.Conv2d(3, 4, 3, padding="some")
    with pytest.raises(StructureError, match="channels stand second"):
        nn.Conv2d(3, 4, 3)(np.zeros((2, 8, 8, 3)))
    assert nn.Conv2d(3, 4, 3, bias=False).bias is None


@pytest.mark.parametrize(
    ("kind", "plain", "extents", "options"),
    [
        (nn.ConvTranspose1d, nn.Conv1d, (5,), {"stride": 3, "padding": 1}),
        (nn.ConvTranspose2d, nn.Conv2d, (3, 4), {"stride": (2, 1), "dilation": 2}),
        (nn.ConvTranspose3d, nn.Conv3d, (2, 3, 2), {"stride": 2, "groups": 2}),
    ],
)
def test_transposed_convolution_is_the_transpose(kind, plain, extents, options):
    up = kind(4, 2, 3, bias=False, **options)
    down = plain(2, 4, 3, bias=False, **options).replace(weight=up.weight)
    y = RNG.standard_normal((2, 4, *extents))
    fine = up(y)
    x = RNG.standard_normal(fine.shape)
    assert np.vdot(fine, x) == pytest.approx(np.vdot(y, down(x)), rel=1e-12)


def test_transposed_convolution_with_extra_places_and_bias():
    layer = nn.ConvTranspose1d(1, 1, 2, stride=2, extra=1, bias_init=nn.init.constant(0.5))
    y = layer(np.ones((1, 1, 2)))
    a, b = layer.weight[0, 0]
    np.testing.assert_allclose(y[0, 0], np.array([a, b, a, b, 0]) + 0.5)
    assert layer.summary((1, 1, 2)).splitlines()[-1].split()[-1] == "8"


def test_pooling_is_its_loop():
    x = RNG.standard_normal((2, 3, 5, 6))
    y = nn.MaxPool2d((2, 3), stride=(1, 2))(x)
    z = nn.AveragePool2d((2, 3), stride=(1, 2))(x)
    assert y.shape == (2, 3, 4, 2)
    for p, q in itertools.product(range(4), range(2)):
        window = x[:, :, p : p + 2, 2 * q : 2 * q + 3]
        np.testing.assert_array_equal(y[:, :, p, q], window.max((2, 3)))
        np.testing.assert_allclose(z[:, :, p, q], window.mean((2, 3)))
    assert nn.MaxPool1d(2)(x[0]).shape == (3, 5, 3)
    assert nn.AveragePool3d(2)(x[None]).shape == (1, 2, 1, 2, 3)
    assert nn.MaxPool3d(1)(x[None]).shape == (1, 2, 3, 5, 6)
    np.testing.assert_allclose(nn.AveragePool1d(2, padding=1)(np.ones((1, 1, 2))), [[[0.5, 0.5]]])
    np.testing.assert_allclose(nn.MaxPool1d(2, padding=1)(-np.ones((1, 1, 2))), [[[-1, -1]]])
    with pytest.raises(StructureError, match="in the padding"):
        nn.MaxPool1d(2, padding=2)


@pytest.mark.parametrize(("n", "m"), [(6, 3), (7, 3), (5, 5), (3, 5), (4, 1), (1, 1)])
def test_adaptive_pooling_has_as_many_parts_as_asked(n, m):
    x = RNG.standard_normal((2, 3, n, 4))
    mean, best = nn.AdaptiveAveragePool(m, 2)(x), nn.AdaptiveMaxPool(m, 2)(x)
    assert mean.shape == best.shape == (2, 3, m, 2)
    for i, j in itertools.product(range(m), range(2)):
        part = x[:, :, int(np.floor(i * n / m)) : int(np.ceil((i + 1) * n / m)), 2 * j : 2 * j + 2]
        np.testing.assert_allclose(mean[:, :, i, j], part.mean((2, 3)))
        np.testing.assert_array_equal(best[:, :, i, j], part.max((2, 3)))


def test_same_padding_has_its_odd_place_behind():
    layer = nn.Conv1d(1, 1, 4, padding="same")
    assert layer.padding == ((1, 2),)
    # The first output sees one place before the first input, as in PyTorch.
    y = layer(np.array([[[1.0, 0, 0, 0, 0]]]))
    np.testing.assert_array_equal(y[0, 0], [layer.weight[0, 0, 1], layer.weight[0, 0, 0], 0, 0, 0])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_against_torch(axes):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    x = RNG.standard_normal((2, 4, 7, 6, 5)[: axes + 2])
    how = {"stride": 2, "padding": 1, "dilation": 1, "groups": 2}
    down = getattr(nn, f"Conv{axes}d")(4, 6, 3, **how)
    theirs = getattr(torch.nn.functional, f"conv{axes}d")
    numbers = [torch.tensor(a) for a in (x, down.weight, down.bias)]
    np.testing.assert_allclose(down(x), theirs(*numbers, **how), rtol=1e-11, atol=1e-12)
    up = getattr(nn, f"ConvTranspose{axes}d")(4, 6, 3, extra=1, **how)
    theirs = getattr(torch.nn.functional, f"conv_transpose{axes}d")
    numbers = [torch.tensor(a) for a in (x, up.weight, up.bias)]
    np.testing.assert_allclose(
        up(x), theirs(*numbers, output_padding=1, **how), rtol=1e-11, atol=1e-12
    )
    for m in (2, 3):
        theirs = getattr(torch.nn, f"AdaptiveAvgPool{axes}d")(m)(torch.tensor(x))
        np.testing.assert_allclose(nn.AdaptiveAveragePool(*[m] * axes)(x), theirs, rtol=1e-12)


def test_a_window_that_does_not_fit_is_refused():
    for layer, x in (
        (nn.Conv2d(1, 1, (2, 3), dilation=2), np.ones((1, 1, 3, 4))),
        (nn.MaxPool1d(3, padding=1), np.ones((2, 2, 0))),
        (nn.AveragePool3d(2), np.ones((1, 1, 2, 1, 2))),
    ):
        with pytest.raises(StructureError, match="does not fit into the input"):
            layer(x)
    with pytest.raises(StructureError, match="too few axes"):
        nn.MaxPool3d(2)(np.ones((2, 2)))
    with pytest.raises(StructureError, match="cuts off more than there is"):
        nn.ConvTranspose1d(1, 1, 1, padding=2)(np.ones((1, 1, 2)))


@pytest.mark.parametrize(("stride", "dilation", "extra"), [(1, 3, 2), (2, 3, 2), (1, 2, 1)])
def test_extra_places_beyond_the_stride(stride, dilation, extra):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    how = {"stride": stride, "padding": 1, "dilation": dilation}
    layer = nn.ConvTranspose1d(2, 3, 4, extra=extra, **how)
    x = RNG.standard_normal((2, 2, 3))
    numbers = [torch.tensor(a) for a in (x, layer.weight, layer.bias)]
    expected = torch.nn.functional.conv_transpose1d(*numbers, output_padding=extra, **how)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-11, atol=1e-12)
