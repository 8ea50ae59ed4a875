"""scipy.signal: cases in every mode."""

from typing import Any

import numpy as np
import scipy.signal as sg

rng = np.random.default_rng(0)
x = rng.uniform(0.3, 1.6, 24)
y = rng.uniform(0.3, 1.6, 24)
X = rng.uniform(0.2, 1.5, (5, 7))
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
IMAGE = np.random.default_rng(1).uniform(0.2, 1.5, (24, 17))
t = np.linspace(0, 1, 24)
b = np.array([0.3, 0.5, 0.2])
a = np.array([1.0, -0.4, 0.2])
z = np.array([0.2, 0.5])
p = np.array([0.3, -0.4])
sos = np.array([[0.3, 0.5, 0.2, 1.0, -0.4, 0.2], [0.4, 0.1, 0.2, 1.0, -0.3, 0.1]])
SB = sos[:, :3]
SA = sos[:, 4:]


def mk(numerators: Any, rest: Any) -> Any:
    return np.concatenate([numerators, np.ones((2, 1)), rest], axis=1)


Am = np.array([[-1.0, 0.3], [0.2, -0.8]])
Bm = np.array([[0.3], [0.9]])
Cm = np.array([[1.0, 0.4]])
Dm = np.array([[0.1]])

MODES = ["symmetric", "reflect", "edge", "wrap", "smooth", "line", "antisymmetric", "antireflect"]

tops = sg.find_peaks(x)[0]

CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "upfirdn modes": (
        lambda h, x: [sg.upfirdn(h, x, 3, 2, mode=mode) for mode in MODES],
        (np.arange(1.0, 24.0) / 20, x[:5]),
    ),
    "upfirdn cval": (lambda h, x, c: sg.upfirdn(h, x, 1, 2, cval=c), (b, x[:5], np.float64(0.4))),
    "iircomb": (lambda q: sg.iircomb(0.25, q, ftype="peak"), (np.float64(30.0),)),
    "ss2zpk": (lambda A: sg.ss2zpk(A, Bm, Cm, Dm), (Am,)),
    "lsim at rest": (lambda b, u: sg.lsim((b, [1, 0.5, 2]), u, t)[1], (b[:2], 0 * x)),
    "chirp log": (lambda f, g: sg.chirp(t, f, 2.0, g, "log"), (np.float64(1.0), np.float64(3.0))),
    "chirp that stands still": (
        lambda f, g: [sg.chirp(t, f, 2.0, g, method) for method in ("log", "hyperbolic")],
        (np.float64(1.3), np.float64(1.3)),
    ),
    "windows": (
        lambda v: (
            sg.windows.kaiser(9, v),
            np.kaiser(8, v),
            sg.windows.dpss(8, v / 2, norm="subsample"),
            sg.windows.dpss(9, v / 2, 3, return_ratios=True),
            sg.windows.tukey(9, v / 10),
            sg.windows.chebwin(9, 12 * v),
            sg.windows.taylor(9, 4, 6 * v),
            sg.get_window(("general_hamming", v / 10), 8),
        ),
        (np.float64(5.1),),
    ),
    "iirdesign": (
        lambda w, g: (sg.iirdesign(w, 0.35, 1.0, g), sg.iirdesign(w, 0.35, 1.0, g, ftype="butter")),
        (np.float64(0.2), np.float64(40.0)),
    ),
    "butter stop": (lambda w: sg.butter(2, w, "bandstop", output="sos"), (z,)),
    "butter fs": (lambda w, f: sg.butter(3, w, fs=f), (np.float64(13.0), np.float64(100.0))),
    "gammatone iir": (lambda f: sg.gammatone(f, "iir", fs=160.0), (np.float64(11.0),)),
    "sepfir2d": (lambda i, r, c: sg.sepfir2d(i, r, c), (X, b, np.array([0.1, 0.7, 0.4]))),
    "eval beyond": (
        lambda c, q: (sg.cspline1d_eval(c, q), sg.qspline1d_eval(c, q, dx=0.9, x0=0.1)),
        (x, np.array([-3.2, 0.3, 5.2, 24.6])),
    ),
    "residue": (lambda b, a: sg.residue(b, a), (x[:4], np.array([1.0, 6.1, 11.4, 6.2]))),
    "residue short": (lambda b: sg.residue(b, [1.0, 0.4, 3.0, 1.0]), (x[:2],)),
    "residue double": (lambda b: sg.residue(b, [1.0, -2.0, 1.0, 0.0]), (x[:2],)),
    "residuez": (lambda b, a: sg.residuez(b, a), (x[:3], np.array([1.0, -0.9, 0.18]))),
    "invres": (
        lambda r, p, k: sg.invres(r, p[[0, 0, 1]], k),
        (x[:3], np.array([-1.3, 0.7]), x[4:6]),
    ),
    "invresz": (lambda r, p: sg.invresz(r, p, []), (x[:3], np.array([-0.3, 0.7, 0.2]))),
    "find_peaks": (
        lambda x: [
            (x[k] ** 2, d["peak_heights"], d["prominences"], d["left_thresholds"])
            for k, d in [sg.find_peaks(x, height=0.4, prominence=0.05, threshold=0.01)]
        ],
        (x,),
    ),
    "peak widths": (lambda x: sg.peak_widths(x, tops, 0.4), (x,)),
    "peak widths in windows": (
        lambda x, h: sg.peak_widths(x, tops, 0.7, sg.peak_prominences(x * h, tops, wlen=5)),
        (x, np.float64(1.1)),
    ),
    "find_peaks width": (
        lambda x: [
            (d["widths"], d["width_heights"], d["left_ips"], d["right_ips"])
            for _, d in [sg.find_peaks(x, width=0.3, rel_height=0.6)]
        ],
        (x,),
    ),
    "argrelmax": (lambda x: x[sg.argrelmax(x)[0]] + x[sg.argrelmin(x, order=2)[0]][0], (x,)),
    "lfilter": (lambda b, a, x: sg.lfilter(b, a, x), (b, a, x)),
    "lfilter a0": (lambda b, a, x: sg.lfilter(b, a, x, axis=0), (b, a * 2, X)),
    "lfilter zi": (lambda b, a, x, z: sg.lfilter(b, a, x, zi=z), (b, a, x, np.array([0.3, 0.1]))),
    "lfilter zi fixed": (lambda x, z: sg.lfilter(b, a, x, zi=z), (x, np.array([0.3, 0.1]))),
    "lfilter zi fixed a0": (
        lambda x, z: sg.lfilter(b, 2 * a, x, zi=z),
        (X, np.ones((5, 1)) * np.array([0.3, 0.1])),
    ),
    "lfilter short": (
        lambda b, x, z: sg.lfilter(b, [1.0], x, zi=z),
        (np.r_[b, a], x[:3], np.arange(1.0, 6)),
    ),
    "lfilter long b": (lambda b, x: sg.lfilter(b, [1.0], x), (y, x)),
    "sosfilt zi": (
        lambda B, A, x, z: sg.sosfilt(mk(B, A), x, zi=z),
        (SB, SA, x, np.array([[0.3, 0.1], [0.2, 0.4]])),
    ),
    "welch": (lambda x: sg.welch(x, nperseg=8), (x,)),
    "csd": (lambda x, y: sg.csd(x, y, nperseg=8)[1].real, (x, y)),
    "coherence": (lambda x, y: sg.coherence(x, y, nperseg=8), (x, y)),
    "periodogram": (lambda x: sg.periodogram(x), (x,)),
    "spectrogram": (lambda x: sg.spectrogram(x, nperseg=8), (x,)),
    "stft": (lambda x: np.abs(sg.stft(x, nperseg=8)[2]) ** 2, (x,)),
    "istft": (lambda x: sg.istft(sg.stft(x, nperseg=8)[2] * 2, nperseg=8)[1], (x,)),
    "lombscargle": (lambda t, x: sg.lombscargle(t, x, np.array([1.0, 2.0, 3.0])), (np.sort(x), y)),
    "medfilt": (lambda x: sg.medfilt(x, 3), (x,)),
    "wiener": (lambda x: sg.wiener(x, 3), (x,)),
    "resample": (lambda x: sg.resample(x, 15), (x,)),
    "resample_poly": (lambda x: sg.resample_poly(x, 2, 3), (x,)),
    "decimate": (lambda x: sg.decimate(x, 2), (np.r_[x, y],)),
    "decimate fir": (lambda x: sg.decimate(x, 2, ftype="fir"), (np.r_[x, y],)),
    "deconvolve": (lambda x, b: sg.deconvolve(x, b), (x, b)),
    "upfirdn": (lambda b, x: sg.upfirdn(b, x, 2, 3), (b, x)),
    "freqz": (lambda b, a: np.abs(sg.freqz(b, a, 16)[1]), (b, a)),
    "freqz plain": (lambda b, a: sg.freqz(b, a, 16), (b, a)),
    "freqs": (lambda b, a: np.abs(sg.freqs(b, a, np.array([0.3, 0.7, 1.2]))[1]), (b, a)),
    "freqz_zpk": (lambda z, p, k: np.abs(sg.freqz_zpk(z, p, k, 16)[1]), (z, p, np.float64(0.7))),
    "freqs_zpk": (
        lambda z, p, k: np.abs(sg.freqs_zpk(z, p, k, np.array([0.3, 0.7, 1.2]))[1]),
        (z, p, np.float64(0.7)),
    ),
    "freqz_sos": (lambda B, A: np.abs(sg.freqz_sos(mk(B, A), 16)[1]), (SB, SA)),
    "group_delay": (lambda b, a: sg.group_delay((b, a), 8), (b, a)),
    "firwin": (lambda c: sg.firwin(9, c), (np.float64(0.3),)),
    "firwin2": (lambda g: sg.firwin2(9, [0, 0.5, 1.0], g), (np.array([1.0, 0.6, 0.0]),)),
    "bilinear": (lambda b, a: sg.bilinear(b, a, 2.0), (b, a)),
    "bilinear_zpk": (lambda z, p, k: sg.bilinear_zpk(z, p, k, 2.0), (z, p, np.float64(0.7))),
    "lp2lp": (lambda b, a, w: sg.lp2lp(b, a, w), (b, a, np.float64(1.3))),
    "lp2hp": (lambda b, a, w: sg.lp2hp(b, a, w), (b, a, np.float64(1.3))),
    "lp2bp": (lambda b, a, w: sg.lp2bp(b, a, w, 0.6), (b, a, np.float64(1.3))),
    "lp2bs": (lambda b, a, w: sg.lp2bs(b, a, w, 0.6), (b, a, np.float64(1.3))),
    "lp2bp_zpk": (
        lambda z, p, k, w: [np.abs(v) for v in sg.lp2bp_zpk(z, p, k, w, 0.6)],
        (z, p, np.float64(0.7), np.float64(1.3)),
    ),
    "zpk2tf": (lambda z, p, k: sg.zpk2tf(z, p, k), (z, p, np.float64(0.7))),
    "tf2zpk": (lambda b, a: [np.abs(v) for v in sg.tf2zpk(b, a)], (b, a)),
    "zpk2sos": (lambda z, p, k: sg.zpk2sos(z, p, k), (z, p, np.float64(0.7))),
    "sos2tf": (lambda B, A: sg.sos2tf(mk(B, A)), (SB, SA)),
    "normalize": (lambda b, a: sg.normalize(b, a), (b, a * 2)),
    "lfilter_zi": (lambda b, a: sg.lfilter_zi(b, a), (b, a)),
    "sosfilt_zi": (lambda B, A: sg.sosfilt_zi(mk(B, A)), (SB, SA)),
    "lfiltic": (lambda b, a, x: sg.lfiltic(b, a, x[:2], x[2:4]), (b, a, x)),
    "sosfiltfilt": (lambda B, A, x: sg.sosfiltfilt(mk(B, A), x), (SB, SA, x)),
    "filtfilt": (lambda b, a, x: sg.filtfilt(b, a, x), (b, a, x)),
    "filtfilt gust": (lambda b, a, x: sg.filtfilt(b, a, x, method="gust"), (b, a, x)),
    "hilbert2": (lambda X: np.abs(sg.hilbert2(X)), (X,)),
    "envelope": (lambda x: sg.envelope(x), (x,)),
    "vectorstrength": (lambda x, p: sg.vectorstrength(x, p), (x, np.float64(0.7))),
    "czt": (lambda x: np.abs(sg.czt(x, 7)), (x,)),
    "zoom_fft": (lambda x: np.abs(sg.zoom_fft(x, [0.2, 0.4], 7)), (x,)),
    "tf2ss": (lambda b, a: sg.tf2ss(b, a), (b, a)),
    "ss2tf": (lambda A, B, C, D: sg.ss2tf(A, B, C, D), (Am, Bm, Cm, Dm)),
    "zpk2ss": (lambda z, p, k: sg.zpk2ss(z, p, k), (z, p, np.float64(0.7))),
    "cont2discrete": (lambda A, B, C, D: sg.cont2discrete((A, B, C, D), 0.1)[:4], (Am, Bm, Cm, Dm)),
    "cont2discrete bilinear": (
        lambda A, B, C, D: sg.cont2discrete((A, B, C, D), 0.1, "bilinear")[:4],
        (Am, Bm, Cm, Dm),
    ),
    "lsim": (
        lambda A, B, C, D, u: sg.lsim((A, B, C, D), u, np.arange(24) * 0.1)[1:],
        (Am, Bm, Cm, Dm, x),
    ),
    "impulse": (
        lambda A, B, C, D: sg.impulse((A, B, C, D), T=np.arange(12) * 0.1),
        (Am, Bm, Cm, Dm),
    ),
    "step": (lambda A, B, C, D: sg.step((A, B, C, D), T=np.arange(12) * 0.1), (Am, Bm, Cm, Dm)),
    "step tf": (lambda b, a: sg.step((b, a), T=np.arange(12) * 0.1), (b[1:], a)),
    "dlsim": (lambda A, B, C, D, u: sg.dlsim((A, B, C, D, 0.1), u), (Am, Bm, Cm, Dm, x)),
    "dimpulse": (lambda A, B, C, D: sg.dimpulse((A, B, C, D, 0.1), n=8)[1][0], (Am, Bm, Cm, Dm)),
    "dstep": (lambda A, B, C, D: sg.dstep((A, B, C, D, 0.1), n=8)[1][0], (Am, Bm, Cm, Dm)),
    "bode": (lambda b, a: sg.bode((b[1:], a), np.array([0.3, 0.9])), (b, a)),
    "freqresp": (lambda b, a: np.abs(sg.freqresp((b[1:], a), np.array([0.3, 0.9]))[1]), (b, a)),
    "dbode": (lambda b, a: sg.dbode((b[1:], a, 0.1), np.array([0.3, 0.9])), (b, a)),
    "butter": (lambda w: sg.butter(3, w), (np.float64(0.3),)),
    "butter bp": (lambda w: sg.butter(2, w, "band"), (np.array([0.3, 0.6]),)),
    "butter sos": (lambda w: sg.butter(3, w, output="sos"), (np.float64(0.3),)),
    "cheby1": (
        lambda r, w: sg.cheby1(3, r, w),
        (
            np.float64(0.9),
            np.float64(0.3),
        ),
    ),
    "iirnotch": (lambda w, q: sg.iirnotch(w, q), (np.float64(0.3), np.float64(5.0))),
    "iirpeak": (lambda w, q: sg.iirpeak(w, q), (np.float64(0.3), np.float64(5.0))),
    "chirp": (lambda t, f0, f1: sg.chirp(t, f0, 1.0, f1), (t, np.float64(1.0), np.float64(3.0))),
    "gausspulse": (lambda t, fc: sg.gausspulse(t, fc), (t, np.float64(3.0))),
    "sawtooth": (lambda t, w: sg.sawtooth(t, w), (x * 5, np.float64(0.3))),
    "square": (lambda t: sg.square(t), (x * 5,)),
    "gauss_spline": (lambda x: sg.gauss_spline(x, 3), (x,)),
    "cspline1d": (lambda x: sg.cspline1d(x), (x,)),
    "cspline1d_eval": (lambda x, n: sg.cspline1d_eval(x, n), (x, y * 5 + 0.5)),
    "qspline1d": (lambda x: sg.qspline1d(x), (x,)),
    "qspline1d_eval": (lambda x, n: sg.qspline1d_eval(x, n), (x, y * 5 + 0.5)),
    "medfilt2d": (lambda x: sg.medfilt2d(x, 3), (X,)),
    "order_filter": (lambda x: sg.order_filter(x, np.ones((3, 3)), 2), (X,)),
    "minimum_phase": (lambda b: sg.minimum_phase(b), (np.array([0.1, 0.2, 1.0, 0.2, 0.1]),)),
    "symiirorder1": (lambda X: sg.symiirorder1(X, 0.7, 0.3, 1e-3), (X,)),
    "symiirorder1 row": (lambda x: sg.symiirorder1(x, 0.7, -0.2, 1e-9), (x,)),
    "symiirorder2": (lambda X: sg.symiirorder2(X, 0.3, 0.7, 1e-3), (IMAGE,)),
    "cspline2d": (lambda X: sg.cspline2d(X), (IMAGE,)),
    "cspline2d smooth": (lambda X: sg.cspline2d(X, 0.5), (IMAGE,)),
    "qspline2d": (lambda X: sg.qspline2d(X), (IMAGE,)),
    "spline_filter": (lambda X: sg.spline_filter(X, 0.5), (IMAGE,)),
    "firls": (
        lambda e, d, w: sg.firls(9, np.array([0.0, 0.3, 0.5, 1.0]) * e, d, weight=w),
        (np.float64(0.9), np.array([1.0, 0.9, 0.2, 0.1]), np.array([1.0, 2.0])),
    ),
    "firwin_2d": (
        lambda f: sg.firwin_2d((5, 4), ("hamming", "hann"), fc=f),
        (np.float64(0.3),),
    ),
    "gammatone": (lambda f: sg.gammatone(f, "fir", numtaps=9, fs=8.0), (np.float64(1.3),)),
    "sosfreqz": (lambda B, A: sg.sosfreqz(mk(B, A), 7)[1], (SB, SA)),
    "savgol_coeffs": (lambda d: sg.savgol_coeffs(5, 2, deriv=1, delta=d), (np.float64(0.5),)),
    "lp2lp_zpk": (
        lambda z, p, k, w: sg.lp2lp_zpk(z, p, k, w),
        (z, p, np.float64(0.7), np.float64(1.3)),
    ),
}
# What is left out, by case: SciPy's code adds in another order (bits), chooses by values
# (jit, vmap), or the second derivative is not asked for.
SKIP: dict[str, str] = {
    "upfirdn modes": "bits",
    "windows": "bits",
    "gammatone iir": "bits",
    "upfirdn cval": "bits",
    "ss2zpk": "bits",
    "lsim at rest": "bits",
    "iirdesign": "bits jit vmap",
    "butter stop": "bits",
    "butter fs": "bits",
    "sepfir2d": "bits",
    "lfilter_zi": "bits",
    "sosfilt_zi": "bits",
    "savgol_coeffs": "bits",
    "find_peaks": "jit vmap",
    "peak widths": "bits",
    "peak widths in windows": "bits",
    "find_peaks width": "bits jit vmap",
    "residue": "bits jit vmap",
    "residue double": "jit vmap",
    "residuez": "bits jit vmap",
    "invres": "jit vmap",
    "invresz": "jit vmap",
    "argrelmax": "jit vmap",
    "lfilter": "bits",
    "lfilter a0": "bits",
    "lfilter zi": "bits",
    "lfilter zi fixed a0": "bits",
    "lfilter short": "bits",
    "lfilter long b": "bits",
    "sosfilt zi": "bits",
    "wiener": "bits",
    "resample_poly": "bits",
    "decimate": "bits",
    "decimate fir": "bits",
    "deconvolve": "bits",
    "bilinear": "jit vmap",
    "lp2bp_zpk": "second",
    "zpk2sos": "jit vmap",
    "sos2tf": "jit vmap",
    "sosfiltfilt": "bits jit vmap",
    "filtfilt": "bits",
    "filtfilt gust": "bits",
    "hilbert2": "bits",
    "lsim": "jit vmap",
    "ss2tf": "jit vmap",
    "square": "jit vmap",
    "cspline1d_eval": "bits third",  # which jumps at the knots
    "qspline1d_eval": "bits",
    "minimum_phase": "bits",
    "firls": "bits",
    "spline_filter": "bits",
}
