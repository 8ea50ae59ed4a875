"""scipy.spatial on stand-in arrays: comparisons of point sets by SciPy's own code."""

from __future__ import annotations

from adjoint.trace.borrow_scipy import borrow_names

borrow_names("scipy.spatial", "procrustes distance_matrix minkowski_distance minkowski_distance_p")
borrow_names("scipy.spatial", "geometric_slerp")
