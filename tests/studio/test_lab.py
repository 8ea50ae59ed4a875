"""The studio's run: what it learns, and that what it shows is true."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import StructureError
from adjoint.studio.lab import ACTIVATIONS, GRID, OPTIMIZERS, Lab, Settings
from adjoint.studio.problems import PROBLEMS


@pytest.mark.parametrize("problem", PROBLEMS)
def test_problems(problem: str) -> None:
    x, y = PROBLEMS[problem](np.random.default_rng(1), 301)
    assert x.shape == (301, 2)
    assert set(y.tolist()) == {0, 1}
    assert np.abs(x).max() < 2.2
    again, _ = PROBLEMS[problem](np.random.default_rng(1), 301)
    np.testing.assert_array_equal(again, x)


def test_a_line_is_enough_for_blobs_and_not_for_xor() -> None:
    found = {}
    for problem in ("blobs", "xor"):
        lab = Lab(Settings(problem=problem, hidden=(), rate=1.0))
        for _ in range(3):
            lab.advance(100)
        found[problem] = lab.snapshot()["held_accuracy"]
    assert found["blobs"] > 0.97
    assert found["xor"] < 0.75
    lab = Lab(Settings(problem="xor", hidden=(8,), rate=0.5))
    for _ in range(4):
        lab.advance(100)
    assert lab.snapshot()["held_accuracy"] > 0.93


def test_steps_are_those_of_plain_descent() -> None:
    lab = Lab(Settings(rate=0.25, hidden=(3,)))
    model = lab.model
    lab.advance(2)
    lab.advance(2)
    losses = []
    for _ in range(4):
        value, gradient = ad.value_and_grad(lambda m: nn.cross_entropy(m(lab.x), lab.y))(model)
        losses.append(value)
        model = ad.tree.tree_map(lambda w, g: w - 0.25 * g, model, gradient)
    np.testing.assert_allclose(lab.losses, losses, rtol=1e-12)
    np.testing.assert_allclose(lab.model.layers[0].weight, model.layers[0].weight, rtol=1e-12)
    assert lab.step == 4


def test_what_is_shown() -> None:
    lab = Lab(Settings(hidden=(5, 3), activation="relu", batch=32))
    lab.advance(5)
    shown = json.loads(json.dumps(lab.snapshot()))
    scores = lab.model(lab.x)
    assert shown["loss"] == pytest.approx(nn.cross_entropy(scores, lab.y), rel=1e-12)
    assert shown["accuracy"] == np.mean(np.argmax(scores, axis=1) == lab.y)
    assert len(shown["surface"]) == GRID**2
    assert [len(row) for row in shown["units"]] == [5, 3, 2]
    assert np.shape(shown["weights"][1]) == (5, 3)
    # The surface has its first row at the top, where x2 is largest.
    corner = nn.softmax(lab.model(np.array([[-2 + 2 / GRID, 2 - 2 / GRID]])))[0, 1]
    assert shown["surface"][0] == round(255 * corner)


def test_deltas_are_derivatives() -> None:
    lab = Lab(Settings(hidden=(4,), activation="tanh"))
    first, _, last = lab.model.layers

    def loss(shift: Any, which: int) -> Any:
        hidden = np.tanh(first(lab.x) + (shift if which == 0 else 0))
        return nn.cross_entropy(last(hidden) + (shift if which == 1 else 0), lab.y)

    shown = lab.snapshot()["deltas"]
    for which, width in enumerate((4, 2)):
        delta = ad.grad(lambda s, w=which: loss(s, w))(np.zeros((len(lab.x), width)))
        size = np.sqrt(np.sum((delta * len(lab.x)) ** 2, axis=0) / len(lab.x))
        np.testing.assert_allclose(shown[which], size, rtol=1e-10)


def test_a_run_that_explodes_is_still_shown() -> None:
    lab = Lab(Settings(hidden=(4,), activation="linear", rate=100.0, problem="circles"))
    for _ in range(4):
        lab.advance(500)
    shown = json.loads(json.dumps(lab.snapshot(), allow_nan=False))
    assert shown["step"] == 2000


def test_one_example_worked() -> None:
    text = Lab(Settings(hidden=(2,))).worked(3)
    assert "forward" in text
    assert "backward" in text
    assert ".py" not in text


@pytest.mark.parametrize(
    ("activation", "optimizer"),
    [*((name, "adam") for name in ACTIVATIONS), *(("tanh", name) for name in OPTIMIZERS)],
)
def test_every_choice_runs(activation: str, optimizer: str) -> None:
    settings = Settings(activation=activation, optimizer=optimizer, hidden=(3,), rate=0.01)
    lab = Lab(settings)
    lab.advance(2)
    assert np.isfinite(lab.losses).all()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"problem": "mnist"}, "problem is not to be used"),
        ({"hidden": [4, 0]}, "hidden is not to be used"),
        ({"hidden": "8"}, "hidden is not to be used"),
        ({"hidden": [2] * 7}, "hidden is not to be used"),
        ({"rate": "fast"}, "rate is not to be used"),
        ({"rate": -1}, "rate is not to be used"),
        ({"rate": True}, "rate is not to be used"),
        ({"batch": 2.5}, "batch is not to be used"),
        ({"seed": -1}, "seed is not to be used"),
        ({"colour": "red"}, "setting is not to be used"),
    ],
)
def test_settings_that_are_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        Settings.from_document(document)


@pytest.mark.parametrize("steps", [0, 501, 1.5, None, True])
def test_steps_that_are_refused(steps: Any) -> None:
    with pytest.raises(StructureError, match="steps is not to be used"):
        Lab(Settings(hidden=())).advance(steps)
