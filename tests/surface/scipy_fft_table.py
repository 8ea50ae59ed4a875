"""scipy.fft's less common transforms, and SciPy's older ones: cases in every mode."""

from typing import Any

import numpy as np
import scipy.fft as sf
import scipy.fftpack as fp

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
t = np.linspace(0, 1, 24)


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "hfftn": (lambda x: sf.hfftn(x), (X,)),
    "hfft2 norm": (lambda x: sf.hfft2(x, norm="ortho", s=(4, 6)), (X,)),
    "ihfftn": (lambda x: np.abs(sf.ihfftn(x)), (X,)),
    "ihfft2": (lambda x: np.abs(sf.ihfft2(x, norm="forward")), (X,)),
    "fht": (lambda x: sf.fht(x, 0.1, 1.5), (x,)),
    "fht bias": (lambda x: sf.fht(x, 0.1, 0.5, offset=0.2, bias=0.3), (x,)),
    "axes by a range": (lambda x: np.abs(sf.rfftn(x, axes=range(-2, 0))), (X,)),
    "axes by an array": (lambda x: sf.irfftn(sf.rfftn(x, axes=np.arange(2)), X.shape), (X,)),
    "old fft": (lambda x: np.abs(fp.fft(x, 9)) + np.abs(fp.ifft(x)[:9]), (x,)),
    "old fftn": (lambda x: np.abs(fp.fftn(x, (4, 8))) + np.abs(fp.ifft2(x, (4, 8))), (X,)),
    "old rfft, odd": (lambda x: fp.rfft(x, axis=1) @ np.arange(7.0), (X,)),
    "old rfft, even": (lambda x: fp.rfft(x, n=6, axis=0)[2:], (X,)),
    "old irfft, odd": (lambda x: fp.irfft(x, axis=0), (X,)),
    "old irfft, even": (lambda x: fp.irfft(x, n=10), (X,)),
    "old dct": (lambda x: fp.dct(x, axis=0, norm="ortho") * fp.dct(x, 3, axis=0), (X,)),
    "old idct": (lambda x: fp.idct(x, n=5) * fp.idst(x, 2, n=5), (X,)),
    "old dstn": (lambda x: fp.dstn(x, type=1) + fp.idctn(x, shape=(5, 7)), (X,)),
    "hfftn along one axis": (lambda x: sf.hfftn(x, s=6, axes=1), (X,)),
    "ihfftn along one axis": (lambda x: np.abs(sf.ihfftn(x, s=4, axes=0)), (X,)),
    "fht moves": (
        lambda x, p: sf.fht(x, p[0], p[1], sf.fhtoffset(p[0], p[1], p[2], p[3]), p[3]),
        (x, np.array([0.2, 1.3, 0.1, 0.3])),
    ),
    "fht moves, odd": (
        lambda x, p: sf.fht(x, p[0], mu=0.5, offset=p[1]),
        (X, np.array([0.2, 0.3])),
    ),
    "ifht moves": (
        lambda x, p: sf.ifht(x, p[0], p[1], p[2], bias=p[3]),
        (x, np.array([0.2, 1.3, 0.1, -0.3])),
    ),
    "ifht": (lambda x: sf.ifht(x, 0.1, 1.5, bias=0.2), (x,)),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "hfft2 norm": "bits",
    "ihfftn": "bits",
    "hfftn along one axis": "bits",
    "ihfftn along one axis": "bits",
    "fht moves": "bits",
    "fht moves, odd": "bits",
    "ifht moves": "bits",
    "axes by an array": "bits",
    "old fft": "bits",
    "old fftn": "bits",
}
