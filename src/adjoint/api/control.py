"""Control flow that stays rolled: scan, while_loop, cond."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np

from adjoint import tree
from adjoint.api.asked import described, function_wanted
from adjoint.errors import StructureError
from adjoint.graph.graph import Graph, Value
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives import control
from adjoint.primitives.sweeps import scan_sweeps
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import Recording, argument_payload, record_graph
from adjoint.trace.recorder import TracedCore


class Around(Protocol):
    """Whoever must carry something of its own through code that is recorded apart.

    The state of layers in training is such a thing. Each method stands for the function beside
    it, and calls that with functions of its own.
    """

    def scan(self, f: Any, init: Any, xs: Any, *settings: Any) -> tuple[Any, Any]:
        """For :func:`rolled_scan`."""

    def while_loop(self, condition: Any, body: Any, init: Any) -> Any:
        """For :func:`rolled_while`."""

    def cond(self, which: Any, on_true: Any, on_false: Any, *args: Any) -> Any:
        """For :func:`recorded_cond`."""

    def call(self, transform: Callable[[Any], Any], f: Any, *args: Any) -> Any:
        """For ``transform(f)(*args)``, which runs f once."""


around: ContextVar[Around | None] = ContextVar("around", default=None)


def _operands(x: Any, name: str) -> tuple[list[Any], tree.TreeDef]:
    leaves, structure = tree.flatten(x)
    return [argument_payload(leaf, name)[0] for leaf in leaves], structure


def _types(operands: Sequence[Any]) -> list[ArrayType]:
    return [type_of(x) for x in operands]


def _with_captured_first(recording: Recording, n_given: int) -> Graph:
    graph = recording.graph
    inputs = graph.inputs[n_given:] + graph.inputs[:n_given]
    return Graph(inputs, graph.nodes, graph.outputs)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None = None,
    reverse: bool = False,
    checkpoint: int | None = None,
) -> tuple[Any, Any]:
    """Carry a state along the rows of arrays: ``carry, y = f(carry, x)`` for each row x.

    The loop stays one node of the graph, in the derivative too.

    Args:
        f: takes (carry, row) and returns (new carry, result); the carry keeps its structure,
            shapes and dtypes.
        init: the first carry, a tree.
        xs: a tree of arrays with the rows along axis 0, or None.
        length: the number of rows, where xs is None.
        reverse: from the last row to the first.
        checkpoint: of all the carries, keep only so many for the backward pass, and run the
            steps again between them, in the order that repeats the fewest (docs/guides/memory.md).
            Without it every step's residuals are kept.

    Returns:
        The last carry, and the results stacked along axis 0.

    Raises:
        StructureError: the carry changes, or the rows differ in number.

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total), 0.0, np.arange(4.0))
    (np.float64(6.0), array([0., 0., 1., 3.]))
    """
    function_wanted(f, "scan")
    outer = around.get()
    run = rolled_scan if outer is None else outer.scan
    return run(f, init, xs, length, reverse, checkpoint)


def rolled_scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool,
    checkpoint: int | None,
) -> tuple[Any, Any]:
    """:func:`scan`, whatever stands around it."""
    if checkpoint is not None and checkpoint < 1:
        raise StructureError(
            "at least one carry must be kept: the first",
            function="scan",
            source=source_here(),
            got=f"checkpoint={checkpoint}",
        )
    carry, carry_structure = _operands(init, "scan")
    rows, row_structure = _operands(xs, "scan")
    for x in rows:
        if not x.shape:
            raise StructureError(
                "xs must be arrays with rows along axis 0",
                function="scan",
                source=source_here(),
                got=described(x),
                remedy="for a number of rounds pass xs=None, length=n",
            )
    counts = {x.shape[0] for x in rows} | ({length} if length is not None else set())
    if len(counts) != 1:
        raise StructureError(
            "the rows must be of one number",
            function="scan",
            source=source_here(),
            got=", ".join(map(str, sorted(counts))) or "xs=None and no length",
        )
    n = counts.pop()
    types = _types(carry) + [t._replace(shape=t.shape[1:]) for t in _types(rows)]
    carry, types, recording = _steady(f, carry, types, carry_structure, row_structure)
    graph = _with_captured_first(recording, len(types))
    operands = [*recording.captured, *carry, *rows]
    n_constants, n_carry = len(recording.captured), len(carry)
    if checkpoint is None:
        results = control.scan(
            *operands,
            graph=graph,
            n_constants=n_constants,
            n_carry=n_carry,
            length=n,
            reverse=reverse,
        )
    else:
        results = scan_sweeps(
            *operands,
            steps=(graph,),
            reverse=(reverse,),
            n_constants=(n_constants,),
            n_states=(n_carry,),
            length=n,
            snapshots=checkpoint,
        )
    last = tree.unflatten(carry_structure, results[: len(carry)])
    inner = recording.structure.children()[1]
    return last, tree.unflatten(inner, results[len(carry) :])


def _steady(
    f: Any, carry: list[Any], types: list[ArrayType], of_carry: Any, of_row: Any
) -> tuple[list[Any], list[ArrayType], Recording]:
    """Record the step; a carry that starts narrower than it goes on is cast once."""
    n = len(carry)

    def step(*leaves: Any) -> Any:
        result = f(tree.unflatten(of_carry, leaves[:n]), tree.unflatten(of_row, leaves[n:]))
        if not isinstance(result, tuple) or len(result) != 2:
            raise StructureError(
                "the step must return a pair (carry, result)",
                function="scan",
                source=source_here(),
                got=described(result),
            )
        structure = tree.structure(result[0])
        tree.check_same(of_carry, structure, "scan")
        return result

    arguments = tree.structure((0.0,) * len(types))
    for _ in range(2):
        recording = record_graph(step, types, arguments, "scan")
        wanted = recording.graph.output_types[:n]
        if list(wanted) == types[:n]:
            return carry, types, recording
        for i, (old, new) in enumerate(zip(types[:n], wanted, strict=True)):
            if old.shape != new.shape or np.result_type(old.dtype, new.dtype) != new.dtype:
                raise StructureError(
                    "the carry changes its type from one step to the next",
                    function="scan",
                    source=source_here(),
                    got=f"{old} becomes {new}",
                    remedy="start with the shape and dtype that the step returns",
                )
            if old != new:
                carry[i] = carry[i].astype(new.dtype)
        types = list(wanted) + types[n:]
    raise StructureError("the carry does not settle on one type", function="scan")


def _one_truth(which: Any, name: str, otherwise: str) -> None:
    """Refuse a decision that is no single truth."""
    if np.shape(which) != ():
        raise StructureError(
            "the condition must be one truth, not an array of them",
            function=name,
            source=source_here(),
            got=described(which),
            wanted="bool[]",
            remedy=f"reduce it with np.all or np.any; {otherwise}",
        )


def _are_known(carry: Any) -> bool:
    leaves = tree.leaves(carry)
    return all(not isinstance(x, TracedCore) or concrete_value(x) is not None for x in leaves)


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """Repeat ``carry = body(carry)`` while ``condition(carry)``.

    Outside jit this is the Python loop, so every mode of derivative works. Inside jit and
    vmap it is one node, with forward and reverse mode of any trip count.

    Args:
        condition: takes the carry, returns one boolean.
        body: takes the carry, returns the next: same structure, shapes and dtypes.
        init: the first carry, a tree.

    >>> while_loop(lambda x: x < 100.0, lambda x: x * 3.0, 1.0)
    243.0
    """
    if _are_known(init):
        test = condition(init)
        while _are_known(test):
            _one_truth(test, "while_loop", "or stop each element with np.where in the body")
            if not test:
                return init
            init = body(init)
            if not _are_known(init):
                break  # body uses values from outside that are not known: the rest is one node
            test = condition(init)
    outer = around.get()
    run = rolled_while if outer is None else outer.while_loop
    return run(condition, body, init)


def rolled_while(condition: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """:func:`while_loop` as one node, whatever stands around it."""
    operands, structure = _operands(init, "while_loop")
    types = _types(operands)
    one = tree.structure((0.0,) * len(types))
    tested = record_graph(
        lambda *xs: condition(tree.unflatten(structure, xs)), types, one, "while_loop"
    )
    stepped = record_graph(
        lambda *xs: body(tree.unflatten(structure, xs)), types, one, "while_loop"
    )
    tree.check_same(structure, stepped.structure, "while_loop")
    if list(stepped.graph.output_types) != types:
        raise StructureError(
            "the carry changes its type from one step to the next",
            function="while_loop",
            source=source_here(),
            got=", ".join(map(str, stepped.graph.output_types)),
            wanted=", ".join(map(str, types)),
            remedy="start with the shape and dtype that the body returns",
        )
    results = control.while_loop(
        *tested.captured,
        *stepped.captured,
        *operands,
        condition=_with_captured_first(tested, len(types)),
        body=_with_captured_first(stepped, len(types)),
        n_condition=len(tested.captured),
        n_body=len(stepped.captured),
    )
    return tree.unflatten(structure, results)


def cond(which: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], *args: Any) -> Any:
    """``on_true(*args)`` if which holds, else ``on_false(*args)``; only that one is run.

    Both must return the same structure, shapes and dtypes.

    >>> cond(True, lambda x: x + 1, lambda x: x - 1, 3.0)
    4.0
    """
    known = concrete_value(which) if isinstance(which, TracedCore) else np.asarray(which)
    _one_truth(which, "cond", "np.where chooses for each element")
    if known is not None:
        return on_true(*args) if bool(known) else on_false(*args)
    outer = around.get()
    run = recorded_cond if outer is None else outer.cond
    return run(which, on_true, on_false, *args)


def recorded_cond(
    which: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], *args: Any
) -> Any:
    """:func:`cond` as one node, whatever stands around it."""
    operands, structure = _operands(args, "cond")
    types = _types(operands)
    true = record_graph(on_true, types, structure, "cond")
    false = record_graph(on_false, types, structure, "cond")
    tree.check_same(true.structure, false.structure, "cond")
    a, b = true.graph.output_types, false.graph.output_types
    if a != b:
        raise StructureError(
            "the branches return different types",
            function="cond",
            source=source_here(),
            got=f"{', '.join(map(str, a))} and {', '.join(map(str, b))}",
            remedy="return the same shapes and dtypes from both",
        )
    n, n_true = len(types), len(true.captured)
    results = control.cond(
        which,
        *operands,
        *true.captured,
        *false.captured,
        on_true=_padded(true.graph, n + n_true, false.graph.inputs[n:]),
        on_false=_padded(false.graph, n, true.graph.inputs[n:]),
    )
    return tree.unflatten(true.structure, results)


def _padded(graph: Graph, at: int, others: Sequence[Value]) -> Graph:
    """The graph with unused inputs put in, so that both branches take the same operands."""
    extra = tuple(Value(v.type) for v in others)
    return Graph(graph.inputs[:at] + extra + graph.inputs[at:], graph.nodes, graph.outputs)
