"""Module: a model is a frozen dataclass, and so a tree of plain arrays.

Every annotated field is an array, another module, a container of these, ``None``, or a
setting marked :func:`static`. Assignments are allowed inside ``__init__`` only; afterwards a
module never changes, so a model, its gradient and an optimiser's state are the same kind of
tree and can be mapped, saved and differentiated alike.

>>> import numpy as np
>>> class Scale(Module):
...     factor: np.ndarray
...     power: int = static(default=1)
...
...     def __call__(self, x):
...         return self.factor * x**self.power
>>> layer = Scale(np.array([2.0, 3.0]), power=2)
>>> layer
Scale(factor=float64[2], power=2)
>>> layer(np.array([1.0, 10.0]))
array([  2., 300.])
"""

from __future__ import annotations

import dataclasses
from abc import ABCMeta
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self, dataclass_transform

import optree

from adjoint import tree
from adjoint.errors import StructureError

_BUILDING = "_building"


def static(**options: Any) -> Any:
    """Mark a field as a setting: part of the model's structure, never an array.

    Args:
        options: as for :func:`dataclasses.field`, such as ``default=1``.
    """
    return dataclasses.field(**options, metadata={"static": True})


def state(**options: Any) -> Any:
    """Mark a field as state: arrays that training carries along but does not learn.

    Batch statistics are state. A change is handed over with :func:`adjoint.nn.keep` while
    :func:`adjoint.nn.apply` runs.

    Args:
        options: as for :func:`dataclasses.field`.
    """
    return dataclasses.field(**options, metadata={"trainable": False})


class _ModuleType(ABCMeta):
    """Opens a new module for assignment while its ``__init__`` runs, and checks it after."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module: Any = cls.__new__(cls)  # type: ignore[call-arg, arg-type]
        vars(module)[_BUILDING] = True
        module.__init__(*args, **kwargs)
        del vars(module)[_BUILDING]
        wanted = {field.name for field in dataclasses.fields(module)}
        found = set(vars(module))
        if missing := sorted(wanted - found):
            raise StructureError(
                f"__init__ left fields unset: {', '.join(missing)}", function=cls.__name__
            )
        if extra := sorted(found - wanted):
            raise StructureError(
                f"__init__ set what is no field: {', '.join(extra)}",
                function=cls.__name__,
                remedy=f"annotate it in the class body, such as `{extra[0]}: np.ndarray`, "
                f"or `{extra[0]}: int = nn.static()` for a setting",
            )
        return module


@dataclass_transform(field_specifiers=(static, state, dataclasses.field))
class Module(metaclass=_ModuleType):
    """The base of every layer and model; a subclass is made a frozen dataclass."""

    _is_written: ClassVar[bool] = False

    def __init_subclass__(cls, *, init: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A hand-written __init__ serves the subclasses too: none is generated over it. Type
        # checkers do not see that, so a class that inherits one says ``init=False`` to them.
        if not init:
            cls._is_written = True
        cls._is_written = cls._is_written or "__init__" in vars(cls)
        dataclasses.dataclass(eq=False, repr=False, init=not cls._is_written)(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        if _BUILDING not in vars(self):
            raise dataclasses.FrozenInstanceError(
                f"{type(self).__name__}.{name} cannot be assigned: a module never changes; "
                f"use module.replace({name}=...), which gives a new one"
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"{type(self).__name__}.{name} cannot be deleted")

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={_brief(value)}" for name, value in _fields(self))
        return f"{type(self).__name__}({inside})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed.

        >>> from adjoint import nn
        >>> nn.Linear(2, 3).replace(bias=None).bias is None
        True
        """
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        if unknown := sorted(set(changes) - set(names)):
            raise StructureError(
                f"{type(self).__name__} has no field {', '.join(unknown)}",
                function="replace",
                wanted=f"some of {', '.join(names)}",
            )
        copy = object.__new__(type(self))
        for name in names:
            object.__setattr__(copy, name, changes.get(name, getattr(self, name)))
        return copy

    def astype(self, dtype: Any) -> Self:
        """The same model with every real floating array cast to ``dtype``.

        >>> from adjoint import nn
        >>> nn.Linear(2, 3).astype("float32")
        Linear(weight=float32[2, 3], bias=float32[3])
        """

        def cast(leaf: Any) -> Any:
            is_real = getattr(getattr(leaf, "dtype", None), "kind", None) == "f"
            return leaf.astype(dtype) if is_real else leaf

        return tree.tree_map(cast, self)  # type: ignore[no-any-return]

    def parameters(self) -> dict[str, Any]:
        """The trainable arrays by path, such as ``layers[0].weight``."""
        return parameters(self)

    def summary(self, *inputs: Any) -> str:
        """A table of layers: output shapes, parameters and floating-point operations.

        Args:
            inputs: example inputs, or their shapes as tuples; without them the shapes and
                operations are left out.
        """
        from adjoint.nn.summary import summary

        return summary(self, *inputs)


def _fields(module: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(module):
        yield field.name, getattr(module, field.name)


def _brief(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_brief, value)) + ")"
    return getattr(value, "__name__", None) or repr(value)


def is_module(value: Any) -> bool:
    """Whether a value is a module: any instance of a dataclass, also the user's own."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def modules(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every module in a tree with its path, parents before their children."""
    if is_module(model):
        yield path, model
        for field in dataclasses.fields(model):
            if not field.metadata.get("static"):
                inside = f"{path}.{field.name}".lstrip(".")
                yield from modules(getattr(model, field.name), inside)
        return
    if model is None or hasattr(model, "dtype"):
        return
    parts, _ = optree.tree_flatten(model, is_leaf=is_module, namespace=tree.NAMESPACE)
    steps = optree.tree_paths(model, is_leaf=is_module, namespace=tree.NAMESPACE)
    for step, part in zip(steps, parts, strict=True):
        if part is not model:
            yield from modules(part, path + "".join(f"[{key!r}]" for key in step))


def rebuild(model: Any, changes: dict[int, dict[str, Any]]) -> Any:
    """A copy of a tree of modules with some of their fields changed.

    Args:
        model: a tree of modules.
        changes: new values of fields, by ``id`` of the module they belong to.

    Returns:
        The new tree; what has not changed is shared with the old one.
    """
    if not is_module(model):
        return optree.tree_map(
            lambda part: rebuild(part, changes) if is_module(part) else part,
            model,
            is_leaf=is_module,
            namespace=tree.NAMESPACE,
        )
    mine = changes.get(id(model), {})
    copy = object.__new__(type(model))
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if field.name in mine:
            value = mine[field.name]
        elif not field.metadata.get("static"):
            value = rebuild(value, changes)
        object.__setattr__(copy, field.name, value)
    return copy


def trainable(model: Any) -> Any:
    """A tree like ``model`` with True for each leaf that training may change.

    False for :func:`state` fields, for everything inside :class:`adjoint.nn.Frozen`, and for
    leaves that are not real or complex floating-point numbers.
    """
    return _flags(model, True, _is_real_number)


def settings(model: Any) -> Any:
    """A tree like ``model`` with True for each plain ``int`` and ``bool`` that is no state.

    They decide what a module computes, such as a number of rounds, and are never arrays.
    """
    return _flags(model, True, lambda part: type(part) in (int, bool))


def _is_real_number(part: Any) -> bool:
    kind = getattr(getattr(part, "dtype", None), "kind", None)
    return kind in ("f", "c") or isinstance(part, float | complex)


def _flags(model: Any, counts: bool, test: Callable[[Any], bool]) -> Any:
    if not is_module(model):

        def flag(part: Any) -> Any:
            return _flags(part, counts, test) if is_module(part) else counts and test(part)

        return optree.tree_map(flag, model, is_leaf=is_module, namespace=tree.NAMESPACE)
    copy = object.__new__(type(model))
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if not field.metadata.get("static") and not isinstance(value, tree.SETTINGS):
            value = _flags(value, counts and field.metadata.get("trainable", True), test)
        object.__setattr__(copy, field.name, value)
    return copy


def parameters(model: Any) -> dict[str, Any]:
    """The trainable arrays of a tree of modules, by path.

    >>> from adjoint import nn
    >>> list(parameters(nn.Sequential(nn.Linear(2, 3), nn.Tanh())))
    ['layers[0].weight', 'layers[0].bias']
    """
    flags = tree.leaves(trainable(model))
    found = zip(tree.paths(model), tree.leaves(model), flags, strict=True)
    return {path: leaf for path, leaf, flag in found if flag}


def states(model: Any) -> dict[str, Any]:
    """The arrays of a tree of modules that training does not learn, by path."""
    flags = tree.leaves(trainable(model))
    found = zip(tree.paths(model), tree.leaves(model), flags, strict=True)
    return {path: leaf for path, leaf, flag in found if not flag}


def with_leaves(model: Any, leaves: dict[str, Any]) -> Any:
    """The same model with the arrays at some paths exchanged.

    Args:
        model: a tree of modules.
        leaves: new arrays by path, as :func:`parameters` and :func:`states` name them.

    Raises:
        StructureError: for a path that the model does not have.
    """
    found, shape = tree.flatten(model)
    names = tree.paths(model)
    if unknown := sorted(set(leaves) - set(names)):
        raise StructureError(
            f"the model has no leaf {unknown[0]!r}",
            function="with_leaves",
            wanted=f"some of {', '.join(names)}",
        )
    new = [leaves.get(name, leaf) for name, leaf in zip(names, found, strict=True)]
    return tree.unflatten(shape, new)
