"""Packages of SciPy that are imported after others have been recorded."""

import subprocess
import sys

PROGRAM = """
import numpy as np
import scipy.optimize

import adjoint as ad

ad.grad(lambda x: scipy.optimize.rosen_hess(x).sum())(np.array([1.0, 3.0, 2.0]))
assert "scipy.stats" not in __import__("sys").modules

import scipy.stats

x = np.array([[1.0, 2.0], [3.0, 5.0]])
settings = {"axis": 1, "weights": [1.0, 2.0], "keepdims": True}
wanted = scipy.stats.gmean(x, **settings)
assert np.allclose(ad.jit(lambda x: scipy.stats.gmean(x, **settings))(x), wanted)
"""


def test_statistics_after_optimisation() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
