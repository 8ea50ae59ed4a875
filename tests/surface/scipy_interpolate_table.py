"""scipy.interpolate: cases in every mode."""

from typing import Any

import numpy as np
import scipy.interpolate as si

import adjoint as ad
from adjoint.trace.scipy_gate import holds_traced

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
t = np.linspace(0, 1, 24)
g = np.linspace(0, 1, 8) ** 1.2 + np.array([0, 0.02, -0.01, 0.01, 0.02, 0, -0.01, 0])
v = rng.uniform(0, 1, 8)
q = np.linspace(g[0] + 0.02, g[-1] - 0.03, 5)
q2 = rng.uniform(0.3, 0.7, (4, 2))
pts = rng.uniform(0, 1, (12, 2))
pv = rng.uniform(0, 1, 12)
gy = np.linspace(0, 1, 6)
Z = rng.uniform(0, 1, (8, 6))
tck = si.splrep(g, v)
C = np.random.default_rng(4).uniform(-1, 1, (4, 7))
N = np.random.default_rng(5).uniform(-1, 1, (3, 2, 2, 2))
far = np.random.default_rng(6).uniform(0, 1, (3, 40))


def exact(f: Any) -> Any:
    """On plain numbers too the solution to the last digits, for differences of it."""

    def h(*a: Any) -> Any:
        return f(*a) if holds_traced(a) else ad.vjp(f, *a)[0]

    return h


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "akima": (lambda x, y, q: si.Akima1DInterpolator(x, y)(q), (g, v, q)),
    "bary": (lambda y, q: si.BarycentricInterpolator(g, y)(q), (v, q)),
    "bary x": (lambda x, y, q: si.BarycentricInterpolator(x, y)(q), (g, v, q)),
    "bary f": (lambda x, y, q: si.barycentric_interpolate(x, y, q), (g, v, q)),
    "bary at nodes": (
        lambda y, q: (
            si.BarycentricInterpolator(t[:6], y)(q),
            si.barycentric_interpolate(t[:6], y, q),
        ),
        (v[:6], t[1:4]),
    ),
    "krogh": (lambda x, y, q: si.KroghInterpolator(x, y)(q), (g, v, q)),
    "krogh d": (lambda x, y, q: si.KroghInterpolator(x, y).derivative(q), (g, v, q)),
    "krogh f": (lambda x, y, q: si.krogh_interpolate(x, y, q), (g, v, q)),
    "pchip f": (lambda x, y, q: si.pchip_interpolate(x, y, q), (g, v, q)),
    "pade": (lambda a: [p.coeffs for p in si.pade(a, 2)], (v[:5],)),
    "fh": (lambda y, q: si.FloaterHormannInterpolator(g, y)(q), (v, q)),
    "rbf": (lambda y, q: si.RBFInterpolator(pts, y)(q), (pv, q2)),
    "rbf g": (
        lambda x, y, q: si.RBFInterpolator(x, y, kernel="gaussian", epsilon=2.0)(q),
        (pts, pv, q2),
    ),
    "rbf s": (lambda x, y, q: si.RBFInterpolator(x, y, smoothing=0.1)(q), (pts, pv, q2)),
    "Rbf": (lambda a, b, y, q: si.Rbf(a, b, y)(q[:, 0], q[:, 1]), (pts[:, 0], pts[:, 1], pv, q2)),
    "griddata lin": (lambda y, q: si.griddata(pts, y, q), (pv, q2)),
    "griddata near": (lambda y: si.griddata(pts, y, q2, "nearest"), (pv,)),
    "splev": (lambda c, q: si.splev(q, (tck[0], c, 3)), (tck[1], q)),
    "splev der": (lambda c, q: si.splev(q, (tck[0], c, 3), der=1), (tck[1], q)),
    "splrep": (lambda y, q: si.splev(q, si.splrep(g, y)), (v, q)),
    "splint": (lambda c, a: si.splint(a, 0.5, (tck[0], c, 3)), (tck[1], np.float64(0.3))),
    "splder": (lambda c, q: si.splev(q, si.splder((tck[0], c, 3))), (tck[1], q)),
    "splantider": (lambda c, q: si.splev(q, si.splantider((tck[0], c, 3))), (tck[1], q)),
    "BSpline": (lambda c, q: si.BSpline(tck[0], c, 3)(q), (tck[1], q)),
    "BSpline t": (
        lambda t, c, q: si.BSpline(t, c, 3)(q),
        (tck[0] + np.linspace(0, 0.01, len(tck[0])), tck[1], q),
    ),
    "BSpline d": (lambda c, q: si.BSpline(tck[0], c, 3).derivative()(q), (tck[1], q)),
    "BSpline int": (lambda c: si.BSpline(tck[0], c, 3).integrate(0.2, 0.8), (tck[1],)),
    "BSpline anti": (lambda c, q: si.BSpline(tck[0], c, 3).antiderivative()(q), (tck[1], q)),
    "BSpline design": (
        lambda c: si.BSpline.design_matrix(q, tck[0], 3).toarray() @ c,
        (tck[1][:8],),
    ),
    "lsq": (lambda y, q: si.make_lsq_spline(g, y, np.r_[[g[0]] * 4, 0.5, [g[-1]] * 4])(q), (v, q)),
    "smoothing x": (
        lambda x, y, w, p, q: si.make_smoothing_spline(x, y, w, p)(q),
        (g, v, x[:8], np.float64(0.01), q),
    ),
    "smoothing chosen": (
        exact(lambda y, q: si.make_smoothing_spline(t[:12], y)(q)),
        (np.sin(9 * t[:12]) + 0.1 * x[:12], q / 3),
    ),
    "splrep x": (lambda x, y, q: si.splev(q, si.splrep(x, y, k=2)), (g, v, q)),
    "splprep": (lambda a, b, q: si.splev(q, si.splprep([a, b], s=0)[0]), (x[:9], y[:9], q)),
    "splprep u": (lambda a: si.splprep([a[0], a[1]], s=0)[1], (x.reshape(2, 12),)),
    "make_splprep": (lambda a, q: si.make_splprep([a[0], a[1]])[0](q), (x.reshape(2, 12), q)),
    "smoothing": (lambda y, q: si.make_smoothing_spline(g, y, lam=0.01)(q), (v, q)),
    "interp_spline per": (
        lambda y, q: si.make_interp_spline(g, np.r_[y[:-1], y[:1]], bc_type="periodic")(q),
        (v, q),
    ),
    "US": (lambda y, q: si.UnivariateSpline(g, y, s=0)(q), (v, q)),
    "US derivative": (
        lambda y, q: (
            si.UnivariateSpline(g, y, s=0).derivative()(q),
            si.UnivariateSpline(g, y, s=0, ext=3).antiderivative()(q),
        ),
        (v, q),
    ),
    "LSQUS": (lambda y, q: si.LSQUnivariateSpline(g, y, [0.3, 0.6])(q), (v, q)),
    "splrep periodic": (lambda y, q: si.splev(q, si.splrep(g, y, per=True)), (v, q)),
    "IUS": (lambda y, q: si.InterpolatedUnivariateSpline(g, y)(q), (v, q)),
    "IUS fixed": (lambda q: si.InterpolatedUnivariateSpline(g, v)(q), (q,)),
    "US fixed int": (lambda b: si.UnivariateSpline(g, v).integral(0.2, b), (np.float64(0.6),)),
    "RBS": (lambda z, q: si.RectBivariateSpline(g, gy, z).ev(q[:, 0], q[:, 1]), (Z, q2)),
    "RBS fixed": (lambda q: si.RectBivariateSpline(g, gy, Z).ev(q[:, 0], q[:, 1]), (q2,)),
    "RBS grid": (
        lambda q: si.RectBivariateSpline(g, gy, Z)(np.sort(q[:, 0]), np.sort(q[:, 1])),
        (q2,),
    ),
    "RGI": (lambda z, q: si.RegularGridInterpolator((g, gy), z)(q), (Z, q2)),
    "RGI sl": (lambda z, q: si.RegularGridInterpolator((g, gy), z, method="slinear")(q), (Z, q2)),
    "interpn spl": (lambda z, q: si.interpn((g, gy), z, q, method="splinef2d"), (Z, q2)),
    "NdBSpline": (
        lambda c, q: si.NdBSpline((np.r_[0, 0, 0, 0, 1, 1, 1, 1.0],) * 2, c, 3)(q),
        (rng.uniform(0, 1, (4, 4)), q2),
    ),
    "Pchip d": (lambda y, q: si.PchipInterpolator(g, y).derivative()(q), (v, q)),
    "Cubic der": (lambda y, q: si.CubicSpline(g, y).derivative(2)(q), (v, q)),
    "lagrange": (lambda x, y, q: si.lagrange(x, y)(q), (g[:4], v[:4], q)),
    "pieces": (
        lambda c, q: (
            si.BPoly(c, g).derivative()(q),
            si.PPoly.from_bernstein_basis(si.BPoly(c, g)).integrate(0.1, 0.7),
            si.PPoly(c, g, extrapolate="periodic").integrate(0.2, 1.4),
        ),
        (C, q),
    ),
    "NdPPoly": (lambda c, q: si.NdPPoly(c, ([0, 0.5, 1], [0, 0.4, 1]))(q, nu=(0, 1)), (N, q2)),
    "roots": (
        lambda c, s, w: (
            si.PPoly(c, g).solve(w, extrapolate=False),
            si.sproot((tck[0], s - 0.5, 3)),
        ),
        (C, tck[1], np.float64(0.1)),
    ),
    "knots": (
        lambda c, w, q: (
            si.splev(q, si.insert(w, (tck[0], c, 3), m=2)),
            si.BSpline(tck[0], c, 3).insert_knot(w)(q),
            si.spalde(w, (tck[0], c, 3)),
            si.PPoly.from_spline((tck[0], c, 3))(q),
        ),
        (tck[1], np.float64(0.37), q),
    ),
    "BSpline over periods": (
        lambda c, a: si.BSpline(tck[0], c, 3, extrapolate="periodic").integrate(a, 2.9),
        (tck[1], np.float64(-0.4)),
    ),
    "IUS parts": (
        lambda y: (
            si.InterpolatedUnivariateSpline(g, y).derivatives(0.3),
            si.LSQUnivariateSpline(g, y, [0.5]).get_residual(),
        ),
        (v,),
    ),
    "surface": (
        lambda z, q: (
            si.RectBivariateSpline(g, gy, z, kx=2, ky=3).ev(q[:, 0], q[:, 1], dx=1),
            si.RectBivariateSpline(g, gy, z).integral(0.1, 0.7, 0.2, 0.6),
            si.RectBivariateSpline(g, gy, z).partial_derivative(1, 0)(0.3, 0.4),
        ),
        (Z, q2),
    ),
    "scattered smoothed": (
        lambda z: (
            si.SmoothBivariateSpline(far[0], far[1], z, s=0.5)(0.3, [0.2, 0.5]),
            si.bisplev(0.3, 0.4, si.bisplrep(far[0], far[1], z, s=0.5), dx=1),
        ),
        (np.sin(3 * far[0]) * far[1] + 0.1 * far[2],),
    ),
    "scattered nearest": (
        lambda z: si.LSQBivariateSpline(far[0], far[1], z, [0.5], [0.5])(0.3, [0.2, 0.5]),
        (far[2],),
    ),
    "triangles": (lambda p, y, q: si.LinearNDInterpolator(p, y, rescale=True)(q), (pts, pv, q2)),
    "cubic triangles": (lambda y, q: si.griddata(pts, y, q, "cubic"), (pv, q2)),
    "RGI pchip": (
        lambda z, q: si.RegularGridInterpolator((g, gy[::-1]), z, method="pchip")(q),
        (Z, q2),
    ),
    "RGI nu": (
        lambda q: si.RegularGridInterpolator((g, gy), Z, method="cubic")(q, nu=(1, 2)),
        (q2,),
    ),
    "NdBSpline nu": (
        lambda c, q: si.NdBSpline((tck[0], tck[0]), c, 3)(q, nu=(1, 1)),
        (np.random.default_rng(8).uniform(size=(8, 8)), q2),
    ),
    "end slopes": (
        lambda x, y, a, q: si.make_interp_spline(x, y, 3, bc_type=([(1, a)], [(2, 0.3)]))(q),
        (g, v, np.float64(0.4), q),
    ),
    "ends by name": (
        lambda x, y, q: si.make_interp_spline(x, y, bc_type=("natural", "clamped"))(q),
        (g, v, q),
    ),
    "splint weights": (
        lambda a, c: si.splint(a, 0.8, (tck[0], c, 3), full_output=1)[1][:6],
        (np.float64(0.2), tck[1]),
    ),
    "rbf near": (
        lambda p, y, q: si.RBFInterpolator(p, y, neighbors=6)(q),
        (pts, np.stack([pv, pv**2], 1), q2),
    ),
    "rbf near q": (
        lambda q: si.RBFInterpolator(pts, pv, neighbors=5, kernel="gaussian", epsilon=1.3)(q),
        (q2,),
    ),
    "griddata line": (lambda p, y, q: si.griddata(p, y, q), (g, v, q)),
    "Taylor": (
        lambda a: si.approximate_taylor_polynomial(lambda t: np.sin(a * t), 0, 3, 0.5).coeffs,
        (np.float64(0.7),),
    ),
    "power basis": (
        lambda c, q: si.BSpline.from_power_basis(si.CubicSpline(g, c[0, :1] * g**2))(q),
        (C, q),
    ),
    "interp1d kinds": (
        lambda x, y, q: [si.interp1d(x, y, kind=k)(q) for k in (0, 4, 5, "nearest-up")],
        (g, v, q),
    ),
    "interp1d beyond": (
        lambda y: [
            si.interp1d(g, y, kind=k, fill_value="extrapolate")([-0.2, 0.3, 1.2])[part]
            for k, part in (("previous", slice(1, 3)), ("next", slice(0, 2)), (4, slice(3)))
        ],
        (v,),
    ),
    "periodic": (
        lambda x, y, q: [
            si.make_interp_spline(x, np.concatenate([y, y[:1]]), k, bc_type="periodic")(q)
            for k in (2, 3)
        ],
        (g, v[:7], q),
    ),
    "splrep settings": (
        lambda x, y, w, t, q: (
            si.splev(q, si.splrep(x, y, w, task=-1, t=t)),
            si.splev(q, si.splrep(x, y, xb=-0.1, xe=1.2)),
            si.splrep(x, y, full_output=1)[1],
            si.splev(q, si.splrep(x, np.concatenate([y[:-1], y[:1]]), per=1)),
        ),
        (g, v, v + 0.5, np.array([0.4, 0.6]), q),
    ),
    "NdBSpline derivative": (
        lambda c, z: si.NdBSpline((tck[0], tck[0]), c, 3).derivative((1, 2))(z),
        (Z @ Z.T, q2),
    ),
}
if si.splint(0, 1, tck, full_output=1)[1] is None:
    del CASES["splint weights"]  # SciPy 1.18 gives none
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "interp1d kinds": "bits",
    "interp1d beyond": "bits",
    "periodic": "bits",
    "splrep settings": "bits",
    "NdBSpline derivative": "bits",
    "RGI pchip": "bits",
    "RGI nu": "bits",
    "NdBSpline nu": "bits",
    "end slopes": "bits",
    "ends by name": "bits",
    "splint weights": "bits",
    "rbf near": "bits",
    "rbf near q": "bits",
    "akima": "bits",
    "LSQUS": "bits",
    "bary": "bits",
    "bary x": "bits",
    "bary at nodes": "bits",
    "bary f": "bits",
    "pchip f": "bits",
    "pade": "jit vmap",
    "fh": "bits",
    "rbf": "bits",
    "rbf g": "bits",
    "rbf s": "bits",
    "Rbf": "bits jit vmap",
    "lagrange": "vmap",
    "pieces": "bits",
    "power basis": "bits",
    "roots": "bits jit vmap",
    "knots": "bits",
    "BSpline over periods": "bits",
    "IUS parts": "bits",
    "surface": "bits",
    "NdPPoly": "bits",
    "scattered smoothed": "jit vmap bits",
    "scattered nearest": "bits",
    "triangles": "bits",
    "splint": "bits",
    "BSpline t": "vmap",
    "smoothing x": "bits",
    "splrep x": "bits",
    "splprep": "bits jit vmap",
    "splprep u": "jit vmap",
    "make_splprep": "bits",
    "lsq": "bits",
    "RBS": "bits",
    "RBS fixed": "bits",
    "RBS grid": "bits",
    "RGI": "bits",
    "interpn spl": "bits",
    "Pchip d": "bits",
    "Cubic der": "bits",
    "Taylor": "jit vmap",
}
