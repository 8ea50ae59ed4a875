"""Checks in NumPy's and SciPy's own code that raise where a value is wrong.

``if np.any(cutoff <= 0): raise ValueError`` cannot be asked while values are not known, and
need not be: a branch whose one side only raises or warns goes the other way. Nothing else is
decided here; a branch of any other kind is refused as it is in the user's code.

``if wo != 1: b = b * wo ** k`` leaves a formula out at one value, and the derivative with it.
Where a recorded number meets such a value exactly, that is refused: it would be a silent zero.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import instructions, library_code, source_here
from adjoint.trace import recorder as core
from adjoint.trace.looking import met, same_key


def passed_over() -> bool | None:
    """What a check answers that must not raise, for the branch now asking; None if it is none."""
    frame = sys._getframe(2)
    if not library_code(frame.f_code):
        return None
    return _answer(frame.f_code, frame.f_lasti)


def _jump(steps: list[dis.Instruction], at: int) -> int:
    """Where the jump is that a question at this place is asked for.

    Python 3.11 asks as it jumps; later ones before, in the comparison or in a step of its own.
    """
    while at < len(steps) and steps[at].opname in ("COMPARE_OP", "TO_BOOL"):
        at += 1
    return at


@lru_cache(maxsize=512)
def _answer(code: CodeType, offset: int) -> bool | None:
    steps = [s for s in instructions(code) if s.opname not in ("CACHE", "EXTENDED_ARG")]
    places = {s.offset: i for i, s in enumerate(steps)}
    at = places.get(offset)
    if at is None:
        return None
    at = _jump(steps, at)
    jump = steps[at]
    if not (jump.opname.startswith("POP_JUMP") and "NONE" not in jump.opname):
        return None
    if jump.argval not in places:
        return None
    ends = {True: at + 1, False: places[jump.argval]}
    if jump.opname.endswith("IF_TRUE"):
        ends = {True: ends[False], False: ends[True]}
    bad = {answer: _only_raises(steps, start) for answer, start in ends.items()}
    if not any(bad.values()) and _only_warns(steps, at + 1, places[jump.argval]):
        return jump.opname.endswith("IF_TRUE")
    if bad[True] == bad[False]:
        return None
    return not bad[True]


def _only_raises(steps: list[dis.Instruction], at: int) -> bool:
    """Whether the code from here comes to a ``raise``, however it decides on the way."""
    places = {s.offset: i for i, s in enumerate(steps)}
    pending, seen = [at], set()
    while pending:
        at = pending.pop()
        while steps[at].opname != "RAISE_VARARGS":
            name = steps[at].opname
            if at in seen or name.startswith(("RETURN", "FOR_ITER", "JUMP_BACKWARD", "STORE")):
                return False
            seen.add(at)
            if "JUMP" in name:
                if steps[at].argval not in places:
                    return False
                pending.append(places[steps[at].argval])
                if "_IF_" not in name:
                    break
            at += 1
            if at >= len(steps):
                return False
    return True


def _only_warns(steps: list[dis.Instruction], start: int, end: int) -> bool:
    """Whether all that is done between a check and what follows it is to warn, or not even that."""
    inside = steps[start:end]
    own = {name for s in inside if s.opname == "STORE_FAST" for name in _names(s)}
    elsewhere = (*steps[:start], *steps[end:])
    if any("FAST" in s.opname and not own.isdisjoint(_names(s)) for s in elsewhere):
        return False
    for s in inside:
        if s.opname.startswith(("RETURN", "FOR_ITER", "JUMP_BACKWARD")):
            return False
        if s.opname.startswith("STORE") and s.opname != "STORE_FAST":
            return False
        if "JUMP" in s.opname and not steps[start].offset <= s.argval <= steps[end].offset:
            return False
    return any(s.argval == "warn" for s in inside)


def _names(step: dis.Instruction) -> tuple[Any, ...]:
    return step.argval if isinstance(step.argval, tuple) else (step.argval,)


# *** formulas that are left out at one value ***


# Short cuts that give what the formula gives, derivative and all.
_AGREEING = {
    "firwin",
    "firwin2",
    "_trim_zeros",
    "_arc_jac_sn",
    "lsim",
    "poly",
    "KroghInterpolator.__init__",
}


def watched(compare: Callable[..., Any], special: bool) -> Callable[..., Any]:
    """``==`` or ``!=``, which libraries must not decide on when recorded numbers are equal."""

    def apply(self: Any, other: Any) -> Any:
        if met and special:
            known = same_key(self, other)
            if known is not None:
                return known
        result = compare(self, other)
        if (
            type(result) is np.bool_
            and bool(result) is special
            and self.dtype.kind in "fc"
            and self.recorder is not core.PLAIN
        ):
            _refuse_special(special)
        return result

    return apply


def _refuse_special(special: bool) -> None:
    frame = sys._getframe(2)
    if frame.f_code.co_qualname in _AGREEING or not library_code(frame.f_code):
        return
    if not _leaves_out(frame.f_code, frame.f_lasti, special):
        return
    raise UnsupportedError(
        f"{frame.f_code.co_name} takes a short cut at exactly this value, without the formula "
        "that has the derivative",
        function=frame.f_code.co_name,
        source=source_here(),
        remedy="move the value by a rounding, x * (1 + 1e-12), or use ad.stop_gradient(x)",
    )


@lru_cache(maxsize=512)
def _leaves_out(code: CodeType, offset: int, special: bool) -> bool:
    """Whether a comparison decides a branch, and its special side goes on."""
    steps = [s for s in instructions(code) if s.opname not in ("CACHE", "EXTENDED_ARG")]
    at = next((i for i, s in enumerate(steps) if s.offset == offset), len(steps)) + 1
    at = _jump(steps, at)
    if at >= len(steps) or "JUMP" not in steps[at].opname:
        return False
    return _answer(code, steps[at].offset) is not (not special)
