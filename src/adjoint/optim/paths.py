"""Patterns that choose parameters by their paths."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from adjoint import tree

_KEY = re.compile(r"\['([^']*)'\]")


def names(parameters: Any) -> list[str]:
    """Paths as patterns see them: the keys of a dict read like fields, ``['a'][0]`` as ``a[0]``."""
    return [_KEY.sub(r".\1", path).lstrip(".") for path in tree.paths(parameters)]


def matches(path: str, patterns: str | tuple[str, ...]) -> bool:
    """Whether a path fits a pattern, or one of some, in which ``*`` stands for any text."""
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    # In a path "[0]" is a position; to fnmatch it would be a set of characters.
    return any(fnmatchcase(path, pattern.replace("[", "[[]")) for pattern in patterns)
