"""Where in the user's code machine code may find something wrong, and what is then raised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adjoint.graph.source import Source


@dataclass(slots=True)
class IndexSite:
    """Where an index is used: for the message if it is out of range."""

    axis: int
    extent: int
    source: Source | None

    def error(self, index: int) -> Exception:
        """What is raised for an index."""
        what = f"index {index} is out of bounds for axis {self.axis} with size {self.extent}"
        return IndexError(f"{what}{_where(self.source)}")


@dataclass(slots=True)
class MatrixSite:
    """Where a matrix may be unfit for what is asked of it."""

    message: str
    source: Source | None

    def error(self, index: int) -> Exception:
        """What is raised."""
        return np.linalg.LinAlgError(f"{self.message}{_where(self.source)}")


Site = IndexSite | MatrixSite


def _where(source: Source | None) -> str:
    return f"\n  at {source}" if source else ""
