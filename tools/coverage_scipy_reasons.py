"""Why functions of SciPy are refused on recorded arrays, and what is nearest to them."""

# Functions whose results do not move with the data, or are settings: nothing to differentiate.
STILL = {
    "signal": "correlation_lags czt_points kaiser_atten kaiser_beta kaiserord "
    "band_stop_obj findfreqs",
    "integrate": "lebedev_rule",
    "ndimage": "distance_transform_bf distance_transform_cdt distance_transform_edt histogram",
    "optimize": "linear_sum_assignment milp quadratic_assignment show_options check_grad "
    "linprog_verbose_callback bracket",
    "interpolate": "generate_knots",
    "stats": "ansari barnard_exact binomtest boschloo_exact brunnermunzel bws_test chatterjeexi "
    "ecdf fisher_exact fligner friedmanchisquare kendalltau kruskal logrank mannwhitneyu "
    "median_test mode mood page_trend_test percentileofscore quantile_test rankdata ranksums "
    "somersd spearmanrho tiecorrect weightedtau wilcoxon cumfreq relfreq multiscale_graphcorr "
    "anderson_ksamp cramervonmises_2samp ks_2samp power",
}

# For each package: the reason and the nearest form, and the names.
REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "special": (
    ),
    "linalg": (
    ),
    "integrate": (
    ),
    "interpolate": (
        ("at any places; not in its data, which choose its knots and, through one penalty for "
         "the sphere and its poles, how it is smoothed; nearest: `LSQSphereBivariateSpline`",
         "SmoothSphereBivariateSpline"),
    ),
    "signal": (
    ),
    "ndimage": (
    ),
    "optimize": (
    ),
    "stats": (
    ),
}  # fmt: skip
