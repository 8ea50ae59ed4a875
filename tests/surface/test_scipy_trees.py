"""What is said of trees of points in compiled code."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

import adjoint as ad
from adjoint.errors import ConversionError


def test_a_compiled_tree_names_the_one_that_moves() -> None:
    points = np.random.default_rng(3).normal(size=(4, 2))
    with pytest.raises(ConversionError, match=r"scipy\.spatial\.KDTree"):
        ad.grad(lambda p: cKDTree(p).query([0.1, 0.2])[0])(points)
