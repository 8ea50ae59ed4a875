"""What a function with a rule of the user's leaves in the graph, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import described
from adjoint.differentiate.control import from_known
from adjoint.differentiate.linearize import linearize
from adjoint.differentiate.replay import replay
from adjoint.differentiate.transpose import reached, transpose
from adjoint.errors import (
    ConcreteValueError,
    ConversionError,
    NoDerivativeError,
    StructureError,
)
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives import control
from adjoint.primitives.infer import zeros
from adjoint.trace.record import record_graph

_Active = tuple[int, ArrayType]  # which leaf of the arguments is differentiated, and its type


class Rule:
    """What a custom call leaves in the graph: hashable, one for each tree structure."""

    knows_pullback = False

    def __init__(self, owner: Any, arguments: tree.TreeDef) -> None:
        self.owner = owner
        self.arguments = arguments
        self.result: Any = None  # structures, known after the first run
        self.residuals: Any = None
        self.selected: dict[Any, Callable[..., Any]] = {}

    def tangents(
        self, primals: Sequence[Any], outputs: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        """Tangents of the results; of incoming ones None is zero."""
        raise NotImplementedError

    def run(self, *leaves: Any) -> tuple[list[Any], int]:
        """Results and residuals as leaves, and how many are results."""
        raise NotImplementedError


class PullbackRule(Rule):
    """Of a custom_vjp."""

    knows_pullback = True

    def run(self, *leaves: Any) -> tuple[list[Any], int]:
        """Run the function, and keep the structures."""
        result = self.owner.forward(*tree.unflatten(self.arguments, leaves))
        if not isinstance(result, tuple) or len(result) != 2:
            raise StructureError(
                "the forward rule must return a pair (result, residuals)",
                function="custom_vjp",
                source=source_here(),
                got=described(result),
            )
        outputs, self.result = tree.flatten(result[0])
        residuals, self.residuals = tree.flatten(result[1])
        return outputs + residuals, len(outputs)

    def tangents(
        self, primals: Sequence[Any], outputs: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        """Tangents of the results; of incoming ones None is zero."""
        n = self.result.num_leaves
        active = tuple([(i, type_of(t)) for i, t in enumerate(incoming) if t is not None])
        types = tuple([type_of(x) for x in outputs[:n]])
        results: Sequence[Any] = control.linear_callback(
            *outputs[n:],
            *[incoming[i] for i, _ in active],
            function=self._made(_Pullback, active, types),
            types=types,
            n_residuals=len(outputs) - n,
        )
        return list(results)

    def tangents_of_kept(
        self, primals: Sequence[Any], kept: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        """How what the pullback needs moves: the forward rule is asked again, if anybody asks."""
        active = tuple([(i, type_of(t)) for i, t in enumerate(incoming) if t is not None])
        types = tuple([type_of(x) for x in kept])
        results: Sequence[Any] = control.linear_callback(
            *primals,
            *[incoming[i] for i, _ in active],
            function=self._made(_ForwardAgain, active, types),
            types=types,
            n_residuals=len(primals),
        )
        return results

    def _made(
        self, kind: Callable[..., Any], active: tuple[_Active, ...], types: tuple[ArrayType, ...]
    ) -> Any:
        key = kind, active, types
        if key not in self.selected:
            self.selected[key] = kind(self, active, types)
        return self.selected[key]


class _Pullback:
    """The user's pullback as a map of leaves, and the pushforward that it is the transpose of."""

    def __init__(
        self, rule: PullbackRule, active: tuple[_Active, ...], types: tuple[ArrayType, ...]
    ) -> None:
        self._rule, self._active, self._types = rule, active, types

    def __call__(self, *leaves: Any) -> list[Any]:
        """Cotangents of the active arguments, of residuals and those of the results."""
        rule = self._rule
        n = rule.residuals.num_leaves
        residuals = tree.unflatten(rule.residuals, leaves[:n])
        out_bar = tree.unflatten(rule.result, leaves[n:])
        bars = rule.owner.backward(residuals, out_bar)
        wanted = rule.arguments.num_children
        if not isinstance(bars, tuple | list) or len(bars) != wanted:
            raise StructureError(
                "the backward rule must return a tuple with one cotangent for each argument",
                function="custom_vjp",
                got=f"{len(bars)} values" if isinstance(bars, tuple | list) else described(bars),
                wanted=str(wanted),
            )
        filled = _filled(bars, rule.arguments)
        return [
            zeros(kind) if filled[i] is None else _of_type(filled[i], kind, "custom_vjp")
            for i, kind in self._active
        ]

    def push(self, *leaves: Any) -> list[Any]:
        """Tangents of the results, of residuals and tangents: the transpose of the pullback.

        Raises:
            NoDerivativeError: if the pullback is no NumPy code, or is not linear.
        """
        n = self._rule.residuals.num_leaves
        kinds = [*map(type_of, leaves[:n]), *self._types]
        try:
            recording = record_graph(self, kinds, tree.structure((0.0,) * len(kinds)), "custom_vjp")
        except (ConcreteValueError, ConversionError) as error:
            raise _no_pushforward("its pullback is not written in NumPy") from error
        graph, tangents = recording.graph, leaves[n:]
        bars = graph.inputs[n : n + len(self._types)]
        marks = [v in bars for v in graph.inputs]
        linear = linearize(graph, marks)
        again = from_known(graph, linear.residuals, ())
        if any(reached(again, marks)):
            raise _no_pushforward("its pullback is not linear in the cotangents")
        read = replay(again, [*leaves[:n], *map(zeros, self._types), *recording.captured])
        back = transpose(linear.graph, [False] * len(read) + [True] * len(bars))
        return list(replay(back, [*read, *[tangents[i] for i in linear.active_outputs]]))


def _no_pushforward(reason: str) -> NoDerivativeError:
    return NoDerivativeError(
        f"a function with a custom pullback has no forward-mode derivative here: {reason}",
        function="jvp",
        source=source_here(),
        remedy="use reverse mode (grad, vjp), or define the rule with ad.custom_jvp",
    )


class _ForwardAgain:
    """How what a forward rule keeps moves, backward and forward."""

    def __init__(
        self, rule: PullbackRule, active: tuple[_Active, ...], types: tuple[ArrayType, ...]
    ) -> None:
        self._rule, self._active, self._types = rule, active, types

    def _kept(self, primals: Sequence[Any]) -> Callable[..., list[Any]]:
        def kept(*moving: Any) -> list[Any]:
            leaves = list(primals)
            for (i, _), x in zip(self._active, moving, strict=True):
                leaves[i] = x
            outputs, n = self._rule.run(*leaves)
            return self._moving(outputs[n:])

        return kept

    def _moving(self, leaves: Sequence[Any]) -> list[Any]:
        return [x for x, t in zip(leaves, self._types, strict=True) if t.is_differentiable]

    def __call__(self, *leaves: Any) -> list[Any]:
        """Cotangents of the active arguments, of all arguments and the cotangents of the kept."""
        from adjoint.api.gradients import vjp

        n = self._rule.arguments.num_leaves
        at = [leaves[i] for i, _ in self._active]
        _, pullback = vjp(self._kept(leaves[:n]), *at)
        return list(pullback(self._moving(leaves[n:])))

    def push(self, *leaves: Any) -> list[Any]:
        """Tangents of the kept, of all arguments and the tangents of the active ones."""
        from adjoint.api.gradients import jvp

        n = self._rule.arguments.num_leaves
        at = [leaves[i] for i, _ in self._active]
        _, dots = jvp(self._kept(leaves[:n]), at, list(leaves[n:]))
        rest = iter(dots)
        return [next(rest) if t.is_differentiable else zeros(t) for t in self._types]


def _filled(bars: Sequence[Any], arguments: tree.TreeDef) -> list[Any]:
    """Cotangent leaves; None for those of an argument, or a part of one, that is None."""
    leaves: list[Any] = []
    for bar, child in zip(bars, arguments.children(), strict=True):
        found, structure = tree.flatten(bar)
        if bar is None:
            found = [None] * child.num_leaves
        elif structure != child and _has_gaps(bar) and len(tree.children(bar) or ()):
            parts = tree.children(bar) or []
            if len(parts) != child.num_children:
                tree.check_same(child, structure, "custom_vjp")
            found = _filled(parts, child)
        else:
            tree.check_same(child, structure, "custom_vjp")
        leaves += found
    return leaves


def _has_gaps(bar: Any) -> bool:
    """Whether None stands somewhere in a tree."""
    return bar is None or any(map(_has_gaps, tree.children(bar) or ()))


def _of_type(x: Any, kind: ArrayType, name: str) -> Any:
    """What a rule gave for a value of this type, refused if it has another shape."""
    if np.shape(x) == kind.shape:
        return x
    if np.size(x) == kind.size == 1:
        return np.reshape(x, kind.shape)
    raise StructureError(
        "the rule gives a derivative of another shape than the value it belongs to",
        function=name,
        source=source_here(),
        got=described(x),
        wanted=str(kind),
    )


class PushforwardRule(Rule):
    """Of a custom_jvp."""

    def __init__(self, owner: Any, arguments: tree.TreeDef) -> None:
        super().__init__(owner, arguments)
        self._asked: dict[Any, _AskedAgain | None] = {}

    def run(self, *leaves: Any) -> tuple[list[Any], int]:
        """Run the function, and keep the structures."""
        result = self.owner.function(*tree.unflatten(self.arguments, leaves))
        outputs, self.result = tree.flatten(result)
        return outputs, len(outputs)

    def tangents(
        self, primals: Sequence[Any], outputs: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        """Tangents of the results; of incoming ones None is zero."""
        given = [t is not None for t in incoming]
        kinds = [type_of(x) for x in outputs]
        return self._moved(primals, [t for t in incoming if t is not None], given, kinds)

    def tangents_when_known(
        self, primals: Sequence[Any], outputs: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        """The same for a run whose values are known: then the rule may decide on them.

        Programs are made once for all runs of a structure. So a rule that decides is asked
        again, by forward and by reverse mode, whenever the program runs.
        """
        given = tuple([t is not None for t in incoming])
        kinds = tuple([type_of(x) for x in outputs])
        moving = tuple([type_of(x) for x in primals])
        key = given, kinds, moving
        if key not in self._asked:
            asked = _AskedAgain(self, given, kinds, moving)
            self._asked[key] = asked if asked.decides() else None
        found = self._asked[key]
        if found is None:
            return self.tangents(primals, outputs, incoming)
        results: Sequence[Any] = control.linear_callback(
            *primals,
            *[t for t in incoming if t is not None],
            function=found,
            types=kinds,
            n_residuals=len(primals),
        )
        return results

    def _moved(
        self, primals: Sequence[Any], dots: Sequence[Any], given: Any, kinds: Any
    ) -> list[Any]:
        rest = iter(dots)
        filled = [
            next(rest) if flag else zeros(type_of(x))
            for x, flag in zip(primals, given, strict=True)
        ]
        pair = self.owner.rule(
            tree.unflatten(self.arguments, primals), tree.unflatten(self.arguments, filled)
        )
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise StructureError(
                "the rule must return a pair (result, tangent)",
                function="custom_jvp",
                got=described(pair),
            )
        leaves, structure = tree.flatten(pair[1])
        tree.check_same(self.result, structure, "custom_jvp")
        return [_of_type(dot, kind, "custom_jvp") for dot, kind in zip(leaves, kinds, strict=True)]


class _AskedAgain:
    """The pullback, and the pushforward, of a rule that decides on values."""

    def __init__(self, rule: PushforwardRule, given: Any, kinds: Any, primals: Any) -> None:
        self._rule, self._given, self._kinds, self._primals = rule, given, kinds, primals
        self._dots = [kind for kind, flag in zip(primals, given, strict=True) if flag]

    def decides(self) -> bool:
        """Whether the rule cannot be recorded without its values."""
        types = [*self._primals, *self._dots]
        try:
            record_graph(self.push, types, tree.structure((0.0,) * len(types)), "custom_jvp")
        except ConcreteValueError:
            return True
        return False

    def push(self, *leaves: Any) -> list[Any]:
        """Tangents of the results, of primals and tangents."""
        n = len(self._primals)
        return self._rule._moved(leaves[:n], leaves[n:], self._given, self._kinds)

    def __call__(self, *leaves: Any) -> list[Any]:
        """Cotangents, of primals and the cotangents of the results."""
        from adjoint.api.gradients import vjp

        n = len(self._primals)
        still = [np.zeros(kind.shape, kind.dtype) for kind in self._dots]
        _, pullback = vjp(lambda *dots: self.push(*leaves[:n], *dots), *still)
        return list(pullback(list(leaves[n:])))
