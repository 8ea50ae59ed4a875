"""Solutions that SciPy has found between its steps (``dense_output=True``), at recorded times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.looked_up import pick
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_method
from adjoint.trace.without_rule import no_rule


def _powers(piece: Any, first: Any, rest: Any, start: float) -> tuple[Any, ...]:
    return first, rest, np.full(len(rest), start), np.full(len(rest), piece.h)


def _standing(piece: Any) -> tuple[Any, ...]:
    nothing = np.zeros(0)
    return piece.value, np.zeros((0, np.size(piece.value))), nothing, nothing


def _alternating(piece: Any) -> tuple[Any, ...]:
    """Of DOP853: by turns times x and 1 - x, from the last one inwards."""
    rest = np.asarray(piece.F)
    rising = np.arange(len(rest) - 1, -1, -1) % 2 == 0
    ends = np.where(rising, piece.t_old, piece.t)
    return piece.y_old, rest, ends, np.where(rising, piece.h, -piece.h)


# A state y, vectors c and numbers s, d of a step: y + c_0 x_0 + c_1 x_0 x_1 + ..., where
# x_k = (t - s_k) / d_k.
_FORMS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "RkDenseOutput": lambda o: _powers(o, o.y_old, o.h * o.Q.T, o.t_old),
    "RadauDenseOutput": lambda o: _powers(o, o.y_old, o.Q.T, o.t_old),
    "LsodaDenseOutput": lambda o: _powers(o, o.yh[:, 0], o.yh[:, 1:].T, o.t),
    "BdfDenseOutput": lambda o: (o.D[0], o.D[1:], o.t_shift, o.denom),
    "Dop853DenseOutput": _alternating,
    "ConstantDenseOutput": _standing,
}


@valued_method("scipy.integrate.OdeSolution.__call__")
def between_steps(self: Any, t: Any) -> Any:
    """The state at t: one vector, or a column for each time; a polynomial between two steps."""
    t = floating(t)
    pieces = self.interpolants if self.ascending else self.interpolants[::-1]
    forms = [_form(piece) for piece in pieces]
    longest = max(len(rest) for _, rest, _, _ in forms)
    first = np.stack([form[0] for form in forms])
    rest, starts, widths = (
        np.stack([_padded(form[k], longest, filling) for form in forms])
        for k, filling in ((1, 0.0), (2, 0.0), (3, 1.0))
    )
    after = np.searchsorted(self.ts_sorted, stop_gradient(t), side=self.side)
    step = np.clip(after - 1, 0, len(pieces) - 1)
    y, x = pick(first, step), np.ones_like(t)
    for k in range(longest):
        x = x * (t - pick(starts[:, k], step)) / pick(widths[:, k], step)
        y = y + pick(rest[:, k], step) * x[..., None]
    return np.swapaxes(y, 0, -1)


def _form(piece: Any) -> tuple[Any, ...]:
    kind = type(piece).__name__
    if kind not in _FORMS:
        function = "scipy.integrate.OdeSolution.__call__"
        raise no_rule(function, f"a solution between the steps of {kind}", ", ".join(_FORMS))
    return _FORMS[kind](piece)


def _padded(x: Any, length: int, filling: float) -> Any:
    missing = [(0, length - len(x)), *[(0, 0)] * (np.ndim(x) - 1)]
    return np.pad(x, missing, constant_values=filling)
