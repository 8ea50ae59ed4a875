"""Trees: nested dicts, lists, tuples, namedtuples and dataclasses with arrays as leaves.

optree does the work. A dataclass is made known to it the first time one is met: its fields
are children, except those marked static (``field(metadata={"static": True})``) and those that
hold a string or a function, which are part of the structure and must compare equal.
"""

from __future__ import annotations

import dataclasses
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import optree

from adjoint.errors import StructureError

NAMESPACE = "adjoint"
TreeDef = optree.PyTreeSpec

# Fields of dataclasses that hold one of these are part of the structure.
SETTINGS = (str, bytes, type, types.FunctionType, types.BuiltinFunctionType, np.ufunc)
_known: set[type] = set()
_lock = threading.Lock()


def _register(kind: type) -> None:
    with _lock:
        if kind in _known:
            return
        fields = [f for f in dataclasses.fields(kind) if f.init]
        names = tuple(f.name for f in fields if not f.metadata.get("static"))
        static = tuple(f.name for f in fields if f.metadata.get("static"))

        def flatten(tree: Any) -> tuple[list[Any], tuple[Any, ...], tuple[str, ...]]:
            children, used, kept = [], [], [(name, getattr(tree, name)) for name in static]
            for name in names:
                value = getattr(tree, name)
                if isinstance(value, SETTINGS):
                    kept.append((name, value))
                else:
                    children.append(value)
                    used.append(name)
            return children, (tuple(used), tuple(kept)), tuple(used)

        def unflatten(settings: tuple[Any, ...], children: Iterable[Any]) -> Any:
            # __init__ may compute or check; a rebuilt tree may hold placeholders, so it is
            # filled in directly.
            tree: Any = object.__new__(kind)
            used, kept = settings
            for name, value in zip(used, children, strict=True):
                object.__setattr__(tree, name, value)
            for name, value in kept:
                object.__setattr__(tree, name, value)
            return tree

        register: Any = optree.register_pytree_node  # its type wants one container type
        register(kind, flatten, unflatten, namespace=NAMESPACE)
        _known.add(kind)


def _is_new_dataclass(x: Any) -> bool:
    kind = type(x)
    if kind in _known or not dataclasses.is_dataclass(kind):
        return False
    _register(kind)
    return False


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """The leaves of a tree and its structure.

    >>> leaves, structure = flatten({"b": 1.0, "a": [2.0, 3.0]})
    >>> leaves
    [2.0, 3.0, 1.0]
    >>> structure.unflatten(leaves)
    {'b': 1.0, 'a': [2.0, 3.0]}
    """
    if type(tree) in LONE:
        return [tree], _LEAF
    return optree.tree_flatten(tree, is_leaf=_is_new_dataclass, namespace=NAMESPACE)


_LEAF: TreeDef = optree.treespec_leaf(namespace=NAMESPACE)
# Types of which most trees are a single leaf: these need no look inside.
LONE: set[type] = {np.ndarray, np.float64, np.float32, float}


def children(tree: Any) -> list[Any] | None:
    """The parts that a container holds, in the order of its leaves; None of a leaf.

    >>> children({"b": (1.0, 2.0), "a": None})
    [None, (1.0, 2.0)]
    """
    structure = optree.tree_structure(tree, is_leaf=_is_new_dataclass, namespace=NAMESPACE)
    if structure.is_leaf() or tree is None:
        return None
    return list(optree.tree_flatten_one_level(tree, namespace=NAMESPACE).children)


def unflatten(structure: TreeDef, leaves: Iterable[Any]) -> Any:
    """The tree with this structure and these leaves."""
    if structure is _LEAF:
        (leaf,) = leaves
        return leaf
    return structure.unflatten(leaves)


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree, in order."""
    return flatten(tree)[0]


def structure(tree: Any) -> TreeDef:
    """The structure of a tree."""
    return flatten(tree)[1]


def paths(tree: Any) -> list[str]:
    """A readable name for each leaf, such as ``layers[0].weight``."""
    return leaf_names(structure(tree))


def leaf_names(structure: TreeDef) -> list[str]:
    """A readable name for each leaf of trees of this structure; a lone leaf's is empty."""
    names = []
    for path, accessor in zip(structure.paths(), structure.accessors(), strict=True):
        text = ""
        for step, entry in zip(path, accessor, strict=True):
            is_field = isinstance(step, str) and not issubclass(entry.type, dict)
            text += f".{step}" if is_field else f"[{step!r}]"
        names.append(text.lstrip("."))
    return names


def tree_map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to the leaves of trees of one structure.

    >>> tree_map(lambda x, y: x + y, {"a": 1.0}, {"a": 2.0})
    {'a': 3.0}
    """
    first, shape = flatten(tree)
    others = []
    for other in rest:
        found, other_shape = flatten(other)
        check_same(shape, other_shape, "tree_map")
        others.append(found)
    return unflatten(shape, [function(*row) for row in zip(first, *others, strict=True)])


def check_same(wanted: TreeDef, got: TreeDef, function: str) -> None:
    """Refuse a tree of another structure."""
    if wanted is not got and wanted != got:
        raise StructureError(
            "the trees differ in structure",
            function=function,
            got=_told_from(got, wanted),
            wanted=_told_from(wanted, got),
            remedy="give containers of the same kind, with the same keys and lengths",
        )


_SHOWN = 6  # leaves named in a message


def _told_from(one: TreeDef, other: TreeDef) -> str:
    """A structure in words, by what another has not."""
    names = leaf_names(one)
    if names == [""]:
        return "one array or number"
    kind = "nothing (None)" if one.type is None else f"a {one.type.__name__}"
    others = set(leaf_names(other))
    if set(names) == others:
        # The containers differ, or what they hold beside arrays.
        return kind if one.type is not other.type else str(one)
    told = [name for name in names if name not in others] or names
    return f"{kind} with {', '.join(told[:_SHOWN])}{', ...' * (len(told) > _SHOWN)}"
