"""Functions of the user's, named on the command line as MODULE:FUNCTION."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from adjoint.cli.refusal import Refusal


def find_function(name: str) -> Callable[..., Any]:
    """The function that MODULE:FUNCTION names; modules are found from the current folder.

    Raises:
        Refusal: no such module or function.
    """
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise Refusal(f"{name!r} is not MODULE:FUNCTION, such as mymodel:loss")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
    except Exception as error:
        raise Refusal(f"cannot import {module}: {type(error).__name__}: {error}") from None
    for part in path.split("."):
        if not hasattr(found, part):
            raise Refusal(f"{module} has no {path!r}")
        found = getattr(found, part)
    if not callable(found):
        raise Refusal(f"{name} is {type(found).__name__}, and a function was wanted")
    return found  # type: ignore[no-any-return]


def count_arguments(f: Callable[..., Any], name: str) -> int:
    """How many arguments must be given to a function.

    Raises:
        Refusal: it does not say.
    """
    try:
        kinds = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        raise Refusal(f"{name} does not say how many arguments it takes; give them") from None
    usual = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in usual and p.default is p.empty for p in kinds)


def read_arguments(texts: Sequence[str]) -> list[Any]:
    """Numbers and nested lists of numbers, as floats and float64 arrays.

    Raises:
        Refusal: something else.
    """
    made: list[Any] = []
    for text in texts:
        try:
            value = np.asarray(ast.literal_eval(text), dtype=float)
        except (ValueError, SyntaxError, TypeError):
            raise Refusal(
                f"{text!r} is no number or list of numbers, such as '[1.0, 2.5]'"
            ) from None
        made.append(value if value.ndim else float(value))
    return made
