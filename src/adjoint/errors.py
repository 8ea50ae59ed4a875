"""The exception tree.

    AdjointError
    ├── GraphError                 a graph is not well formed, or its text cannot be read
    ├── TraceError                 while a function is being recorded
    │   ├── UnsupportedError       a call that has no rule here
    │   ├── ConcreteValueError     Python asked for a value that is not known yet (inside jit, vmap)
    │   ├── ConversionError        the array would leave NumPy and lose its derivative
    │   └── LeakedArrayError       a stand-in array outlived the call that made it
    ├── DifferentiationError       a derivative was asked for that does not exist
    │   ├── NonScalarOutputError   grad of a function whose result is not one number
    │   ├── DTypeError             the argument is integer, boolean or not a number
    │   └── NoDerivativeError      a primitive without a rule for this mode
    ├── StructureError             trees, shapes or argument positions do not match
    ├── GradientCheckError         check_grads found a derivative that is wrong
    ├── ConvergenceError           an iteration did not reach its tolerance
    ├── MemoryBudgetError          no way to compute a gradient within a memory budget
    ├── DataError                  training data that cannot be used
    ├── NonFiniteError             a loss or parameter became NaN or infinite in training
    └── FileFormatError            a saved file that cannot be read

Every message says which function spoke, where in the user's code, what came, what was
wanted and what to do; ``docs/errors.md`` shows wrong and right code for each class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adjoint.graph.source import Source


class AdjointError(Exception):
    """The root of every error that adjoint raises on purpose.

    Args:
        problem: one sentence, what is wrong.
        function: the public function that speaks, such as ``"grad"``.
        source: the user's line.
        got: what came.
        wanted: what would have been right.
        remedy: what to do.
    """

    def __init__(
        self,
        problem: str,
        *,
        function: str | None = None,
        source: Source | None = None,
        got: str | None = None,
        wanted: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.function = function
        self.source = source
        self.got = got
        self.wanted = wanted
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.function}: {self.problem}" if self.function else self.problem
        labelled = (
            ("at", str(self.source) if self.source else None),
            ("got", self.got),
            ("wanted", self.wanted),
            ("remedy", self.remedy),
        )
        return "\n".join([head, *(f"  {name}: {text}" for name, text in labelled if text)])

    def one_line(self) -> str:
        """The message on one line, for a terminal."""
        return "; ".join(part.strip() for part in str(self).splitlines())


class GraphError(AdjointError, ValueError):
    """A graph is not well formed, or its text cannot be read."""


class TraceError(AdjointError):
    """Something went wrong while a function was being recorded."""


class UnsupportedError(TraceError, TypeError):
    """A call has no rule here; the message names the nearest supported form."""


class ConcreteValueError(TraceError, TypeError):
    """Python asked for a value that is not known while recording inside jit or vmap."""


class ConversionError(TraceError, TypeError):
    """A conversion would take the array out of NumPy and silently cut its derivative."""


class LeakedArrayError(TraceError, RuntimeError):
    """A stand-in array was used after the transformed call that made it had ended."""


class DifferentiationError(AdjointError):
    """A derivative was asked for that does not exist."""


class NonScalarOutputError(DifferentiationError, TypeError):
    """grad was given a function whose result is not one real number."""


class DTypeError(DifferentiationError, TypeError):
    """A derivative with respect to integers, booleans or something that is no number."""


class NoDerivativeError(DifferentiationError, TypeError):
    """A primitive has no rule for the mode that was asked for."""


class StructureError(AdjointError, ValueError):
    """Trees, shapes or argument positions do not match."""


class GradientCheckError(AdjointError, AssertionError):
    """check_grads found a derivative that disagrees with finite differences."""


class ConvergenceError(AdjointError, RuntimeError):
    """An iteration, of ``root`` or ``fixed_point``, did not reach its tolerance."""


class MemoryBudgetError(AdjointError, MemoryError):
    """A gradient cannot be computed within the memory budget it was given."""


class DataError(AdjointError, ValueError):
    """Training data that cannot be used."""


class NonFiniteError(AdjointError, ArithmeticError):
    """A loss or a parameter became NaN or infinite in training.

    Args:
        problem: one sentence, what is wrong.
        batch: inputs and targets of the step.
        details: as for every error.

    Attributes:
        result: of the training until then, with the last good model.
    """

    def __init__(self, problem: str, *, batch: Any = None, **details: Any) -> None:
        super().__init__(problem, **details)
        self.batch = batch
        self.result: Any = None


class FileFormatError(AdjointError, ValueError):
    """A saved file that cannot be read."""
