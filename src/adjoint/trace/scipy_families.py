"""Which modules of ours hold the rules of a package; names with dots are whole.

They are imported when the package is: nothing of SciPy is loaded for who does not use it.
"""

from __future__ import annotations

# Who holds copies of another library's module; SciPy 1.18 moved its own.
COPIES = ("", "scipy._lib.", "scipy._external.", "sklearn.externals.")

FAMILIES: dict[str, tuple[str, ...]] = {
    "numpy.polynomial": ("numpy_polynomial",),
    **{f"{copy}array_api_compat.numpy.linalg": ("array_api_compat",) for copy in COPIES},
    "scipy.special": (
        "scipy_special",
        "scipy_special_harmonics",
        "scipy_special_lists",
        "scipy_special_nodes",
        "adjoint.api.scipy_solved",
    ),
    "scipy.linalg": (
        "scipy_linalg",
        "scipy_decided",
        "scipy_factorizations",
        "scipy_matrices",
        "scipy_linalg_bands",
        "scipy_reductions",
        "scipy_updates",
        "adjoint.api.scipy_riccati",
        "adjoint.api.scipy_schur",
        "adjoint.api.scipy_pencils",
    ),
    "scipy.fft": ("scipy_fft",),
    "scipy.fftpack": ("scipy_fftpack",),
    "scipy.stats": (
        "scipy_stats",
        "scipy_decided",
        "scipy_stats_multivariate",
        "scipy_stats_landau",
        "scipy_stats_gaps",
        "scipy_stats_centers",
        "scipy_stats_stable",
        "scipy_stats_samples",
        "scipy_stats_transforms",
        "adjoint.api.scipy_orthants",  # before what takes the methods that are left
        "scipy_stats_frozen",
        "scipy_stats_expectations",
        "scipy_stats_hypotheses",
        "scipy_stats_objects",
        "adjoint.api.scipy_fits",
    ),
    "scipy.integrate": (
        "scipy_integrate",
        "adjoint.api.scipy_quadrature",
        "adjoint.api.scipy_quad_vec",
        "adjoint.api.scipy_sums",
        "adjoint.api.scipy_ivp",
        "adjoint.api.scipy_bvp",
    ),
    "scipy.signal": (
        "scipy_signal",
        "scipy_decided",
        "scipy_signal_borrowed",
        "scipy_signal_systems",
        "scipy_signal_peaks",
        "scipy_signal_residues",
        "scipy_signal_splines",
        "scipy_signal_ripples",
        "adjoint.api.scipy_designs",
        "adjoint.api.scipy_poles",
    ),
    "scipy.ndimage": (
        "scipy_ndimage",
        "scipy_ndimage_resample",
        "scipy_ndimage_windows",
        "scipy_decided",
    ),
    "scipy.interpolate": (
        "scipy_interpolate",
        "scipy_interpolate_linear",
        "scipy_interpolate_splines",
        "scipy_interpolate_smoothing",
        "scipy_interpolate_surfaces",
        "scipy_interpolate_bases",
        "scipy_interpolate_knots",
        "scipy_interpolate_pieces",
        "scipy_interpolate_bivariate",
        "scipy_interpolate_sphere",
        "scipy_interpolate_scattered",
        "adjoint.api.scipy_smoothing",
        "adjoint.api.scipy_rational",
    ),
    "scipy.sparse": (
        "scipy_sparse",
        "scipy_sparse_recorded",
        "scipy_sparse_places",
        "scipy_sparse_written",
        "scipy_sparse_changed",
    ),
    "scipy.sparse.csgraph": ("scipy_sparse_graph", "scipy_graph_paths"),
    "scipy.sparse.linalg": (
        "adjoint.api.scipy_systems",
        "adjoint.api.scipy_iterative",
        "adjoint.api.scipy_sparse_squares",
        "adjoint.api.scipy_eigen",
    ),
    "scipy.spatial": (
        "scipy_spatial",
        "scipy_spatial_transform",
        "scipy_spatial_trees",
        "scipy_decided",
    ),
    "scipy.spatial.transform": ("scipy_rotation",),
    "scipy.optimize": (
        "scipy_optimize",
        "adjoint.api.scipy_optimize",
        "adjoint.api.scipy_least_squares",
        "adjoint.api.scipy_roots",
        "adjoint.api.scipy_programs",
    ),
    "scipy.optimize.elementwise": ("adjoint.api.scipy_elementwise",),
    "scipy.differentiate": ("adjoint.api.scipy_elementwise",),
}
