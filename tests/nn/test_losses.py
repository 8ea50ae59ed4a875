import math

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import DataError, StructureError

RNG = np.random.default_rng(0)
SCORES = RNG.standard_normal((5, 3)) * 3
LABELS = np.array([0, 2, 1, 1, 0])
ONE_HOT = np.eye(3)[LABELS]
Y, T = RNG.standard_normal((4, 3)) * 2, RNG.standard_normal((4, 3))


def _cross_entropies(scores, shares):
    values = []
    for row, share in zip(scores, shares, strict=True):
        total = sum(math.exp(z) for z in row)
        values.append(
            -sum(t * math.log(math.exp(z) / total) for z, t in zip(row, share, strict=True))
        )
    return np.array(values)


# --- reduction and weights -------------------------------------------------------------------


def test_reductions_weights_and_masks():
    values = (Y - T) ** 2
    loss = nn.mean_squared_error
    assert loss(Y, T) == pytest.approx(values.mean())
    assert loss(Y, T, reduction="sum") == pytest.approx(values.sum())
    np.testing.assert_allclose(loss(Y, T, reduction="none"), values)
    w = np.array([1.0, 0.0, 2.0, 1.0])
    expected = (values * w[:, None]).sum() / (3 * w.sum())
    assert loss(Y, T, weights=w) == pytest.approx(expected)
    assert loss(Y, T, weights=[1, 0, 2, 1]) == pytest.approx(expected)
    mask = np.array([True, False, True, True])
    assert loss(Y, T, weights=mask) == pytest.approx(values[mask].mean())
    with pytest.raises(StructureError, match="reduction"):
        loss(Y, T, reduction="median")
    with pytest.raises(StructureError, match="weights do not fit"):
        loss(Y, T, weights=np.ones(3))


def test_a_masked_place_may_hold_nan_and_an_empty_mask_costs_nothing():
    broken = T.copy()
    broken[1] = np.nan
    mask = np.array([True, False, True, True])
    assert np.isfinite(nn.mean_squared_error(Y, broken, weights=mask))
    assert nn.mean_squared_error(Y, T, weights=np.zeros(4, bool)) == 0


@pytest.mark.parametrize(
    "loss",
    [
        nn.mean_squared_error,
        nn.half_squared_error,
        nn.mean_absolute_error,
        nn.huber,
        nn.log_cosh,
        nn.quantile,
        nn.poisson_nll,
        nn.binary_cross_entropy,
        nn.cosine_distance,
        nn.kl_divergence,
    ],
)
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(StructureError, match="different shapes"):
        loss(np.zeros((4, 1)), np.zeros(4))


@pytest.mark.parametrize(
    "loss", [nn.mean_squared_error, nn.cross_entropy, nn.focal, nn.hinge, nn.kl_divergence]
)
def test_a_list_is_refused_by_name(loss):
    with pytest.raises(StructureError, match="the target is no array"):
        loss(np.zeros(2), [0.0, 1.0])


def test_losses_keep_float32():
    y, t = Y.astype(np.float32), T.astype(np.float32)
    for loss in (nn.mean_squared_error, nn.huber, nn.log_cosh, nn.quantile, nn.cosine_distance):
        assert loss(y, t, weights=np.ones(4)).dtype == np.float32
    labels = np.array([0, 1, 2, 0])
    for options in ({}, {"label_smoothing": 0.1}, {"class_weights": np.ones(3)}):
        assert nn.cross_entropy(y, labels, **options).dtype == np.float32


# --- numbers ---------------------------------------------------------------------------------


def test_half_squared_error_is_the_textbook_cost():
    expected = np.mean(
        [sum((a - b) ** 2 for a, b in zip(*r, strict=True)) / 2 for r in zip(Y, T, strict=True)]
    )
    assert nn.half_squared_error(Y, T) == pytest.approx(expected)
    assert nn.half_squared_error(Y[:, 0], T[:, 0]) == pytest.approx(((Y - T)[:, 0] ** 2).mean() / 2)


def test_robust_losses():
    r = np.array([-3.0, -0.5, 0.0, 1.0, 2.5])
    zero = np.zeros(5)
    huber = [0.5 * x * x if abs(x) <= 1.5 else 1.5 * (abs(x) - 0.75) for x in r]
    np.testing.assert_allclose(nn.huber(r, zero, delta=1.5, reduction="none"), huber)
    cosh = [math.log(math.cosh(x)) for x in r]
    np.testing.assert_allclose(nn.log_cosh(r, zero, reduction="none"), cosh, atol=1e-15)
    np.testing.assert_allclose(nn.mean_absolute_error(r, zero), np.abs(r).mean())
    pinball = [0.9 * -x if x < 0 else 0.1 * x for x in r]
    np.testing.assert_allclose(nn.quantile(r, zero, q=0.9, reduction="none"), pinball)
    both = nn.quantile(np.stack([r, r], 1), zero, q=(0.9, 0.2), reduction="none")
    np.testing.assert_allclose(both[:, 0], pinball)
    np.testing.assert_allclose(both[:, 1], nn.quantile(r, zero, q=0.2, reduction="none"))
    with pytest.raises(StructureError):
        nn.quantile(r, zero, q=(0.1, 0.9))


def test_cosine_distance():
    cos = [a @ b / math.sqrt((a @ a) * (b @ b)) for a, b in zip(Y, T, strict=True)]
    np.testing.assert_allclose(nn.cosine_distance(Y, T, reduction="none"), 1 - np.array(cos))
    assert nn.cosine_distance(Y * 1e200, T) == pytest.approx(nn.cosine_distance(Y, T))
    assert nn.cosine_distance(np.zeros((1, 2)), np.ones((1, 2))) == 1


def test_cross_entropy_of_labels_and_shares():
    expected = _cross_entropies(SCORES, ONE_HOT)
    np.testing.assert_allclose(nn.cross_entropy(SCORES, LABELS, reduction="none"), expected)
    assert nn.cross_entropy(SCORES, ONE_HOT) == pytest.approx(expected.mean())
    soft = np.full((5, 3), 1 / 3)
    np.testing.assert_allclose(
        nn.cross_entropy(SCORES, soft, reduction="none"), _cross_entropies(SCORES, soft)
    )
    probabilities = nn.softmax(SCORES)
    assert nn.cross_entropy(probabilities, LABELS, from_logits=False) == pytest.approx(
        expected.mean()
    )
    assert nn.cross_entropy(SCORES[None], LABELS[None]) == pytest.approx(expected.mean())
    assert nn.cross_entropy(SCORES[0], LABELS[0]) == pytest.approx(expected[0])


def test_cross_entropy_options():
    smooth = 0.8 * ONE_HOT + 0.2 / 3
    expected = _cross_entropies(SCORES, smooth)
    assert nn.cross_entropy(SCORES, LABELS, label_smoothing=0.2) == pytest.approx(expected.mean())
    w = np.array([1.0, 2.0, 0.5])
    plain = _cross_entropies(SCORES, ONE_HOT) * w[LABELS]
    for target in (LABELS, ONE_HOT):
        value = nn.cross_entropy(SCORES, target, class_weights=w)
        assert value == pytest.approx(plain.sum() / w[LABELS].sum())
    each = np.array([1.0, 0, 3, 1, 1])
    value = nn.cross_entropy(SCORES, LABELS, class_weights=w, weights=each)
    assert value == pytest.approx((plain * each).sum() / (w[LABELS] * each).sum())


def test_cross_entropy_refuses_labels_that_are_no_classes():
    with pytest.raises(DataError, match="outside the classes"):
        nn.cross_entropy(SCORES, np.array([0, 1, 2, 3, 0]))
    unknown = np.array([0, -1, 1, 1, 0])
    value = nn.cross_entropy(SCORES, unknown, weights=unknown >= 0)
    known = unknown >= 0
    assert value == pytest.approx(_cross_entropies(SCORES, ONE_HOT)[known].mean())
    with pytest.raises(StructureError, match="does not fit"):
        nn.cross_entropy(SCORES, LABELS[:, None])
    with pytest.raises(StructureError, match="does not fit"):
        nn.cross_entropy(SCORES, LABELS.astype(float))


def test_binary_cross_entropy():
    z = np.array([-2.0, 0.0, 1.5])
    t = np.array([0.0, 1.0, 1.0])
    p = 1 / (1 + np.exp(-z))
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    np.testing.assert_allclose(nn.binary_cross_entropy(z, t, reduction="none"), expected)
    np.testing.assert_allclose(
        nn.binary_cross_entropy(p, t, reduction="none", from_logits=False), expected
    )
    weighted = -(3 * t * np.log(p) + (1 - t) * np.log(1 - p))
    np.testing.assert_allclose(
        nn.binary_cross_entropy(z, t, positive_weight=3.0, reduction="none"), weighted
    )
    smooth = 0.9 * t + 0.05
    assert nn.binary_cross_entropy(z, t, label_smoothing=0.1) == pytest.approx(
        nn.binary_cross_entropy(z, smooth)
    )
    assert nn.binary_cross_entropy(z, t.astype(int)) == pytest.approx(expected.mean())


def test_focal():
    z = np.array([-2.0, 0.0, 1.5])
    t = np.array([0, 1, 1])
    p = 1 / (1 + np.exp(-z))
    truth = np.where(t == 1, p, 1 - p)
    expected = -((1 - truth) ** 2) * np.log(truth)
    np.testing.assert_allclose(nn.focal(z, t, reduction="none"), expected)
    share = np.where(t == 1, 0.25, 0.75)
    np.testing.assert_allclose(nn.focal(z, t, alpha=0.25, reduction="none"), share * expected)
    logs = -_cross_entropies(SCORES, ONE_HOT)
    np.testing.assert_allclose(
        nn.focal(SCORES, LABELS, gamma=1.5, reduction="none"),
        -((1 - np.exp(logs)) ** 1.5) * logs,
        rtol=1e-12,
    )
    assert nn.focal(SCORES, LABELS, gamma=0.0) == pytest.approx(nn.cross_entropy(SCORES, LABELS))
    with pytest.raises(StructureError):
        nn.focal(SCORES, LABELS, alpha=0.3)


def test_kl_divergence():
    t = np.array([[0.2, 0.8, 0.0], [1.0, 0.0, 0.0]])
    z = SCORES[:2]
    p = nn.softmax(z)
    expected = [
        sum(a * math.log(a / b) for a, b in zip(*row, strict=True) if a > 0)
        for row in zip(t, p, strict=True)
    ]
    np.testing.assert_allclose(nn.kl_divergence(z, t, reduction="none"), expected)
    assert nn.kl_divergence(np.log([[0.3, 0.7]]), np.array([[0.3, 0.7]])) == pytest.approx(0)


def test_hinge():
    z, t = np.array([0.3, -2.0, 4.0]), np.array([1, 1, -1])
    np.testing.assert_allclose(nn.hinge(z, t, reduction="none"), [0.7, 3.0, 5.0])
    np.testing.assert_allclose(nn.hinge(z, t, squared=True, reduction="none"), [0.49, 9, 25])
    np.testing.assert_allclose(nn.hinge(z, t, margin=0.0, reduction="none"), [0, 2, 4])
    expected = [
        sum(max(0, 1 - row[k] + row[j]) for j in range(3) if j != k)
        for row, k in zip(SCORES, LABELS, strict=True)
    ]
    np.testing.assert_allclose(nn.hinge(SCORES, LABELS, reduction="none"), expected)


def test_likelihoods_are_those_of_the_distributions():
    from scipy import stats

    counts = np.array([0, 3, 7])
    rate = np.array([0.5, 2.0, 6.0])
    expected = -stats.poisson.logpmf(counts, rate)
    np.testing.assert_allclose(
        nn.poisson_nll(np.log(rate), counts, full=True, reduction="none"), expected
    )
    np.testing.assert_allclose(
        nn.poisson_nll(rate, counts, log_rate=False, full=True, reduction="none"), expected
    )
    assert nn.poisson_nll(np.zeros(1), np.zeros(1), log_rate=False) == 0
    m, v, t = np.array([0.0, 1.0]), np.array([0.5, 4.0]), np.array([1.0, -2.0])
    expected = -stats.norm.logpdf(t, m, np.sqrt(v))
    np.testing.assert_allclose(nn.gaussian_nll((m, np.log(v)), t, reduction="none"), expected)
    np.testing.assert_allclose(
        nn.gaussian_nll(np.stack([m, np.log(v)], -1), t, full=False, reduction="none"),
        expected - 0.5 * math.log(2 * math.pi),
    )
    r = np.array([1.5, 2.0, 10.0])
    expected = -stats.nbinom.logpmf(counts, r, r / (r + rate))
    np.testing.assert_allclose(
        nn.negative_binomial_nll((np.log(rate), np.log(r)), counts, reduction="none"), expected
    )
    with pytest.raises(StructureError, match="two parameters"):
        nn.gaussian_nll(np.zeros((2, 3)), t)


def test_losses_on_embeddings():
    a, p, n = Y, T, Y + 0.1

    def distance(x, y):
        return np.sqrt(((x - y) ** 2).sum(-1))

    expected = np.maximum(distance(a, p) - distance(a, n) + 0.2, 0)
    np.testing.assert_allclose(nn.triplet((a, p, n), margin=0.2, reduction="none"), expected)
    pairs = np.array([1, 0, 0, 1])
    d = distance(Y, T)
    expected = np.where(pairs, d**2, np.maximum(2.5 - d, 0) ** 2)
    np.testing.assert_allclose(
        nn.contrastive((Y, T), pairs, margin=2.5, reduction="none"), expected
    )
    u, v = Y / distance(Y, 0)[:, None], T / distance(T, 0)[:, None]
    expected = _cross_entropies(u @ v.T / 0.5, np.eye(4))
    np.testing.assert_allclose(nn.info_nce((Y, T), temperature=0.5, reduction="none"), expected)


# --- extremes --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_at_ten_thousand(dtype):
    big = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]], dtype)
    labels = np.array([1, 2])
    assert nn.cross_entropy(big, labels) == pytest.approx(1e4)
    assert nn.cross_entropy(big, np.eye(3, dtype=dtype)[labels]) == pytest.approx(1e4)
    assert np.isfinite(nn.cross_entropy(big, labels, label_smoothing=0.1))
    assert nn.focal(big, labels) == pytest.approx(1e4)
    assert np.isfinite(nn.kl_divergence(big, np.full((2, 3), 1 / 3, dtype)))
    t = np.array([[0, 1, 1], [0, 1, 1]])
    assert nn.binary_cross_entropy(big, t) == pytest.approx((3e4 + math.log(2)) / 6)
    assert nn.binary_cross_entropy(big, t, positive_weight=2.0) == pytest.approx(
        (5e4 + 2 * math.log(2)) / 6
    )
    assert np.isfinite(nn.focal(big, t))
    zero = np.zeros_like(big)
    for loss in (nn.huber, nn.log_cosh, nn.quantile, nn.mean_absolute_error):
        assert 1e3 < loss(big, zero) < 1e4
    saturated = np.array([0.0, 1.0], dtype)
    assert nn.binary_cross_entropy(saturated, 1 - saturated, from_logits=False) == 100


def test_the_negative_binomial_loss_at_its_limits():
    from scipy import stats

    t = np.array([0, 3, 40])
    for log_r in (-30.0, -3.0, 0.0, 3.39, 3.41, 6.0, 12.0):
        r, m = np.exp(log_r), 5.0
        expected = -stats.nbinom.logpmf(t, r, r / (r + m))
        output = (np.full(3, np.log(m)), np.full(3, log_r))
        found = nn.negative_binomial_nll(output, t, reduction="none")
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    # Poisson's distribution, where gamma functions would have lost every digit.
    poisson = nn.poisson_nll(np.full(3, np.log(5.0)), t, full=True, reduction="none")
    for log_r in (30.0, 100.0, 1e4):
        output = (np.full(3, np.log(5.0)), np.full(3, log_r))
        np.testing.assert_allclose(
            nn.negative_binomial_nll(output, t, reduction="none"), poisson, rtol=1e-11
        )
        slope = ad.grad(nn.negative_binomial_nll)(output, t)
        np.testing.assert_allclose(slope[0], (5.0 - t) / 3, rtol=1e-9)
        np.testing.assert_allclose(slope[1], 0, atol=1e-8)
    # No r: nothing is counted, or all of it too much.
    slope = ad.grad(nn.negative_binomial_nll)((np.zeros(3), np.full(3, -1e4)), t)
    assert nn.negative_binomial_nll((np.zeros(1), np.full(1, -1e4)), t[:1]) == 0
    np.testing.assert_allclose(slope[1], [0, -1 / 3, -1 / 3], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_negative_binomial_loss_is_finite_at_ten_thousand(dtype):
    ends = np.array([-1e4, 0, 1e4], dtype)
    log_mean, log_r, t = (x.ravel() for x in np.meshgrid(ends[:2], ends, [0, 7]))
    output = (log_mean.astype(dtype), log_r.astype(dtype))
    value, slope = ad.value_and_grad(nn.negative_binomial_nll)(output, t)
    assert value.dtype == dtype
    assert np.isfinite(value)
    assert all(np.isfinite(part).all() for part in slope)


def test_masked_logits_cost_nothing_where_they_are_not_the_label():
    z = np.array([[0.0, -np.inf, 0.0]])
    assert nn.cross_entropy(z, np.array([0])) == pytest.approx(math.log(2))
    assert nn.cross_entropy(z, np.array([[1.0, 0, 0]])) == pytest.approx(math.log(2))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_slopes_of_focal_stay_finite_where_a_unit_is_saturated(gamma):
    big = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, -1e4], [800.0, 0.0, 0.0]])
    for target in (np.array([0, 0, 1]), np.array([[1.0, 0, 1], [1, 0, 0], [0, 1, 1]])):
        slope = ad.grad(lambda z, t=target: nn.focal(z, t, gamma=gamma))(big)
        assert np.isfinite(slope).all()
        assert np.abs(slope).max() > 0.1 / 9
