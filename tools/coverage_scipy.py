"""Write docs/coverage_scipy.md: what becomes of SciPy's public functions under recording.

    python tools/coverage_scipy.py

The lists are SciPy's own (``__all__`` of its packages); what is said about each comes from the
tables that recording itself uses. For the distributions of scipy.stats each method is tried.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.special
import scipy.stats

import adjoint as ad
from adjoint.errors import AdjointError
from adjoint.graph import primitives
from adjoint.trace import scipy_gate
from adjoint.trace.calls.scipy_decided import DECIDED_BY_VALUES
from adjoint.trace.tables import supported

sys.path.insert(0, str(Path(__file__).resolve().parent))
from coverage_scipy_reasons import REASONS, STILL

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage_scipy.md"

PACKAGES = (
    "special", "linalg", "fft", "integrate", "interpolate", "signal", "ndimage",
    "spatial.distance", "optimize", "stats",
)  # fmt: skip

# What stands behind names that are no plain functions.
CLASSES = {
    "interpolate": "CubicSpline CubicHermiteSpline PchipInterpolator PPoly BSpline interp1d "
    "RegularGridInterpolator Akima1DInterpolator BarycentricInterpolator KroghInterpolator "
    "FloaterHormannInterpolator RBFInterpolator Rbf InterpolatedUnivariateSpline "
    "UnivariateSpline LSQUnivariateSpline RectBivariateSpline BivariateSpline NdBSpline "
    "SmoothBivariateSpline LSQBivariateSpline BPoly NdPPoly LinearNDInterpolator "
    "CloughTocher2DInterpolator NearestNDInterpolator AAA LSQSphereBivariateSpline "
    "RectSphereBivariateSpline",
    "signal": "lti dlti StateSpace TransferFunction ZerosPolesGain ShortTimeFFT CZT ZoomFFT",
    "special": "sph_harm_y sph_legendre_p assoc_legendre_p legendre_p sph_harm_y_all "
    "sph_legendre_p_all assoc_legendre_p_all legendre_p_all",
    "stats": "gaussian_kde Normal Uniform Logistic Binomial Mixture Covariance "
    "dirichlet_multinomial",
}
# Short Python around functions with rules: SciPy's own code runs on recorded arrays.
THROUGH = {"assoc_laguerre", "cubature", "ppcc_plot", "abs", "exp", "log", "truncate",
           "make_distribution", "order_statistic"}  # fmt: skip
# With rules, which give indices alone.
INDICES = {"argrelextrema", "argrelmax", "argrelmin"}
# Given sizes and settings, or results that are counts, labels, tables, files or tests.
APART = {
    "special": "ai_zeros bei_zeros beip_zeros ber_zeros berp_zeros bernoulli bi_zeros c_roots "
    "cg_roots chebyc chebys chebyt chebyu erf_zeros errstate euler fresnel_zeros fresnelc_zeros "
    "fresnels_zeros gammasgn gegenbauer genlaguerre geterr h_roots he_roots hermite hermitenorm "
    "j_roots jacobi jn_zeros jnjnp_zeros jnp_zeros jnyn_zeros js_roots kei_zeros keip_zeros "
    "kelvin_zeros ker_zeros kerp_zeros l_roots la_roots laguerre legendre mathieu_even_coef "
    "mathieu_odd_coef p_roots ps_roots roots_chebyc roots_chebys roots_chebyt roots_chebyu "
    "roots_gegenbauer roots_genlaguerre roots_hermite roots_hermitenorm roots_jacobi "
    "roots_laguerre roots_legendre roots_sh_chebyt roots_sh_chebyu roots_sh_jacobi "
    "roots_sh_legendre s_roots seterr sh_chebyt sh_chebyu sh_jacobi sh_legendre stirling2 "
    "t_roots ts_roots u_roots us_roots y0_zeros y1_zeros y1p_zeros yn_zeros ynp_zeros round "
    "SpecialFunctionError SpecialFunctionWarning obl_cv_seq pro_cv_seq factorial2 factorialk",
    "linalg": "LinAlgError LinAlgWarning LinAlgWarnings bandwidth dft fiedler fiedler_companion "
    "find_best_blas_type get_blas_funcs get_lapack_funcs hadamard helmert hilbert invhilbert "
    "invpascal pascal issymmetric ishermitian tri tril triu",
    "fft": "fftfreq rfftfreq get_workers set_workers next_fast_len prev_fast_len register_backend "
    "set_backend set_global_backend skip_backend",
    "integrate": "AccuracyWarning IntegrationWarning ODEintWarning newton_cotes DenseOutput "
    "OdeSolver OdeSolution",
    "signal": "BadCoefficients windows chirp gausspulse sawtooth square sweep_poly unit_impulse "
    "argrelextrema argrelmax argrelmin find_peaks find_peaks_cwt "
    "choose_conv_method get_window check_COLA check_NOLA closest_STFT_dual_window max_len_seq",
    "ndimage": "binary_closing binary_dilation binary_erosion binary_fill_holes binary_hit_or_miss "
    "binary_opening binary_propagation label find_objects generate_binary_structure "
    "iterate_structure watershed_ift value_indices maximum_position minimum_position",
    "spatial.distance": "is_valid_dm is_valid_y num_obs_dm num_obs_y directed_hausdorff "
    "dice hamming jaccard rogerstanimoto russellrao sokalmichener sokalsneath yule",
}
METHODS = ("logpdf", "pdf", "cdf", "sf", "ppf")
SLOW = {"studentized_range", "kstwo", "ksone", "gausshyper"}


def _ruled() -> tuple[set[int], set[str]]:
    """The functions with a rule, by identity, and the last parts of the rules' names."""
    ids = {id(e.function) for e in scipy_gate.entries.values() if e.function is not None}
    return ids, set(scipy_gate.entries)


def groups(package: str) -> dict[str, list[str]]:
    """The public names of a package, by what becomes of them."""
    module = importlib.import_module(f"scipy.{package}")
    ad.grad(lambda x: x * x)(1.0)  # a recording looks for the package's functions
    ids, names = _ruled()
    _, ufuncs, _, _ = supported()
    apart = set(APART.get(package, "").split()) | set(STILL.get(package, "").split())
    classes = set(CLASSES.get(package, "").split())
    explained = {name for _, text in REASONS.get(package, ()) for name in text.split()}
    found: dict[str, list[str]] = {"yes": [], "refused": [], "apart": []}
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if name.startswith("_") or name == "test" or not callable(value):
            continue
        if package == "stats" and hasattr(value, "rvs"):
            continue  # distributions have a table of their own
        is_row = isinstance(value, np.ufunc) and (
            value in ufuncs
            or hasattr(np, name)
            or getattr(np, value.__name__, None) is value
            or (value.__name__ in primitives and "scipy" in primitives[value.__name__].notes)
        )
        in_backend = any(
            f"scipy.{package}.{part}.{name}" in names
            for part in ("_basic_backend", "_realtransforms_backend", "_fftlog_backend")
        )
        if name in INDICES or f"scipy.{package}.{name}" in DECIDED_BY_VALUES:
            group = "apart"
        elif name in explained:
            group = "refused"
        elif (
            is_row
            or id(value) in ids
            or in_backend
            or name in classes
            or name in THROUGH | {"sinc"}
        ):
            group = "yes"
        elif name in apart or isinstance(value, type):
            group = "apart"
        else:
            group = "refused"
        found[group].append(f"`{name}`")
    return found


def _works(dist: Any, method: str, shapes: tuple[Any, ...]) -> bool:
    """Whether a method has a derivative in its argument, the shapes, loc and scale."""
    q = np.array([0.3, 0.6])
    x = q if method == "ppf" else dist.ppf(q, *shapes)

    def f(x: Any, loc: Any, scale: Any, *shapes: Any) -> Any:
        return getattr(dist, method)(x, *shapes, loc=loc, scale=scale)

    args = (x, 0.0, 1.0, *map(float, shapes))
    try:
        ad.jvp(f, args, tuple(np.ones_like(a) if np.ndim(a) else 1.0 for a in args))
    except (AdjointError, ValueError, TypeError):
        return False
    return True


def distributions() -> dict[tuple[str, ...], list[str]]:
    """Continuous families by the methods that have a derivative."""
    from scipy.stats._distr_params import distcont

    found: dict[tuple[str, ...], list[str]] = {}
    seen: set[str] = set()
    for name, shapes in distcont:
        if not isinstance(name, str) or name in seen or name in SLOW:
            continue
        seen.add(name)
        dist = getattr(scipy.stats, name)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            key = tuple(m for m in METHODS if _works(dist, m, shapes))
        found.setdefault(key, []).append(f"`{name}`")
    return found


_HEAD = """# Coverage of SciPy

This page is written by `tools/coverage_scipy.py` from SciPy {version}'s own lists of public
functions and from the tables that recording uses; a test keeps it true. Functions are called
by SciPy's own names, also after `from scipy.special import logsumexp`. What has no rule is
refused by name, with your line, when a recorded array reaches it; on plain arrays every
function works as ever. A rule need not know every option: one without a rule is named too.

Where no formula is known for the derivative in an argument (the order of a Bessel function, the
parameters of a hypergeometric one, `q` of Mathieu's functions, both axes of ellipsoidal harmonics)
it is taken from thirteen values, far enough apart that about eleven digits are right, in every
mode and up to the fourth order: SciPy's own, but for `hyperu` (SciPy's have steps there) and
`ellip_normal`, whose integrals are done here. They are NaN at the end of a domain (`hyperu` at
`x = 0`, a spheroidal function at `c = 0`). What counts (`m` of `mathieu_a`) is refused by name;
what SciPy rounds (`k` of `bdtr`) has the slope 0. A search that stops at the end of its range
(`fdtridfd` at 1e100) stays there; one that stops elsewhere, without an answer, has the derivative
NaN. `pro_ang1_cv` and its like move with `c` as if the characteristic value were that of `c`.
`pbdn_seq` of complex numbers is what SciPy computes, with exp(-abs(z)**2 / 4) where exp(-z**2 / 4)
belongs (1.17); for orders below 0, where its values also jump, complex numbers are refused.

Much of SciPy is Python on top of NumPy, and that code runs on recorded arrays as it stands: values
are then SciPy's bit for bit. Beside the functions below: `scipy.sparse` matrices and arrays (fixed
or with recorded elements) times dense and sparse ones, their parts and blocks (`A[1:, 2]`,
`vstack`, `bmat`, `kron`, `multiply`), `diags`, writes (`A[i, j] = x`, `A.data *= 2`, `setdiag`),
`LinearOperator` of a recorded function (a system of it is solved as a dense one), `spsolve`,
`splu`, `factorized`, `cg`, `gmres` and the other iterative solvers, `lsqr`, `lsmr`, `eigs`,
`eigsh`, `svds`, `onenormest`; shortest paths, spanning trees and other forms of
`scipy.sparse.csgraph`, whose chosen edges move;
`scipy.spatial.transform.Rotation`, `RigidTransform` and `Slerp`; `procrustes`,
`distance_matrix`, `geometric_slerp`; of `scipy.cluster` the heights of `linkage` and its like
(outside `jit`; SciPy chooses the clusters), `cophenet`, `vq` and `whiten`; `discrepancy`,
`geometric_discrepancy` and `scale` of `scipy.stats.qmc`; the conversions of `scipy.constants`.

Iterative solvers go SciPy's own steps when the program runs, and give its values, its word and its
callbacks; what they find moves as the solution of the system, and steps that end far from that are
an error (`ConvergenceError`). Sparse arrays of one axis, and `max(axis=)` which yields one, are
refused by name. `scipy.linalg` takes stacks of matrices as SciPy does, one after another.

What `scipy.optimize` finds (also `ad.minimize`, `solve_continuous_are`, `solve_discrete_are`) is
found by SciPy on plain numbers when the program runs, gets its last digits by a step of
Newton's, and has the derivatives of the equation that it satisfies. Bounds and constraints are
followed: those that the optimum stands on stay so, with multipliers, and the corner of a linear
program (`linprog`, `milp` with its whole numbers held) moves with its planes. Older names give
their `full_output`. Counts, flags and messages are SciPy's (inside `jit` the counts are refused by
name), and what else the steps leave behind (`hess_inv`, `fjac`, `retall`) is refused by name, as it
has no derivative.

Inside `jit` and `vmap` values are not known. Checks that raise for wrong values are passed over
there, and what chooses by value is refused: the steps of `solve_ivp` without `t_eval` (but for the
first and the last state), how often an event happens that does not end it, or which of several ends
it, how many roots a spline has (the order of `qr(pivoting=True)` and `ldl` is SciPy's, when the
program runs); `null_space` and `orth` take the matrix to have full rank there, and are NaN if it
has not. Filter design (`butter`, `ellip`, `firwin`) from a recorded cutoff is run by SciPy when the
program runs. Masks, labels, ranks and verdicts (`binary_dilation`, `label`, `rankdata`,
`issymmetric`) are decided by values, are SciPy's and do not move. Where peaks are (`find_peaks`,
`argrelmax`), and lists whose length values decide, are found outside `jit` only; prominences
and widths of given peaks and distances of `KDTree.query` move in every mode. `eigh` may give a
vector the other sign there than SciPy's driver does.

`remez` has SciPy's filter and the derivatives of the equations of its ripples, on the grid that
moves with the lower edges of the bands. `place_poles` is followed where the poles determine the
gain: one input, or one for each state. In between SciPy stops at `rtol`, short of an optimum, from
vectors that LAPACK's reflections choose; no equation says what its gain is, and it is refused.
Poles that `residue` takes for one move as the factor of the denominator whose root they are.

Integrals (`quad`, `quad_vec`, `dblquad`, `tplquad`, `nquad`) are laid out by SciPy when the
program runs and differentiated on its final subdivision, or, where `quad` extrapolates to the
value of an integrand that is singular at an end, on points that crowd there; inside `jit` and
`vmap` there is room for 16 parts (48 of `quad_vec`), and a need for more is an error; `cubature`
is not followed there. Break points (`points=`) move, and a corner or leap of the integrand at one
is met exactly; one that is not told is not seen by second derivatives. The weights of `quad` move
with their numbers on finite intervals; on infinite ones QUADPACK extrapolates cycles to a limit
that is no sum of values, and is refused. `solve_bvp` has room for `max_nodes` inside `jit`: its
`sol`, `p` and the ends of its mesh may be read, not the mesh, whose size the values decide.
`solve_ivp(dense_output=True).sol` solves again to the times it is asked for; the time of an event
is the root of its function along the solution. Where values are known, right-hand sides of
`solve_ivp` and `odeint`, and events, may branch (`if t < dose`, `int(t)`, `math.floor`) and jump
(`np.where(t < dose, a, b)`, `np.sign`): the times of such changes move with all that the solution
depends on; a solution that slides along a jump is refused. Functions of `scipy.stats` that its
families have no formula for (`rice.cdf`, `nct.ppf`, entropies) have SciPy's value and the
derivatives of the integral or the equation that they satisfy.

Smoothing splines (`UnivariateSpline`, `splrep`, `splprep`, `make_splrep`) have SciPy's knots and
value, and the derivatives of the least jumps at these knots and the sum of squares that was
reached; the data choose how many knots there are, so not inside `jit` and `vmap`. The penalty that
`make_smoothing_spline` chooses gets its last digits by Newton's steps, and moves. `AAA` keeps
the nodes of its greedy search; its weights move as a singular vector, its poles and zeros by
Newton's steps, outside `jit` and `vmap`, where the data choose how many nodes there are.

Where SciPy's code leaves a formula out at exactly one value (`if wo == 1`), a recorded number
that is exactly that value is refused, since the derivative would silently be missing.
"""


def page() -> str:
    """The text of the page."""
    parts = [_HEAD.format(version=".".join(scipy.__version__.split(".")[:2]))]
    for package in PACKAGES:
        parts.append(_section(package, groups(package)))
    parts += ["## Continuous distributions of scipy.stats", "", "Differentiable in the argument, "
              "the shapes, `loc` and `scale`, by the methods that are:", ""]  # fmt: skip
    for key, names in sorted(distributions().items(), key=lambda item: -len(item[0])):
        methods = ", ".join(f"`{m}`" for m in key) or "none (refused by name)"
        parts += [f"**{methods}** ({len(names)})", "", " ".join(sorted(names)), ""]
    parts += [
        "`mean`, `var`, `std`, `median`, `entropy`, `stats` and `nnlf` too; where an integral is "
        "not met by its points (a density that ends or bends in an unknown place) the "
        "derivative is not finite. `levy_stable` has SciPy's values and the derivatives of Nolan's "
        "integrals (SciPy gives one number for all places within `0.005**(1/alpha)` of its middle; "
        "the derivative is that of the law): at the exponent 1, where the law leaps, that in the "
        "exponent is not finite.",
        "",
        "Multivariate: `multivariate_normal` (also singular), `multivariate_t`, `dirichlet`, "
        "`dirichlet_multinomial`, `multinomial`, `matrix_normal`, `vonmises_fisher`, `wishart`, "
        "`invwishart`, `matrix_t`, `normal_inverse_gamma`, also frozen, and `Covariance` objects. "
        "`multivariate_normal.cdf` and `multivariate_t.cdf` in one and two dimensions are good to "
        "twelve digits (SciPy's t law has the noise of its draws there); in more they have SciPy's "
        "number, and derivatives in limits, correlations and degrees of freedom. "
        "`rvs` moves with loc, scale, mean and covariance; `fit`, `expect` and `moment` are "
        "followed. Random variables as objects (`Normal(mu=m)`, `truncate`, `log`, mixtures) work "
        "in every mode; inside `jit` and `vmap` without what SciPy corrects where digits "
        "are lost. "
        "Discrete families: `pmf`, `logpmf`, `cdf`, `sf` and `entropy` in their real parameters.",
        "",
    ]
    return "\n".join(parts)


def _reasons(package: str, names: list[str]) -> list[str]:
    """Each reason with its names; a name without one is an error."""
    left = {label.strip("`") for label in names}
    lines = []
    for reason, text in REASONS.get(package, ()):
        here = sorted(set(text.split()) & left)
        left -= set(here)
        if here:
            lines += [f"- {' '.join(f'`{name}`' for name in here)}: {reason}.", ""]
    if left:
        raise ValueError(f"scipy.{package}: no reason is given for {sorted(left)}")
    return lines


def _section(package: str, found: dict[str, list[str]]) -> str:
    titles = {
        "yes": "Differentiable",
        "refused": "Refused by name",
        "apart": "Nothing to differentiate: settings, tables, counts, labels, classes",
    }
    lines = [f"## scipy.{package}", ""]
    for group, title in titles.items():
        if found[group] and group == "refused":
            lines += [f"**{title}** ({len(found[group])})", "", *_reasons(package, found[group])]
        elif found[group]:
            lines += [f"**{title}** ({len(found[group])})", "", " ".join(found[group]), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
