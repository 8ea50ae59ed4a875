"""The times and states of SciPy's own steps, where their number is not known."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here

_SAID = ("solve_ivp", "t_eval=np.linspace(...), or read sol.y[:, -1]")


class EndsOnly(NDArrayOperatorsMixin):
    """What solve_ivp gives without ``t_eval`` inside jit: the first and the last may be read.

    Args:
        ends: with a last axis of two, which stands for one of unknown length.
        axis: that axis.
        said: the solver's name, and the remedy.
    """

    __slots__ = ("_axis", "_ends", "_said")
    told = "the steps of the solution, and their number, are not known while recording: only " \
           "the first and the last may be read"  # fmt: skip

    def __init__(self, ends: Any, axis: int = -1, said: tuple[str, str] = _SAID) -> None:
        self._ends, self._axis, self._said = ends, axis % ends.ndim, said

    def __getitem__(self, index: Any) -> Any:
        given = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in [x for x in given if not hasattr(x, "shape")]:
            at = given.index(Ellipsis)
            given[at : at + 1] = [slice(None)] * (self._ends.ndim - len(given) + 1)
        place = given[self._axis] if self._axis < len(given) else slice(None)
        if isinstance(place, int | np.integer) and int(place) in (0, -1):
            return self._ends[tuple(given)]
        before = [isinstance(x, int | np.integer) for x in given[: self._axis]]
        if isinstance(place, slice) and place == slice(None) and all(before):
            return EndsOnly(self._ends[tuple(given)], -1, self._said)
        return self._refuse()

    @property
    def T(self) -> EndsOnly:  # noqa: N802, NumPy's name
        """The transpose."""
        axis = self._ends.ndim - 1 - self._axis
        return EndsOnly(np.transpose(self._ends), axis, self._said)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ConcreteValueError(
            self.told,
            function=f"scipy.integrate.{self._said[0]}",
            source=source_here(),
            remedy=self._said[1],
        )

    __array__ = __array_ufunc__ = __array_function__ = __iter__ = __len__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python and NumPy ask of any object
            raise AttributeError(name)
        self._refuse()


class Unread(EndsOnly):
    """The times or states of an event that does not end the solution: how many is not known."""

    __slots__ = ()
    told = "how often an event happens that does not end the solution is not known while recording"

    def __init__(self) -> None:
        remedy = "event.terminal = True for the one that is read, or ad.grad without jit"
        super().__init__(np.zeros(2), -1, ("solve_ivp", remedy))

    def __getitem__(self, index: Any) -> NoReturn:
        self._refuse()
