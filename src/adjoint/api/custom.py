"""The user's own derivative rules."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import described
from adjoint.errors import NoDerivativeError, StructureError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives import control
from adjoint.primitives.infer import zeros
from adjoint.trace.record import argument_payload, current, record_graph
from adjoint.trace.recorder import Recorder, TracedCore, innermost

_Active = tuple[int, ArrayType]  # which leaf of the arguments is differentiated, and its type


class _Rule:
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
        raise NotImplementedError

    def run(self, *leaves: Any) -> tuple[list[Any], int]:
        """Results and residuals as leaves, and how many are results."""
        raise NotImplementedError


class _PullbackRule(_Rule):
    knows_pullback = True

    def run(self, *leaves: Any) -> tuple[list[Any], int]:
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


class _PushforwardRule(_Rule):
    def run(self, *leaves: Any) -> tuple[list[Any], int]:
        result = self.owner.function(*tree.unflatten(self.arguments, leaves))
        outputs, self.result = tree.flatten(result)
        return outputs, len(outputs)

    def tangents(
        self, primals: Sequence[Any], outputs: Sequence[Any], incoming: Sequence[Any]
    ) -> Sequence[Any]:
        dots = [
            zeros(type_of(x)) if t is None else t for x, t in zip(primals, incoming, strict=True)
        ]
        pair = self.owner.rule(
            tree.unflatten(self.arguments, primals), tree.unflatten(self.arguments, dots)
        )
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise StructureError(
                "the rule must return a pair (result, tangent)",
                function="custom_jvp",
                got=described(pair),
            )
        leaves, structure = tree.flatten(pair[1])
        tree.check_same(self.result, structure, "custom_jvp")
        return [
            _of_type(dot, type_of(x), "custom_jvp") for dot, x in zip(leaves, outputs, strict=True)
        ]


class _Custom:
    """A function with a rule of the user's."""

    name = ""
    kind: type[_Rule]

    def __new__(cls, function: Any = None, *, nondiff_argnums: int | Sequence[int] = ()) -> Any:
        if function is None:  # a decorator with settings
            return functools.partial(cls, nondiff_argnums=nondiff_argnums)
        return super().__new__(cls)

    def __init__(
        self, function: Callable[..., Any], *, nondiff_argnums: int | Sequence[int] = ()
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        places = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else nondiff_argnums
        self._settings = tuple(places)
        self._rules: dict[Any, _Rule] = {}
        self._running = threading.local()

    def __reduce__(self) -> str:
        return str(vars(self)["__qualname__"])  # copied and pickled as functions are

    def defined(self) -> bool:
        raise NotImplementedError

    def _with_settings(self, settings: tuple[Any, ...], join: Callable[..., Any]) -> Any:
        """The function of its other arguments, with its rule."""
        raise NotImplementedError

    def _without_settings(self, args: tuple[Any, ...]) -> Any:
        """Call the function of the arguments that are differentiated."""
        places = [k % len(args) for k in self._settings]
        settings = tuple([args[k] for k in places])
        if innermost(tree.leaves(settings)) is not None:
            raise StructureError(
                "an argument named in nondiff_argnums is under recording: its derivative would "
                "be lost",
                function=self.name,
                source=source_here(),
                remedy="leave it out of nondiff_argnums, and give it the cotangent or tangent 0",
            )

        def join(rest: Sequence[Any]) -> list[Any]:
            others = iter(rest)
            known = dict(zip(places, settings, strict=True))
            return [known[k] if k in known else next(others) for k in range(len(args))]

        made = self._with_settings(settings, join)
        made._running = self._running  # its rule may call this function
        return made(*[x for k, x in enumerate(args) if k not in places])

    def __call__(self, *args: Any, **options: Any) -> Any:
        if options:
            args = self._in_order(args, options)
        leaves, structure = tree.flatten(args)
        recorder = innermost(leaves)
        if recorder is None or recorder is getattr(self._running, "recorder", None):
            # A forward rule may call the function that it is the rule of.
            return self.function(*args)
        if not self.defined():
            raise NoDerivativeError(
                f"{self.function.__name__} has no rule yet",
                function=self.name,
                source=source_here(),
                remedy="define it with .defvjp(forward, backward)"
                if self.name == "custom_vjp"
                else "define it with .defjvp(rule)",
            )
        if self._settings:
            return self._without_settings(args)
        rule = self._rules.get(structure)
        if rule is None:
            rule = self._rules[structure] = self.kind(self, structure)
        operands = [argument_payload(x, self.name)[0] for x in leaves]
        if recorder.concrete:
            outputs, n = self._concrete(recorder, rule, operands)
        else:
            outputs, n = self._abstract(rule, operands)
        return tree.unflatten(rule.result, outputs[:n])

    def _in_order(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
        """Arguments given by name where rules have them: in the order of the signature."""
        bound = inspect.signature(self.function).bind(*args, **options)
        bound.apply_defaults()
        if bound.kwargs:
            raise StructureError(
                "an argument that has a name alone has no place in a rule",
                function=self.name,
                source=source_here(),
                got=", ".join(bound.kwargs),
                remedy="give it a place in the signature: def f(x, scale=1.0)",
            )
        return bound.args

    def _concrete(self, recorder: Recorder, rule: _Rule, operands: list[Any]) -> tuple[Any, int]:
        """Run on the payloads, so that code which is no NumPy at all gets plain arrays."""
        lower = [
            x.payload if isinstance(x, TracedCore) and x.recorder is recorder else x
            for x in operands
        ]
        if self.kind is _PushforwardRule and innermost(lower) is not None:
            result = self(*tree.unflatten(rule.arguments, lower))
            payloads, rule.result = tree.flatten(result)
            n = len(payloads)
        else:
            payloads, n = rule.run(*lower)
        payloads = [x if hasattr(x, "dtype") else np.asarray(x)[()] for x in map(current, payloads)]
        types = tuple([type_of(x) for x in payloads])
        made = recorder.emit(control.custom_call, operands, (None, rule, types), payloads)
        return made, n

    def _abstract(self, rule: _Rule, operands: list[Any]) -> tuple[Any, int]:
        counts: list[int] = []

        def run(*leaves: Any) -> list[Any]:
            before = getattr(self._running, "recorder", None)
            self._running.recorder = innermost(leaves)
            try:
                outputs, n = rule.run(*leaves)
            finally:
                self._running.recorder = before
            counts.append(n)
            return outputs

        types = [type_of(x) for x in operands]
        recording = record_graph(run, types, tree.structure((0.0,) * len(types)), self.name)
        if recording.captured:
            raise StructureError(
                "a function with a custom rule uses arrays from outside",
                function=self.name,
                source=source_here(),
                remedy="pass them as arguments",
            )
        graph = recording.graph
        outputs = control.custom_call(*operands, graph=graph, rule=rule, types=graph.output_types)
        return outputs, counts[0]


class custom_vjp(_Custom):  # noqa: N801  # used as a decorator, like a function
    """A function with the user's own pullback.

    The function itself is never looked into, so it may call C or another library.

    Define the rule with ``f.defvjp(forward, backward)``:
    ``forward(*args) -> (result, residuals)`` and
    ``backward(residuals, out_bar) -> tuple of cotangents``, None for zero.

    Arguments in the places ``nondiff_argnums`` are settings of any kind: forward has them in their
    places, and ``backward(*settings, residuals, out_bar)`` gives the cotangents of the others.

    >>> import numpy as np
    >>> @custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, bar: (np.clip(bar, -1.0, 1.0),))
    >>> from adjoint import grad
    >>> grad(lambda x: 5.0 * clipped(x))(2.0)
    1.0
    """

    name = "custom_vjp"
    kind = _PullbackRule

    def _with_settings(self, settings: tuple[Any, ...], join: Callable[..., Any]) -> Any:
        made = custom_vjp(lambda *rest: self.function(*join(rest)))
        made.defvjp(
            lambda *rest: self.forward(*join(rest)),
            lambda residuals, out_bar: self.backward(*settings, residuals, out_bar),
        )
        return made

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the two halves of the rule."""
        self._rules = {}  # derivative programs made with an earlier rule are not found again
        self.forward, self.backward = forward, backward

    def defined(self) -> bool:
        """Whether the rule has been set."""
        return hasattr(self, "forward")


class custom_jvp(_Custom):  # noqa: N801  # used as a decorator, like a function
    """A function with the user's own pushforward; reverse mode is its transpose.

    Define the rule with ``f.defjvp(rule)``, written in NumPy and linear in the tangents:
    ``rule(primals, tangents) -> (result, tangent)``. Arguments in the places ``nondiff_argnums``
    are settings of any kind: ``rule(*settings, primals, tangents)`` has the others as primals.

    >>> import numpy as np
    >>> @custom_jvp
    ... def softplus(x):
    ...     return np.logaddexp(x, 0.0)
    >>> @softplus.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (x_dot,) = primals, tangents
    ...     return softplus(x), x_dot / (1.0 + np.exp(-x))
    >>> from adjoint import grad
    >>> grad(softplus)(0.0)
    0.5
    """

    name = "custom_jvp"
    kind = _PushforwardRule

    def _with_settings(self, settings: tuple[Any, ...], join: Callable[..., Any]) -> Any:
        made = custom_jvp(lambda *rest: self.function(*join(rest)))
        made.defjvp(lambda primals, tangents: self.rule(*settings, primals, tangents))
        return made

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule; also a decorator."""
        self._rules = {}  # derivative programs made with an earlier rule are not found again
        self.rule = rule
        return rule

    def defined(self) -> bool:
        """Whether the rule has been set."""
        return hasattr(self, "rule")
