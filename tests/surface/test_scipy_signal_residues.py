"""Partial fractions of scipy.signal put together again from poles that are integers."""

import numpy as np
import pytest
from scipy import signal

import adjoint as ad

POLES = np.array([0, -2, -5])
NOTHING = np.array([])


@pytest.mark.parametrize("rtype", ["avg", "min", "max"])
def test_integer_poles_give_the_dtypes_of_scipy(rtype: str) -> None:
    def f(residues):
        return signal.invres(residues, POLES, NOTHING, rtype=rtype)

    residues = np.array([0.3, -1 / 6, -2 / 15])
    recorded, plain = ad.vjp(f, residues)[0], f(residues)
    for got, wanted in zip(recorded, plain, strict=True):
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)
