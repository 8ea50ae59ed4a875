"""Primitives that hold graphs: calls, loops, branches, and the user's own functions.

Their evaluation is here; their derivatives and batching need graph transformations and
live in ``differentiate/control.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType

# *** call: a graph as one node ***


def _call_type(*types: ArrayType, graph: Graph, label: str) -> tuple[ArrayType, ...]:
    if types != graph.input_types:
        raise ValueError(f"{label} of {graph!r} on {', '.join(map(str, types))}")
    return graph.output_types


call = Primitive(
    "call",
    "control",
    _call_type,
    lambda *xs, graph, label: tuple(program_of(graph)(xs)),
    ("graph", "label"),
    several=True,
    doc="run a graph; label 'checkpoint' recomputes its inside in the backward pass, which is "
    "a call with the label 'again': its inside stays apart from what was computed before",
)

# *** scan ***


def _scan_type(
    *types: ArrayType, graph: Graph, n_constants: int, n_carry: int, length: int, reverse: bool
) -> tuple[ArrayType, ...]:
    constants = types[:n_constants]
    carry = types[n_constants : n_constants + n_carry]
    rows = types[n_constants + n_carry :]
    inside = tuple(ArrayType(x.shape[1:], x.dtype) for x in rows)
    if constants + carry + inside != graph.input_types:
        raise ValueError(f"scan of {graph!r} over {', '.join(map(str, types))}")
    if any(x.shape[0] != length for x in rows):
        raise ValueError(f"scan of length {length} over {', '.join(map(str, rows))}")
    outputs = graph.output_types
    if outputs[:n_carry] != carry:
        raise ValueError("the carry changes its type")
    return carry + tuple(ArrayType((length, *y.shape), y.dtype) for y in outputs[n_carry:])


def _scan(
    *xs: Any, graph: Graph, n_constants: int, n_carry: int, length: int, reverse: bool
) -> tuple[Any, ...]:
    run = program_of(graph)
    constants = list(xs[:n_constants])
    carry = list(xs[n_constants : n_constants + n_carry])
    rows = xs[n_constants + n_carry :]
    stacked = [np.empty((length, *y.shape), y.dtype) for y in graph.output_types[n_carry:]]
    for i in range(length - 1, -1, -1) if reverse else range(length):
        outputs = run(constants + carry + [x[i] for x in rows])
        carry = outputs[:n_carry]
        for whole, y in zip(stacked, outputs[n_carry:], strict=True):
            whole[i] = y
    return (*carry, *stacked)


scan = Primitive(
    "scan",
    "control",
    _scan_type,
    _scan,
    ("graph", "n_constants", "n_carry", "length", "reverse"),
    several=True,
    doc="graph(constants, carry, row) -> (carry, row of results) for each row in turn",
)

# *** while_loop ***


def _while_type(
    *types: ArrayType, condition: Graph, body: Graph, n_condition: int, n_body: int
) -> tuple[ArrayType, ...]:
    carry = types[n_condition + n_body :]
    if body.output_types != carry or body.input_types[n_body:] != carry:
        raise ValueError("the carry of while_loop changes its type")
    if [t.shape for t in condition.output_types] != [()]:
        raise ValueError("the condition of while_loop must be one boolean")
    return carry


def _while(
    *xs: Any, condition: Graph, body: Graph, n_condition: int, n_body: int
) -> tuple[Any, ...]:
    test, step = program_of(condition), program_of(body)
    of_test = list(xs[:n_condition])
    of_step = list(xs[n_condition : n_condition + n_body])
    carry = list(xs[n_condition + n_body :])
    while bool(test(of_test + carry)[0]):
        carry = step(of_step + carry)
    return tuple(carry)


while_loop = Primitive(
    "while_loop",
    "control",
    _while_type,
    _while,
    ("condition", "body", "n_condition", "n_body"),
    several=True,
    doc="carry = body(carry) while condition(carry); each graph has constants of its own",
)


# *** cond ***


def _cond_type(
    which: ArrayType, *types: ArrayType, on_true: Graph, on_false: Graph
) -> tuple[ArrayType, ...]:
    if which.shape != () or on_true.input_types != types or on_false.input_types != types:
        raise ValueError(f"cond on {', '.join(map(str, types))}")
    if on_true.output_types != on_false.output_types:
        raise ValueError("the branches of cond give different types")
    return on_true.output_types


cond = Primitive(
    "cond",
    "control",
    _cond_type,
    lambda which, *xs, on_true, on_false: tuple(
        program_of(on_true if bool(which) else on_false)(xs)
    ),
    ("on_true", "on_false"),
    several=True,
    doc="run one of two graphs",
)

# *** the user's own functions ***


def _callback(*xs: Any, function: Any, types: tuple[ArrayType, ...]) -> tuple[Any, ...]:
    outputs = function(*xs)
    return tuple(
        np.asarray(y, dtype=t.dtype).reshape(t.shape)[()]
        for y, t in zip(outputs, types, strict=True)
    )


callback = Primitive(
    "callback",
    "control",
    lambda *_, function, types: types,
    _callback,
    ("function", "types"),
    several=True,
    doc="call Python: function(*arrays) -> tuple of arrays of the given types",
)
pull_callback = Primitive(
    "pull_callback",
    "control",
    lambda *_, function, types: types,
    _callback,
    ("function", "types"),
    several=True,
    doc="a user's pullback; recorded operation by operation where a function is recorded",
)


def _custom_call(*xs: Any, graph: Graph | None, rule: Any, types: Any) -> tuple[Any, ...]:
    if graph is not None:
        return tuple(program_of(graph)(xs))
    return tuple(rule.run(*xs)[0])


custom_call = Primitive(
    "custom_call",
    "control",
    lambda *_, graph, rule, types: types,
    _custom_call,
    ("graph", "rule", "types"),
    several=True,
    doc="a function of the user's with its own rule; graph is None where it is opaque",
)
linear_callback = Primitive(
    "linear_callback",
    "control",
    lambda *_, function, types, n_residuals: types,
    lambda *xs, function, types, n_residuals: _pushed(xs, function, types),
    ("function", "types", "n_residuals"),
    several=True,
    doc="stands for a linear map known by its pullback, function(residuals, cotangents)",
)


def _pushed(xs: Any, function: Any, types: Any) -> Any:
    """What the map itself gives, where that is known as well."""
    from adjoint.errors import NoDerivativeError

    if hasattr(function, "push"):
        return _callback(*xs, function=function.push, types=types)

    raise NoDerivativeError(
        "a function with a custom pullback has no forward-mode derivative",
        function="jvp",
        remedy="use reverse mode (grad, vjp), or define the rule with ad.custom_jvp",
    )
