"""What a function with a rule of the user's leaves in the graph, and what follows from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import described
from adjoint.errors import ConcreteValueError, NoDerivativeError, StructureError
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
        self.selected: dict[tuple[_Active, ...], Callable[..., Any]] = {}

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
        results = control.linear_callback(
            *outputs[n:],
            *[incoming[i] for i, _ in active],
            function=self._pull(active),
            types=tuple([type_of(x) for x in outputs[:n]]),
            n_residuals=len(outputs) - n,
        )
        kept = tuple([type_of(x) for x in outputs[n:]])
        if not any(t.is_differentiable for t in kept):
            return list(results)
        # Nobody knows how the residuals move: asking for it is refused, not answered by 0.
        moved = control.linear_callback(
            *[incoming[i] for i, _ in active], function=_refuse, types=kept, n_residuals=0
        )
        return [*results, *moved]

    def _pull(self, active: tuple[_Active, ...]) -> Callable[..., Any]:
        if active not in self.selected:
            self.selected[active] = functools.partial(self._backward, active)
        return self.selected[active]

    def _backward(self, active: tuple[_Active, ...], *leaves: Any) -> list[Any]:
        n = self.residuals.num_leaves
        residuals = tree.unflatten(self.residuals, leaves[:n])
        out_bar = tree.unflatten(self.result, leaves[n:])
        bars = self.owner.backward(residuals, out_bar)
        wanted = self.arguments.num_children
        if not isinstance(bars, tuple | list) or len(bars) != wanted:
            raise StructureError(
                "the backward rule must return a tuple with one cotangent for each argument",
                function="custom_vjp",
                got=f"{len(bars)} values" if isinstance(bars, tuple | list) else described(bars),
                wanted=str(wanted),
            )
        filled = _filled(bars, self.arguments)
        return [
            zeros(kind) if filled[i] is None else _of_type(filled[i], kind, "custom_vjp")
            for i, kind in active
        ]


def _refuse(*_: Any) -> Any:
    raise NoDerivativeError(
        "the residuals of a custom_vjp inside checkpoint or a loop have no derivative",
        function="custom_vjp",
        remedy="define the rule with ad.custom_jvp, which has derivatives of every order",
    )


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
