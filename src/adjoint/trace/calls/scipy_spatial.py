"""scipy.spatial.distance on stand-in arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import moved_as, root
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule


def _dot(u: Any, v: Any) -> Any:
    return np.sum(u * v, axis=-1)


def _mean(u: Any, w: Any) -> Any:
    if w is None:
        return np.mean(u, -1, keepdims=True)
    return (_dot(w, u) / np.sum(w))[..., None]


def _cosine(u: Any, v: Any, w: Any = None) -> Any:
    first, second = (u, v) if w is None else (w * u, w * v)
    off = 1 - _dot(first, v) / np.sqrt(_dot(first, u) * _dot(second, v))
    return np.where(off < 0, off - stop_gradient(off), off)  # no distance is below 0


def _correlation(u: Any, v: Any, w: Any = None, centered: bool = True) -> Any:
    if centered:
        u, v = u - _mean(u, w), v - _mean(v, w)
    return _cosine(u, v, w)


def _canberra(u: Any, v: Any, w: Any = 1.0) -> Any:
    size = np.abs(u) + np.abs(v)
    return np.sum(np.where(size == 0, 0, w * np.abs(u - v) / np.where(size == 0, 1, size)), -1)


def _chebyshev(u: Any, v: Any, w: Any = 1.0) -> Any:
    return np.max(np.where(w > 0, np.abs(u - v), 0.0), axis=-1)


def _minkowski(u: Any, v: Any, p: Any = 2, w: Any = 1.0) -> Any:
    if holds_traced([p]):  # it moves, whatever it is just now
        endless = np.isinf(p)
        finite = _powered(u, v, np.where(endless, 1.0, p), w)
        return np.where(endless, _chebyshev(u, v, w), finite)
    if np.isinf(p):
        return _chebyshev(u, v, w)
    return METRICS["euclidean"](u, v, w) if p == 2 else _powered(u, v, p, w)


def _powered(u: Any, v: Any, p: Any, w: Any) -> Any:
    off = np.abs(u - v)
    if holds_traced([p]):
        apart = off > 0  # where two are equal nobody asks for a logarithm
        powers = np.where(apart, np.where(apart, off, 1.0) ** p, 0.0)
    else:
        powers = off**p
    total = np.sum(w * powers, axis=-1)
    positive = total > 0
    return np.where(positive, np.where(positive, total, 1) ** (1 / p), 0)


def _braycurtis(u: Any, v: Any, w: Any = 1.0) -> Any:
    return np.sum(w * np.abs(u - v), -1) / np.sum(w * np.abs(u + v), -1)


def _mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    off = u - v
    return root(np.sum((off @ VI) * off, axis=-1))


def _jensenshannon(u: Any, v: Any) -> Any:
    u, v = u / np.sum(u, -1, keepdims=True), v / np.sum(v, -1, keepdims=True)
    m = (u + v) / 2
    return root((np.sum(sp.rel_entr(u, m), -1) + np.sum(sp.rel_entr(v, m), -1)) / 2)


def _hamming(u: Any, v: Any, w: Any = None) -> Any:
    return _mean(np.where(u != v, 1.0, 0.0), w)[..., 0]


def _jaccard(u: Any, v: Any, w: Any = 1.0) -> Any:
    either = np.sum(np.where((u != 0) | (v != 0), w, 0.0), -1)
    one = np.sum(np.where((u != 0) ^ (v != 0), w, 0.0), -1)
    return np.where(either == 0, 0.0, one / np.where(either == 0, 1.0, either))


def _counted(u: Any, v: Any, w: Any = None) -> tuple[Any, Any, Any, Any]:
    """How often both are true, the second alone, the first alone, none: with weights."""
    w = np.ones(u.shape[-1]) if w is None else w
    return tuple(_dot(w, x * y) for x in (u, 1.0 - u) for y in (v, 1.0 - v))


def _dice(u: Any, v: Any, w: Any = None) -> Any:
    both, first, second, _ = _counted(u, v, w)
    return (first + second) / (2.0 * both + first + second)


def _rogerstanimoto(u: Any, v: Any, w: Any = None) -> Any:
    both, first, second, none = _counted(u, v, w)
    return 2.0 * (first + second) / (both + none + 2.0 * (first + second))


def _russellrao(u: Any, v: Any, w: Any = None) -> Any:
    whole = u.shape[-1] if w is None else np.sum(w)
    return (whole - _counted(u, v, w)[0]) / whole


def _sokalsneath(u: Any, v: Any, w: Any = None) -> Any:
    both, first, second, _ = _counted(u, v, w)
    return 2.0 * (first + second) / (both + 2.0 * (first + second))


def _yule(u: Any, v: Any, w: Any = None) -> Any:
    both, first, second, none = _counted(u, v, w)
    half = first * second
    return np.where(half == 0, 0.0, 2.0 * half / np.where(half == 0, 1.0, both * none + half))


# Functions of what is true and false: of the numbers 0 and 1, and as such of any.
_OF_TRUTHS = {"dice": _dice, "rogerstanimoto": _rogerstanimoto, "russellrao": _russellrao,
              "sokalsneath": _sokalsneath, "yule": _yule}  # fmt: skip
METRICS: dict[str, Callable[..., Any]] = {
    "euclidean": lambda u, v, w=1.0: root(np.sum(w * (u - v) ** 2, axis=-1)),
    "sqeuclidean": lambda u, v, w=1.0: np.sum(w * (u - v) ** 2, axis=-1),
    "cityblock": lambda u, v, w=1.0: np.sum(w * np.abs(u - v), axis=-1),
    "chebyshev": _chebyshev,
    "minkowski": _minkowski,
    "cosine": _cosine,
    "correlation": _correlation,
    "canberra": _canberra,
    "braycurtis": _braycurtis,
    "mahalanobis": _mahalanobis,
    "seuclidean": lambda u, v, V: root(np.sum((u - v) ** 2 / V, axis=-1)),
    "jensenshannon": _jensenshannon,
    "hamming": _hamming,
    "jaccard": _jaccard,
    **_OF_TRUTHS,
}


def _of_each_pair(metric: Callable[..., Any], u: Any, v: Any) -> Any:
    """A function of the user's of two points, along the last axis."""
    u, v = np.broadcast_arrays(u, v)
    shape, n = u.shape[:-1], u.shape[-1]
    pairs = zip(np.reshape(u, (-1, n)), np.reshape(v, (-1, n)), strict=True)
    made = [metric(a, b) for a, b in pairs]
    return np.reshape(np.stack(made) if made else np.zeros(0), shape)


def _name_of(metric: Any) -> str:
    """SciPy's name of a metric, which has shorter ones; none for a function of the user's."""
    from scipy.spatial import distance

    if callable(metric):
        name = getattr(metric, "__name__", "")
        return name if getattr(distance, name, None) is metric else ""
    shorter = getattr(distance, "_METRIC_ALIAS", {}).get(str(metric).lower())
    return str(metric).lower() if shorter is None else str(shorter.canonical_name)


def _metric(metric: Any, function: str, options: dict[str, Any]) -> Callable[..., Any]:
    """Of pairs of points along the last axis."""
    name = _name_of(metric)
    if not name:
        return lambda u, v: _of_each_pair(lambda a, b: metric(a, b, **options), u, v)
    if name not in METRICS:
        what = f"the metric {metric!r}"
        raise no_rule(f"scipy.spatial.distance.{function}", what, ", ".join(METRICS))
    given = {k: v for k, v in options.items() if v is not None}
    if name in _OF_TRUTHS and not callable(metric):
        return lambda u, v: METRICS[name](*(np.where(x != 0, 1.0, 0.0) for x in (u, v)), **given)
    return lambda u, v: METRICS[name](u, v, **given)


def _completed(metric: Any, options: dict[str, Any], points: list[Any]) -> dict[str, Any]:
    """A metric's options, with those that it takes from all points where they are not given."""
    name = _name_of(metric)
    if name == "seuclidean" and options.get("V") is None:
        return {**options, "V": np.var(np.concatenate(points), axis=0, ddof=1)}
    if name == "mahalanobis" and options.get("VI") is None:
        return {**options, "VI": np.linalg.inv(np.cov(np.concatenate(points).T)).T}
    return options


def _double(x: Any) -> Any:
    """In double precision, in which SciPy has the distances of sets of points."""
    return floating(x).astype(np.float64)


def _yields(metric: Any, *points: Any, **options: Any) -> bool:
    """Whether a function of the user's makes recorded distances of plain points."""
    first, last = np.asarray(points[0], float), np.asarray(points[-1], float)
    try:
        return callable(metric) and holds_traced([metric(first[0], last[-1], **options)])
    except (TypeError, ValueError, IndexError):
        return False  # SciPy will say what is wrong


def _wants_cdist(XA: Any, XB: Any, metric: Any = "euclidean", **options: Any) -> bool:
    return _yields(metric, XA, XB, **{k: v for k, v in options.items() if k != "out"})


def _wants_pdist(X: Any, metric: Any = "euclidean", **options: Any) -> bool:
    return _yields(metric, X, **{k: v for k, v in options.items() if k != "out"})


@valued_rule("scipy.spatial.distance.cdist", wanted=_wants_cdist)
def cdist(XA: Any, XB: Any, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Any:
    """Distances of all pairs from two sets of points."""
    a, b = _double(XA), _double(XB)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"two sets of points of one dimension are wanted: {a.shape}, {b.shape}")
    between = _metric(metric, "cdist", _completed(metric, kwargs, [a, b]))
    return between(a[:, None, :], b[None, :, :])


@valued_rule("scipy.spatial.distance.pdist", wanted=_wants_pdist)
def pdist(X: Any, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Any:
    """Distances of all pairs of points, as one vector."""
    x = _double(X)
    if x.ndim != 2:
        raise ValueError(f"a set of points is wanted, one to a row: {x.shape}")
    i, j = np.triu_indices(x.shape[0], 1)
    return _metric(metric, "pdist", _completed(metric, kwargs, [x]))(x[i], x[j])


@scipy_rule("scipy.spatial.distance.squareform")
def squareform(X: Any, force: str = "no", checks: bool = True) -> Any:
    """Between the vector of pairs and the square matrix."""
    x = floating(X)
    if x.ndim == 2:
        return x[np.triu_indices(x.shape[0], 1)]
    n = int(np.ceil(np.sqrt(x.size * 2)))
    places = np.zeros((n, n), np.int64)
    places[np.triu_indices(n, 1)] = np.arange(x.size)
    places = places + places.T
    return np.where(np.eye(n, dtype=bool), 0, x[places])


def _pair(name: str) -> None:
    @valued_rule(f"scipy.spatial.distance.{name}")
    def rule(u: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        names = {"minkowski": ("p", "w"), "mahalanobis": ("VI",), "seuclidean": ("V",),
                 "correlation": ("w", "centered")}  # fmt: skip
        options = dict(zip(names.get(name, ("w",)), args, strict=False)) | kwargs
        given = {k: v for k, v in options.items() if v is not None}
        return METRICS[name](floating(u), floating(v), **given)


for _name in METRICS:
    if _name != "jensenshannon":
        _pair(_name)


@valued_rule("scipy.spatial.distance.jensenshannon")
def jensenshannon(
    p: Any, q: Any, base: Any = None, *, axis: int = 0, keepdims: bool = False
) -> Any:
    """The square root of the Jensen-Shannon divergence."""
    p, q = np.moveaxis(floating(p), axis, -1), np.moveaxis(floating(q), axis, -1)
    value = _jensenshannon(p, q)
    value = value if base is None else value / np.sqrt(np.log(base))
    return np.expand_dims(value, axis) if keepdims else value


@dataclass(frozen=True)
class _Farthest:
    """SciPy's search for the point that is farthest from a set, and what is next to it there."""

    settings: tuple[tuple[str, Any], ...]

    def __call__(self, u: Any, v: Any) -> tuple[Any, ...]:
        from scipy.spatial.distance import directed_hausdorff

        far, i, j = directed_hausdorff(u, v, **dict(self.settings))
        return np.float64(far), np.int64(i), np.int64(j)


@scipy_rule("scipy.spatial.distance.directed_hausdorff")
def directed_hausdorff(u: Any, v: Any, *rest: Any, **settings: Any) -> Any:
    """How far the farthest point is: SciPy says which two points these are."""
    u, v = floating(u), floating(v)
    settings |= {"rng": rest[0]} if rest else {}
    types = [ArrayType((), np.dtype(kind)) for kind in ("f8", "i8", "i8")]
    far, i, j = found_in(_Farthest(tuple(settings.items())), types, u, v)
    return moved_as(far, METRICS["euclidean"](pick(u, i), pick(v, j))), i, j
