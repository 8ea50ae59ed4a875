import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import StructureError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6, 3, 5)) * 3 + 1


def _drawn(layer, names=("scale", "shift")):
    new = {name: RNG.standard_normal(getattr(layer, name).shape) for name in names}
    return layer.replace(**new)


def test_batch_norm_in_training_and_inference():
    layer = _drawn(nn.BatchNorm(6))
    y, after = nn.apply(layer, X, training=True)
    for f in range(6):
        part = X[:, f]
        mean, variance = part.mean(), part.var()
        expected = (part - mean) / np.sqrt(variance + 1e-5) * layer.scale[f] + layer.shift[f]
        np.testing.assert_allclose(y[:, f], expected, rtol=1e-10)
        assert after.mean[f] == pytest.approx(0.1 * mean)
        assert after.variance[f] == pytest.approx(0.9 + 0.1 * part.var(ddof=1))
    z, same = nn.apply(after, X)
    assert same is after
    m, v = after.mean.reshape(6, 1, 1), after.variance.reshape(6, 1, 1)
    expected = (X - m) / np.sqrt(v + 1e-5) * layer.scale.reshape(6, 1, 1)
    np.testing.assert_allclose(z, expected + layer.shift.reshape(6, 1, 1), rtol=1e-10)
    np.testing.assert_array_equal(after(X), z)
    assert sorted(layer.parameters()) == ["scale", "shift"]
    assert sorted(nn.states(layer)) == ["mean", "variance"]


def test_batch_norm_options_and_sizes_of_one():
    plain = nn.BatchNorm(5, affine=False, axis=-1, momentum=1.0, eps=0.1)
    y, after = nn.apply(plain, X, training=True)
    np.testing.assert_allclose(after.mean, X.mean((0, 1, 2)))
    np.testing.assert_allclose(
        y, (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + 0.1), rtol=1e-10
    )
    one, state = nn.apply(nn.BatchNorm(2), np.array([[3.0, 4.0]]), training=True)
    np.testing.assert_array_equal(one, [[0, 0]])
    np.testing.assert_allclose(state.variance, [0.9, 0.9])
    with pytest.raises(StructureError, match="number of features"):
        nn.BatchNorm(3)(X)


def test_statistics_keep_their_dtype():
    layer = nn.BatchNorm(6).astype(np.float32)
    y, after = nn.apply(layer, X, training=True)
    assert y.dtype == np.float64
    assert after.mean.dtype == after.variance.dtype == np.float32


def test_two_calls_in_one_pass_move_the_averages_twice():
    layer = nn.BatchNorm(2)
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    _, after = nn.apply(nn.Sequential(layer, nn.Function(lambda y: y), layer), x, training=True)
    # The second batch has mean 0: the average of the first shrinks.
    np.testing.assert_allclose(after[0].mean, [0.9 * 0.2, 0.9 * 0.4])


@pytest.mark.parametrize("shape", [5, (3, 5)])
def test_layer_norm(shape):
    layer = _drawn(nn.LayerNorm(shape, eps=1e-3))
    y = layer(X)
    axes = (-1,) if shape == 5 else (-2, -1)
    mean, variance = X.mean(axes, keepdims=True), X.var(axes, keepdims=True)
    expected = (X - mean) / np.sqrt(variance + 1e-3) * layer.scale + layer.shift
    np.testing.assert_allclose(y, expected, rtol=1e-10)
    bare = nn.LayerNorm(shape, eps=1e-3, affine=False)
    np.testing.assert_allclose(bare(X) * layer.scale + layer.shift, expected, rtol=1e-10)


def test_group_and_rms_norm():
    layer = _drawn(nn.GroupNorm(3, 6))
    y = layer(X)
    for g in range(3):
        part = X[:, 2 * g : 2 * g + 2]
        mean, variance = part.mean((1, 2, 3), keepdims=True), part.var((1, 2, 3), keepdims=True)
        expected = (part - mean) / np.sqrt(variance + 1e-5)
        which = slice(2 * g, 2 * g + 2)
        expected = expected * layer.scale[which].reshape(2, 1, 1)
        expected += layer.shift[which].reshape(2, 1, 1)
        np.testing.assert_allclose(y[:, which], expected, rtol=1e-10)
    with pytest.raises(StructureError, match="divide into groups"):
        nn.GroupNorm(4, 6)
    rms = nn.RMSNorm(5).replace(scale=np.arange(5.0))
    expected = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6) * np.arange(5.0)
    np.testing.assert_allclose(rms(X), expected, rtol=1e-12)


def test_dropout_keeps_the_mean_and_needs_a_key():
    layer = nn.Dropout(0.25)
    x = np.ones((200, 100))
    y, _ = nn.apply(layer, x, training=True, key=3)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert y.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer(x), x)
    again, _ = nn.apply(layer, x, training=True, key=4)
    assert not np.array_equal(y, again)
    with pytest.raises(StructureError, match="was given no key"):
        nn.apply(layer, x, training=True)
    with pytest.raises(StructureError, match="from 0 to below 1"):
        nn.Dropout(1.0)
    np.testing.assert_array_equal(nn.apply(nn.Dropout(0.0), x, training=True)[0], x)
    assert nn.apply(layer, x.astype(np.float32), training=True, key=0)[0].dtype == np.float32


def test_two_layers_of_one_model_drop_different_numbers():
    model = nn.Parallel(nn.Dropout(0.5), nn.Dropout(0.5), join="tuple")
    (a, b), _ = nn.apply(model, np.ones((10, 10)), training=True, key=0)
    assert not np.array_equal(a, b)


def test_dropout_of_whole_channels():
    x = np.ones((20, 30, 4, 2))
    y, _ = nn.apply(nn.Dropout(0.5, axes=(0, 1)), x, training=True, key=0)
    assert (y.reshape(20, 30, 8).std(-1) == 0).all()
    assert 0.4 < (y[:, :, 0, 0] == 0).mean() < 0.6


def test_alpha_dropout_and_noise_keep_the_moments_they_promise():
    x = np.random.default_rng(0).standard_normal((400, 100))
    y, _ = nn.apply(nn.AlphaDropout(0.2), x, training=True, key=0)
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.std() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(nn.AlphaDropout(0.2)(x), x)
    z, _ = nn.apply(nn.GaussianNoise(0.5), x, training=True, key=0)
    assert (z - x).std() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(nn.GaussianNoise(0.5)(x), x)
