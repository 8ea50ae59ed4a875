"""This machine against its peers and its floor: ``adjoint bench``.

Every row runs the same parameters on the same batches in every contender, checks that the
losses agree, and then times them in turn, so that a noisy machine disturbs all alike.
"""

from adjoint.bench.harness import Row, measure
from adjoint.bench.report import report

__all__ = ["Row", "measure", "report"]
