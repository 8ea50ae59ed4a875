"""Why functions of SciPy are refused on recorded arrays, and what is nearest to them."""

# Functions whose results do not move with the data, or are settings: nothing to differentiate.
STILL = {
    "signal": "correlation_lags czt_points kaiser_atten kaiser_beta kaiserord buttord cheb1ord "
    "cheb2ord ellipord band_stop_obj findfreqs unique_roots",
    "integrate": "lebedev_rule",
    "ndimage": "distance_transform_bf distance_transform_cdt distance_transform_edt histogram",
    "optimize": "linear_sum_assignment milp quadratic_assignment show_options check_grad "
    "linprog_verbose_callback bracket",
    "fft": "fhtoffset",
    "interpolate": "generate_knots",
    "stats": "ansari barnard_exact binomtest boschloo_exact brunnermunzel bws_test chatterjeexi "
    "ecdf fisher_exact fligner friedmanchisquare kendalltau kruskal logrank mannwhitneyu "
    "median_test mode mood page_trend_test percentileofscore quantile_test rankdata ranksums "
    "somersd spearmanrho tiecorrect weightedtau wilcoxon cumfreq relfreq multiscale_graphcorr",
}

# For each package: the reason and the nearest form, and the names.
REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "special": (
        ("steps, or found by a search that has several answers or few digits; nearest: `ad.root` "
         "of the function itself, or `scipy.optimize.brentq` inside",
         "ncfdtridfd ncfdtridfn smirnov smirnovi"),
        ("lists of orders at once, of functions that SciPy does not have one by one; nearest: "
         "`hyp2f1`, `pbdv`", "lqmn lqn pbdn_seq"),
        ("SciPy's values and derivatives agree in their first digits only; nearest: "
         "`scipy.integrate.solve_ivp` of its equation",
         "obl_rad2 obl_rad2_cv pro_rad2 pro_rad2_cv"),
        ("ellipsoidal harmonics, of integer orders in compiled tables; nearest: `ad.custom_jvp`",
         "ellip_harm ellip_harm_2 ellip_normal"),
    ),
    "linalg": (
        ("factors that are chosen among many, or ordered by values; nearest: `eigh`, `eig`, "
         "`svd`, `qr`, `cholesky`",
         "cdf2rdf cossin ordqz qz rsf2csf"),
        ("compiled updates of factors; nearest: `qr` of the new matrix",
         "qr_delete qr_insert qr_update"),
    ),
    "integrate": (
        ("its steps are chosen by values in code that keeps plain arrays; nearest: `quad` or "
         "`quad_vec`", "tanhsinh nsum qmc_quad"),
    ),
    "interpolate": (
        ("poles and weights of a greedy search; nearest: `FloaterHormannInterpolator`", "AAA"),
        ("surfaces on a sphere in compiled code; nearest: `RectBivariateSpline`, "
         "`SmoothBivariateSpline`",
         "LSQSphereBivariateSpline RectSphereBivariateSpline SmoothSphereBivariateSpline"),
    ),
    "signal": (
        ("an exchange algorithm or a search over values; nearest: `firwin`, `firwin2`, or a "
         "least-squares design with `numpy.linalg.lstsq`",
         "remez iirdesign place_poles"),
        ("compiled code on plain arrays; nearest: `convolve2d`",
         "sepfir2d"),
    ),
    "ndimage": (
    ),
    "optimize": (
        ("a step of a search, chosen by values; nearest: `minimize_scalar` along the line",
         "line_search"),
        ("finite differences; nearest: `ad.grad`, `ad.jacobian`", "approx_fprime"),
    ),
    "stats": (
        ("chances from resampling or random draws; nearest: write the statistic itself",
         "bootstrap goodness_of_fit monte_carlo_test permutation_test sobol_indices dunnett "
         "tukey_hsd poisson_means_test"),
        ("compiled or tabulated distributions of a statistic; nearest: the statistic by NumPy",
         "anderson anderson_ksamp cramervonmises cramervonmises_2samp "
         "ks_1samp ks_2samp kstest shapiro siegelslopes wasserstein_distance_nd"),
        ("a search inside for the best parameter; nearest: `scipy.optimize.minimize_scalar` of "
         "the likelihood, which has a derivative",
         "boxcox_normmax boxcox_normplot yeojohnson_normmax yeojohnson_normplot ppcc_max "
         "ppcc_plot fit"),
        ("objects that keep plain arrays; nearest: the families by their names and the formulas "
         "of their parameters",
         "abs exp log power make_distribution order_statistic truncate bayes_mvs mvsdist "
         "dirichlet_multinomial"),
    ),
}  # fmt: skip
