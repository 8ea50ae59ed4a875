"""From graph to graph: named equations, common nodes merged, dead ones dropped."""

from adjoint.rewrite.pipeline import PASSES, rewrite, stages

__all__ = ["PASSES", "rewrite", "stages"]
