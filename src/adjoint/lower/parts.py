"""Long programs in parts: LLVM's work on a function grows faster than the function.

A program that Python unrolled calls hundreds of kernels one after the other. Those calls, and
the addresses they are given, become functions of a bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_LINES = 300  # of a part; more gain nothing, fewer only make more of them
_LONG = 1000  # lines of a program that is left as it is

_CALL = re.compile(r"call void |(%[\w.]+) = getelementptr ")
_ARGUMENT = re.compile(r"%arg\d+\b")


def in_parts(steps: Sequence[Sequence[str]]) -> tuple[list[str], list[str]]:
    """The lines of a program, and functions that hold some of them.

    Args:
        steps: the lines of each step. Nothing that a step names is read by another one.
    """
    if sum(map(len, steps)) <= _LONG:
        return [line for lines in steps for line in lines], []
    main: list[str] = []
    functions: list[str] = []
    part: list[str] = []

    def end() -> None:
        if part:
            text = "\n  ".join(part)
            given = ", ".join(["ptr %arena", *(f"ptr {x}" for x in _arguments(text))])
            name = f"@part{len(functions)}"
            functions.append(
                f"define internal void {name}({given}) #0 {{\n  {text}\n  ret void\n}}\n"
            )
            main.append(f"call void {name}({given})")
            part.clear()

    for lines in steps:
        if all(map(_CALL.match, lines)):
            part += lines
            if len(part) >= _MOST_LINES:
                end()
        else:
            end()
            main += lines
    end()
    return main, functions


def _arguments(text: str) -> list[str]:
    return sorted(set(_ARGUMENT.findall(text)))
