"""Losses fed with another convention's targets: a clear refusal, or the rule that is documented."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim
from adjoint.errors import DataError, StructureError

RNG = np.random.default_rng(4)
Z = RNG.standard_normal((6, 1))
SIGNS = np.array([1.0, -1, 1, 1, -1, -1])[:, None]
LABELS = np.array([0, 2, 1, 1, 0, 2])
THREE = RNG.standard_normal((6, 3))
PAIR = (RNG.standard_normal((6, 4)), RNG.standard_normal((6, 4)))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("dtype", [float, int, bool])
def test_hinge_reads_zero_and_one_as_minus_one_and_one(dtype, squared):
    target = (SIGNS > 0).astype(dtype)
    expected = np.maximum(0, 1 - SIGNS * Z) ** (2 if squared else 1)
    found = nn.hinge(Z, target, reduction="none", squared=squared)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    slope = ad.grad(lambda z: nn.hinge(z, target, squared=squared))(Z)
    assert np.array_equal(slope, ad.grad(lambda z: nn.hinge(z, SIGNS, squared=squared))(Z))
    assert nn.hinge(Z.astype(np.float32), target).dtype == np.float32


WRONG = {
    "signs": (nn.binary_cross_entropy, Z, SIGNS, r"from -1\.0 to 1\.0"),
    "one and two": (nn.binary_cross_entropy, Z, SIGNS / 2 + 1.5, r"from 1\.0 to 2\.0"),
    "focal signs": (nn.focal, Z, SIGNS, "0 to 1"),
    "logarithms": (nn.kl_divergence, THREE, nn.log_softmax(THREE), "0 to 1"),
    "hinge of one and two": (nn.hinge, Z, SIGNS / 2 + 1.5, "-1 to 1"),
    "pairs by sign": (nn.contrastive, PAIR, SIGNS[:, 0], "0 to 1"),
    "counts below zero": (nn.poisson_nll, Z, SIGNS, "0 or more"),
    "negative binomial": (nn.negative_binomial_nll, (Z, Z), SIGNS, "0 or more"),
}


@pytest.mark.parametrize("case", WRONG)
def test_targets_of_another_convention_are_refused(case):
    loss, output, target, said = WRONG[case]
    with pytest.raises(DataError, match=said) as told:
        loss(output, target)
    assert loss.__name__ in str(told.value)
    with pytest.raises(IndexError):
        ad.jit(lambda target: loss(output, target))(target)


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_fit_says_what_the_targets_are(backend):
    x = RNG.standard_normal((40, 3))
    y = np.where(x[:, :1] > 0, 2.0, 1.0)
    model = nn.Linear(3, 1, rng=np.random.default_rng(0))
    with pytest.raises(DataError, match=r"from 1\.0 to 2\.0"):
        ad.fit(model, (x, y), loss=lambda a, b: nn.hinge(a, b), epochs=1, backend=backend)


def test_masked_places_may_hold_anything_and_rounding_is_borne():
    target = np.array([0.0, 7.0, 1.0 + 1e-7, -1e-8])[:, None]
    mask = np.array([True, False, True, True])
    found = ad.jit(lambda z, t: nn.binary_cross_entropy(z, t, weights=mask))(Z[:4], target)
    z, t = Z[[0, 2, 3]], target[[0, 2, 3]]
    assert found == pytest.approx(np.mean(np.logaddexp(0, z) - t * z), rel=1e-14)
    with pytest.raises(DataError):
        nn.binary_cross_entropy(Z[:4], target)


SHAPES = {
    "one-hot of another width": lambda: nn.cross_entropy(THREE, np.eye(4)[LABELS]),
    "labels as numbers": lambda: nn.cross_entropy(THREE, LABELS.astype(float)),
    "too few class weights": lambda: nn.cross_entropy(THREE, LABELS, class_weights=[1.0, 2.0]),
    "one class weight": lambda: nn.cross_entropy(THREE, LABELS, class_weights=[2.0]),
    "class weights by name": lambda: nn.cross_entropy(THREE, LABELS, class_weights={0: 1.0}),
    "mask of another length": lambda: nn.cross_entropy(THREE, LABELS, weights=np.ones(5, bool)),
    "mask as a column": lambda: nn.cross_entropy(THREE, LABELS, weights=np.ones((6, 1), bool)),
    "pairs against a column": lambda: nn.contrastive(PAIR, SIGNS > 0),
    "a triplet of two widths": lambda: nn.triplet((*PAIR, np.ones((6, 1)))),
    "a sequence's mask": lambda: nn.crf_nll(
        (np.zeros((2, 5, 3)), np.zeros((3, 3)), np.zeros(3), np.zeros(3)),
        np.zeros((2, 5), int),
        mask=np.ones((5, 2), bool),
    ),
    "lengths of another batch": lambda: nn.ctc(
        np.zeros((2, 5, 3)), np.ones((2, 2), int), output_lengths=np.array([5, 5, 5])
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes_that_would_broadcast_into_nonsense_are_refused(case):
    with pytest.raises(StructureError, match="wanted"):
        SHAPES[case]()


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        (nn.Softmax(), nn.cross_entropy),
        (nn.Softmax(), nn.focal),
        (nn.Softmax(), {"one": nn.cross_entropy}),
        (nn.Sigmoid(), nn.binary_cross_entropy),
    ],
)
def test_a_loss_of_scores_behind_probabilities_is_pointed_out(last, loss):
    wide = 1 if isinstance(last, nn.Sigmoid) else 3
    y = LABELS if wide == 3 else (SIGNS > 0).astype(float)
    inner = nn.Sequential(nn.Linear(3, wide, rng=np.random.default_rng(0)), last)
    with pytest.warns(UserWarning, match="from_logits=False") as told:
        ad.fit(
            nn.Sequential(nn.Tanh(), inner), (THREE, y), loss=loss, epochs=1,
            optimizer=optim.sgd(0.1), progress=False, backend="interpreter",
        )  # fmt: skip
    assert len(told) == 1
