"""A file's graph as it is kept: steps with names; and the table of operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from adjoint import nn
from adjoint.errors import UnsupportedError


class Step(nn.Module):
    """A node of the file.

    Args:
        op: the operator's name.
        version: of the operators: the file's opset.
        inputs: names; empty for those left out.
        outputs: names.
        settings: attributes by name; graphs among them are blocks.
        ends: names that nothing asks for after this step.
    """

    op: str = nn.static()
    version: int = nn.static()
    inputs: tuple[str, ...] = nn.static()
    outputs: tuple[str, ...] = nn.static()
    settings: dict[str, Any] = nn.static()
    ends: tuple[str, ...] = nn.static()

    def get(self, name: str, default: Any = None) -> Any:
        """A setting, or what the standard says where it is left out."""
        return self.settings.get(name, default)

    def refused(self, problem: str) -> UnsupportedError:
        """The error for a setting that is not understood."""
        return UnsupportedError(f"{self.op}: {problem}", function="from_onnx", got=self.outputs[0])


class Block(nn.Module):
    """A graph of the file.

    Args:
        inputs: names of what it is called with.
        outputs: names of its results.
        steps: in an order in which they can be run.
        constants: arrays by name.
    """

    inputs: tuple[str, ...] = nn.static()
    outputs: tuple[str, ...] = nn.static()
    steps: tuple[Step, ...] = nn.static()
    constants: dict[str, Any] = nn.static()


class Operator(NamedTuple):
    """How an operator is computed.

    Args:
        rule: takes the step and its inputs (None where left out), returns the result, or a
            tuple of results.
        known: positions of inputs that decide about shapes: they must be known beforehand.
        statistics: positions of inputs that training does not learn.
        nested: whether the rule also takes the names in sight, for graphs inside.
    """

    rule: Callable[..., Any]
    known: tuple[int, ...]
    statistics: tuple[int, ...]
    nested: bool


OPERATORS: dict[str, Operator] = {}


def operator(
    *names: str,
    known: tuple[int, ...] = (),
    statistics: tuple[int, ...] = (),
    nested: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the rule of some operators."""

    def add(rule: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            OPERATORS[name] = Operator(rule, known, statistics, nested)
        return rule

    return add


def whole(x: Any) -> tuple[int, ...]:
    """Whole numbers from an array, a tuple or one number."""
    return tuple([int(n) for n in np.asarray(x).reshape(-1)])


def given(step: Step, name: str, x: Any) -> tuple[int, ...] | None:
    """A list of numbers that is an input in newer files and an attribute in older ones."""
    if x is None:
        x = step.get(name)
    return None if x is None else whole(x)
