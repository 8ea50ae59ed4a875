"""Filter design from values that are not known before the program runs."""

from typing import Any

import numpy as np
import pytest
import scipy.signal as sg

import adjoint as ad

DESIGNS: dict[str, Any] = {
    "butter": lambda w: sg.butter(3, w[0]),
    "band": lambda w: sg.butter(2, w, btype="band", output="sos"),
    "fs": lambda w: sg.butter(2, 50 * w[0], btype="high", fs=100.0, output="zpk"),
    "cheby1": lambda w: sg.cheby1(3, w[1], w[0], output="sos"),
    "ellip": lambda w: sg.ellip(2, 1.0, 30.0, [w[0], w[1]], btype="stop", output="sos"),
    "bessel": lambda w: sg.bessel(2, 3 * w[0], analog=True),
    "firwin": lambda w: sg.firwin(9, w[0]),
    "iirnotch": lambda w: sg.iirnotch(w[0], 20 * w[1]),
    "rate": lambda w: sg.ellip(2, 1.0, 30.0, 20.0, fs=400 * w[0]),
    "window": lambda w: sg.firwin(9, w[0], window=("kaiser", 9 * w[1])),
    "comb": lambda w: sg.iircomb(50.0, 40 * w[1], ftype="peak", fs=400.0, xp=np),
    "peak": lambda w: sg.iirpeak(w[0], 20 * w[1], xp=np),
    "gains of even length": lambda w: sg.firwin2(8, [0, 0.3, 1], np.stack([w[0], w[1], 0 * w[0]])),
    "gains": lambda w: sg.firwin2(
        9, [0, 0.3, 0.6, 1], np.stack([0 * w[0], *w, 0 * w[0]]), antisymmetric=True
    ),
    "frequencies": lambda w: sg.firwin2(
        8, np.stack([0 * w[0], *w, 1 + 0 * w[0]]), [0, 1, 0.5, 0.2], antisymmetric=True
    ),
}
AT = np.array([0.21, 0.55])


@pytest.mark.filterwarnings("ignore::scipy.signal.BadCoefficients")
@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_inside_jit_is_that_outside(name: str) -> None:
    def power(w: Any) -> Any:
        made = DESIGNS[name](w)
        made = made if isinstance(made, tuple) else (made,)
        return sum(np.sum(np.abs(part) ** 2) for part in made)

    wanted = ad.grad(power)(AT)
    np.testing.assert_allclose(ad.jit(ad.grad(power))(AT), wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ad.jit(power)(AT), power(AT), rtol=1e-12)
    rows = ad.vmap(ad.grad(power))(np.stack([AT, AT + 0.01]))
    np.testing.assert_allclose(rows[1], ad.grad(power)(AT + 0.01), rtol=1e-9, atol=1e-12)


def test_a_design_inside_jit_has_second_derivatives() -> None:
    def gain(w: Any) -> Any:
        return np.sum(sg.butter(2, w)[0] ** 2)

    wanted = ad.grad(ad.grad(gain))(0.3)
    np.testing.assert_allclose(ad.jit(ad.grad(ad.grad(gain)))(0.3), wanted, rtol=1e-9)


def test_a_comb_whose_number_of_teeth_is_not_known_is_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="chooses the order"):
        ad.jit(lambda w: sg.iircomb(w, 30.0, fs=400.0))(50.0)


def test_a_cutoff_that_scipy_refuses_is_refused_when_the_program_runs() -> None:
    with pytest.raises(ValueError, match="0 < Wn < 1"):
        ad.jit(lambda w: sg.butter(2, w)[0])(1.5)


# Two integrators: the poles are double, and two coefficients of the numerator are 0 just now.
STATES = (
    np.array([[0, 1.0], [0, 0]]),
    np.array([[0], [1.0]]),
    np.array([[1.0, 0]]),
    np.zeros((1, 1)),
)
WAVES = np.array([0.3, 1.1, 2.7])


@pytest.mark.filterwarnings("ignore::scipy.signal.BadCoefficients")
@pytest.mark.parametrize("discrete", [False, True])
def test_a_system_of_states_answers_with_all_its_derivatives(discrete: bool) -> None:
    weights = np.array([1.0, 0.5, -2.0])

    def answer(*states: Any) -> Any:
        if discrete:
            return sg.dfreqresp((*states, 1.0), WAVES)[1]
        return sg.freqresp(states, WAVES)[1]

    def seen(*states: Any) -> Any:
        made = answer(*states)
        return np.real(made) @ weights + np.imag(made) @ weights**2

    every = (0, 1, 2, 3)
    slopes = ad.grad(seen, argnums=every)(*STATES)
    for which, (matrix, slope) in enumerate(zip(STATES, slopes, strict=True)):
        for place in np.ndindex(*matrix.shape):
            step = np.zeros_like(matrix)
            step[place] = 1e-6
            both = [(*STATES[:which], matrix + s, *STATES[which + 1 :]) for s in (step, -step)]
            np.testing.assert_allclose(
                slope[place], (seen(*both[0]) - seen(*both[1])) / 2e-6, rtol=1e-6, atol=1e-7
            )
    made = ad.vjp(answer, *STATES)[0]
    assert made.tobytes() == answer(*STATES).tobytes()  # signs of zeros too
    np.testing.assert_allclose(ad.jit(answer)(*STATES), made, rtol=1e-12)
    for one, other in zip(ad.jit(ad.grad(seen, argnums=every))(*STATES), slopes, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
