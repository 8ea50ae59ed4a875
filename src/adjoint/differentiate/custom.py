"""Derivatives of functions that have rules of the user's, and of their rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.differentiate.control import call_jvp, call_transpose, filled_bars, from_known
from adjoint.differentiate.linearize import control_jvps, solved_jvps
from adjoint.differentiate.transpose import Shares, control_transposes, unguarded
from adjoint.errors import NoDerivativeError
from adjoint.graph.graph import Node
from adjoint.graph.types import ArrayType
from adjoint.primitives import control, linear
from adjoint.trace.record import record_graph
from adjoint.trace.recorder import innermost
from adjoint.tree import structure


def load() -> None:
    """Fill the tables of rules."""
    control_jvps.update(callback=_callback_jvp)
    solved_jvps.update(
        custom_call=_custom_call_jvp,
        linear_callback=_linear_callback_jvp,
        pull_callback=_pull_callback_jvp,
    )
    control_transposes.update(
        custom_call=_custom_call_transpose,
        linear_callback=unguarded(_linear_callback_transpose),
    )


# *** the function itself ***


def _custom_call_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """The results move as the rule says; what the rule keeps for later moves as it was computed."""
    graph, rule = node.settings["graph"], node.settings["rule"]
    known = graph is None  # the values were, when it was called
    make = getattr(rule, "tangents_when_known", rule.tangents) if known else rule.tangents
    moved = list(make(primals, outputs, tangents))
    n, kept = len(moved), node.outputs[len(moved) :]
    if not any(v.type.is_differentiable for v in kept):
        return [*moved, *[None] * len(kept)]
    if known:
        return [*moved, *rule.tangents_of_kept(primals, outputs[n:], tangents)]
    try:
        forward = from_known(graph, graph.outputs[n:], ())
        call = Node(control.call, node.operands, (forward, ""), kept, node.source)
        return [*moved, *call_jvp(call, primals, outputs[n:], tangents)]
    except NoDerivativeError as refusal:
        # Most of the time nobody asks for it: the rule's pullback is not differentiated again.
        given = [t for t in tangents if t is not None]
        types = tuple([v.type for v in kept])
        refused = _Refused(refusal)
        return [
            *moved,
            *control.linear_callback(*given, function=refused, types=types, n_residuals=0),
        ]


class _Refused:
    """Stands for the pullback of what has no derivative."""

    def __init__(self, refusal: NoDerivativeError) -> None:
        self._refusal = refusal

    def __call__(self, *_: Any) -> Any:
        raise self._refusal


def _custom_call_transpose(
    node: Node,
    operands: Sequence[Any],
    bars: Sequence[Any],
    linear: Sequence[bool],
    guarded: Sequence[bool],
) -> Shares:
    """A function with a rule that a rule applies to tangents: what it does is linear."""
    if node.settings["graph"] is not None and not node.settings["rule"].knows_pullback:
        return call_transpose(node, operands, bars, linear, guarded)
    raise NoDerivativeError(
        "a function with a rule of its own is applied to tangents, where its code is not known",
        function="grad",
        source=node.source,
        remedy="write out in NumPy what the rule does with the tangents",
    )


def _callback_jvp(node: Node, primals: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
    if not any(v.type.is_differentiable for v in node.outputs):
        return [None] * len(node.outputs)
    raise NoDerivativeError(
        "a pure_callback has no derivative",
        function="grad",
        source=node.source,
        remedy="call it inside a function with ad.custom_vjp or ad.custom_jvp, or pass it "
        "ad.stop_gradient(x) if its derivative is not wanted",
    )


# *** a linear map known by its pullback only ***


def _linear_callback_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    push = getattr(node.settings["function"], "push", None)
    if push is None:
        raise NoDerivativeError(
            "the pullback of a custom_vjp cannot be differentiated as part of a graph",
            function="grad",
            source=node.source,
            remedy="define the rule with ad.custom_jvp, which has derivatives of every order",
        )
    return _tangents_of_code(node, push, primals, outputs, tangents)


def _linear_callback_transpose(
    node: Node, operands: Sequence[Any], bars: Sequence[Any], linear: Sequence[bool]
) -> Sequence[Any]:
    s = node.settings
    residuals = operands[: s["n_residuals"]]
    rest = operands[s["n_residuals"] :]
    types = tuple(x for x in rest if isinstance(x, ArrayType))
    bars = filled_bars(bars, node.outputs)
    results = control.pull_callback(*residuals, *bars, function=s["function"], types=types)
    return [None] * len(residuals) + list(results)


# *** what rules do, which is NumPy code ***


def _pull_callback_jvp(
    node: Node, primals: Sequence[Any], outputs: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    return _tangents_of_code(node, node.settings["function"], primals, outputs, tangents)


def _tangents_of_code(
    node: Node,
    function: Callable[..., Any],
    primals: Sequence[Any],
    outputs: Sequence[Any],
    tangents: Sequence[Any],
) -> Sequence[Any]:
    kinds = [o.type for o in node.operands]
    code = _of_types(function, node.settings["types"])
    recording = record_graph(code, kinds, structure((0.0,) * len(kinds)), "custom_vjp")
    call = Node(control.call, node.operands, (recording.graph, ""), node.outputs, node.source)
    still = [None] * len(recording.captured)
    return call_jvp(call, [*primals, *recording.captured], outputs, [*tangents, *still])


def _of_types(function: Callable[..., Any], types: Sequence[ArrayType]) -> Callable[..., Any]:
    def run(*leaves: Any) -> list[Any]:
        return [_of_type(y, t) for y, t in zip(function(*leaves), types, strict=True)]

    return run


def _of_type(y: Any, kind: ArrayType) -> Any:
    if innermost([y]) is None:
        y = np.asarray(y, kind.dtype)
    elif y.dtype != kind.dtype:
        y = linear.cast(y, dtype=kind.dtype)
    return np.broadcast_to(y, kind.shape)
