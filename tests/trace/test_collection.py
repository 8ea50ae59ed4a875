"""Garbage is looked for after a graph is made, and Python's setting comes back."""

import gc

import numpy as np
import pytest

import adjoint as ad


@pytest.fixture(params=[True, False])
def setting(request):
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_nothing_is_collected_while_recording(setting):
    seen = []
    ad.trace(lambda x: seen.append(gc.isenabled()) or np.sin(x), np.ones(2))
    assert seen == [False]
    assert gc.isenabled() is setting


def test_the_setting_comes_back_after_an_error(setting):
    def wrong(x):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        ad.jit(wrong)(np.ones(2))
    assert gc.isenabled() is setting
    ad.jit(np.sin)(np.ones(3))
    assert gc.isenabled() is setting
