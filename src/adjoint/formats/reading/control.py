"""Branches and loops of ONNX; and how a block is run."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.api.control import cond, scan, while_loop
from adjoint.errors import AdjointError, StructureError
from adjoint.formats.reading.step import OPERATORS, Block, Step, operator
from adjoint.trace.indexing import known_value

Names = ChainMap[str, Any]


def run(block: Block, inputs: Sequence[Any], around: Names) -> list[Any]:
    """Compute a block's outputs.

    Args:
        block: what to run.
        inputs: one for each of its inputs.
        around: what the names outside of it mean.
    """
    names = around.new_child(dict(zip(block.inputs, inputs, strict=True)))
    names.update(block.constants)
    here = names.maps[0]
    for step in block.steps:
        rule = OPERATORS[step.op]
        given = [names[name] if name else None for name in step.inputs]
        try:
            made = rule.rule(step, *given, *([names] if rule.nested else []))
        except (AdjointError, MemoryError):
            raise
        except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError) as error:
            shapes = [None if x is None else np.shape(x) for x in given]
            raise StructureError(
                f"{step.op} cannot be computed: {error}",
                function="OnnxModel",
                got=f"inputs of shapes {shapes} for {', '.join(step.outputs)}",
            ) from error
        results = made if isinstance(made, tuple | list) else (made,)
        for name, value in zip(step.outputs, results, strict=False):
            here[name] = value
        for name in step.ends:
            here.pop(name, None)
    return [names[name] for name in block.outputs]


def _is_known(truth: Any) -> bool | None:
    """The truth value, or None where it is only known when the program runs."""
    value = known_value(truth)
    return None if value is None else bool(value)


@operator("If", nested=True)
def _if(step: Step, which: Any, names: Names) -> Any:
    yes, no = step.get("then_branch"), step.get("else_branch")
    truth = _is_known(np.reshape(which, ()))
    if truth is not None:
        return tuple(run(yes if truth else no, (), names))
    return cond(
        np.reshape(which, ()), lambda: tuple(run(yes, (), names)), lambda: tuple(run(no, (), names))
    )


@operator("Loop", nested=True, known=(0,))
def _loop(step: Step, *given: Any) -> Any:
    *inputs, names = given
    limit, going, *state = [*inputs, None, None][: max(2, len(inputs))]
    body: Block = step.get("body")
    n = len(state)
    rounds = None if limit is None else int(np.reshape(limit, ()))
    truth: Any = np.asarray(True) if going is None else np.reshape(going, ())
    rows: list[list[Any]] = [[] for _ in body.outputs[1 + n :]]
    k = 0
    while rounds is None or k < rounds:
        known = _is_known(truth)
        if known is None:
            if rows:
                raise step.refused("results of a number of rounds that is not known beforehand")
            return _unknown_rounds(body, truth, state, k, rounds, names)
        if not known:
            break
        truth, *after = run(body, [np.asarray(k, np.int64), np.asarray(truth), *state], names)
        truth, state = np.reshape(truth, ()), after[:n]
        for row, value in zip(rows, after[n:], strict=True):
            row.append(value)
        k += 1
    if any(not row for row in rows):
        raise step.refused("results of a loop that makes no round: their shape is not known")
    return (*state, *[np.stack(row) for row in rows])


def _unknown_rounds(
    body: Block, truth: Any, state: list[Any], k: int, rounds: int | None, names: Names
) -> Any:
    def goes_on(carry: Any) -> Any:
        count, again, _ = carry
        return again if rounds is None else again & (count < rounds)

    def advance(carry: Any) -> Any:
        count, again, inner = carry
        again, *after = run(body, [count, again, *inner], names)
        return count + 1, np.reshape(again, ()), tuple(after)

    start = (np.asarray(k, np.int64)[()], truth, tuple(state))
    return tuple(while_loop(goes_on, advance, start)[2])


@operator("Scan", nested=True)
def _scan(step: Step, *given: Any) -> Any:
    *inputs, names = given
    if step.version < 9:
        raise step.refused("the form of before opset 9")
    body: Block = step.get("body")
    m = step.get("num_scan_inputs")
    n = len(inputs) - m
    count = len(body.outputs) - n
    axes = step.get("scan_input_axes", (0,) * m)
    directions = step.get("scan_input_directions", (0,) * m)
    rows = [
        np.flip(np.moveaxis(x, axis, 0), 0) if back else np.moveaxis(x, axis, 0)
        for x, axis, back in zip(inputs[n:], axes, directions, strict=True)
    ]

    def advance(state: Any, row: Any) -> Any:
        after = run(body, [*state, *row], names)
        return tuple(after[:n]), tuple(after[n:])

    state, made = scan(advance, tuple(inputs[:n]), tuple(rows))
    out_axes = step.get("scan_output_axes", (0,) * count)
    backs = step.get("scan_output_directions", (0,) * count)
    results = [
        np.moveaxis(np.flip(y, 0) if back else y, 0, axis)
        for y, axis, back in zip(made, out_axes, backs, strict=True)
    ]
    return (*state, *results)


__all__ = ["Names", "run"]
