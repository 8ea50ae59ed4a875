"""Save and load models: arrays in safetensors, structure in JSON, nothing that runs code.

The structure is written as names: of layers in ``adjoint.nn``, of NumPy functions, of the
user's own classes. Loading makes an object of a class without calling it and imports nothing:
a class of the user's must be a module already loaded, or be handed over.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adjoint import tree
from adjoint.errors import FileFormatError, StructureError
from adjoint.train import container
from adjoint.train.structure import build, describe


def save(model: Any, path: str | os.PathLike[str], metadata: dict[str, Any] | None = None) -> None:
    """Write a model to a file: never half of it, never pickle.

    Args:
        model: a tree of modules, dicts, lists, tuples and arrays.
        path: the file, by custom ``*.safetensors``. Its folder must exist.
        metadata: anything that JSON can say, read again by :func:`load_metadata`.

    Raises:
        StructureError: the model holds something that has no name, such as a lambda.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from adjoint import nn
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "model.safetensors")
    ...     again = load(Path(folder) / "model.safetensors")
    >>> bool((again.layers[0].weight == model.layers[0].weight).all())
    True
    """
    if not isinstance(path, str | os.PathLike):
        raise StructureError(
            "the path must be text or a Path",
            function="save",
            got=f"a {type(path).__name__}",
            wanted="save(model, path)",
        )
    if not (folder := Path(path).parent).is_dir():
        raise FileNotFoundError(
            errno.ENOENT,
            "save: there is no such folder; make it first, by Path(...).mkdir(parents=True)",
            str(folder),
        )
    arrays: dict[str, Any] = {}
    structure = describe(model, arrays)
    container.write(path, "model", arrays, {"structure": structure, "metadata": metadata or {}})


def load(path: str | os.PathLike[str], *, like: Any = None, known: Iterable[Any] = ()) -> Any:
    """Read a model that :func:`save` wrote.

    Args:
        path: the file.
        like: a model of the same structure, whose arrays are exchanged for those of the file;
            then nothing else of the file is used.
        known: classes and functions of your own that the model is made of. Subclasses of
            ``nn.Module`` in modules that are already imported need not be named.

    Raises:
        FileFormatError: the file is damaged, is not a model, or names something unknown.
        OSError: the file cannot be opened.
    """
    arrays, document = container.read(path, "model", "load")
    if like is not None:
        return _filled(path, like, arrays)
    try:
        return build(document["structure"], arrays, _names(known))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise FileFormatError(f"{path} describes no model: {error!r}", function="load") from None


def load_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The metadata that was saved beside a model."""
    _, document = container.read(path, "model", "load")
    found: dict[str, Any] = document["metadata"]
    return found


def _names(known: Iterable[Any]) -> dict[str, Any]:
    return {f"{item.__module__}:{item.__qualname__}": item for item in known}


def _filled(path: Any, like: Any, arrays: dict[str, Any]) -> Any:
    """A model with its arrays exchanged for those of the same paths."""
    leaves, shape = tree.flatten(like)
    names = tree.paths(like)
    found = []
    for name, leaf in zip(names, leaves, strict=True):
        if not hasattr(leaf, "dtype"):
            found.append(leaf)
        elif name not in arrays:
            raise StructureError(
                f"{path} has no array for {name!r}",
                function="load",
                got=f"a file with {', '.join(sorted(arrays))}"[:300],
                wanted="every array of like=",
                remedy="give a model made as the saved one was, or none: load(path)",
            )
        elif arrays[name].shape != leaf.shape:
            raise StructureError(
                f"{name!r} has another shape in {path}",
                function="load",
                got=f"shape {arrays[name].shape} in the file",
                wanted=f"shape {tuple(leaf.shape)}, as in like=",
                remedy="give a model made as the saved one was, or none: load(path)",
            )
        else:
            found.append(arrays[name])
    if extra := sorted(arrays.keys() - set(names)):
        raise StructureError(
            f"{path} has arrays that the model lacks",
            function="load",
            got=", ".join(extra)[:300],
            wanted=f"a file with {', '.join(names)}"[:300],
            remedy="give a model made as the saved one was, or none: load(path)",
        )
    return tree.unflatten(shape, found)


__all__ = ["load", "load_metadata", "save"]
