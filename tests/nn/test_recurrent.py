import math

import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import StructureError

RNG = np.random.default_rng(0)
LENGTHS = (5, 2, 4)
X = RNG.standard_normal((3, 5, 2))
MASK = np.arange(5) < np.array(LENGTHS)[:, None]


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def _elman(cell, h, x):
    return [np.tanh(x @ cell.weight + h[0] @ cell.recurrent + cell.bias)]


def _lstm(cell, state, x):
    h, c = state
    m = len(h)
    z = x @ cell.weight + h @ cell.recurrent + cell.bias
    i, f, g, o = (z[k * m : (k + 1) * m] for k in range(4))
    c = _logistic(f) * c + _logistic(i) * np.tanh(g)
    return [_logistic(o) * np.tanh(c), c]


def _gru(cell, state, x):
    (h,) = state
    m = len(h)
    w, u, b = cell.weight, cell.recurrent, cell.bias
    part = [slice(k * m, (k + 1) * m) for k in range(3)]
    r = _logistic(x @ w[:, part[0]] + h @ u[:, part[0]] + b[part[0]])
    z = _logistic(x @ w[:, part[1]] + h @ u[:, part[1]] + b[part[1]])
    n = np.tanh(x @ w[:, part[2]] + b[part[2]] + r * (h @ u[:, part[2]] + cell.inner))
    return [(1 - z) * n + z * h]


def _random(layer):
    """The same layer with every parameter drawn, biases too."""
    draw = np.random.default_rng(1)
    new = {
        path: draw.standard_normal(leaf.shape) / 2 for path, leaf in nn.parameters(layer).items()
    }
    return nn.with_leaves(layer, new)


KINDS = {"RNN": (nn.RNN, _elman, 1), "LSTM": (nn.LSTM, _lstm, 2), "GRU": (nn.GRU, _gru, 1)}


@pytest.mark.parametrize("name", KINDS)
def test_layer_is_a_loop_over_single_sequences(name):
    kind, step, parts = KINDS[name]
    layer = _random(kind(2, 3))
    outputs, ((last,),) = layer.run(X, MASK)
    assert outputs.shape == (3, 5, 3)
    for b, length in enumerate(LENGTHS):
        state = [np.zeros(3)] * parts
        for t in range(length):
            state = step(layer.cells[0][0], state, X[b, t])
            np.testing.assert_allclose(outputs[b, t], state[0], rtol=1e-12)
        np.testing.assert_array_equal(outputs[b, length:], 0)
        for mine, theirs in zip(last, state, strict=True):
            np.testing.assert_allclose(mine[b], theirs, rtol=1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_both_directions_read_each_sequence_from_its_own_end(name):
    layer = _random(KINDS[name][0](2, 3, bidirectional=True, layers=2))
    outputs = layer(X, MASK)
    assert outputs.shape == (3, 5, 6)
    for b, length in enumerate(LENGTHS):
        alone = layer(X[b : b + 1, :length])
        np.testing.assert_allclose(outputs[b, :length], alone[0], rtol=1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_a_sequence_may_be_read_in_pieces(name):
    layer = _random(KINDS[name][0](2, 3, layers=2))
    whole, last = layer.run(X)
    first, state = layer.run(X[:, :2])
    second, end = layer.run(X[:, 2:], initial=state)
    np.testing.assert_allclose(np.concatenate([first, second], 1), whole, rtol=1e-12)
    np.testing.assert_allclose(end[1][0][0], last[1][0][0], rtol=1e-12)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("both", [False, True])
def test_against_torch(name, both):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    layer = _random(KINDS[name][0](2, 3, layers=2, bidirectional=both))
    theirs = getattr(torch.nn, name)(
        2, 3, num_layers=2, bidirectional=both, batch_first=True, dtype=torch.float64
    )
    numbers = {}
    for number, cells in enumerate(layer.cells):
        for way, cell in enumerate(cells):
            suffix = f"l{number}" + ("_reverse" if way else "")
            inner = np.zeros(len(cell.bias))
            if name == "GRU":
                inner[-3:] = cell.inner
            numbers[f"weight_ih_{suffix}"] = cell.weight.T
            numbers[f"weight_hh_{suffix}"] = cell.recurrent.T
            numbers[f"bias_ih_{suffix}"] = cell.bias
            numbers[f"bias_hh_{suffix}"] = inner
    theirs.load_state_dict({k: torch.tensor(v) for k, v in numbers.items()})
    expected = theirs(torch.tensor(X))[0].detach().numpy()
    np.testing.assert_allclose(layer(X), expected, rtol=1e-11, atol=1e-13)


def test_one_step_of_one_unit_and_float32():
    layer = nn.RNN(1, 1, activation=nn.relu, dtype=np.float32)
    x = np.full((1, 1, 1), 2.0, np.float32)
    y = layer(x)
    assert y.dtype == np.float32
    assert y[0, 0, 0] == max(2.0 * layer.cells[0][0].weight[0, 0], 0)
    assert layer(X[:1, :, :1]).dtype == np.float64  # the wider input decides
    cell = nn.LSTMCell(2, 3)
    np.testing.assert_array_equal(cell.bias, [0] * 3 + [1] * 3 + [0] * 6)
    h, c = cell(cell.start(4), np.ones((4, 2)))
    assert h.shape == c.shape == (4, 3)


def test_dropout_between_layers_is_for_training():
    layer = nn.GRU(2, 3, layers=2, dropout=0.5)
    plain = layer(X)
    a, _ = nn.apply(layer, X, training=True, key=0)
    b, _ = nn.apply(layer, X, training=True, key=0)
    assert not np.allclose(plain, a)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(nn.apply(layer, X)[0], plain)


def test_last_and_padding():
    y = RNG.standard_normal((3, 5, 2))
    np.testing.assert_array_equal(nn.Last()(y), y[:, -1])
    expected = np.stack([y[b, n - 1] for b, n in enumerate(LENGTHS)])
    np.testing.assert_array_equal(nn.Last()(y, MASK), expected)
    padded, mask = nn.pad_sequences([np.ones((n, 2)) for n in LENGTHS], value=-1)
    np.testing.assert_array_equal(mask, MASK)
    assert padded.shape == (3, 5, 2)
    assert padded[~mask].max() == -1
    assert nn.pad_sequences([])[0].shape == (0, 0)


def test_a_missing_axis_is_named():
    with pytest.raises(StructureError, match="reads sequences"):
        nn.LSTM(2, 3)(X[0])


# --- tapped delays ---------------------------------------------------------------------------


@pytest.mark.parametrize("taps", [0, 1, 3])
def test_fir_is_its_sum(taps):
    layer = _random(nn.FIR(2, 4, taps))
    y = layer(X)
    assert y.shape == (3, 5, 4)
    for t in range(5):
        expected = layer.bias + sum(X[:, t - k] @ layer.weight[k] for k in range(min(taps, t) + 1))
        np.testing.assert_allclose(y[:, t], expected, rtol=1e-12)
    unpadded = layer.replace(padded=False)(X)
    np.testing.assert_allclose(unpadded, y[:, taps:], rtol=1e-12)


def test_fir_checks_its_input():
    with pytest.raises(StructureError, match="shorter than the filters"):
        nn.FIR(2, 1, 6, padded=False)(X)
    with pytest.raises(StructureError, match="does not fit"):
        nn.FIR(3, 1, 1)(X)
    assert nn.FIR(2, 1, 5, padded=False)(X).shape == (3, 0, 1)


# --- attention -------------------------------------------------------------------------------


def test_attention_is_a_weighted_mean():
    q, k, v = (RNG.standard_normal(s) for s in [(2, 3, 4), (2, 5, 4), (2, 5, 6)])
    mask = RNG.random((2, 3, 5)) < 0.6
    mask[0, 1] = False
    y = nn.attention(q, k, v, mask)
    for b in range(2):
        for i in range(3):
            weights = [math.exp(q[b, i] @ k[b, j] / 2) if mask[b, i, j] else 0.0 for j in range(5)]
            expected = np.array(weights) @ v[b] / (sum(weights) or 1)
            np.testing.assert_allclose(y[b, i], expected, rtol=1e-12, atol=1e-15)
    assert np.isfinite(nn.attention(q * 1e4, k, v)).all()


def test_multi_head_attention_against_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    layer = _random(nn.MultiHeadAttention(8, 2, causal=True))
    x = RNG.standard_normal((2, 5, 8))
    keep = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    parts = (layer.query, layer.key, layer.value)
    theirs.load_state_dict(
        {
            "in_proj_weight": torch.tensor(np.concatenate([p.weight.T for p in parts])),
            "in_proj_bias": torch.tensor(np.concatenate([p.bias for p in parts])),
            "out_proj.weight": torch.tensor(layer.output.weight.T),
            "out_proj.bias": torch.tensor(layer.output.bias),
        }
    )
    t = torch.tensor(x)
    hidden = torch.tensor(~nn.causal_mask(5, 5))
    expected, _ = theirs(t, t, t, key_padding_mask=torch.tensor(~keep), attn_mask=hidden)
    np.testing.assert_allclose(layer(x, mask=keep), expected.detach().numpy(), rtol=1e-10)
    for more in (keep[:, None, :] & np.ones((2, 5, 5), bool), np.ones((2, 2, 5, 5), bool)):
        assert layer(x, mask=more).shape == x.shape
    with pytest.raises(StructureError, match="divide into heads"):
        nn.MultiHeadAttention(8, 3)


@pytest.mark.parametrize("pre_norm", [True, False])
def test_transformer_block_against_torch(pre_norm):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    block = _random(
        nn.TransformerBlock(8, 2, hidden=12, cross=True, pre_norm=pre_norm, causal=True)
    )
    theirs = torch.nn.TransformerDecoderLayer(
        8, 2, 12, 0.0, "gelu", batch_first=True, norm_first=pre_norm, dtype=torch.float64
    )
    numbers = {}
    for ours, name in ((block.attention, "self_attn"), (block.cross, "multihead_attn")):
        parts = (ours.query, ours.key, ours.value)
        numbers[f"{name}.in_proj_weight"] = np.concatenate([p.weight.T for p in parts])
        numbers[f"{name}.in_proj_bias"] = np.concatenate([p.bias for p in parts])
        numbers[f"{name}.out_proj.weight"] = ours.output.weight.T
        numbers[f"{name}.out_proj.bias"] = ours.output.bias
    for number, norm in enumerate(block.norms, start=1):
        numbers[f"norm{number}.weight"], numbers[f"norm{number}.bias"] = norm.scale, norm.shift
    for number, linear in enumerate((block.feed_forward.first, block.feed_forward.second), 1):
        numbers[f"linear{number}.weight"] = linear.weight.T
        numbers[f"linear{number}.bias"] = linear.bias
    theirs.load_state_dict({k: torch.tensor(v) for k, v in numbers.items()})
    x, context = RNG.standard_normal((2, 5, 8)), RNG.standard_normal((2, 3, 8))
    expected = theirs(
        torch.tensor(x), torch.tensor(context), tgt_mask=torch.tensor(~nn.causal_mask(5, 5))
    )
    np.testing.assert_allclose(
        block(x, context=context), expected.detach().numpy(), rtol=1e-9, atol=1e-11
    )
    with pytest.raises(StructureError, match="context"):
        block(x)


def test_causal_block_does_not_see_the_future():
    block = nn.TransformerBlock(6, 3, causal=True)
    x = RNG.standard_normal((1, 4, 6))
    changed = x.copy()
    changed[0, 2:] += 1
    np.testing.assert_array_equal(block(x)[0, :2], block(changed)[0, :2])
    assert nn.causal_mask(2, 3).tolist() == [[True, True, False], [True, True, True]]


def test_positions():
    p = nn.sinusoids(4, 5)
    for t in range(4):
        for i in range(5):
            angle = t / 10000 ** (2 * (i // 2) / 5)
            assert p[t, i] == pytest.approx(math.sin(angle) if i % 2 == 0 else math.cos(angle))
    x = np.zeros((2, 3, 5))
    np.testing.assert_array_equal(nn.Positions(5)(x)[1], p[:3])
    learned = nn.Positions(5, 3)
    np.testing.assert_array_equal(learned(x)[0], learned.weight)
    with pytest.raises(StructureError, match="longer than"):
        learned(np.zeros((1, 4, 5)))
    assert nn.Positions(5).parameters() == {}
