"""Full-batch methods in fit: least squares to the known solution, and what is refused."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import StructureError
from adjoint.optim.full_batch import FullBatch
from adjoint.train import container, fitting


def line(n=40):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    y = x @ [[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]] + [0.25, -1.0] + 0.1 * rng.normal(size=(n, 2))
    return x, y


def solved(x, y, weights=None):
    a = np.column_stack([x, np.ones(len(x))])
    w = np.sqrt(np.ones(len(x)) if weights is None else weights)[:, None]
    return np.linalg.lstsq(a * w, y * w, rcond=None)[0]


METHODS = [
    optim.lbfgs(tol=1e-12),
    optim.bfgs(tol=1e-9),
    optim.conjugate_gradient(tol=1e-9),
    optim.newton_cg(tol=1e-12),
    optim.gauss_newton(),
    optim.levenberg_marquardt(),
]


@pytest.mark.parametrize("loss", [nn.mean_squared_error, nn.half_squared_error])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.method)
def test_every_method_finds_the_least_squares_solution(method, loss):
    x, y = line()
    weights = np.linspace(0.1, 2, len(x))
    model = nn.Linear(3, 2, rng=0)
    backend = "native" if method.method in ("bfgs", "gauss-newton") else "interpreter"
    result = ad.fit(
        model, (x, y, weights), loss=loss, optimizer=method, epochs=100, backend=backend
    )
    wanted = solved(x, y, weights)
    np.testing.assert_allclose(result.model.weight, wanted[:3], atol=2e-5)
    np.testing.assert_allclose(result.model.bias, wanted[3], atol=2e-5)
    row = result.history[-1]
    assert row.epoch == len(result.history) < 100
    assert row.loss == pytest.approx(loss(x @ wanted[:3] + wanted[3], y, weights=weights), rel=1e-6)
    assert "the method ended" in result.stopped


def bumpy():
    """A net far from its minimum after a dozen iterations."""
    x = np.linspace(-2, 2, 30)[:, None]
    with nn.seed(3):
        model = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 1))
    return model, (x, np.sin(3 * x))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.method)
def test_an_interrupted_run_with_a_checkpoint_ends_at_the_same_bits(method, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "LEG", 4)
    model, data = bumpy()

    def run(path, interrupt=0):
        def stop(run, row):
            if row.epoch == interrupt:
                raise KeyboardInterrupt

        return ad.fit(
            model,
            data,
            loss=nn.mean_squared_error,
            optimizer=method,
            epochs=14,
            backend="interpreter",
            checkpoint=path,
            checkpoint_every=0.0,
            early_stopping=20,
            callbacks=[stop],
        )

    straight = run(tmp_path / "straight")
    assert len(straight.history) == 14
    for interrupt in (1, 6, 9):
        assert run(tmp_path / "cut", interrupt).stopped == "interrupted"
    resumed = run(tmp_path / "cut")
    assert [row.loss.hex() for row in resumed.history] == [r.loss.hex() for r in straight.history]
    for a, b in zip(tree.leaves(resumed.model), tree.leaves(straight.model), strict=True):
        np.testing.assert_array_equal(a, b)
    # The file holds the start of the last leg, so a finished run does not begin from nothing.
    assert container.read(tmp_path / "cut", "checkpoint", "fit")[1]["epoch"] == 12


def test_a_checkpoint_of_another_method_is_refused(tmp_path):
    model, data = bumpy()

    def run(method):
        return ad.fit(
            model, data, loss=nn.mean_squared_error, optimizer=method, epochs=100,
            backend="interpreter", checkpoint=tmp_path / "run",
        )  # fmt: skip

    run(optim.lbfgs())
    with pytest.raises(StructureError, match="its method differs"):
        run(optim.lbfgs(memory=3))


@dataclass(frozen=True)
class Spy(FullBatch):
    """Looks at the residuals instead of minimising them."""

    seen: list = field(default_factory=list)

    def run(self, objective, parameters, iterations, callback=None, native=None):
        self.seen.append(0.5 * np.sum(np.square(objective(parameters))))
        return parameters, SimpleNamespace(message="looked")


@pytest.mark.parametrize("loss", [nn.mean_squared_error, nn.half_squared_error])
@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2, 40)])
def test_half_the_squared_residuals_are_the_loss(loss, weights):
    x, y = line()
    y = np.column_stack([y, x[:, 0] ** 2])  # with two outputs a mean of squares is half a sum
    model = nn.Linear(3, 3, rng=0)
    spy = Spy("levenberg-marquardt", of_residuals=True)
    ad.fit(model, (x, y, weights), loss=loss, optimizer=spy, backend="interpreter")
    assert spy.seen == [pytest.approx(loss(model(x), y, weights=weights))]


def test_a_network_with_dropout_is_fitted_as_in_inference_and_callbacks_stop_it():
    x, y = line()
    with nn.seed(0):
        model = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 2))
    result = ad.fit(
        model, (x, y), loss=nn.mean_squared_error, optimizer=optim.levenberg_marquardt(),
        epochs=30, validation=0.25, metrics=["r2"], backend="interpreter",
        callbacks=[lambda run, row: run.stop("enough") if row.epoch == 5 else None],
    )  # fmt: skip
    assert result.stopped == "enough"
    losses = result.history.column("loss")
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert result.history[-1]["r2"] > 0.9
    assert result.history[-1].val_loss is not None


def test_what_a_full_batch_method_cannot_do_is_refused():
    x, y = line()
    model = nn.Linear(3, 2)
    with pytest.raises(StructureError, match="sums of squares"):
        ad.fit(model, (x, y), loss=nn.mean_absolute_error, optimizer=optim.levenberg_marquardt())
    with pytest.raises(StructureError, match="without augment, truncate"):
        ad.fit(
            model, (x, y), loss=nn.mean_squared_error, optimizer=optim.lbfgs(),
            truncate=3, augment=lambda x, key: x,
        )  # fmt: skip
    with pytest.raises(StructureError, match="a stream of batches"):
        ad.fit(model, [(x, y)], loss=nn.mean_squared_error, optimizer=optim.lbfgs())
