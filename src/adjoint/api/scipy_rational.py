"""scipy.interpolate.AAA on recorded data: SciPy chooses the nodes, and its weights move.

The nodes are data that a greedy search takes one by one; how many they are depends on the values.
The weights are the singular vector of the least singular value of the Loewner matrix of the other
data, of its columns as they are or of length one; only their ratios count. Poles and zeros are
SciPy's, and two of Newton's steps give their derivatives up to the third order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from adjoint.api.told import Untold
from adjoint.trace.borrow_scipy import holds_itself
from adjoint.trace.calls.looked_up import pick
from adjoint.trace.calls.scipy_interpolate import refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule


def _weights(matrix: Any, scaled: bool) -> Any:
    """The least singular vector, with the columns of length one if they are scaled."""
    sizes = np.sqrt(np.sum(np.abs(matrix) ** 2, axis=0)) if scaled else np.ones(matrix.shape[1])
    return np.conj(np.linalg.svd(matrix / sizes, full_matrices=False)[2][-1]) / sizes


def _is_along(found: Any, given: Any) -> bool:
    """Whether two vectors differ by a factor alone."""
    product = np.abs(np.vdot(found, given))
    return bool(product >= (1 - 1e-8) * np.linalg.norm(found) * np.linalg.norm(given))


@scipy_rule("scipy.interpolate.AAA.__init__")
def rational_fit(self: Any, x: Any, y: Any, **settings: Any) -> None:
    """The rational function near to data."""
    from scipy.interpolate import AAA

    x, y = floating(x), floating(y)
    if holds_traced(settings.values()):
        raise refused("AAA", "settings inside jit or vmap", "plain numbers")
    places, data = known_value(x), known_value(y)
    if places is None or data is None:
        raise refused("AAA", "AAA inside jit or vmap (the data choose how many nodes there are)",
                      "FloaterHormannInterpolator, or ad.grad without jit")  # fmt: skip
    if y.ndim != 1:
        raise refused("AAA", "several columns of data", "one AAA for each column")
    plain = AAA(places, data, **settings)
    kept = np.flatnonzero(np.isfinite(data))
    order = kept[np.unique(places[kept], return_index=True)[1]]
    is_node = np.isin(places[order], plain.support_points)
    nodes = np.array([order[places[order] == z][0] for z in plain.support_points])
    rest = order[~is_node]

    def loewner(z: Any, f: Any) -> Any:
        return (f[rest][:, None] - f[nodes]) / (z[rest][:, None] - z[nodes])

    matrix = loewner(places, data)
    if len(rest) < len(nodes) - 1 or len(nodes) == 1:
        chosen = [False] if len(nodes) == 1 else []
    else:
        chosen = [s for s in (False, True) if _is_along(_weights(matrix, s), plain.weights)]
    if not chosen:
        raise refused("AAA", "weights of fewer data than nodes, or of singular values that meet,",
                      "max_terms= of less than half the data, or a larger rtol=")  # fmt: skip
    self._axis, self._shape = 0, ()
    self._points, self._values = x[order], y[order]
    self._support_points, self._support_values = x[nodes], y[nodes]
    one = len(nodes) == 1
    self.weights = plain.weights if one else _weights(loewner(x, y), chosen[0])
    self.errors = Untold("scipy.interpolate.AAA", "errors", "np.max(np.abs(r(x) - y))")
    self._poles = self._residues = self._roots = None


def _zeros(name: str, nodes: Any, shares: Any) -> Any:
    """Where the sum of ``shares / (z - nodes)`` is zero, in SciPy's order."""
    points, plain = known_value(nodes), known_value(shares)
    if points is None or plain is None:
        raise refused(name, "poles and zeros inside jit or vmap (the data choose how many there "
                      "are)", "ad.grad without jit")  # fmt: skip
    m = len(plain)
    right = np.eye(m + 1)
    right[0, 0] = 0
    left = np.diag(np.concatenate([[0], points])).astype(np.result_type(plain, points))
    left[0, 1:], left[1:, 0] = plain, 1
    found = scipy.linalg.eigvals(left, right)
    found = found[np.isfinite(found)]
    nearest = np.argmin(np.abs(found[:, None] - points), axis=1)
    here = nearest[:, None] == np.arange(m)
    z = found
    for _ in range(2):  # on the sum times the distance to the nearest node, where it is finite
        off = z[:, None] - nodes
        terms = np.where(here, 0.0, shares / np.where(here, 1.0, off))
        others = np.sum(terms, axis=1)
        step = z - pick(nodes, nearest)
        slope = others - step * np.sum(terms / np.where(here, 1.0, off), axis=1)
        z = z - (pick(shares, nearest) + step * others) / slope
    return moved_as(found, z)


_RATIONAL = "scipy.interpolate._bary_rational._BarycentricRational"


@scipy_rule(f"{_RATIONAL}.poles", wanted=holds_itself)
def poles(self: Any) -> Any:
    """Where the sum below is zero."""
    if self._poles is None:
        self._poles = _zeros("poles", self._support_points, self.weights)
    return self._poles


@scipy_rule(f"{_RATIONAL}.roots", wanted=holds_itself)
def roots(self: Any) -> Any:
    """Where the sum above is zero."""
    if np.ndim(self._support_values) > 1:
        raise NotImplementedError("Roots not implemented for multi-dimensional data.")
    if self._roots is None:
        shares = self.weights * self._support_values
        self._roots = _zeros("roots", self._support_points, shares)
    return self._roots
