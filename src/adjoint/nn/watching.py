"""Look at what passes through each layer of a model, without touching the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

from adjoint import tree
from adjoint.nn.module import Module, is_module, static

Seen = Callable[[str, Any, tuple[Any, ...], Any], Any]
Entered = Callable[[], Any]


class Watched(Module):
    """A layer that shows what goes in and comes out.

    Args:
        layer: the layer.
        path: where in the model it stands, such as ``layers[0]``.
        seen: called as ``seen(path, layer, inputs, output)`` after each call, keyword arguments
            last among the inputs; what it returns takes the output's place.
        entered: called before each call.
    """

    layer: Any
    path: str = static()
    seen: Seen = static()
    entered: Entered | None = static(default=None)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if self.entered is not None:
            self.entered()
        output = self.layer(*inputs, **options)
        return self.seen(self.path, self.layer, (*inputs, *options.values()), output)

    def __getattr__(self, name: str) -> Any:
        # Models read their layers' fields, a tied weight for example.
        return getattr(object.__getattribute__(self, "layer"), name)


def watch(model: Any, seen: Seen, path: str = "", entered: Entered | None = None) -> Any:
    """A copy of a model in which every module with a call, and the model itself, is watched.

    Args:
        model: a tree of modules.
        seen: see :class:`Watched`; it must return the output, or what is to replace it.
        path: of the model itself.
        entered: see :class:`Watched`.
    """
    if not is_module(model):
        steps = iter(optree.tree_paths(model, is_leaf=is_module, namespace=tree.NAMESPACE))

        def inside(part: Any) -> Any:
            suffix = "".join(f"[{key!r}]" for key in next(steps))
            return watch(part, seen, path + suffix, entered) if is_module(part) else part

        return optree.tree_map(inside, model, is_leaf=is_module, namespace=tree.NAMESPACE)
    copy = object.__new__(type(model))
    for field in model.__dataclass_fields__.values():
        value = getattr(model, field.name)
        if not field.metadata.get("static"):
            value = watch(value, seen, f"{path}.{field.name}".lstrip("."), entered)
        object.__setattr__(copy, field.name, value)
    return Watched(copy, path, seen, entered) if callable(copy) else copy
