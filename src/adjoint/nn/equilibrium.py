"""Layers defined by where they come to rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api import fixed_point, vmap
from adjoint.errors import StructureError
from adjoint.nn.module import Module, parameters, static


class FixedPoint(Module):
    """The state h with ``h = cell(h, x)``: a recurrent network that has settled.

    Its derivative is that of the resting state alone, found by one linear system for each
    example; this is recurrent backpropagation (Almeida, 1987; Pineda, 1987), known for deep
    layers as a deep equilibrium (Bai et al., 2019). Nothing of the way there is kept.

    Args:
        cell: called as ``cell(h, x)``, or a cell of :mod:`adjoint.nn` such as
            :class:`adjoint.nn.RNNCell`. Its slope must be below 1 where it settles, as it is
            for small recurrent weights.
        size: m, for a cell that does not say where it starts.
        tol: the last change, relative to ``1 + max|h|``; a few roundings if None.
        max_iterations: at most so many.

    Call:
        x: [batch, n] -> [batch, m].

    Raises:
        ConvergenceError: the network did not settle.
    """

    cell: Any
    size: int | None = static(default=None)
    tol: float | None = static(default=None)
    max_iterations: int = static(default=10_000)

    def __call__(self, x: Any) -> Any:
        starts = hasattr(self.cell, "start")
        if not starts and self.size is None:
            raise StructureError(
                "the layer does not know the length of its state",
                function="FixedPoint",
                remedy="give it: nn.FixedPoint(cell, size=10)",
            )

        # The state is as wide as what is computed from it.
        kinds = [leaf.dtype for leaf in parameters(self.cell).values()]
        dtype = np.result_type(x.dtype, *kinds)

        # One example at a time, so that the linear system is as small as the state.
        def settle(row: Any) -> Any:
            one = row[None]
            if not starts:
                start = np.zeros((1, self.size or 0), dtype)
                return self._rest(lambda h, x: self.cell(h, x), start, one)[0]
            parts = tuple(part.astype(dtype) for part in self.cell.start(1))
            return self._rest(self.cell.step, parts, self.cell.project(one))[0][0]

        return vmap(settle)(x)

    def _rest(self, f: Any, start: Any, x: Any) -> Any:
        return fixed_point(f, start, x, tol=self.tol, max_iterations=self.max_iterations)
