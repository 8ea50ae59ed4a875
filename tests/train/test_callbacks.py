"""When early stopping counts an improvement: as most do, and as scikit-learn does."""

from types import SimpleNamespace

import pytest

from adjoint.train import EarlyStopping
from adjoint.train.callbacks import Stalling
from adjoint.train.history import Row


def stops_after(callback, values, name="loss"):
    said = []
    run = SimpleNamespace(epoch=0, step=0, stop=said.append, arrays=lambda: {"w": len(seen)})
    callback.on_start(run)
    seen = []
    for epoch, value in enumerate(values, start=1):
        seen.append(value)
        row = Row(epoch, value, None, {"accuracy": value}, 0.0)
        callback.on_epoch(run, row)
        if said:
            return epoch
    return None


def sklearn_stops_after(values, patience, tol):
    """The rule of scikit-learn's MLP, written from its documentation's words."""
    best, count = float("inf"), 0
    for epoch, value in enumerate(values, start=1):
        count = count + 1 if value > best - tol else 0
        best = min(best, value)
        if count > patience:
            return epoch
    return None


CREEPING = [1.0 - 0.04 * i for i in range(20)]
JUMPING = [1.0, 0.7, 0.69, 0.68, 0.5, 0.6, 0.4, 0.39, 0.38, 0.37, 0.36, 0.35]


@pytest.mark.parametrize("values", [CREEPING, JUMPING, [1.0] * 9, [3.0, 2.0, 1.0]])
@pytest.mark.parametrize("patience", [1, 3])
def test_small_steps_forward_are_no_improvement_to_stalling(values, patience):
    wanted = sklearn_stops_after(values, patience, 0.1)
    assert stops_after(Stalling(patience, monitor="loss", min_delta=0.1), values) == wanted
    risen = [-value for value in values]
    upwards = Stalling(patience, monitor="accuracy", min_delta=0.1)
    assert stops_after(upwards, risen, "accuracy") == wanted


def test_small_steps_forward_add_up_to_early_stopping():
    assert stops_after(EarlyStopping(3, min_delta=0.1), CREEPING) is None
    assert stops_after(Stalling(3, min_delta=0.1), CREEPING) == 5
    assert stops_after(EarlyStopping(3, min_delta=0.1), [1.0] * 9) == 5


def test_every_better_model_is_kept():
    callback = Stalling(9, min_delta=0.5)
    stops_after(callback, [1.0, 0.9, 0.8, 0.85])
    assert callback.best == 0.8
    assert callback.state()[0] == {"w": 3}
