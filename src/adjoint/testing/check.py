"""The gradient checker.

For every leaf of the arguments a random direction ``v`` is drawn and the derivative of ``f``
along it is found three ways: by forward mode, by reverse mode, and by differences of values
of ``f`` alone. Differences are central, at distances h and 2h, extrapolated once, so their
error falls like h^4. Several h are tried, because one that suits a smooth function is too wide
beside a kink; a derivative that is wrong is wrong at all of them. For a higher order the
derivative functions are checked in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint import tree
from adjoint.api.gradients import jvp, vjp
from adjoint.errors import GradientCheckError, StructureError
from adjoint.graph.types import type_of
from adjoint.primitives.infer import real_dtype
from adjoint.testing.samplers import inner, random_like
from adjoint.trace.record import argument_payload
from adjoint.trace.replacing import as_called

MODES = ("forward", "reverse")
STEPS = (1e-3, 1e-4, 1e-2, 1e-5, 1e-1, 1e-6)  # h, relative to the largest element of a leaf
# The least h that says anything, by the bytes of the coarsest real dtype that f computes in.
_LEAST = {2: 1e-1, 4: 1e-2, 8: 1e-6}

# By the bytes of the coarsest real dtype among arguments and results.
_TOLERANCE = {2: 2e-2, 4: 2e-4}
_DOUBLE = 1e-6
# Elements smaller than this share of the largest are held to that share's tolerance.
_SMALL = 1e-2


class _Check(NamedTuple):
    """What stays the same through all orders."""

    name: str  # of the function, for messages
    tolerance: float | None
    modes: tuple[str, ...]
    rng: np.random.Generator
    paths: list[str]  # of the arguments that move


class _Inside(NamedTuple):
    """What the results of a derivative function are made of.

    Where a derivative is zero, what is left of large numbers is their rounding; and it may have
    been computed in another precision than its arguments and results have.
    """

    size: float  # of the largest numbers
    bytes: int  # of the coarsest real dtype


class _Miss(NamedTuple):
    """A disagreement, as a multiple of what is allowed."""

    excess: float
    mode: str
    where: str
    got: float | complex
    wanted: float | complex


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    *,
    modes: Iterable[str] = MODES,
    tolerance: float | None = None,
    seed: int = 0,
) -> None:
    """Check the derivatives of f against differences of its values, in both modes.

    Args:
        f: a function of trees of arrays, returning a tree. Arguments and results that are not
            floating or complex are left alone.
        args: a tuple of arguments; a point at which f is smooth.
        order: 1 checks first derivatives, 2 second ones as well, and so on.
        modes: ``"forward"``, ``"reverse"`` or both.
        tolerance: how far a derivative may be off, relative to itself; by default 1e-6 in
            double precision, 2e-4 in single, 2e-2 in half.
        seed: of the random directions.

    Raises:
        GradientCheckError: a derivative disagrees; the message names the argument, the mode
            and both numbers.

    >>> check_grads(lambda x, y: np.sin(x) * y["a"], (np.ones(3), {"a": 2.0}))
    """
    chosen = tuple(modes)
    if not chosen or any(mode not in MODES for mode in chosen):
        raise StructureError(
            "there is no such mode", function="check_grads", got=str(chosen), wanted=str(MODES)
        )
    if order < 1:
        raise StructureError("order must be 1 or more", function="check_grads", got=str(order))
    if not isinstance(args, tuple | list):
        raise StructureError(
            "args must be a tuple of arguments",
            function="check_grads",
            got=type(args).__name__,
            remedy="write check_grads(f, (x,))",
        )
    leaves, structure = tree.flatten(tuple(args))
    for leaf in leaves:
        if isinstance(leaf, np.ndarray):
            argument_payload(leaf, "check_grads")  # refuses what is no plain array
    moving = [i for i, leaf in enumerate(leaves) if type_of(leaf).is_differentiable]
    if not moving:
        raise StructureError(
            "no argument is floating or complex, so there is nothing to check",
            function="check_grads",
            got=", ".join(str(type_of(leaf)) for leaf in leaves) or "no arguments",
        )

    def of_moving(*xs: Any) -> list[Any]:
        given = list(leaves)
        for i, x in zip(moving, xs, strict=True):
            given[i] = x
        results = tree.leaves(as_called(f)(*tree.unflatten(structure, given)))
        return [y for y in results if type_of(y).is_differentiable]

    of_moving.__wrapped__ = f  # type: ignore[attr-defined]  # what it holds is looked through
    paths = tree.paths(tuple(args))
    check = _Check(
        getattr(f, "__name__", type(f).__name__),
        tolerance,
        chosen,
        np.random.default_rng(seed),
        [f"args{paths[i]}" for i in moving],
    )
    _check(
        of_moving,
        [np.asarray(leaves[i])[()] for i in moving],
        order,
        check,
        "derivative",
        _Inside(0.0, 8),
    )


def _check(
    f: Callable[..., list[Any]],
    args: list[Any],
    order: int,
    check: _Check,
    what: str,
    inside: _Inside,
) -> None:
    """Check one order, then the derivative functions; it is as deep as the order is high."""
    value = f(*args)
    if not value:
        raise StructureError(
            "the function returns nothing that is floating or complex",
            function="check_grads",
            remedy="leave functions of integers and booleans unchecked: they have no derivative",
        )
    inside = inside._replace(bytes=min(inside.bytes, *(_bytes(x) for x in [*args, *value])))
    out_bar = random_like(value, check.rng)
    direction = [random_like(x, check.rng) for x in args]
    forward, reverse = "forward" in check.modes, "reverse" in check.modes
    bars = vjp(f, *args)[1](out_bar) if reverse else None
    for i in range(len(args)):
        v = [d if j == i else np.zeros_like(d) for j, d in enumerate(direction)]
        dots = jvp(f, args, v)[1] if forward else None
        pulled = inner(bars[i], v[i]) if bars is not None else None
        _compare(f, args, i, direction, value, out_bar, dots, pulled, check, what, inside)
    if order == 1:
        return
    largest = max([1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in args)])
    size = max([inside.size, *(float(np.max(np.abs(y), initial=0.0)) for y in value)])
    inside = inside._replace(size=size / largest)
    if forward:

        def pushed(*xs: Any) -> list[Any]:
            dots: list[Any] = jvp(f, xs, direction)[1]
            return dots

        _check(pushed, args, order - 1, check, f"{what} of the forward derivative", inside)
    if reverse:

        def pulled_back(*xs: Any) -> list[Any]:
            return list(vjp(f, *xs)[1](out_bar))

        _check(pulled_back, args, order - 1, check, f"{what} of the gradient", inside)


def _compare(
    f: Callable[..., list[Any]],
    args: list[Any],
    i: int,
    direction: list[Any],
    value: list[Any],
    out_bar: list[Any],
    dots: list[Any] | None,
    pulled: float | None,
    check: _Check,
    what: str,
    inside: _Inside,
) -> None:
    """Both modes along one direction against differences; right at one distance is right."""
    relative = check.tolerance or _TOLERANCE.get(inside.bytes, _DOUBLE)
    best: _Miss | None = None
    for h in STEPS:
        numeric, noise, least = _differences(f, args, i, direction[i], h, inside)
        if h < least:
            continue
        misses = []
        if dots is not None:
            misses += [
                _elementwise_miss(dot, wanted, error, relative, k if len(value) > 1 else None)
                for k, (dot, wanted, error) in enumerate(zip(dots, numeric, noise, strict=True))
            ]
        if pulled is not None:
            misses.append(_paired_miss(pulled, out_bar, numeric, noise, relative))
        worst = max(misses, key=lambda miss: miss.excess)
        if worst.excess <= 1:
            return
        if best is None or worst.excess < best.excess:
            best = worst
    assert best is not None
    raise GradientCheckError(
        f"the {what} of {check.name} by {check.paths[i]} is wrong in {best.mode} mode{best.where}",
        function="check_grads",
        got=repr(best.got),
        wanted=f"{best.wanted!r} from differences of values",
        remedy="check the rules of custom_jvp and custom_vjp used here, or move the point away "
        "from a kink, where differences mean nothing",
    )


def _differences(
    f: Callable[..., list[Any]], args: list[Any], i: int, v: Any, h: float, inside: _Inside
) -> tuple[list[Any], list[float], float]:
    """The derivative along v by values alone, how much rounding there may be in it, the least h.

    Taken in double precision or better, whatever the arguments are, wherever f follows them.
    """
    wide = [x.astype(np.result_type(x.dtype, np.float64)) for x in args]
    scale = float(np.max(np.abs(wide[i]), initial=0.0)) or 1.0
    step = h * scale

    def at(distance: float) -> list[Any]:
        moved = list(wide)
        moved[i] = wide[i] + distance * v.astype(wide[i].dtype)
        return f(*moved)

    with np.errstate(all="ignore"):
        near = list(zip(at(step), at(-step), strict=True))
        far = list(zip(at(2 * step), at(-2 * step), strict=True))
    # Arguments in half precision were made wide; what f makes narrow again stays so.
    coarsest = min(_bytes(a) for a, _ in near)
    if _bytes(args[i]) > inside.bytes:
        coarsest = min(coarsest, inside.bytes)
    least = _LEAST[min(coarsest, 8)]
    eps = float(np.finfo(f"f{min(coarsest, 8)}").eps)
    numeric, noise = [], []
    for (a, b), (c, d) in zip(near, far, strict=True):
        close, wider = (a - b) / (2 * step), (c - d) / (4 * step)
        numeric.append(np.asarray((4 * close - wider) / 3))
        largest = max(inside.size, float(np.max(np.abs(a), initial=0.0)))
        # What passes at the least distance is not refused at another.
        noise.append(4 * eps * largest / (scale * least))
    return numeric, noise, least


def _bytes(x: Any) -> int:
    """Of the real dtype of an array."""
    return real_dtype(np.asarray(x).dtype).itemsize


def _ratio(error: float, allowed: float) -> float:
    """How many times too large; what is not finite is infinitely wrong."""
    if not np.isfinite(error) or not np.isfinite(allowed):
        return np.inf
    if error == 0:
        return 0.0
    return error / allowed if allowed else np.inf


def _elementwise_miss(
    got: Any, wanted: Any, noise: float, relative: float, result: int | None
) -> _Miss:
    if wanted.size == 0:
        return _Miss(0.0, "forward", "", 0.0, 0.0)
    error, size = np.abs(np.asarray(got) - wanted), np.abs(wanted)
    allowed = relative * np.maximum(size, _SMALL * np.max(size)) + noise
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(error == 0, 0.0, error / allowed)
    share = np.where(np.isfinite(share), share, np.inf)
    at = np.unravel_index(int(np.argmax(share)), wanted.shape)
    where = f", result {result}" if result is not None else ""
    if at:
        where += f", element {tuple(map(int, at))}"
    return _Miss(float(share[at]), "forward", where, np.asarray(got)[at].item(), wanted[at].item())


def _paired_miss(
    pulled: float, out_bar: list[Any], numeric: list[Any], noise: list[float], relative: float
) -> _Miss:
    """``<x_bar, v>`` against ``<y_bar, J v>`` with the differences for ``J v``."""
    wanted = inner(out_bar, numeric)
    allowed = 0.0
    for bar, dot, error in zip(out_bar, numeric, noise, strict=True):
        # Many terms may cancel in the sum: their rounding does not.
        terms = np.abs(np.multiply(bar, dot))
        allowed += relative * float(np.sqrt(np.sum(terms**2))) + float(np.sum(np.abs(bar))) * error
    where = ", along a random direction"
    return _Miss(_ratio(abs(pulled - wanted), allowed), "reverse", where, pulled, wanted)
