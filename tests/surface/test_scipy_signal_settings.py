"""Settings of scipy.signal that are recorded: coefficients, spacings, paddings, edges of bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal as sg

import adjoint as ad

rng = np.random.default_rng(11)
X = rng.normal(size=(3, 40))


def _follows(f: Any, x: Any, step: float = 1e-6, close: float = 1e-5) -> None:
    """Values are SciPy's, and reverse and forward derivatives those of differences."""
    wanted, (made, pull) = f(x), ad.vjp(f, x)
    assert (made.dtype, made.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_allclose(made, wanted, rtol=1e-10, atol=1e-10)
    to, away = rng.normal(size=x.shape), rng.normal(size=wanted.shape)
    slope = np.sum(away * (f(x + step * to) - f(x - step * to))) / (2 * step)
    np.testing.assert_allclose(np.sum(pull(away)[0] * to), slope, rtol=close, atol=close)
    np.testing.assert_allclose(np.sum(ad.jvp(f, (x,), (to,))[1] * away), slope, rtol=close)


@pytest.mark.parametrize("alpha", [-0.3, 0.0, 0.2, 1.0, 1.3])
@pytest.mark.parametrize("sym", [True, False])
def test_tukey_is_scipys_inside_jit_whatever_its_share_of_slopes(alpha: float, sym: bool) -> None:
    for n in (1, 2, 5, 8):
        made = ad.jit(lambda a, n=n: sg.windows.tukey(n, a, sym))(alpha)
        np.testing.assert_allclose(made, sg.windows.tukey(n, alpha, sym), atol=1e-12)


def test_savgol_moves_with_its_spacing_and_with_what_is_outside() -> None:
    def smooth(settings: Any) -> Any:
        spacing, outside = settings
        return sg.savgol_filter(X, 7, 3, 1, spacing, -1, "constant", outside)

    _follows(smooth, np.array([0.5, 0.3]))
    _follows(lambda x: sg.savgol_filter(x, 5, 2, axis=0, mode="constant", cval=0.7), X.T)


@pytest.mark.parametrize("padtype", ["line", "smooth", "wrap", "mean"])
def test_resampled_single_precision_stays_so(padtype: str) -> None:
    x = X.astype(np.float32)
    made = ad.vjp(lambda x: sg.resample_poly(x, 3, 2, axis=-1, padtype=padtype), x)[0]
    wanted = sg.resample_poly(x, 3, 2, axis=-1, padtype=padtype)
    assert made.dtype == wanted.dtype == np.float32
    np.testing.assert_allclose(made, wanted, rtol=1e-4, atol=1e-5)


def test_the_window_and_the_rate_of_a_spectrum_move_it() -> None:
    _follows(lambda w: sg.welch(X, window=w)[1], rng.uniform(0.5, 1.5, size=9))
    _follows(lambda rate: np.stack(sg.welch(X[0], fs=rate, nperseg=8)), np.array(2.2))


def test_filters_from_both_sides_move_with_their_coefficients() -> None:
    _follows(lambda c: sg.symiirorder1(X, c[0], c[1]), np.array([0.5, 0.4]))
    _follows(lambda c: sg.symiirorder2(X, c[0], c[1], 1e-12), np.array([0.4, 0.3]), 1e-5)
    with pytest.raises(ValueError, match="less than 1"):
        ad.grad(lambda r: np.sum(sg.symiirorder1(X, 0.5, r)))(1.5)
    compiled = ad.jit(lambda c: sg.symiirorder1(X, c[0], c[1]))(np.array([0.5, 0.4]))
    np.testing.assert_allclose(compiled, sg.symiirorder1(X, 0.5, 0.4), rtol=1e-12)


# SciPy's search ends about 1e-5 from the edges of the least order, so the steps are large.
@pytest.mark.parametrize("order", ["buttord", "cheb1ord", "cheb2ord", "ellipord"])
@pytest.mark.parametrize("edges", [[0.1, 0.6, 0.2, 0.5], [0.1, 0.5, 0.2, 0.3]])
def test_edges_of_a_stopped_band_move(order: str, edges: list[float]) -> None:
    def natural(e: Any) -> Any:
        return getattr(sg, order)(e[:2], e[2:4], e[4], e[5])[1]

    _follows(natural, np.array([*edges, 3.0, 40.0]), step=2e-3, close=5e-2)


def test_the_filter_of_least_delay_moves_although_its_lowest_answer_is_0() -> None:
    _follows(lambda h: sg.minimum_phase(h, "hilbert"), sg.firwin(21, 0.3), 1e-8, 1e-4)
    _follows(lambda h: sg.minimum_phase(h, "hilbert", n_fft=256), sg.firwin(21, 0.3), 1e-8, 1e-4)


def test_states_after_given_outputs_have_scipys_dtype() -> None:
    b, a, y = (np.array(v, np.float32) for v in ([0.2, 0.3, 0.1], [1.3, -0.4, 0.2], [1.0, 2.0]))
    for x in (None, np.array([True, False]), np.array([1, 2])):
        made = ad.vjp(lambda y, x=x: sg.lfiltic(b, a, y, x), y)[0]
        assert made.dtype == sg.lfiltic(b, a, y, x).dtype


def test_a_window_is_the_same_where_numpy_is_named() -> None:
    _follows(lambda beta: sg.get_window(("kaiser", beta), 8, xp=np), np.array(3.0))
    _follows(lambda w: np.stack(sg.iircomb(50.0, w, fs=400.0, xp=np)), np.array(30.0))


def test_a_state_of_one_number_starts_a_system_inside_jit() -> None:
    one = [np.array([[v]]) for v in (-0.4, 1.0, 2.0, 0.3)]

    def output(u: Any) -> Any:
        return sg.lsim(tuple(one), u, np.linspace(0, 1, 40), 0.7)[1]

    np.testing.assert_allclose(ad.jit(output)(X[0]), output(X[0]), rtol=1e-10)


def test_least_squares_that_scipy_takes_otherwise_are_refused() -> None:
    def taps(bands: Any, count: int = 9) -> Any:
        return sg.firls(count, bands, [1.0, 1.0, 0.0, 0.0])

    _follows(taps, np.array([0.1, 0.2, 0.4, 0.9]))
    with pytest.raises(ad.errors.UnsupportedError, match="singular to rounding"):
        ad.vjp(lambda bands: taps(bands, 21), np.array([0.0, 0.1, 0.9, 1.0]))


def test_recorded_windows_make_spectra_inside_jit_too() -> None:
    window = rng.uniform(0.5, 1.5, size=9)
    for spectrum in (
        lambda w: sg.welch(X, window=w)[1],
        lambda w: sg.csd(X[0], X[1], window=w, nperseg=None)[1],
    ):
        np.testing.assert_allclose(ad.jit(spectrum)(window), spectrum(window), rtol=1e-10)
        rows = ad.vmap(spectrum)(np.stack([window, 2 + window]))
        np.testing.assert_allclose(rows[1], spectrum(2 + window), rtol=1e-10)


@pytest.mark.filterwarnings("ignore::scipy.signal.BadCoefficients")
@pytest.mark.parametrize("through", [0.0, 0.4])
def test_systems_of_states_have_zeros_inside_jit(through: float) -> None:
    def parts(a: Any) -> Any:
        z, p, k = sg.ss2zpk(a, [[1.0], [0.5]], [[0.3, 1.0]], [[through]])
        return np.sum(z**2), np.sum(p**2), k

    at = np.array([[-1.0, 0.3], [0.2, -2.0]])
    np.testing.assert_allclose(ad.jit(parts)(at), parts(at), rtol=1e-10)
    wanted = ad.grad(lambda a: np.real(sum(parts(a))))(at)
    found = ad.jit(ad.grad(lambda a: np.real(sum(parts(a)))))(at)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
