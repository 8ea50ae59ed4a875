"""Which dtype a run has: decided once, by rule, and said."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint import nn, tree
from adjoint.errors import StructureError


def resolve(model: Any, batch: Any, dtype: Any) -> tuple[Any, Any, tuple[str, ...], bool]:
    """The model and the dtype of a run.

    The rule: ``dtype`` if it is given; else the widest dtype of the model's real parameters.
    Floating inputs, targets and weights are cast to it batch by batch; integers, booleans and
    complex numbers are left as they are. Nothing is copied as a whole.

    Args:
        model: a tree of modules.
        batch: a batch, for its dtypes.
        dtype: what the caller asks for, or None.

    Returns:
        The model (cast if dtype was given), the dtype or None if nothing is floating, notes
        on what is cast, and whether that loses digits without having been asked for.
    """
    wanted = None if dtype is None else _floating(dtype)
    if wanted is not None:
        asked = wanted
        model = tree.tree_map(
            lambda x: x if type(x) in (int, bool) else _cast(np.asarray(x), asked), model
        )
    else:
        kinds = [np.asarray(x).dtype for x in nn.parameters(model).values()]
        real = [kind for kind in kinds if kind.kind == "f"]
        wanted = np.result_type(*real) if real else None
    if wanted is None:
        return model, None, (), False
    notes, is_lossy = [], False
    for name, part in batch.items():
        found = {x.dtype for x in tree.leaves(part) if x.dtype.kind == "f"} - {wanted}
        for kind in sorted(found, key=str):
            narrows = kind.itemsize > wanted.itemsize and name != "weights"
            notes.append(
                f"the {name} are {kind} and the model is {wanted}: each batch is cast to {wanted}"
                + ("; pass dtype= to choose" if narrows and dtype is None else "")
            )
            is_lossy = is_lossy or (narrows and dtype is None)
    # The note that is warned of stands last.
    return model, wanted, tuple(sorted(notes, key=lambda text: "choose" in text)), is_lossy


def _floating(dtype: Any) -> np.dtype[Any]:
    found: np.dtype[Any]
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind != "f":
        raise StructureError(
            "a model learns in floating-point numbers",
            function="fit",
            got=f"dtype={dtype!r}",
            wanted="float32, float64 or float16",
        )
    return found


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    return np.asarray(x).astype(dtype) if np.asarray(x).dtype.kind == "f" else x
