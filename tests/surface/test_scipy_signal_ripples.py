"""remez: filters of equal ripple in the edges of the bands, what is desired, and the weights."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import remez

import adjoint as ad

CASES = {
    "odd": (11, [0, 0.1, 0.2, 0.5], [1, 0], [1, 2], "bandpass"),
    "three bands": (24, [0.02, 0.1, 0.17, 0.3, 0.35, 0.48], [0, 1, 0], [1, 2, 3], "bandpass"),
    "slopes": (20, [0, 0.2, 0.3, 0.45], [1, 0], [1, 2], "differentiator"),
    "hilbert": (21, [0.05, 0.43], [1], [2], "hilbert"),
    "even hilbert": (8, [0.05, 0.43], [1], [2], "hilbert"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_moves_as_scipys(name: str) -> None:
    taps, *rest, kind = CASES[name]
    at = tuple(np.array(v, float) for v in rest)

    def f(*given: Any) -> Any:
        return remez(taps, 2.5 * given[0], given[1], weight=given[2], type=kind, fs=2.5)

    draw = np.random.default_rng(3)
    t = [draw.normal(size=v.shape) for v in at]
    t[0][(at[0] == 0) | (at[0] == 0.5)] = 0
    value, moved = ad.jvp(f, at, tuple(t))
    assert value.tolist() == f(*at).tolist()
    e = 1e-6
    ahead, back = (f(*[v + s * d for v, d in zip(at, t, strict=True)]) for s in (e, -e))
    np.testing.assert_allclose(moved, (ahead - back) / (2 * e), rtol=1e-5, atol=1e-7)
    bar = draw.normal(size=taps)
    pulled = ad.vjp(f, *at)[1](bar)
    assert np.isclose(sum(np.sum(p * d) for p, d in zip(pulled, t, strict=True)), bar @ moved)


def test_under_jit_vmap_and_twice() -> None:
    def tap(s: Any) -> Any:
        edges = np.array([0, 0.1, 0.2, 0.5])
        return remez(9, edges + s * np.array([0, 0.01, 0.02, 0]), [s, 0.0], weight=[1.0, s])[2]

    s, e = 1.3, 1e-5
    slope = (tap(s + e) - tap(s - e)) / (2 * e)
    np.testing.assert_allclose(ad.grad(tap)(s), slope, rtol=1e-6)
    np.testing.assert_allclose(ad.jit(ad.grad(tap))(s), slope, rtol=1e-6)
    rows = ad.vmap(ad.value_and_grad(tap))(np.array([s, 1.4]))
    np.testing.assert_allclose([r[0] for r in rows], [tap(s), slope], rtol=1e-6)
    bend = (ad.grad(tap)(s + e) - ad.grad(tap)(s - e)) / (2 * e)
    np.testing.assert_allclose(ad.grad(ad.grad(tap))(s), bend, rtol=1e-6)
