"""scipy.spatial.distance on stand-in arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import root
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import no_rule


def _dot(u: Any, v: Any) -> Any:
    return np.sum(u * v, axis=-1)


def _cosine(u: Any, v: Any) -> Any:
    return 1 - _dot(u, v) / np.sqrt(_dot(u, u) * _dot(v, v))


def _correlation(u: Any, v: Any) -> Any:
    return _cosine(u - np.mean(u, -1, keepdims=True), v - np.mean(v, -1, keepdims=True))


def _canberra(u: Any, v: Any, w: Any = 1.0) -> Any:
    size = np.abs(u) + np.abs(v)
    return np.sum(np.where(size == 0, 0, w * np.abs(u - v) / np.where(size == 0, 1, size)), -1)


def _minkowski(u: Any, v: Any, p: Any = 2, w: Any = 1.0) -> Any:
    if np.isinf(p):
        return np.max(np.abs(u - v), axis=-1)
    if p == 2:
        return root(np.sum(w * (u - v) ** 2, axis=-1))
    total = np.sum(w * np.abs(u - v) ** p, axis=-1)
    positive = total > 0
    return np.where(positive, np.where(positive, total, 1) ** (1 / p), 0)


def _mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    off = u - v
    return root(np.sum((off @ VI) * off, axis=-1))


def _jensenshannon(u: Any, v: Any) -> Any:
    u, v = u / np.sum(u, -1, keepdims=True), v / np.sum(v, -1, keepdims=True)
    m = (u + v) / 2
    return root((np.sum(sp.rel_entr(u, m), -1) + np.sum(sp.rel_entr(v, m), -1)) / 2)


METRICS: dict[str, Callable[..., Any]] = {
    "euclidean": lambda u, v, w=1.0: root(np.sum(w * (u - v) ** 2, axis=-1)),
    "sqeuclidean": lambda u, v, w=1.0: np.sum(w * (u - v) ** 2, axis=-1),
    "cityblock": lambda u, v, w=1.0: np.sum(w * np.abs(u - v), axis=-1),
    "chebyshev": lambda u, v: np.max(np.abs(u - v), axis=-1),
    "minkowski": _minkowski,
    "cosine": _cosine,
    "correlation": _correlation,
    "canberra": _canberra,
    "braycurtis": lambda u, v: np.sum(np.abs(u - v), -1) / np.sum(np.abs(u + v), -1),
    "mahalanobis": _mahalanobis,
    "seuclidean": lambda u, v, V: root(np.sum((u - v) ** 2 / V, axis=-1)),
    "jensenshannon": _jensenshannon,
}


def _of_each_pair(metric: Callable[..., Any], u: Any, v: Any) -> Any:
    """A function of the user's of two points, along the last axis."""
    u, v = np.broadcast_arrays(u, v)
    shape, n = u.shape[:-1], u.shape[-1]
    pairs = zip(np.reshape(u, (-1, n)), np.reshape(v, (-1, n)), strict=True)
    made = [metric(a, b) for a, b in pairs]
    return np.reshape(np.stack(made) if made else np.zeros(0), shape)


def _metric(name: Any, function: str, options: dict[str, Any]) -> Callable[..., Any]:
    name = {"cityblock": "cityblock", "manhattan": "cityblock", "l2": "euclidean"}.get(name, name)
    if callable(name) and getattr(name, "__name__", "") not in METRICS:
        return lambda u, v: _of_each_pair(lambda a, b: name(a, b, **options), u, v)
    if callable(name):
        name = name.__name__
    if name not in METRICS:
        what = f"the metric {name!r}"
        raise no_rule(f"scipy.spatial.distance.{function}", what, ", ".join(METRICS))
    given = {k: v for k, v in options.items() if v is not None}
    return lambda u, v: METRICS[name](u, v, **given)


@scipy_rule("scipy.spatial.distance.cdist")
def cdist(XA: Any, XB: Any, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Any:
    """Distances of all pairs from two sets of points."""
    a, b = floating(XA), floating(XB)
    if metric == "seuclidean" and kwargs.get("V") is None:
        kwargs["V"] = np.var(np.concatenate([a, b]), axis=0, ddof=1)
    if metric == "mahalanobis" and kwargs.get("VI") is None:
        kwargs["VI"] = np.linalg.inv(np.cov(np.concatenate([a, b]).T)).T
    return _metric(metric, "cdist", kwargs)(a[:, None, :], b[None, :, :])


@scipy_rule("scipy.spatial.distance.pdist")
def pdist(X: Any, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Any:
    """Distances of all pairs of points, as one vector."""
    x = floating(X)
    i, j = np.triu_indices(x.shape[0], 1)
    if metric == "seuclidean" and kwargs.get("V") is None:
        kwargs["V"] = np.var(x, axis=0, ddof=1)
    if metric == "mahalanobis" and kwargs.get("VI") is None:
        kwargs["VI"] = np.linalg.inv(np.cov(x.T)).T
    return _metric(metric, "pdist", kwargs)(x[i], x[j])


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
    @scipy_rule(f"scipy.spatial.distance.{name}")
    def rule(u: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        names = {"minkowski": ("p", "w"), "mahalanobis": ("VI",), "seuclidean": ("V",)}
        options = dict(zip(names.get(name, ("w",)), args, strict=False)) | kwargs
        return _metric(name, name, options)(floating(u), floating(v))


for _name in METRICS:
    if _name != "jensenshannon":
        _pair(_name)


@scipy_rule("scipy.spatial.distance.jensenshannon")
def jensenshannon(
    p: Any, q: Any, base: Any = None, *, axis: int = 0, keepdims: bool = False
) -> Any:
    """The square root of the Jensen-Shannon divergence."""
    p, q = np.moveaxis(floating(p), axis, -1), np.moveaxis(floating(q), axis, -1)
    value = _jensenshannon(p, q)
    value = value if base is None else value / np.sqrt(np.log(base))
    return np.expand_dims(value, axis) if keepdims else value
