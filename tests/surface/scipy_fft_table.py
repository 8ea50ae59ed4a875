"""scipy.fft's less common transforms: cases in every mode."""

from typing import Any

import numpy as np
import scipy.fft as sf

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
    "ifht": (lambda x: sf.ifht(x, 0.1, 1.5, bias=0.2), (x,)),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "hfft2 norm": "bits",
    "ihfftn": "bits",
}
