"""scipy.ndimage: cases in every mode."""

from typing import Any

import numpy as np
import scipy.ndimage as nd
import scipy.signal as sg

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
t = np.linspace(0, 1, 24)
L = np.array(
    [
        [0, 1, 1, 2, 2, 0, 3],
        [1, 1, 0, 2, 2, 3, 3],
        [0, 1, 1, 2, 0, 3, 3],
        [1, 1, 1, 2, 2, 0, 3],
        [0, 0, 1, 2, 2, 0, 3],
    ]
)

pl = rng.uniform(0.2, 4.7, (2, 9)) * np.array([[1.0], [1.3]])
out = pl * 1.7 - 1.5


def _smoothed(line: Any, out: Any) -> None:
    out[:] = line[:-3] * line[3:] + 0.5 * line[1:-2] ** 2


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "recorded weights": (
        lambda i, w: (
            nd.convolve1d(i, w, axis=0, mode="mirror", origin=1),
            nd.correlate1d(i, w[1:], mode="constant", cval=0.3),
        ),
        (X, x[:4]),
    ),
    "recorded sigma": (
        lambda i, s: (
            nd.gaussian_filter(i, s, order=(0, 1), radius=3),
            nd.gaussian_filter1d(i, 2 * s, axis=0, radius=2),
        ),
        (X, np.float64(0.8)),
    ),
    "map nofilter": (lambda X, p: nd.map_coordinates(X, p, prefilter=False), (X, pl)),
    "shift": (lambda X, s: nd.shift(X, s), (X, np.array([0.3, -0.6]))),
    "shift1": (lambda X, s: nd.shift(X, s, order=1, mode="nearest"), (X, np.float64(0.3))),
    "zoom": (lambda X: nd.zoom(X, 1.7, order=2), (X,)),
    "zoom g": (lambda X: nd.zoom(X, 0.7, mode="grid-wrap", grid_mode=True), (X,)),
    "affine": (
        lambda X, m, o: nd.affine_transform(X, m, o),
        (X, np.array([[0.91, 0.1], [-0.2, 1.13]]), np.array([0.37, 0.12])),
    ),
    "affine h": (
        lambda X, m: nd.affine_transform(X, m, order=1, mode="mirror"),
        (X, np.array([[0.91, 0.1, 0.23], [-0.2, 1.13, 0.37]])),
    ),
    "affine d": (
        lambda X, m: nd.affine_transform(X, m, output_shape=(3, 4)),
        (X, np.array([0.9, 0.8])),
    ),
    "rotate": (lambda X: nd.rotate(X, 30.0), (X,)),
    "rotate a": (lambda X, a: nd.rotate(X, a, reshape=False, order=1), (X[:4], np.float64(31.3))),
    "rotate 3d": (
        lambda X, a: nd.rotate(X, a, axes=(0, 2), reshape=False, mode="nearest"),
        (rng.uniform(0, 1, (4, 3, 5)), np.float64(30.0)),
    ),
    "geom": (
        lambda X, a: nd.geometric_transform(
            X, lambda i: (i[0] * a, i[1] - a), order=2, mode="nearest"
        ),
        (X, np.float64(0.7)),
    ),
    "spline_filter": (lambda X: nd.spline_filter(X, 3), (X,)),
    "generic_filter1d": (lambda X: nd.generic_filter1d(X, _smoothed, 4, axis=0), (X,)),
    "generic_filter1d origin": (
        lambda X: nd.generic_filter1d(X, _smoothed, 4, mode="constant", cval=0.3, origin=-1),
        (X,),
    ),
    "fourier_ellipsoid": (lambda X: nd.fourier_ellipsoid(np.fft.rfft2(X), 3, X.shape[1]), (X,)),
    "recorded borders": (
        lambda X, c: (
            nd.gaussian_filter(X, 0.8, mode=["constant", "nearest"], cval=c, radius=2),
            nd.uniform_filter1d(X, 4, mode="grid-constant", cval=c, origin=1),
            nd.correlate1d(X, [1, -2, 3], axis=0, mode="constant", cval=c),
            nd.sobel(X, cval=c) * nd.laplace(X, mode="constant", cval=c),
        ),
        (X, np.float64(0.4)),
    ),
    "ellipsoid of recorded sizes": (
        lambda X, s: (
            nd.fourier_ellipsoid(X, s),
            nd.fourier_ellipsoid(X[0], s[0], 12),
            nd.fourier_ellipsoid(X.reshape(1, 5, 7), s[1]),
        ),
        (X, np.array([1.2, 2.3])),
    ),
    "map nearest": (
        lambda X, p: [
            nd.map_coordinates(X, 2 * p - 3.1, None, order, "nearest", prefilter=False)
            for order in (2, 3, 4)
        ],
        (X, pl),
    ),
    "spline1d": (lambda X: nd.spline_filter1d(X, 4, axis=0, mode="reflect"), (X,)),
    "min": (lambda X: nd.minimum_filter(X, 3), (X,)),
    "max fp": (
        lambda X: nd.maximum_filter(X, footprint=[[1, 0, 1], [0, 1, 0]], mode="constant", cval=0.5),
        (X,),
    ),
    "max 1d": (lambda X: nd.maximum_filter1d(X, 4, axis=0, origin=1), (X,)),
    "min size": (
        lambda X: nd.minimum_filter(X, (2, 3), origin=(0, -1), mode=["wrap", "nearest"]),
        (X,),
    ),
    "max axes": (lambda X: nd.maximum_filter(X, 3, axes=(1,)), (X,)),
    "median": (lambda X: nd.median_filter(X, 3), (X,)),
    "median even": (lambda X: nd.median_filter(X, (2, 4), mode="mirror"), (X,)),
    "median1d": (lambda x: nd.median_filter(x, 5), (x,)),
    "percentile": (lambda X: nd.percentile_filter(X, 30, 3), (X,)),
    "rank": (lambda X: nd.rank_filter(X, -2, 3), (X,)),
    "erosion": (lambda X: nd.grey_erosion(X, (3, 2)), (X,)),
    "dilation": (lambda X: nd.grey_dilation(X, (3, 2)), (X,)),
    "dilation s": (
        lambda X, s: nd.grey_dilation(X, structure=s),
        (X, np.array([[0.1, 0.2, 0.3], [0.3, 0.05, 0.1]])),
    ),
    "erosion s": (
        lambda X: nd.grey_erosion(X, structure=np.array([[0.1, 0.2, 0.3], [0.3, 0.05, 0.1]])),
        (X,),
    ),
    "opening": (lambda X: nd.grey_opening(X, 3), (X,)),
    "closing": (lambda X: nd.grey_closing(X, 3), (X,)),
    "mgrad": (lambda X: nd.morphological_gradient(X, 3), (X,)),
    "mlap": (lambda X: nd.morphological_laplace(X, 3), (X,)),
    "wtop": (lambda X: nd.white_tophat(X, 3), (X,)),
    "btop": (lambda X: nd.black_tophat(X, 3), (X,)),
    "vect": (lambda X: nd.vectorized_filter(X, np.mean, size=3), (X,)),
    "generic": (lambda X: nd.generic_filter(X, lambda w: np.sum(w**2), 3), (X,)),
    "glap": (lambda X: nd.generic_laplace(X, nd.sobel), (X,)),
    "ggm": (lambda X: nd.generic_gradient_magnitude(X, nd.sobel), (X,)),
    "sum": (lambda X: nd.sum(X, L, [1, 2, 3]), (X,)),
    "mean": (lambda X: nd.mean(X, L, [1, 2]), (X,)),
    "mean1": (lambda X: nd.mean(X), (X,)),
    "var": (lambda X: nd.variance(X, L, [1, 2]), (X,)),
    "std": (lambda X: nd.standard_deviation(X, L, [1, 2]), (X,)),
    "minm": (lambda X: nd.minimum(X, L, [1, 2]), (X,)),
    "maxm": (lambda X: nd.maximum(X, L, 1), (X,)),
    "medm": (lambda X: nd.median(X, L, [1, 2]), (X,)),
    "com": (lambda X: nd.center_of_mass(X), (X,)),
    "com l": (lambda X: nd.center_of_mass(X, L, [1, 2]), (X,)),
    "extrema": (lambda X: nd.extrema(X, L, [1, 2])[:2], (X,)),
    "labc": (lambda X: nd.labeled_comprehension(X, L, [1, 2], np.mean, float, 0), (X,)),
    "fgauss": (lambda X, s: nd.fourier_gaussian(X, s), (X, np.array([0.7, 1.1]))),
    "fgauss n": (lambda X, s: nd.fourier_gaussian(X, s, n=12), (X, np.float64(0.7))),
    "funi": (lambda X, s: nd.fourier_uniform(X, s), (X, np.array([2.7, 3.1]))),
    "fshift": (
        lambda X, s: np.abs(np.fft.ifft2(nd.fourier_shift(np.fft.fft2(X), s))),
        (X, np.array([0.7, 1.1])),
    ),
    "medfilt": (lambda x: sg.medfilt(x, 5), (x,)),
    "medfilt X": (lambda x: sg.medfilt(x, [3, 5]), (X,)),
    "order_filter": (
        lambda x: sg.order_filter(x, np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]]), 2),
        (X,),
    ),
    "medfilt2d": (lambda x: sg.medfilt2d(x, 3), (X,)),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "rotate 3d": "bits",
    "ellipsoid of recorded sizes": "bits",
    "geom": "bits",
    "vect": "bits",
    "minm": "jit vmap",
    "medm": "jit vmap",
    "extrema": "jit vmap",
    "fgauss": "bits",
    "fgauss n": "bits",
    "funi": "bits",
    "fshift": "bits",
}

_MODES = ("constant", "grid-constant", "mirror", "reflect", "nearest", "wrap", "grid-wrap")
for _mode in _MODES:
    for _order in range(6):
        _name = f"map_coordinates {_mode} {_order}"
        _places = out if _order else np.round(out) + 0.2
        CASES[_name] = (
            lambda image, at, mode=_mode, order=_order: nd.map_coordinates(
                image, at, order=order, mode=mode, cval=0.3
            ),
            (X, _places),
        )
        SKIP[_name] = "bits"
