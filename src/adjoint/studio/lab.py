"""What the page looks at: a network, its data, and what one step of learning does to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.errors import StructureError
from adjoint.studio.problems import PROBLEMS

ACTIVATIONS: dict[str, Callable[[], Any]] = {
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "linear": nn.Identity,
}
OPTIMIZERS: dict[str, Callable[[float], optim.Optimizer]] = {
    "gradient descent": optim.sgd,
    "momentum": lambda rate: optim.momentum(rate, 0.9),
    "rmsprop": optim.rmsprop,
    "adam": optim.adam,
    "rprop": optim.rprop,
}
POINTS, HELD_OUT, GRID, EDGE = 200, 200, 48, 2.0
MOST_LAYERS, MOST_UNITS, MOST_STEPS = 6, 32, 500


@dataclass(frozen=True)
class Settings:
    """What a run is made of.

    Args:
        problem: a name of :data:`~adjoint.studio.problems.PROBLEMS`.
        hidden: units of each hidden layer; none makes a perceptron.
        activation: of the hidden layers.
        optimizer: the method.
        rate: its learning rate.
        batch: examples of a step; 0 takes all of them.
        noise: standard deviation of what is added to the points.
        seed: of points, first weights and batches.
    """

    problem: str = "moons"
    hidden: tuple[int, ...] = (8, 8)
    activation: str = "tanh"
    optimizer: str = "gradient descent"
    rate: float = 0.1
    batch: int = 0
    noise: float = 0.0
    seed: int = 0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Settings:
        """Settings from JSON; whatever is not as it should be is refused by name."""
        given = dict(document)
        known = {field.name for field in fields(cls)}
        for name in given.keys() - known:
            raise _refusal("setting", name, sorted(known))
        if "hidden" in given:
            hidden = given["hidden"]
            fine = isinstance(hidden, list) and len(hidden) <= MOST_LAYERS
            if not fine or not all(_is_whole(n, 1, MOST_UNITS) for n in hidden):
                wanted = f"up to {MOST_LAYERS} layers of 1 to {MOST_UNITS} units"
                raise _refusal("hidden", hidden, wanted)
            given["hidden"] = tuple(hidden)
        made = cls(**given)
        for name, table in _TABLES.items():
            if getattr(made, name) not in table:
                raise _refusal(name, getattr(made, name), sorted(table))
        for name, (low, high) in _RANGES.items():
            value = getattr(made, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _refusal(name, value, "a number")
            if not low <= value <= high:
                raise _refusal(name, value, f"{low:g} to {high:g}")
        for name in ("batch", "seed"):
            if not _is_whole(getattr(made, name), 0, 2**31):
                raise _refusal(name, getattr(made, name), "a whole number")
        return made


_TABLES: dict[str, Mapping[str, Any]] = {
    "problem": PROBLEMS,
    "activation": ACTIVATIONS,
    "optimizer": OPTIMIZERS,
}
_RANGES = {"rate": (1e-6, 100.0), "batch": (0, POINTS), "noise": (0.0, 1.0), "seed": (0, 2**31)}


def _is_whole(x: Any, low: int, high: int) -> bool:
    return type(x) is int and low <= x <= high


def _refusal(name: str, got: Any, wanted: Any) -> StructureError:
    return StructureError(f"{name} is not to be used", function="studio", got=got, wanted=wanted)


class Lab:
    """A run that can be advanced and looked at.

    Args:
        settings: what it is made of.

    >>> lab = Lab(Settings(problem="xor", hidden=(4,)))
    >>> lab.advance(3)
    >>> lab.step, len(lab.losses)
    (3, 3)
    """

    def __init__(self, settings: Settings) -> None:
        rng = np.random.default_rng(settings.seed)
        points, classes = PROBLEMS[settings.problem](rng, POINTS + HELD_OUT)
        points = points + rng.normal(size=points.shape) * settings.noise
        self.settings = settings
        self.x, self.held_x = points[:POINTS], points[POINTS:]
        self.y, self.held_y = classes[:POINTS], classes[POINTS:]
        self.model = _network(settings, rng)
        self._rng = rng
        self._method = OPTIMIZERS[settings.optimizer](settings.rate)
        self._state = self._method.init(self.model)
        self._run = ad.jit(self._steps)
        self._look = ad.jit(_look)
        self._grid = _grid()
        self.step = 0
        self.losses: list[float] = []

    def _steps(self, model: Any, state: Any, rows: Any) -> Any:
        """As many steps as there are rows of row numbers, and the loss before each."""

        def step(carry: Any, chosen: Any) -> Any:
            model, state = carry
            x, y = np.take(self.x, chosen, axis=0), np.take(self.y, chosen)
            value, gradient = ad.value_and_grad(lambda m: nn.cross_entropy(m(x), y))(model)
            return self._method.update(gradient, state, model), value

        (model, state), losses = ad.scan(step, (model, state), rows)
        return model, state, losses

    def advance(self, steps: int) -> None:
        """Learn for some steps.

        Raises:
            StructureError: the number is not to be used.
        """
        if not _is_whole(steps, 1, MOST_STEPS):
            raise _refusal("steps", steps, f"1 to {MOST_STEPS}")
        size = self.settings.batch or POINTS
        rows = np.stack([self._rng.permutation(POINTS)[:size] for _ in range(steps)])
        self.model, self._state, losses = self._run(self.model, self._state, rows)
        self.step += steps
        self.losses += [float(value) for value in losses]

    def snapshot(self) -> dict[str, Any]:
        """All that the page shows, for JSON: numbers that are not finite become null."""
        scores = self._look(self.model, self.x, self.y)
        surface = self._look(self.model, self._grid, np.zeros(len(self._grid), np.int64))["share"]
        held = self._look(self.model, self.held_x, self.held_y)
        report = ad.xray(self.model, nn.cross_entropy, self.x, self.y, rate=self.settings.rate)
        headings, rows = report.layer_table()
        return {
            "step": self.step,
            "losses": [_number(v) for v in self.losses[-1000:]],
            "loss": _number(scores["loss"]),
            "held_loss": _number(held["loss"]),
            "accuracy": float(np.mean((scores["share"] > 0.5) == self.y)),
            "held_accuracy": float(np.mean((held["share"] > 0.5) == self.held_y)),
            "surface": _bytes(surface),
            "grid": GRID,
            "edge": EDGE,
            "weights": [_table(w) for w in self._matrices()],
            "units": [[_number(v) for v in row] for row in scores["units"]],
            "deltas": [[_number(v) for v in row] for row in scores["deltas"]],
            "layers": {"headings": headings, "rows": rows},
            "flow": {"verdict": report.flow.verdict, "words": report.flow.words},
            "findings": report.findings(),
        }

    def data(self) -> dict[str, Any]:
        """The points, which stay as they are while a run goes on."""
        return {
            "points": _table(self.x),
            "classes": self.y.tolist(),
            "held_points": _table(self.held_x),
            "held_classes": self.held_y.tolist(),
        }

    def worked(self, row: int) -> str:
        """The arithmetic of one example's gradient, in words and numbers.

        Raises:
            StructureError: there is no such example.
        """
        if not _is_whole(row, 0, POINTS - 1):
            raise _refusal("row", row, f"0 to {POINTS - 1}")
        one = slice(row, row + 1)
        made = ad.explain(self.model, nn.cross_entropy, self.x[one], self.y[one], digits=6)
        # No line of the reader's own code stands behind these operations.
        forward = tuple([replace(block, source="") for block in made.forward])
        backward = tuple([replace(block, source="") for block in made.backward])
        return replace(made, forward=forward, backward=backward).text()

    def _matrices(self) -> list[Any]:
        return [layer.weight for layer in self.model.layers if isinstance(layer, nn.Linear)]


def _network(settings: Settings, rng: np.random.Generator) -> nn.Sequential:
    widths = (2, *settings.hidden, 2)
    layers: list[Any] = []
    for n, m in pairwise(widths):
        layers += [nn.Linear(n, m, rng=rng), ACTIVATIONS[settings.activation]()]
    return nn.Sequential(*layers[:-1])


def _look(model: Any, x: Any, y: Any) -> dict[str, Any]:
    """Loss, share of class 1, and of each unit the mean output and the size of its delta.

    A unit's delta is the derivative of the loss with respect to what goes into it: found by
    adding zeros there and differentiating with respect to those.
    """
    linear = [isinstance(layer, nn.Linear) for layer in model.layers]

    def run(added: list[Any]) -> Any:
        value, places = x, iter(added)
        outputs: list[Any] = []
        for layer, is_linear in zip(model.layers, linear, strict=True):
            if is_linear and outputs:
                outputs[-1] = value
            value = layer(value)
            if is_linear:
                value = value + next(places)
                outputs.append(value)
        return nn.cross_entropy(value, y), (value, outputs)

    widths = [layer.bias.shape[0] for layer in model.layers if isinstance(layer, nn.Linear)]
    zeros = [np.zeros((len(x), n)) for n in widths]
    (loss, (scores, outputs)), deltas = ad.value_and_grad(run, has_aux=True)(zeros)
    return {
        "loss": loss,
        "share": nn.softmax(scores)[:, 1],
        "units": [np.mean(v, axis=0) for v in outputs],
        "deltas": [np.sqrt(np.sum(d * d, axis=0) * len(x)) for d in deltas],
    }


def _grid() -> Any:
    ticks = (np.arange(GRID) + 0.5) / GRID * 2 * EDGE - EDGE
    return np.stack(np.meshgrid(ticks, -ticks), axis=-1).reshape(-1, 2)


def _bytes(share: Any) -> list[int]:
    """Shares of 0 to 1 as 0 to 255; the middle where a share is no number."""
    found: list[int] = np.rint(np.nan_to_num(share, nan=0.5) * 255).astype(int).tolist()
    return found


def _number(x: Any) -> float | None:
    return float(x) if np.isfinite(x) else None


def _table(x: Any) -> list[list[float | None]]:
    return [[_number(v) for v in row] for row in x]


def describe() -> dict[str, Any]:
    """What may be chosen, and what is chosen first."""
    first = Settings()
    return {
        "problems": list(PROBLEMS),
        "activations": list(ACTIVATIONS),
        "optimizers": list(OPTIMIZERS),
        "most_layers": MOST_LAYERS,
        "most_units": MOST_UNITS,
        "first": {field.name: getattr(first, field.name) for field in fields(first)},
    }
