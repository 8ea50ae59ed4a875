import itertools
import math

import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import StructureError

RNG = np.random.default_rng(0)


def _collapsed(path, blank):
    merged = [k for k, _ in itertools.groupby(path)]
    return [k for k in merged if k != blank]


def _ctc_by_enumeration(scores, labels, blank):
    p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    total = sum(
        math.prod(p[t, k] for t, k in enumerate(path))
        for path in itertools.product(range(scores.shape[1]), repeat=len(scores))
        if _collapsed(path, blank) == list(labels)
    )
    return -math.log(total)


@pytest.mark.parametrize("blank", [0, 2])
def test_ctc_is_the_sum_over_all_paths(blank):
    scores = RNG.standard_normal((4, 5, 3))
    a, b = [k for k in range(3) if k != blank]
    target = np.array([[a, b, a], [b, b, -1], [a, -1, -1], [-1, -1, -1]])
    values = nn.ctc(scores, target, blank=blank, reduction="none")
    for i, row in enumerate(target):
        expected = _ctc_by_enumeration(scores[i], row[row >= 0], blank)
        assert values[i] == pytest.approx(expected, rel=1e-12)
    lengths = np.array([4, 3, 1, 2])
    values = nn.ctc(scores, target, blank=blank, output_lengths=lengths, reduction="none")
    for i, row in enumerate(target):
        expected = _ctc_by_enumeration(scores[i, : lengths[i]], row[row >= 0], blank)
        assert values[i] == pytest.approx(expected, rel=1e-12)


def test_ctc_against_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    scores = RNG.standard_normal((3, 12, 6)) * 3
    target = RNG.integers(1, 6, (3, 4))
    lengths, sizes = np.array([12, 9, 10]), np.array([4, 2, 3])
    padded = np.where(np.arange(4) < sizes[:, None], target, -1)
    logs = torch.tensor(scores).log_softmax(-1).swapaxes(0, 1)
    expected = torch.nn.functional.ctc_loss(
        logs, torch.tensor(target), torch.tensor(lengths), torch.tensor(sizes), reduction="none"
    )
    ours = nn.ctc(scores, padded, output_lengths=lengths, reduction="none")
    np.testing.assert_allclose(ours, expected.numpy(), rtol=1e-10)
    assert nn.ctc(scores, padded, output_lengths=lengths) == pytest.approx(expected.mean().item())


def test_ctc_extremes_and_refusals():
    big = np.full((1, 3, 2), -1e4)
    big[..., 1] = 1e4
    assert nn.ctc(big, np.array([[1]])) == pytest.approx(0)
    assert np.isfinite(nn.ctc(-big, np.array([[1]])))
    assert nn.ctc(big, np.array([[1, 1, 1]])) > 1e29  # three of a kind need five steps
    assert nn.ctc(big, np.zeros((1, 0), int)) == pytest.approx(6e4)
    with pytest.raises(StructureError, match="does not fit"):
        nn.ctc(big, np.array([1]))


# --- linear chains ---------------------------------------------------------------------------

LENGTHS = (4, 1, 3)
SCORES = RNG.standard_normal((3, 4, 3)) * 2
MASK = np.arange(4) < np.array(LENGTHS)[:, None]


def _score(crf, scores, labels):
    total = crf.start[labels[0]] + crf.end[labels[-1]]
    total += sum(scores[t, k] for t, k in enumerate(labels))
    return total + sum(crf.transitions[i, j] for i, j in itertools.pairwise(labels))


def test_crf_is_the_sum_over_all_labellings():
    crf = nn.CRF(3, scale=1.0, rng=0)
    labels = RNG.integers(0, 3, (3, 4))
    nll = nn.crf_nll(crf(SCORES), labels, mask=MASK, reduction="none")
    best = crf.decode(SCORES, MASK)
    for b, length in enumerate(LENGTHS):
        part = SCORES[b, :length]
        ways = list(itertools.product(range(3), repeat=length))
        scores = [_score(crf, part, way) for way in ways]
        total = math.log(sum(map(math.exp, scores)))
        expected = total - _score(crf, part, labels[b, :length])
        assert nll[b] == pytest.approx(expected, rel=1e-12)
        assert tuple(best[b, :length]) == ways[int(np.argmax(scores))]
        assert (best[b, length:] == -1).all()
    padded = np.where(MASK, labels, -1)
    np.testing.assert_allclose(nn.crf_nll(crf(SCORES), padded, reduction="none"), nll)
    assert nn.crf_nll(crf(SCORES), padded) == pytest.approx(nll.mean())


def test_crf_of_one_step_and_of_whole_sequences():
    crf = nn.CRF(3, rng=0)
    one = SCORES[:, :1]
    logits = one[:, 0] + crf.start + crf.end
    labels = np.array([[2], [0], [1]])
    assert nn.crf_nll(crf(one), labels) == pytest.approx(nn.cross_entropy(logits, labels[:, 0]))
    np.testing.assert_array_equal(crf.decode(one)[:, 0], logits.argmax(-1))
    assert crf.decode(SCORES).shape == (3, 4)
    assert np.isfinite(nn.crf_nll(crf(SCORES * 1e4), np.zeros((3, 4), int)))
    with pytest.raises(StructureError, match="do not fit the chain"):
        crf(SCORES[..., :2])
