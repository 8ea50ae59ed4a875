"""The user's own derivative rules."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.custom_rules import PullbackRule, PushforwardRule, Rule
from adjoint.errors import NoDerivativeError, StructureError
from adjoint.graph.source import source_here
from adjoint.graph.types import type_of
from adjoint.primitives import control
from adjoint.trace.record import argument_payload, current, record_graph
from adjoint.trace.recorder import Recorder, TracedCore, innermost


class _Custom:
    """A function with a rule of the user's."""

    name = ""
    kind: type[Rule]

    def __new__(cls, function: Any = None, **settings: Any) -> Any:
        if function is None:  # a decorator with settings
            return functools.partial(cls, **settings)
        return super().__new__(cls)

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        nondiff_argnums: int | Sequence[int] = (),
        nondiff_argnames: str | Sequence[str] = (),
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        places = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else nondiff_argnums
        names = (nondiff_argnames,) if isinstance(nondiff_argnames, str) else nondiff_argnames
        self._settings = tuple(dict.fromkeys([*places, *map(self._place_of, names)]))
        self._rules: dict[Any, Rule] = {}
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
        if options or any(k >= len(args) for k in self._settings):
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

    def _place_of(self, name: str) -> int:
        known = list(inspect.signature(self.function).parameters)
        if name not in known:
            raise StructureError(
                "nondiff_argnames has a name that the function does not",
                function=self.name,
                source=source_here(),
                got=repr(name),
                wanted="one of " + ", ".join(known),
            )
        return known.index(name)

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

    def _concrete(self, recorder: Recorder, rule: Rule, operands: list[Any]) -> tuple[Any, int]:
        """Run on the payloads, so that code which is no NumPy at all gets plain arrays."""
        lower = [
            x.payload if isinstance(x, TracedCore) and x.recorder is recorder else x
            for x in operands
        ]
        if self.kind is PushforwardRule and innermost(lower) is not None:
            result = self(*tree.unflatten(rule.arguments, lower))
            payloads, rule.result = tree.flatten(result)
            n = len(payloads)
        else:
            payloads, n = rule.run(*lower)
        payloads = [x if hasattr(x, "dtype") else np.asarray(x)[()] for x in map(current, payloads)]
        types = tuple([type_of(x) for x in payloads])
        made = recorder.emit(control.custom_call, operands, (None, rule, types), payloads)
        return made, n

    def _abstract(self, rule: Rule, operands: list[Any]) -> tuple[Any, int]:
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
    A backward that is written in NumPy and linear in ``out_bar`` serves forward mode too, by its
    transpose, and has derivatives of its own: so have ``hessian`` and ``hvp`` of the function.

    Arguments in the places ``nondiff_argnums``, or with names in ``nondiff_argnames``, are
    settings of any kind: forward has them in their places, and
    ``backward(*settings, residuals, out_bar)`` gives the cotangents of the others.

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
    kind = PullbackRule

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
    ``rule(primals, tangents) -> (result, tangent)``. Arguments in the places
    ``nondiff_argnums``, or with names in ``nondiff_argnames``, are settings of any kind:
    ``rule(*settings, primals, tangents)`` has the others as primals.

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
    kind = PushforwardRule

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
