"""Recording a function at known values, with the decisions that Python takes on them.

What is recorded is one way through the function. The decisions are results of the graph beside
the function's own: where they come out as they did, the graph is what the function does. All else
is recorded as where values are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.trace import recorder as core
from adjoint.trace.indexing import value_behind
from adjoint.trace.record import Recording, recorded_by

_STEPS: dict[str, Callable[[Any], Any]] = {
    "a branch": lambda x: np.not_equal(x, 0.0),
    "int()": np.trunc,
    "round()": np.rint,
    "math.trunc()": np.trunc,
    "math.floor()": np.floor,
    "math.ceil()": np.ceil,
}


class Watching(core.Recorder):
    """A recorder that knows all values, and notes the decisions that Python takes on them."""

    __slots__ = ("reads",)
    watches = True

    def __init__(self, name: str) -> None:
        super().__init__(name, concrete=True, keep_all=True, transforming=False)
        self.reads: list[int] = []

    def told(self, x: Any, what: str) -> Any:
        """The value that Python asks for: a yes or no or a whole number, which is noted."""
        if x.dtype.kind not in "iub":
            if what not in _STEPS or x.dtype.kind != "f":
                return None
            x = _STEPS[what](x)
        number = self.index_of(x)
        if number not in self.reads:
            self.reads.append(number)
        return value_behind(x)

    def lowered(self, x: Any) -> Any:
        """The numbers that an operand of any recording stands for."""
        value = value_behind(super().lowered(x))
        if value is not None:
            return value
        raise ConcreteValueError(
            "a branch needs the value of an array, which is not known while recording",
            function=self.name,
            source=source_here(),
            remedy="use np.where, ad.cond or ad.while_loop, or take the decision outside",
        )


def record_at(
    function: Callable[..., Any], values: Sequence[Any], name: str
) -> tuple[Recording, int]:
    """Record a function at plain values, and tell how many decisions follow its result."""
    watching = Watching(name)
    arguments = tree.structure((0.0,) * len(values))
    recording = recorded_by(watching, function, values, arguments)
    return recording, len(watching.reads)
