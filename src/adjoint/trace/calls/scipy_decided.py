"""Masks, labels, ranks and verdicts of SciPy's: values decide them, and nothing in them moves."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.graph.types import ArrayType
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_images import hashable
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_parts
from adjoint.trace.scipy_gate import entries, holds_traced, is_array, scipy_rule

_DECIDED = {
    "scipy.ndimage": "binary_closing binary_dilation binary_erosion binary_fill_holes "
    "binary_hit_or_miss binary_opening binary_propagation watershed_ift maximum_position "
    "minimum_position find_objects value_indices",
    "scipy.linalg": "bandwidth ishermitian issymmetric",
    "scipy.signal": "check_COLA check_NOLA",
    "scipy.spatial.distance": "is_valid_dm is_valid_y",
    "scipy.stats": "rankdata",
    "scipy.cluster.hierarchy": "cut_tree fcluster fclusterdata is_isomorphic "
    "is_monotonic is_valid_im is_valid_linkage leaders leaves_list num_obs_linkage",
}
# Shapes and dtypes alone decide these.
_SIZED = {
    "scipy.signal": "choose_conv_method",
    "scipy.spatial.distance": "num_obs_dm num_obs_y",
}
_DISTANCES = ("distance_transform_bf", "distance_transform_cdt", "distance_transform_edt")


def _names(table: dict[str, str]) -> list[str]:
    return [f"{module}.{name}" for module, names in table.items() for name in names.split()]


def _decided(name: str, sized: bool) -> None:
    @scipy_rule(name)
    def rule(*args: Any, **kwargs: Any) -> Any:
        if not is_unknown(*args, *kwargs.values()):
            options = {key: known_parts(x) for key, x in kwargs.items()}
            return entries[name].original(*known_parts(args), **options)
        return when_run(name, _by_name(name, args, kwargs), sized)


def _by_name(name: str, args: Any, kwargs: Any) -> dict[str, Any]:
    function: Any = entries[name].function
    return dict(inspect.signature(function).bind(*args, **kwargs).arguments)


def when_run(name: str, given: dict[str, Any], sized: bool = False) -> Any:
    """What the function decides of values that are not known yet, if its sizes are."""
    arrays = {k: as_operand(x) for k, x in given.items() if is_array(x) or holds_traced([x])}
    settings = {k: hashable(x) for k, x in given.items() if k not in arrays}
    blank = {k: np.zeros(x.shape, x.dtype) for k, x in arrays.items()}
    trial = entries[name].original(**blank, **settings)
    if sized:
        return trial
    results = trial if isinstance(trial, tuple) else (trial,)
    if not all(isinstance(y, np.ndarray | np.generic | int | float) for y in results):
        raise ConcreteValueError(
            "the number of results depends on values that are not known while recording",
            function=name,
            source=source_here(),
            remedy="call it outside, on plain arrays, and give the result to the function",
        )
    types = tuple([ArrayType(np.shape(y), np.asarray(y).dtype) for y in results])
    called = (name, tuple(arrays), tuple(settings.items()))
    found = from_values(_results, types, list(arrays.values()), *called)
    return tuple(found) if isinstance(trial, tuple) else found[0]


def _results(*given: Any) -> tuple[Any, ...]:
    *arrays, name, keys, settings = given
    made = entries[name].original(**dict(zip(keys, arrays, strict=True)), **dict(settings))
    return made if isinstance(made, tuple) else (made,)


for _name in _names(_DECIDED):
    _decided(_name, sized=False)
for _name in _names(_SIZED):
    _decided(_name, sized=True)


DECIDED_BY_VALUES = frozenset(
    [
        *_names(_DECIDED),
        *_names(_SIZED),
        *_names({"scipy.ndimage": "label " + " ".join(_DISTANCES)}),
    ]
)


# *** functions that write into several arrays, or beside what they return ***


@scipy_rule("scipy.ndimage.label", takes_made=True)
def label(input: Any, structure: Any = None, output: Any = None) -> Any:
    """The labels of connected regions, and how many there are."""
    written = output if is_array(output) else None
    dtype = written.dtype if written is not None else output
    given = {"input": input, "structure": structure, "output": dtype}
    labels, count = _now_or_later("scipy.ndimage.label", given)
    if written is None:
        return labels, count
    written[...] = labels
    return count


def _now_or_later(name: str, given: dict[str, Any]) -> Any:
    if not is_unknown(*given.values()):
        return entries[name].original(**{key: known_parts(x) for key, x in given.items()})
    return when_run(name, given)


def _distances(name: str) -> None:
    own = f"scipy.ndimage.{name}"

    @scipy_rule(own, takes_made=True)
    def rule(*args: Any, **kwargs: Any) -> Any:
        """Distances to the background, and where it is nearest; into arrays that are given."""
        given = _by_name(own, args, kwargs)
        targets = given.pop("distances", None), given.pop("indices", None)
        given.setdefault("return_distances", True)
        given.setdefault("return_indices", False)
        asked = given["return_distances"], given["return_indices"]
        made = _now_or_later(own, given)
        made = iter(made if all(asked) else (made,))
        returned = []
        for is_asked, target in zip(asked, targets, strict=True):
            if not is_asked:
                continue
            result = next(made)
            if target is None:
                returned.append(result)
            else:
                target[...] = result
        return (tuple(returned) if len(returned) > 1 else returned[0]) if returned else None


for _name in _DISTANCES:
    _distances(_name)
