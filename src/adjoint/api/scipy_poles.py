"""scipy.signal.place_poles where the poles decide the gain: with one input, or one per state.

With one input the characteristic polynomial has as many coefficients as the gain; it is
Ackermann's formula. With an input for each state SciPy solves ``B K = A - D``. In between the
poles leave the gain open: SciPy starts at vectors that depend on LAPACK's reflections, improves
them until a step changes the determinant by less than ``rtol``, and stops short of the optimum,
so no equation says what its gain is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.errors import ConvergenceError
from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import refusing

_refused = refusing("scipy.signal", "one input, or as many as states; a gain that is an optimum "
                    "has derivatives: scipy.linalg.solve_continuous_are")  # fmt: skip


def _ackermann(a: Any, b: Any, poles: Any) -> Any:
    """The gain of one input; matrices are scaled, so that their powers stay near to one."""
    n = a.shape[0]
    size = stop_gradient(np.sqrt(np.sum(a * a)) + np.sum(np.abs(poles)))
    a, poles = a / size, poles / size
    steps, product = [b], np.eye(n) + 0 * poles[0]
    for k in range(n):
        product = product @ (a - poles[k] * np.eye(n))
        steps.append(a @ steps[-1])
    reach = np.concatenate(steps[:n], axis=1)
    row = np.linalg.solve(reach.T, np.eye(n)[-1])
    return (size * (row @ np.real(product)))[None, :]


def _one_for_each(a: Any, b: Any, poles: Any) -> Any:
    """The least gain that makes the states apart: real poles, or turning pairs."""
    n = a.shape[0]
    wanted = np.real(poles)[:, None] * np.eye(n)
    if poles.dtype.kind == "c":
        beside = np.imag(poles)
        first = np.arange(n)[:, None] + 1 == np.arange(n)
        # a pair has its negative part first; the entries beside it are those of a turn
        up = np.where(known_value(beside) < 0, beside, 0.0)
        turn = -up[:, None] * first
        wanted = wanted + turn - turn.T
    return np.linalg.pinv(b) @ (a - wanted)


@dataclass(frozen=True)
class _Placed:
    """SciPy's gain, if the formula agrees with it."""

    formula: Any
    settings: tuple[Any, ...]

    def __call__(self, a: Any, b: Any, poles: Any) -> tuple[Any]:
        import scipy.signal

        gain = scipy.signal.place_poles(a, b, poles, *self.settings).gain_matrix
        off = np.max(np.abs(self.formula(a, b, poles) - gain))
        if not off <= 1e-6 * (np.max(np.abs(gain)) + 1e-3 * np.max(np.abs(a))):
            raise ConvergenceError(
                "the poles do not determine the gain in double precision",
                function="scipy.signal.place_poles",
                got=f"gains that differ by {off:.2g}",
                remedy="scale the states, or take a system that its inputs reach better",
            )
        return (gain,)


def _ordered(poles: Any) -> Any:
    """Real poles in rising order, then pairs, those with the negative part first."""
    if poles.dtype.kind != "c":
        return np.sort(poles)
    known = known_value(stop_gradient(poles))
    if known is None:
        raise _refused("place_poles", "complex poles that jit or vmap do not know")
    real = np.flatnonzero(known.imag == 0)
    below = np.flatnonzero(known.imag < 0)
    order = list(real[np.argsort(known[real])])
    for at in below[np.argsort(known[below])]:
        mates = np.flatnonzero(known == np.conj(known[at]))
        order += [at, *mates[:1]]
    if len(order) != len(known):
        raise ValueError("Complex poles must come with their conjugates")
    return poles[np.array(order, dtype=int)]


class Feedback:
    """SciPy's result; the poles that are asked for are those that the fed-back system has."""

    def __init__(self, gain: Any, poles: Any, rtol: float, nb_iter: float) -> None:
        self.gain_matrix, self.rtol, self.nb_iter = gain, rtol, nb_iter
        self.requested_poles = self.computed_poles = poles

    @property
    def X(self) -> Any:  # noqa: N802
        """Refused: the lengths and phases of the vectors are not determined."""
        raise _refused("place_poles", "X, of which LAPACK's reflections choose signs and phases,",
                       "eigenvectors of A - B K by numpy.linalg.eig")  # fmt: skip


@scipy_rule("scipy.signal.place_poles")
def place_poles(
    A: Any, B: Any, poles: Any, method: str = "YT", rtol: float = 1e-3, maxiter: int = 30
) -> Any:  # fmt: skip
    """The gain with which a fed-back system has given poles."""
    a, b, poles = floating(A), floating(B), _ordered(floating(poles))
    n, inputs = b.shape
    if 1 < inputs < n:
        raise _refused("place_poles", "a gain that the poles do not determine (with several inputs "
                       "SciPy stops at rtol, short of an optimum, from vectors that LAPACK's "
                       "reflections choose)")  # fmt: skip
    formula = _one_for_each if inputs >= n else _ackermann
    kind = ArrayType((inputs, n), np.dtype(np.float64))
    (gain,) = found_in(_Placed(formula, (method, rtol, maxiter)), [kind], a, b, poles)
    gain = moved_as(gain, formula(a, b, poles))
    return Feedback(gain, poles, *((np.nan, np.nan) if inputs >= n else (0, 0)))
