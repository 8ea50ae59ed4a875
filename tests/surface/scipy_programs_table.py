"""Whole programs in the plain style of NumPy and SciPy: cases in every mode."""

from typing import Any

import numpy as np
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.sparse.linalg
import scipy.special
import scipy.stats
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

rng = np.random.default_rng(0)
drive = rng.normal(size=60)
answer = scipy.signal.lfilter([0.3, 0.2], [1.0, -0.7, 0.1], drive)
places = np.sort(rng.uniform(0, 3, 14))[:, None]
heights = np.sin(2 * places[:, 0]) + 0.05 * rng.normal(size=14)
counts = rng.poisson(4.0, 20)
times = np.linspace(0, 3, 9)
image = scipy.ndimage.gaussian_filter(rng.normal(size=(12, 13)), 1.5)
moved = scipy.ndimage.shift(image, (0.4, -0.7), order=3, mode="nearest")
samples = rng.gamma(2.0, 1.5, 25)
waves = np.sin(2 * np.pi * 0.1 * np.arange(128)) + 0.3 * rng.normal(size=128)
plant = np.array([[0.9, 0.2], [-0.1, 0.8]])
push = np.array([[0.1], [0.5]])
cloud = rng.normal(size=(6, 3))
turned = Rotation.from_euler("xyz", [0.2, -0.3, 0.4]).apply(cloud)


def identification(b: Any, a: Any) -> Any:
    """Fit a recursive filter to its measured answer."""
    model = scipy.signal.lfilter(b, np.concatenate([np.ones(1), a]), drive)
    return np.mean((model - answer) ** 2)


def gaussian_process(log_scale: Any, log_noise: Any) -> Any:
    """The marginal likelihood with a squared-exponential kernel."""
    kernel = np.exp(-0.5 * cdist(places, places, "sqeuclidean") / np.exp(2 * log_scale))
    factor = scipy.linalg.cho_factor(kernel + np.exp(log_noise) * np.eye(14), lower=True)
    weights = scipy.linalg.cho_solve(factor, heights)
    return 0.5 * heights @ weights + np.sum(np.log(np.diag(factor[0])))


def spectral_loss(gains: Any) -> Any:
    """Power of a filtered signal in a band, by Welch's estimate."""
    filtered = scipy.signal.fftconvolve(waves, gains, mode="same")
    f, power = scipy.signal.welch(filtered, nperseg=32)
    return np.log(np.sum(power[(f > 0.05) & (f < 0.2)]) / np.sum(power))


def optimal_control(controls: Any) -> Any:
    """A pendulum pushed by a spline of controls."""
    push_at = scipy.interpolate.make_interp_spline(np.linspace(0, 3, 5), controls, k=3)

    def slope(t: Any, y: Any) -> Any:
        return np.stack([y[1], -np.sin(y[0]) + push_at(t)])

    run = scipy.integrate.solve_ivp(slope, (0, 3), np.array([0.5, 0.0]), t_eval=times,
                                    rtol=1e-9, atol=1e-10)  # fmt: skip
    return np.sum(run.y[:, -1] ** 2) + 0.1 * np.sum(controls**2)


def kernel_ridge(log_width: Any, log_penalty: Any) -> Any:
    """Leave half of the data out of a ridge regression."""
    kernel = np.exp(-cdist(places, places) / np.exp(log_width))
    train, test = np.arange(0, 14, 2), np.arange(1, 14, 2)
    inner = kernel[np.ix_(train, train)] + np.exp(log_penalty) * np.eye(7)
    weights = scipy.linalg.solve(inner, heights[train], assume_a="pos")
    return np.mean((kernel[np.ix_(test, train)] @ weights - heights[test]) ** 2)


def likelihoods(p: Any) -> Any:
    """Several families at once."""
    shape, scale, rate = np.exp(p[0]), np.exp(p[1]), np.exp(p[2])
    return -(
        np.sum(scipy.stats.gamma.logpdf(samples, shape, scale=scale))
        + np.sum(scipy.stats.poisson.logpmf(counts, rate))
        + np.sum(scipy.stats.chi2.logpdf(samples, 2 + shape))
        + np.sum(scipy.stats.beta.logpdf(samples / 20, shape, scale))
        + np.sum(scipy.stats.t.logpdf(samples, 3 + rate, loc=scale))
    )


def spline_calibration(knots: Any) -> Any:
    """A curve through a few values, compared with data."""
    curve = scipy.interpolate.CubicSpline(np.linspace(0, 3, 6), knots, bc_type="natural")
    return np.sum((curve(places[:, 0]) - heights) ** 2) + 0.01 * np.sum(curve(times, 2) ** 2)


def registration(offset: Any, angle: Any) -> Any:
    """Move an image onto another."""
    rows, columns = np.indices(image.shape)
    c, s = np.cos(angle), np.sin(angle)
    at = np.stack([c * rows - s * columns - offset[0], s * rows + c * columns - offset[1]])
    return np.mean((scipy.ndimage.map_coordinates(image, at, order=3, mode="nearest") - moved) ** 2)


def inverse_problem(log_k: Any) -> Any:
    """Diffusion with unknown conductivities, solved as a sparse system."""
    k = np.exp(log_k)
    main = k[:-1] + k[1:]
    matrix = scipy.sparse.diags_array([main, -k[1:-1], -k[1:-1]], offsets=[0, 1, -1])
    u = scipy.sparse.linalg.spsolve(matrix.tocsc(), np.ones(main.shape[0]))
    return np.sum((u - 0.5) ** 2)


def filter_design(taps: Any) -> Any:
    """The distance of a frequency response from the wanted one."""
    w, response = scipy.signal.freqz(taps, worN=32)
    return np.mean((np.abs(response) ** 2 - 1.0 / (1 + (w / 0.8) ** 6)) ** 2)


def riccati(cost: Any, a: Any) -> Any:
    """The cost of the best linear control."""
    p = scipy.linalg.solve_discrete_are(a, push, np.diag(np.exp(cost)), np.eye(1))
    gain = np.linalg.solve(np.eye(1) + push.T @ p @ push, push.T @ p @ a)
    return np.trace(p) + np.sum(gain**2)


def steady_kalman(noise: Any) -> Any:
    """The variance of a state that noise drives."""
    p = scipy.linalg.solve_discrete_lyapunov(plant, np.diag(np.exp(noise)))
    return np.log(np.linalg.det(p)) + scipy.stats.multivariate_normal.logpdf(
        np.array([0.3, -0.2]), np.zeros(2), p
    )


def density_fit(data: Any) -> Any:
    """How likely other points are under a density from samples."""
    return -np.sum(scipy.stats.gaussian_kde(data, bw_method=0.4).logpdf(times))


def line_profile(p: Any) -> Any:
    """Voigt's profile against data."""
    x = np.linspace(-3, 3, 21)
    model = p[0] * scipy.special.voigt_profile(x - p[1], np.exp(p[2]), np.exp(p[3]))
    return np.sum((model - np.exp(-(x**2))) ** 2)


def bessel_beam(p: Any) -> Any:
    """The intensity of a beam of Bessel functions."""
    r = np.linspace(0.1, 4, 18)
    model = p[0] * scipy.special.jv(0, p[1] * r) ** 2 + p[2] * scipy.special.j1(r * p[1]) ** 2
    return np.sum((model - np.exp(-r)) ** 2)


def by_quadrature(a: Any) -> Any:
    """A parameter under an integral."""
    return scipy.integrate.quad(lambda s: np.exp(-a * s) * np.sin(s) ** 2, 0, np.inf)[0]


def alignment(vector: Any) -> Any:
    """Turn points onto others."""
    return np.sum((Rotation.from_rotvec(vector).apply(cloud) - turned) ** 2)


def implied_rate(price: Any) -> Any:
    """The rate at which payments have a given value today."""

    def gap(rate: Any) -> Any:
        return np.sum(5.0 / (1 + rate) ** np.arange(1, 9)) + 100 / (1 + rate) ** 8 - price

    return scipy.optimize.newton(gap, 0.05)


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "system identification": (identification, (np.array([0.25, 0.1]), np.array([-0.6, 0.05]))),
    "Gaussian process": (gaussian_process, (np.float64(-0.3), np.float64(-2.0))),
    "spectral loss": (spectral_loss, (np.array([0.2, 0.5, 0.3, -0.1]),)),
    "optimal control": (optimal_control, (np.array([0.1, -0.3, 0.2, 0.4, -0.1]),)),
    "kernel ridge": (kernel_ridge, (np.float64(0.3), np.float64(-3.0))),
    "likelihoods": (likelihoods, (np.array([0.3, 0.4, 1.1]),)),
    "spline calibration": (spline_calibration, (np.array([0.1, 0.8, 0.5, -0.4, -0.9, 0.2]),)),
    "registration": (registration, (np.array([0.31, -0.52]), np.float64(0.07))),
    "sparse inverse problem": (inverse_problem, (np.array([0.1, -0.3, 0.2, 0.4, -0.1, 0.3]),)),
    "filter design": (filter_design, (np.array([0.1, 0.3, 0.35, 0.2, 0.05]),)),
    "Riccati control": (riccati, (np.array([0.2, -0.3]), plant)),
    "steady Kalman filter": (steady_kalman, (np.array([-1.0, -0.5]),)),
    "density fit": (density_fit, (rng.uniform(0, 3, 11),)),
    "line profile": (line_profile, (np.array([1.2, 0.1, -0.6, -0.9]),)),
    "Bessel beam": (bessel_beam, (np.array([0.9, 1.1, 0.3]),)),
    "quadrature": (by_quadrature, (np.float64(0.8),)),
    "alignment": (alignment, (np.array([0.1, -0.2, 0.3]),)),
    "implied rate": (implied_rate, (np.float64(97.0),)),
}
SKIP: dict[str, str] = dict.fromkeys(CASES, "bits")
SKIP["quadrature"] = "bits vmap jit"  # its subdivision is chosen by values
SKIP["optimal control"] = "bits second"  # for time: the first derivative is an equation already
SKIP["registration"] = "bits third"  # the image is a cubic spline: its third derivative jumps
