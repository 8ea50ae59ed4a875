"""What SciPy's solvers say of their steps, beside what they find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.api.solutions import refuse

MESSAGE = "found by SciPy on plain numbers, differentiated by its equation"
_OUTSIDE = "the same call outside jit and vmap, where the solver runs at once"
# Numbers that say how well a solver has ended: of what it looks for they are zero.
_LEFT_OVER = frozenset(("optimality", "constr_violation", "maxcv", "execution_time"))


class Untold:
    """What a solver's path leaves behind in the place of a result: whatever is done with it raises.

    Approximations of inverse Hessians and the like depend on the steps that SciPy took: they have
    no derivative, and to let them pass as constants would be a silent zero.
    """

    def __init__(self, name: str, what: str, remedy: str) -> None:
        vars(self)["_said"] = name, what, remedy

    def __repr__(self) -> str:
        return f"<{self._said[1]}: not differentiable>"

    def _raise(self, *_: Any, **__: Any) -> Any:
        name, what, remedy = self._said
        raise refuse(name, f"{what}, which the steps of the solver leave behind,", remedy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._raise()

    __array__ = __array_ufunc__ = __array_function__ = __getitem__ = __len__ = __iter__ = _raise
    __float__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _raise
    __matmul__ = __rmatmul__ = __truediv__ = __rtruediv__ = __pow__ = __neg__ = _raise
    __int__ = __index__ = __lt__ = __le__ = __gt__ = __ge__ = _raise


_HESSIAN = "np.linalg.inv(ad.hessian(f)(x)) of the x that was found"
_JACOBIAN = "ad.jacobian(f)(x) of the x that was found"


def inverse_hessian(name: str) -> Untold:
    """In the place of a method's approximation."""
    return Untold(name, "the inverse Hessian", _HESSIAN)


def factored_jacobian(name: str, *keys: str) -> dict[str, Untold]:
    """In the places of a Jacobian's factors in MINPACK's dict."""
    return {key: Untold(name, f"infodict[{key!r}]", _JACOBIAN) for key in keys}


class Told:
    """What SciPy said when its solver ran: at once, or not yet where values are not known.

    Args:
        name: of the solver, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._result: Any = None

    @property
    def has_run(self) -> bool:
        """Whether the solver has run."""
        return self._result is not None

    def keep(self, result: Any) -> Any:
        """Note what the solver gave."""
        self._result = result
        return result

    def count(self, name: str) -> Any:
        """One of SciPy's counts of steps."""
        found = None if self._result is None else getattr(self._result, name, None)
        return Untold(self._name, name, _OUTSIDE) if found is None else found

    def result(self, counts: Sequence[str], **moving: Any) -> Any:
        """SciPy's result, with what moves in the place of its numbers.

        Args:
            counts: names of those that depend on the solver's steps.
            moving: what is differentiated, by its names there, and what must not be.
        """
        from scipy.optimize import OptimizeResult

        if not self.has_run:
            said = {"success": True, "status": 0, "message": MESSAGE}
            return OptimizeResult(**{**said, **{k: self.count(k) for k in counts}, **moving})
        made = {}
        for key, value in self._result.items():
            if key in moving:
                made[key] = moving[key]
            elif key in _LEFT_OVER or _stands_still(value):
                made[key] = value
            else:
                made[key] = Untold(self._name, key, "what it is made of, computed from x")
        return OptimizeResult(**made)


def _stands_still(value: Any) -> bool:
    """Whether nothing in a value could have a derivative: flags, counts, texts."""
    if value is None or isinstance(value, str | bool | int):
        return True
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biu"


def root_results(name: str, root: Any, told: Told) -> Any:
    """SciPy's account of a root of a function of one number."""
    from scipy.optimize import RootResults

    said = told.count
    made = RootResults(root, said("iterations"), said("function_calls"), 0, name)
    if told.has_run:
        made.flag, made.converged, made.method = said("flag"), said("converged"), said("method")
    return made
