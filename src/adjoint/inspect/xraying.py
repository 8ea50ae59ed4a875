"""``xray``: what passes through a model, forward and back, on one batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import is_real_number, not_scalar
from adjoint.errors import StructureError
from adjoint.graph.graph import Node, Operand, Value
from adjoint.inspect.digits import norm, number
from adjoint.inspect.formulas import is_pointwise
from adjoint.inspect.provenance import Birth, born_backward, born_forward, is_bad, masked_births
from adjoint.inspect.recording import Cotangents, Pen, Recorded, backward, is_floating
from adjoint.inspect.report import Layer, Parameter, Report, flow_verdict
from adjoint.inspect.squashing import Interval, squashings
from adjoint.nn.context import apply
from adjoint.nn.module import parameters, with_leaves
from adjoint.nn.watching import watch

# Values between which an activation moves, by the primitive it ends in and by its name.
_RANGES = {
    "expit": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "erf": (-1.0, 1.0),
    "LeCunTanh": (-1.7159, 1.7159),
    "HardSigmoid": (0.0, 1.0),
    "HardTanh": (-1.0, 1.0),
    "Softsign": (-1.0, 1.0),
}
_EDGE = 0.02  # of the range: an output nearer to its end than this counts as saturated
_MAY_UNDERFLOW = {"exp", "exp2", "expit"}
_MOST_NOTES = 8


@dataclass(frozen=True)
class _Call:
    """A layer's call, as it was watched."""

    path: str
    kind: str
    place: int
    owns: bool  # parameters of its own
    position: int  # in the record


def xray(
    model: Any,
    loss: Callable[..., Any],
    X: Any,
    y: Any,
    *,
    rate: float = 1e-3,
    training: bool = False,
    seed: int = 0,
) -> Report:
    """Look at one forward and backward pass of a model, layer by layer.

    Args:
        model: a module, or any callable dataclass of arrays.
        loss: called as ``loss(model(X), y)``; returns one number.
        X: a batch of inputs, the batch along the first axis; a tuple is spread over the model's
            arguments, as in :func:`adjoint.fit`.
        y: its targets.
        rate: of gradient descent, for the ratio of update to parameter.
        training: whether layers behave as in training (dropout draws with ``seed``).
        seed: see ``training``.

    Returns:
        The report: ``.text()``, ``.to_html(path)``, ``.figure()``, and the figures themselves
        in ``.layers``, ``.parameters``, ``.birth`` and ``.notes``.

    Raises:
        StructureError: the model has no parameters.
        NonScalarOutputError: the loss is not one real number.

    >>> from adjoint import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    >>> report = xray(model, nn.mean_squared_error, np.ones((4, 2)), np.ones((4, 1)))
    >>> [layer.path for layer in report.layers]
    ['layers[0]', 'layers[1]', 'layers[2]']
    """
    weights = parameters(model)
    if not weights or not callable(model):
        raise StructureError(
            "there is nothing to look at: a callable model with parameters is wanted",
            function="xray",
            got=type(model).__name__,
            remedy="for a plain function use ad.explain(f, *args) or inspect.find_nan",
        )
    pen = Pen("xray")
    calls: list[_Call] = []

    def call(leaves: list[Any], X: Any, y: Any) -> Any:
        seen = _Eye(pen, calls)
        whole = with_leaves(model, dict(zip(weights, leaves, strict=True)))
        watched = watch(whole, seen, entered=seen.enter)
        inputs = X if isinstance(X, tuple) else (X,)
        output = (
            apply(watched, *inputs, training=True, key=seed)[0] if training else watched(*inputs)
        )
        seen.add_functions()
        return loss(output, y)

    names = list(weights)
    for label, argument in (("X", X), ("y", y)):
        pairs = zip(tree.paths(argument), tree.leaves(argument), strict=True)
        names += [f"{label}{path}" for path, leaf in pairs if is_floating(leaf)]
    targets = sum(map(is_floating, tree.leaves(y)))
    moving = [i < len(names) - targets for i in range(len(names))]
    run = pen.record(call, (list(weights.values()), X, y), moving)
    results = [run.value(o) for o in run.results]
    if len(results) != 1 or not is_real_number(results[0]):
        raise not_scalar(loss, results)
    one = np.ones((), np.asarray(results[0]).dtype)[()]
    flow = backward(run, [one], shares=False)
    batch = next((len(x) for x in tree.leaves(X) if np.ndim(x)), None)
    layers = list(_layers(run, flow, calls))
    return Report(
        title=f"{type(model).__name__}, {getattr(loss, '__name__', 'loss')}",
        loss=float(results[0]),
        batch=batch,
        rate=rate,
        layers=tuple(layers),
        parameters=tuple(_parameters(run, flow, names[: len(weights)], rate)),
        flow=flow_verdict(layers),
        birth=_birth(run, flow, names, one, batch),
        masked=tuple(masked_births(run)) if not is_bad(results[0]) else (),
        notes=tuple(_notes(run, flow)),
    )


class _Eye:
    """Notes the calls of a model while it is recorded."""

    def __init__(self, pen: Pen, calls: list[_Call]) -> None:
        self._pen = pen
        self._calls = calls
        self._records = pen.recorder.records
        self._open: list[int] = []
        self._intervals: list[Interval] = []

    def enter(self) -> None:
        """A module is about to be called."""
        self._open.append(len(self._records))

    def __call__(self, path: str, layer: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """A module has been called."""
        start, stop = self._open.pop(), len(self._records)
        inner = f"{path}." if path else ""
        is_leaf = not any(call.path.startswith(inner) for call in self._calls)
        is_ours = type(layer).__module__.startswith("adjoint.")
        self._intervals.append(Interval(path, start, stop, is_leaf and is_ours))
        # A layer that calls others is shown through them.
        place = self._pen.watch(next(iter(tree.leaves(output)), None)) if is_leaf else None
        if place is not None:
            kind = getattr(layer, "name", None)
            kind = kind if isinstance(kind, str) else type(layer).__name__
            self._calls.append(_Call(path, kind, place, bool(parameters(layer)), stop))
        return output

    def add_functions(self) -> None:
        """Activations that layers of the user's call as functions are rows of their own."""
        shown = {self._pen.watched[call.place] for call in self._calls if not call.owns}
        for position, value, path, kind in squashings(self._pen.recorder, self._intervals):
            if value not in shown:
                self._pen.watched.append(value)
                place = len(self._pen.watched) - 1
                self._calls.append(_Call(path, kind, place, False, position + 1))
        self._calls.sort(key=lambda call: call.position)


def _birth(
    run: Recorded, flow: Cotangents, names: Sequence[str], one: Any, batch: int | None
) -> Birth | None:
    found = born_forward(run, names, batch)
    if found is None and any(is_bad(x) for x in flow.total.values()):
        found = born_backward(run, backward(run, [one]), batch)
    return found


# *** layers and parameters ***


def _layers(run: Recorded, flow: Cotangents, calls: Sequence[_Call]) -> Iterator[Layer]:
    makers = {value: node for node in run.graph.nodes for value in node.outputs}
    times: dict[str, int] = {}
    channels_second = 0  # rank of what a convolution last gave; its units stand second
    for call in calls:
        operand = run.watched[call.place]
        out = np.asarray(run.value(operand))
        times[call.path] = times.get(call.path, 0) + 1
        again = f" ({times[call.path]})" if times[call.path] > 1 else ""
        if "Conv" in call.kind:
            channels_second = out.ndim
        axis = 1 if out.ndim == channels_second else out.ndim - 1
        maker = makers.get(operand) if isinstance(operand, Value) else None
        is_activation = maker is not None and is_pointwise(maker) and not call.owns
        delta = flow.total.get(operand) if isinstance(operand, Value) else None
        yield _layer(call, again, out, axis, delta, maker if is_activation else None)


def _layer(
    call: _Call, again: str, out: Any, axis: int, delta: Any, activation: Node | None
) -> Layer:
    finite = out[np.isfinite(out)] if out.dtype.kind in "fc" else out
    real = np.abs(finite) if np.iscomplexobj(finite) else finite.astype(np.float64)
    empty = real.size == 0
    dead = None
    if activation is not None and out.ndim >= 2 and out.size:
        others = tuple(i for i in range(out.ndim) if i != axis)
        dead = int((out == 0).all(axis=others).sum())
    return Layer(
        path=(call.path or "(model)") + again,
        kind=call.kind,
        owns=call.owns,
        shape=out.shape,
        mean=np.nan if empty else float(real.mean()),
        std=np.nan if empty else float(real.std()),
        low=np.nan if empty else float(real.min()),
        high=np.nan if empty else float(real.max()),
        zeros=float((out == 0).mean()) if out.size else 0.0,
        saturated=_saturated(call.kind, real, activation),
        dead=dead,
        units=out.shape[axis] if out.ndim >= 2 else out.size,
        delta=_rms(delta) if delta is not None else np.nan,
        bad=int(out.size - finite.size),
        bad_delta=0 if delta is None else _count_bad(delta),
    )


def _saturated(kind: str, out: Any, activation: Node | None) -> float | None:
    if activation is None or not out.size:
        return None
    bounds = _RANGES.get(kind) or _RANGES.get(activation.primitive.name)
    if bounds is None:
        return None
    low, high = bounds
    edge = _EDGE * (high - low)
    ends = (out < low + edge) | (out > high - edge)
    return float(ends.mean())


def _parameters(
    run: Recorded, flow: Cotangents, names: Sequence[str], rate: float
) -> Iterator[Parameter]:
    for name, value, leaf in zip(names, run.graph.inputs, run.leaves, strict=False):
        gradient = flow.total[value]
        size, slope = norm(leaf), norm(gradient)
        yield Parameter(
            path=name,
            shape=np.shape(leaf),
            norm=size,
            gradient=slope,
            ratio=rate * slope / size if size else np.nan,
            bad=_count_bad(leaf),
            bad_gradient=_count_bad(gradient),
        )


def _rms(x: Any) -> float:
    return norm(x) / math.sqrt(max(np.size(x), 1))


def _count_bad(x: Any) -> int:
    x = np.asarray(x)
    return int((~np.isfinite(x)).sum()) if x.dtype.kind in "fc" else 0


# *** numbers at the ends of their range ***


def _notes(run: Recorded, flow: Cotangents) -> Iterator[str]:
    count = 0
    for node in run.graph.nodes:
        for value in node.outputs:
            for text in _range_notes(node, value, run, flow):
                count += 1
                if count <= _MOST_NOTES:
                    yield f"{text}\n  at {node.source}" if node.source else text
    if count > _MOST_NOTES:
        yield f"and {count - _MOST_NOTES} more of this kind"


def _range_notes(node: Node, value: Value, run: Recorded, flow: Cotangents) -> Iterator[str]:
    if not value.type.is_differentiable or not value.type.size:
        return
    name, out = node.primitive.name, np.abs(run.values[value])
    info = np.finfo(value.type.dtype)
    finite = out[np.isfinite(out)] if np.ndim(out) else np.asarray(out)[np.isfinite(out)]
    peak = float(finite.max(initial=0.0))
    # Said once, where it begins: a value made of such values is no news.
    begins = value in run.active and not any(
        _near_overflow(o, run) for o in node.operands if o in run.active
    )
    if begins and peak > math.sqrt(info.max):
        yield f"near overflow: {name} reaches {number(peak, 3)}; its square is no {info.dtype}"
    if name in _MAY_UNDERFLOW:
        lost = int(((out == 0) & np.isfinite(run.value(node.operands[0]))).sum())
        if lost:
            yield f"underflow: {name} gives 0 in {lost} of {value.type.size} elements"
    tiny = int(((finite > 0) & (finite < float(info.tiny))).sum())
    if tiny:
        yield f"underflow: {tiny} of {value.type.size} values of {name} are subnormal"
    delta = flow.total.get(value)
    if delta is not None:
        size = np.abs(delta)
        tiny = int(((size > 0) & (size < float(info.tiny))).sum())
        if tiny:
            yield f"underflow: {tiny} of {value.type.size} cotangents of {name} are subnormal"


def _near_overflow(operand: Operand, run: Recorded) -> bool:
    x = np.abs(np.asarray(run.value(operand)))
    if x.dtype.kind != "f":
        return False
    x = x[np.isfinite(x)]
    return float(x.max(initial=0.0)) > math.sqrt(np.finfo(x.dtype).max)
