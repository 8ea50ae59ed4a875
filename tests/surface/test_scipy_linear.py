"""scipy.fft, signal, ndimage, sparse and spatial.distance."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.fft as ft
import scipy.ndimage as nd
import scipy.optimize as so
import scipy.signal as sg
import scipy.sparse as ss
import scipy.sparse.linalg as sl
import scipy.spatial.distance as sd

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

CASES: list[Any] = []


def c(name: str, f: Callable[..., Any], *args: Any, skip: str = "", tol: float = 1e-6) -> None:
    """Note a case; values are compared to rounding unless ``exact`` is among skip."""
    left_out = {"bits", *skip.split()} - ({"bits"} if "exact" in skip else set())
    CASES.append(checking.Case(name, f, args, frozenset(left_out), tol))


def pair(*parts: Any) -> Any:
    return np.concatenate([np.ravel(x) for x in parts])


r = np.random.default_rng(3)
x = r.normal(size=(5, 6))
y1 = r.normal(size=7)
k = r.normal(size=(3, 2))
for n in ("fft", "ifft", "rfft", "ihfft"):
    c(n, lambda x, n=n: getattr(ft, n)(x, n=8, axis=0, norm="ortho"), x)
    c(n, lambda x, n=n: getattr(ft, n)(x), x)
for n in ("irfft", "hfft"):
    c(n, lambda x, n=n: getattr(ft, n)(x + 1j * x**2, n=7), x)
for n in ("fft2", "fftn", "ifftn", "rfftn", "rfft2"):
    c(n, lambda x, n=n: getattr(ft, n)(x), x)
c("irfftn", lambda x: ft.irfftn(x + 1j * x**2), x)
c("fftns", lambda x: ft.fftn(x, s=(3, 7), axes=(1, 0)), x)
c("sh", lambda x: ft.fftshift(x), x)
for n in ("dct", "idct", "dst", "idst"):
    for t in (1, 2, 3, 4):
        for nm in (None, "ortho", "forward"):
            for o in (None, True, False):
                c(
                    f"{n}-{t}-{nm}-{o}",
                    lambda x, n=n, t=t, nm=nm, o=o: getattr(ft, n)(
                        x, t, norm=nm, axis=0, orthogonalize=o
                    ),
                    x,
                )
c("dctn", lambda x: ft.dctn(x, s=(4, 8)), x)
c("idstn", lambda x: ft.idstn(x, axes=(1,)), x)
for m in ("full", "same", "valid"):
    c("conv" + m, *(lambda a, b, m=m: sg.convolve(a, b, m), x, k))
    c("corr" + m, *(lambda a, b, m=m: sg.correlate(a, b, m), x, k))
    c("corrv" + m, lambda a, b, m=m: sg.correlate(a, b, m), k, x)
    c("fc" + m, *(lambda a, b, m=m: sg.fftconvolve(a, b, m, axes=0), x, k[:, :1] * np.ones(6)))
    for bd in ("fill", "wrap", "symm"):
        c("c2" + m + bd, *(lambda a, b, m=m, bd=bd: sg.convolve2d(a, b, m, bd, 0.0), x, k))
        c("co2" + m + bd, *(lambda a, b, m=m, bd=bd: sg.correlate2d(a, b, m, bd, 0.0), x, k))
c("co2turned", lambda a, b: np.imag(sg.correlate2d(a * (1 - 2j), b, "valid")), k, x)
c("convbig", *(lambda a, b: sg.convolve(a, b, "same"), r.normal(size=40), r.normal(size=21)))
b, a = np.array([0.2, 0.3, 0.1]), np.array([1.3, -0.4, 0.2, 0.1])
c("lf", lambda x: sg.lfilter(b, a, x, axis=0), x)
c("lfb", lambda p: sg.lfilter(p[:3], p[3:7], x), pair(b, a))
c("lfzi", lambda p: sg.lfilter(b, a, p[3:], zi=p[:3]), np.arange(8.0))
sos = sg.butter(4, 0.3, output="sos")
c("sos", lambda x: sg.sosfilt(sos, x), x)
ones = np.ones((len(sos), 1))
c("sosp", lambda s: sg.sosfilt(np.concatenate([s[:, :3], ones, s[:, 4:]], 1), x), sos)
c("soszi", lambda x: sg.sosfilt(sos, x, zi=sg.sosfilt_zi(sos)), x[0])
c("det", lambda x: sg.detrend(x, axis=0), x)
c("sav", lambda x: sg.savgol_filter(x, 5, 2, axis=0), x)
c("ff", lambda x: sg.filtfilt(b, a, x), r.normal(size=(2, 30)))
c("hil", lambda x: sg.hilbert(x, axis=0), x)
for m in ("reflect", "constant", "nearest", "mirror", "wrap"):
    c("g" + m, lambda x, m=m: nd.gaussian_filter(x, (1.2, 0.7), mode=m, cval=0.3), x)
    c("u" + m, lambda x, m=m: nd.uniform_filter(x, 3, mode=m, origin=1), x)
    for o in (0, 1, -1):
        c(
            f"correlate-{m}-{o}",
            *(
                lambda x, w, m=m, o=o: nd.correlate(x, w, mode=m, cval=0.2, origin=(o, 0)),
                x,
                r.normal(size=(3, 2)),
            ),
        )
        c(
            f"convolve-{m}-{o}",
            *(
                lambda x, w, m=m, o=o: nd.convolve(x, w, mode=m, cval=0.2, origin=(o, 0)),
                x,
                r.normal(size=(3, 2)),
            ),
        )
c("g1", lambda x: nd.gaussian_filter1d(x, 1.1, axis=0), x)
c("sob", lambda x: nd.sobel(x, axis=0), x)
c("pre", lambda x: nd.prewitt(x), x)
c("lap", lambda x: nd.laplace(x), x)
c("gl", lambda x: nd.gaussian_laplace(x, 1.0), x)
c("ggm", lambda x: nd.gaussian_gradient_magnitude(x, 1.0), x)
c("zoom", lambda x: nd.zoom(x, 1.5), x)
c("shift", lambda x: nd.shift(x, 0.3, cval=1.0), x)
c("rot", lambda x: nd.rotate(x, 30, reshape=False), x)
c("mapc", lambda x: nd.map_coordinates(x, [[1.2, 2.5], [3.3, 0.4]]), x)
A = ss.random(5, 6, 0.5, random_state=0, format="csr")
c("sp@", lambda x: A @ x[0], x)
c("sp@2", lambda x: A @ x.T, x)
c("@sp", lambda x: x.T @ A, x)
c("@sp1", lambda x: x[:, 0] @ A, x)
c("spdot", lambda x: A.dot(x[0]), x)
c("csc", lambda x: A.tocsc() @ x[0], x)
c("arr", lambda x: ss.csr_array(A) @ x[0], x)
c("mat*", lambda x: ss.csr_matrix(A) * x[0], x)
c("coo", lambda x: A.tocoo() @ x[0], x)
c("dia", lambda x: ss.diags([1.0, 2.0, 3.0, 4, 5, 6]) @ x[0], x)
c("spc", lambda x: (A * (1 + 2j)) @ x[0], x)
c(
    "spsolve",
    lambda x: sl.spsolve((ss.eye(6) * 3 + ss.random(6, 6, 0.3, random_state=1)).tocsc(), x[0]),
    x,
)
for m in (
    "euclidean",
    "sqeuclidean",
    "cityblock",
    "chebyshev",
    "cosine",
    "correlation",
    "canberra",
    "braycurtis",
    "seuclidean",
    "mahalanobis",
):
    X = r.normal(size=(7, 3))
    c("cd" + m, *(lambda a, b, m=m: sd.cdist(a, b, m), X, X[:5] * 0.3 + 0.2), tol=1e-5)
    c("pd" + m, lambda a, m=m: sd.pdist(a, m), X, tol=1e-5)
c("mink", *(lambda a, b: sd.cdist(a, b, "minkowski", p=3.0), x, k @ np.ones((2, 6))))
c("js", lambda a: sd.jensenshannon(a[0] ** 2, a[1] ** 2), x)
c("sqf", lambda a: sd.squareform(sd.pdist(a)), x)
c("eu", lambda a: sd.euclidean(a[0], a[1]), x)
c("rosen", lambda x: so.rosen(x), x)
c("rosend", lambda x: so.rosen_der(x[0]), x)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_function(case: Any, rng: np.random.Generator) -> None:
    checking.check(case, rng)
