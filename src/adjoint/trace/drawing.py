"""NumPy's random generators, called by a recorded function.

``rng.shuffle(x)`` of a stand-in swaps rows that are views of each other, and ``rng.normal(x)``
asks for its memory. So the methods of ``Generator`` and ``RandomState`` are ours from the first
recording on, as a few of ndarray's are (docs/decisions/0006-methods-of-ndarray.md): orders are
drawn of plain integers, with the bits that NumPy would draw, and recorded arrays are indexed
with them; what is drawn may be written, as what ``np.zeros`` makes; it moves with recorded
parameters (``trace/moving_draws.py``) where a formula says how, and is refused by name elsewhere.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adjoint.errors import ConversionError
from adjoint.graph.source import source_here
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import any_traced, as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.making import calls_from_user, joined, method_names, result
from adjoint.trace.moving_draws import MOVING
from adjoint.trace.outside import put_methods
from adjoint.trace.recorder import is_plain, unwrapped
from adjoint.trace.replacing import from_now_on, when_mentioned
from adjoint.trace.session import is_recording, while_recording

_REMEDIES = {"choice": "np.sum(p * values) has the derivative of the mean over p"}
_NO_DRAWS = ("seed", "get_state", "set_state", "bytes", "spawn", "tomaxint")


def _value(x: Any) -> Any:
    """The plain value of a recorded parameter, if it has no derivative; None otherwise."""
    x = joined(x)
    return unwrapped(x) if is_plain(x) else known_value(x) if x.dtype.kind in "biu" else None


def _moves(x: Any) -> bool:
    return any_traced(x) and _value(x) is None


def _known(name: str, x: Any) -> Any:
    """A parameter of a distribution as NumPy takes it."""
    if not any_traced(x):
        return x
    value = _value(x)
    if value is None:
        form = _REMEDIES.get(name, "")
        raise ConversionError(
            "what is drawn has no derivative in a recorded parameter of its distribution",
            function=name,
            source=source_here(),
            remedy=f"{form}{'; ' if form else ''}ad.stop_gradient(x) draws at the value of x "
            "where it is known, which it is not under jit",
        )
    return value


def _draw(own: Callable[..., Any], generator: Any, *args: Any, **options: Any) -> Any:
    """Numbers of a distribution, which may be wanted in a given array."""
    name = own.__name__
    if name in MOVING and any(_moves(x) for x in (*args, *options.values())):
        given = [as_operand(x) if any_traced(x) else x for x in args]
        named = {key: as_operand(x) if any_traced(x) else x for key, x in options.items()}
        return MOVING[name](own, generator, *given, **named)
    out = options.pop("out", None)
    known = [_known(name, x) for x in args]
    settings = {key: _known(name, x) for key, x in options.items()}
    if type(out) is not core.TracedArray:
        return own(generator, *known, **settings, **({} if out is None else {"out": out}))
    out[...] = own(generator, *known, **settings, out=np.empty(out.shape, out.dtype))
    return out


def _shuffle(own: Callable[..., Any], generator: Any, x: Any, axis: int = 0) -> None:
    """Rows in a drawn order, in place."""
    if type(x) is not core.TracedArray or not x.shape:
        own(generator, x, *([axis] if axis else []))  # RandomState's has no axis
        return
    order = np.arange(x.shape[axis])
    own(generator, order)
    x[...] = np.take(x, order, axis=axis)


def _permutation(own: Callable[..., Any], generator: Any, x: Any, axis: int = 0) -> Any:
    """The same as an array of its own; of a number, its integers."""
    x = joined(x) if any_traced(x) else x
    if type(x) is not core.TracedArray or not x.shape:
        return own(generator, x, *([axis] if axis else []))
    return np.take(x, own(generator, x.shape[axis]), axis=axis)


def _permuted(
    own: Callable[..., Any], generator: Any, x: Any, *, axis: Any = None, out: Any = None
) -> Any:
    """Each line along an axis in an order of its own."""
    if not any_traced([x, out]):
        return own(generator, x, axis=axis, out=out)
    x = as_operand(x)
    lines = np.arange(x.size).reshape(x.shape)
    made = np.take(np.reshape(x, -1), own(generator, lines, axis=axis))
    if out is None:
        return made
    out[...] = made
    return out


def _choice(
    own: Callable[..., Any],
    generator: Any,
    a: Any,
    size: Any = None,
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    shuffle: bool = True,
) -> Any:
    """Drawn elements of an array: only which ones is drawn."""
    p = _known("choice", p)
    options = {} if shuffle else {"shuffle": False}  # RandomState's has neither this nor axis
    a = joined(a) if any_traced(a) else a
    if type(a) is not core.TracedArray or not a.shape:
        return own(generator, a, size, replace, p, **({"axis": axis} if axis else {}), **options)
    places = own(generator, a.shape[axis], size, replace, p, **options)
    return np.take(a, places, axis=axis)


_RULES: Mapping[str, Callable[..., Any]] = {
    "shuffle": _shuffle,
    "permutation": _permutation,
    "permuted": _permuted,
    "choice": _choice,
}


def _ours(own: Any) -> Callable[..., Any]:
    """What takes the place of a generator's method."""
    rule = functools.partial(_RULES.get(own.__name__, _draw), own)

    @functools.wraps(own)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        if not is_recording():
            return own(self, *args, **options)
        if any_traced([*args, *options.values()]):
            return rule(self, *args, **options)
        made = own(self, *args, **options)
        return result(made) if type(made) is np.ndarray and calls_from_user() else made

    return call


_placed = False


def _place() -> None:
    """Put our methods into the generators' tables, and those of the global one into np.random."""
    global _placed
    if _placed:
        return
    _placed = True
    random = np.random
    for kind in (random.Generator, random.RandomState):
        draws = {
            name: _ours(own)
            for name, own in vars(kind).items()
            if callable(own) and name[0] != "_" and name not in _NO_DRAWS
        }
        put_methods(kind, draws)
        method_names.update(draws)
    everyone = random.mtrand._rand
    bound = {name: getattr(everyone, name) for name in draws if name in vars(random)}
    from_now_on(vars(random), bound)


def _place_if_loaded() -> None:
    if not _placed and "numpy.random" in sys.modules:
        _place()


while_recording(_place_if_loaded, lambda: None)
when_mentioned("random", _place)
