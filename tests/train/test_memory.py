"""Large runs: what the optimiser remembers is updated in place, and nobody else's arrays are."""

import os
import signal
import tracemalloc

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import NonFiniteError
from adjoint.train import Callback, EarlyStopping, run


def _model(rng_seed=3):
    rng = np.random.default_rng(rng_seed)
    return nn.Sequential(
        nn.Linear(5, 7, rng=rng), nn.BatchNorm(7), nn.Tanh(), nn.Dropout(0.2),
        nn.Linear(7, 3, rng=rng),
    )  # fmt: skip


RNG = np.random.default_rng(1)
X, Y = RNG.standard_normal((38, 5)), RNG.integers(0, 3, 38)
METHODS = {
    "adam": optim.adam(0.01),
    "average": optim.average(optim.adam(0.01), 0.9),
}


def _fit(model, **options):
    settings = {"optimizer": METHODS["adam"], "epochs": 3, "batch_size": 8, "progress": False}
    return ad.fit(model, (X, Y), loss=nn.cross_entropy, **{**settings, **options})


def _bits(values):
    return [np.asarray(x).tobytes() for x in tree.leaves(values)]


@pytest.fixture
def small_is_large(monkeypatch):
    monkeypatch.setattr(run, "_LARGE", 0)


def test_the_peak_is_what_a_step_needs():
    n = 2200
    rng = np.random.default_rng(0)
    wide = nn.Sequential(
        nn.Linear(n, n, rng=rng, dtype=np.float32), nn.Linear(n, 3, rng=rng, dtype=np.float32)
    )
    _fit(_model())  # imports what is needed
    x = rng.standard_normal((12, n)).astype(np.float32)
    tracemalloc.start()
    try:
        ad.fit(
            wide, (x, np.arange(12) % 3), loss=nn.cross_entropy, optimizer=optim.adam(1e-3),
            epochs=3, batch_size=4, progress=False,
        )  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Parameters before and after a step, two moments, the gradient; the caller's own apart.
    assert 4.9 < peak / (4 * n * n) < 5.3


def test_same_bits_in_place(monkeypatch):
    method = "average"
    plain = _fit(_model(), optimizer=METHODS[method], steps_per_call=1)
    monkeypatch.setattr(run, "_LARGE", 0)
    model = _model()
    before = _bits(model)
    found = _fit(model, optimizer=METHODS[method])
    assert _bits(model) == before
    assert _bits(found.model) == _bits(plain.model)
    assert _bits(found.optimizer_state) == _bits(plain.optimizer_state)
    # A run that goes on from here leaves what it was given as it is.
    state = _bits(found.optimizer_state), _bits(found.model)
    _fit(found.model, optimizer=METHODS[method], optimizer_state=found.optimizer_state)
    assert state == (_bits(found.optimizer_state), _bits(found.model))


@pytest.mark.usefixtures("small_is_large")
def test_models_that_callbacks_keep_do_not_change():
    kept = []

    def keep(now, row):
        kept.append((now.model, _bits(now.model), now.arrays(), _bits(now.arrays())))

    best = EarlyStopping(9, monitor="loss", maximize=True)  # the first epoch is the best
    found = _fit(
        _model(), optimizer=METHODS["average"], callbacks=[keep], early_stopping=best, epochs=4
    )
    assert all(_bits(model) == was and _bits(by) == were for model, was, by, were in kept)
    assert _bits(found.model) == kept[0][1] != kept[-1][1]


class _Raise(Callback):
    """Raises after some calls, before the checkpoint could take note."""

    def __init__(self, after):
        self.after = after

    def on_steps(self, run):
        self.after -= 1
        if self.after == 0:
            raise RuntimeError("enough")


@pytest.mark.usefixtures("small_is_large")
def test_checkpoint_after_an_error_is_of_one_moment(tmp_path):
    whole = _fit(_model(), epochs=4)
    path = tmp_path / "run.safetensors"
    settings = {"epochs": 4, "checkpoint": path, "checkpoint_every": 1e9}
    with pytest.raises(RuntimeError, match="enough"):
        _fit(_model(), callbacks=[_Raise(8)], **settings)
    found = _fit(_model(), callbacks=[_Raise(-1)], **settings)
    assert _bits(found.model) == _bits(whole.model)
    assert _bits(found.optimizer_state) == _bits(whole.optimizer_state)


@pytest.mark.usefixtures("small_is_large")
def test_ctrl_c_within_a_step_waits_for_its_end(tmp_path, monkeypatch):
    whole = _fit(_model(), epochs=4)
    path = tmp_path / "run.safetensors"
    calls = []
    plain = run.Compiled.__call__

    def interrupted(self, *args):
        calls.append(self)
        found = plain(self, *args)
        if len(calls) == 7:  # what the optimiser remembers has been written over
            os.kill(os.getpid(), signal.SIGINT)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(run.Compiled, "__call__", interrupted)
        cut = _fit(_model(), epochs=4, checkpoint=path)
    assert cut.stopped == "interrupted"
    assert len(calls) == 7
    assert path.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    found = _fit(_model(), epochs=4, checkpoint=path)
    assert _bits(found.model) == _bits(whole.model)
    assert _bits(found.optimizer_state) == _bits(whole.optimizer_state)


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("method", ["adam", "average"])
def test_the_model_before_a_bad_step_is_kept(method):
    x = X.copy()
    x[29] = 1e200
    seen = []

    class Keep(Callback):
        def on_steps(self, run):
            seen.append(run._problem.parts.join(*map(run.position.carry.get, KEYS)))

    with pytest.raises(NonFiniteError, match="epoch 1, step 4 of 5") as error:
        ad.fit(
            nn.Sequential(nn.Linear(5, 3, rng=np.random.default_rng(0))), (x, x[:, :3]),
            loss=nn.mean_squared_error, optimizer=METHODS[method], batch_size=8, shuffle=False,
            callbacks=[Keep()], progress=False,
        )  # fmt: skip
    result = error.value.result
    assert _bits(result.model) == _bits(seen[2])
    assert len(seen) == 3
    assert result.optimizer_state is None
    np.testing.assert_array_equal(error.value.batch[0], x[24:32])


KEYS = ("parameters", "states")
