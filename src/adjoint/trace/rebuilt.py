"""The text of an expression, from its instructions, where nobody has the source.

Code that was run from a string (``exec(text, names)``) has no file whose lines could be read. What
a line writes into, or calls, is put together from the instructions that stand for that place:
names, constants, attributes, items, arithmetic, comparisons and calls. Anything else has no text.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Callable, Sequence
from types import CodeType

from adjoint.graph.source import instructions

_NAMES = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF")
_CONSTANTS = ("LOAD_CONST", "LOAD_SMALL_INT")
_SILENT = frozenset({"CACHE", "NOP", "PUSH_NULL", "PRECALL", "EXTENDED_ARG", "RESUME"})
_SIGNS = {"UNARY_NEGATIVE": "-", "UNARY_NOT": "not ", "UNARY_INVERT": "~"}


class _NotFollowedError(Exception):
    """An instruction that is not followed."""


def rebuilt(code: CodeType, at: dis.Positions) -> str:
    """What stands at a place of the source, with brackets of its own; empty if not followed."""
    steps = instructions(code)
    places = [k for k, step in enumerate(steps) if _is_within(step.positions, at)]
    if not places:
        return ""
    stack: list[str] = []
    before = steps[places[0] - 1] if places[0] else None
    if before is not None and before.opname.endswith("LOAD_FAST") and type(before.argval) is tuple:
        stack.append(before.argval[-1])  # two instructions in one, since Python 3.13
    names: tuple[str, ...] = ()
    try:
        for k in places:
            step = steps[k]
            if step.opname == "POP_TOP":
                break  # the statement ends
            if step.opname == "KW_NAMES":
                names = code.co_consts[step.arg or 0]
                continue
            if step.opname == "CALL_KW":  # since Python 3.13
                names = ast.literal_eval(stack.pop())
            if step.opname in ("STORE_SUBSCR", "STORE_SLICE"):
                return _subscript(stack, 3 if step.opname == "STORE_SLICE" else 2)
            _follow(step, stack, names)
            if step.opname.startswith("CALL"):
                names = ()
            if step.opname == "BINARY_OP" and step.argrepr.endswith("=") and step.positions == at:
                break  # the statement x += a, which goes on to bind x
    except (_NotFollowedError, IndexError):
        return ""
    return stack[-1] if stack else ""


def _is_within(x: dis.Positions | None, at: dis.Positions) -> bool:
    if x is None or None in x or None in at:
        return False
    begins = (x.lineno, x.col_offset) >= (at.lineno, at.col_offset)
    return begins and (x.end_lineno, x.end_col_offset) <= (at.end_lineno, at.end_col_offset)


def _subscript(stack: list[str], parts: int) -> str:
    *target, first, last = stack[-parts:]
    if parts == 3:
        return f"{target[0]}[slice({first}, {last})]"
    return f"{first}[{last}]"


def _follow(step: dis.Instruction, stack: list[str], names: Sequence[str]) -> None:
    """Do with texts what an instruction does with values."""
    name, value = step.opname, step.argval
    if name in _SILENT:
        return
    if name.startswith(_NAMES):
        stack.extend(value if type(value) is tuple else [value])
    elif name in _CONSTANTS:
        stack.append(_constant(value))
    elif name in ("LOAD_ATTR", "LOAD_METHOD"):
        stack.append(f"{stack.pop()}.{value}")
    elif name == "COPY":
        stack.append(stack[-step.argval])
    elif name == "SWAP":
        stack[-1], stack[-step.argval] = stack[-step.argval], stack[-1]
    elif name in _SIGNS:
        stack.append(f"({_SIGNS[name]}{stack.pop()})")
    else:
        join, count = _joining(step, names)
        parts = _popped(stack, count)
        stack.append(join(parts))


def _joining(step: dis.Instruction, names: Sequence[str]) -> tuple[Callable[[list[str]], str], int]:
    """How the texts of several values become one, and how many they are."""
    name, count = step.opname, step.argval
    if name == "BINARY_SUBSCR" or (name == "BINARY_OP" and step.argrepr == "[]"):
        return (lambda x: f"{x[0]}[{x[1]}]"), 2
    if name == "BINARY_SLICE":
        return (lambda x: f"{x[0]}[slice({x[1]}, {x[2]})]"), 3
    if name == "BINARY_OP" and step.argrepr.endswith("="):
        return (lambda x: f"{x[0]} {step.argrepr} {x[1]}"), 2
    if name == "BINARY_OP":
        return (lambda x: f"({x[0]} {step.argrepr} {x[1]})"), 2
    if name == "COMPARE_OP":
        return (lambda x: f"({x[0]} {count} {x[1]})"), 2
    if name == "BUILD_SLICE":
        return (lambda x: f"slice({', '.join(x)})"), int(count)
    if name == "BUILD_TUPLE":
        return (lambda x: f"({''.join(part + ', ' for part in x)})"), int(count)
    if name == "BUILD_LIST":
        return (lambda x: f"[{', '.join(x)}]"), int(count)
    if name in ("CALL", "CALL_KW"):
        return (lambda x: _call(x, names)), int(count) + 1
    raise _NotFollowedError


def _call(parts: list[str], names: Sequence[str]) -> str:
    function, *given = parts
    first = len(given) - len(names)
    told = [f"{name}={x}" for name, x in zip(names, given[first:], strict=True)]
    return f"{function}({', '.join([*given[:first], *told])})"


def _popped(stack: list[str], count: int) -> list[str]:
    if count > len(stack):
        raise _NotFollowedError
    first = len(stack) - count
    parts = stack[first:]
    del stack[first:]
    return parts


def _constant(x: object) -> str:
    if x is Ellipsis:
        return "..."
    if isinstance(x, int | float | complex | str | bytes | slice | None):
        return repr(x)
    if type(x) is tuple:
        return f"({''.join(_constant(part) + ', ' for part in x)})"
    raise _NotFollowedError
