"""Whose code a module is: the user's, an installed library's, or one that nobody looks at."""

from __future__ import annotations

import sys
import sysconfig
from typing import Any

_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
HIDDEN = ("numpy", "scipy", "adjoint")


def is_installed(names: dict[str, Any]) -> bool:
    """Whether a module, given by its names, was installed, or is Python's own."""
    return str(names.get("__file__", "")).startswith(_INSTALLED)


def is_of_the_user(names: dict[str, Any]) -> bool:
    """Whether the user wrote a module."""
    package = str(names.get("__name__")).partition(".")[0]
    return package not in HIDDEN and not is_installed(names)


def names_a_users_module(name: str) -> bool:
    """Whether a name is that of a module of the user's."""
    module = sys.modules.get(name)
    return module is not None and name != "builtins" and is_of_the_user(vars(module))


def is_followed(name: str) -> bool:
    """Whether a module's code is looked at if a traced function can reach it."""
    package = name.partition(".")[0]
    return package not in HIDDEN and package not in sys.stdlib_module_names
