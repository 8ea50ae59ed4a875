"""fit against a loop written by hand, and everything that may be asked of a run."""

import signal
import subprocess
import sys

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import DataError, NonFiniteError, StructureError
from adjoint.nn import random
from adjoint.train import Callback, EarlyStopping, PrecisionWarning
from adjoint.train.dataset import Dataset, class_weights, split
from adjoint.train.prepare import Wishes, sources
from adjoint.train.run import _ORDER, _STEPS


def network(seed=0, dropout=0.0, dtype=np.float64, inputs=5, outputs=3, batch_norm=False):
    with nn.seed(seed):
        layers = [nn.Linear(inputs, 7, dtype=dtype), nn.Tanh()]
        if batch_norm:
            layers.append(nn.BatchNorm(7, dtype=dtype))
        if dropout:
            layers.append(nn.Dropout(dropout))
        return nn.Sequential(*layers, nn.Linear(7, outputs, dtype=dtype))


def problem(n=43, seed=1, dtype=np.float64):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)).astype(dtype)
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)


def same(a, b):
    leaves = list(zip(tree.leaves(a), tree.leaves(b), strict=True))
    return all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in leaves)


def close(a, b, rtol=1e-9):
    for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-12)


def by_hand(model, x, y, loss, optimizer, epochs, batch_size, seed, weights=None):
    """The same training as a plain loop: eager gradients, one step after the other."""
    key = random.key(seed)
    parameters = nn.parameters(model)
    state = optimizer.init(parameters)
    history, number = [], 0
    for epoch in range(epochs):
        order = random.permutation(random.fold_in(random.fold_in(key, _ORDER), epoch), len(x))
        total = 0.0
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            step_key = random.fold_in(random.fold_in(key, _STEPS), number)
            for_model, _ = random.split(step_key)

            def forward(parameters, model=model, rows=rows, key=for_model):
                current = nn.with_leaves(model, parameters)
                output, new = nn.apply(current, x[rows], training=True, key=key)
                extra = {} if weights is None else {"weights": weights[rows]}
                return loss(output, y[rows], **extra), new

            (value, new), gradient = ad.value_and_grad(forward, has_aux=True)(parameters)
            parameters, state = optimizer.update(gradient, state, parameters)
            model = nn.with_leaves(new, parameters)
            total += float(value) * len(rows)
            number += 1
        history.append(total / len(x))
    return model, history


# --- the loop ----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["native", "interpreter"])
@pytest.mark.parametrize("n", [43, 40, 6])  # with and without a ragged last batch; less than one
def test_fit_takes_the_steps_of_a_loop_written_by_hand(backend, n):
    x, y = problem(n)
    model = network(dropout=0.3, batch_norm=True)
    settings = {"epochs": 3, "batch_size": 8, "seed": 4}
    wanted, losses = by_hand(model, x, y, nn.cross_entropy, optim.adam(0.01), **settings)
    result = ad.fit(
        model,
        (x, y),
        loss=nn.cross_entropy,
        optimizer=optim.adam(0.01),
        backend=backend,
        **settings,
    )
    close(result.model, wanted)
    np.testing.assert_allclose(result.history.column("loss"), losses, rtol=1e-10)
    assert [row.epoch for row in result.history] == [1, 2, 3]
    assert result.stopped == ""


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_bits_do_not_depend_on_how_steps_are_cut_into_calls(backend):
    x, y = problem()
    model = network(dropout=0.2)
    runs = [
        ad.fit(
            model, (x, y), loss=nn.cross_entropy, epochs=3, batch_size=4, seed=2,
            steps_per_call=steps, backend=backend, validation=0.25,
        )
        for steps in (None, 1, 3, 100)
    ]  # fmt: skip
    for other in runs[1:]:
        assert same(runs[0].model, other.model)
        assert other.history.column("loss") == runs[0].history.column("loss")
        assert other.history.column("val_loss") == runs[0].history.column("val_loss")


def test_the_seed_decides_and_nothing_else():
    x, y = problem()
    model = network(dropout=0.2)
    one, two, other = [
        ad.fit(model, (x, y), loss=nn.cross_entropy, epochs=2, seed=seed).model
        for seed in (1, 1, 2)
    ]
    assert same(one, two)
    assert not same(one, other)


def test_the_model_that_is_given_is_not_changed():
    x, y = problem()
    model = network()
    before = [leaf.copy() for leaf in tree.leaves(model)]
    result = ad.fit(model, (x, y), loss=nn.cross_entropy, epochs=2)
    assert all(np.array_equal(a, b) for a, b in zip(before, tree.leaves(model), strict=True))
    assert not same(result.model, model)
    assert type(result.model) is nn.Sequential


def test_an_epoch_is_one_call_of_one_graph(monkeypatch):
    from adjoint.train import compiled

    calls = []
    made = compiled.program

    def counting(graph, *settings):
        run = made(graph, *settings)
        return lambda arguments: calls.append(graph) or run(arguments)

    monkeypatch.setattr(compiled, "program", counting)
    x, y = problem(40)
    ad.fit(network(), (x, y), loss=nn.cross_entropy, epochs=5, batch_size=8)
    assert len(calls) == 5
    assert len({graph.key for graph in calls}) == 1
    names = [node.primitive.name for node in calls[0].nodes]
    assert names.count("scan") == 1
    (scan,) = [node for node in calls[0].nodes if node.primitive.name == "scan"]
    assert scan.settings["length"] == 5


# --- data --------------------------------------------------------------------------------------


def test_a_memory_map_a_list_and_batches_train_as_arrays_do(tmp_path):
    x, y = problem(40)
    mapped = np.memmap(tmp_path / "x", dtype=x.dtype, mode="w+", shape=x.shape)
    mapped[:] = x
    model = network()
    settings = {"loss": nn.cross_entropy, "epochs": 2, "batch_size": 8, "shuffle": False}
    wanted = ad.fit(model, (x, y), **settings)
    batches = [(x[i : i + 8], y[i : i + 8]) for i in range(0, 40, 8)]
    givers = {
        "memmap": (mapped, y),
        "lists": (x.tolist(), y.tolist()),
        "list of batches": batches,
        "function": lambda: iter(batches),
        "function of the epoch": lambda epoch: batches,
        "generator": (batch for _ in range(2) for batch in batches),
    }
    for name, data in givers.items():
        steps = 5 if name == "generator" else None
        found = ad.fit(model, data, steps_per_epoch=steps, **settings)
        close(found.model, wanted.model, rtol=1e-12)
        assert found.history.column("loss") == pytest.approx(wanted.history.column("loss"))


def test_a_stream_with_a_ragged_end_counts_examples_not_batches():
    x, y = problem(10)
    data = [(x[:8], y[:8]), (x[8:], y[8:])]
    result = ad.fit(
        network(), data, loss=nn.cross_entropy, optimizer=optim.sgd(0.0), epochs=2, validation=data
    )
    whole = nn.cross_entropy(network()(x), y)
    assert result.history.column("loss") == pytest.approx([whole, whole])
    assert result.history.column("val_loss") == pytest.approx([whole, whole])


class TwoInputs(nn.Module):
    left: nn.Linear
    right: nn.Linear

    def __call__(self, a, b):
        return {"sum": self.left(a) + self.right(b), "left": self.left(a)}


def test_trees_of_inputs_and_targets_and_several_losses():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 2)), rng.normal(size=(30, 3))
    targets = {"sum": rng.normal(size=(30, 1)), "left": rng.normal(size=(30, 1))}
    model = TwoInputs(nn.Linear(2, 1, rng=0), nn.Linear(3, 1, rng=1))
    losses = {"sum": nn.mean_squared_error, "left": nn.mean_absolute_error}
    result = ad.fit(
        model, ((a, b), targets), loss=losses, loss_weights={"left": 0.5},
        optimizer=optim.sgd(0.0), epochs=1, batch_size=7, validation=((a, b), targets),
    )  # fmt: skip
    row = result.history[0]
    output = model(a, b)
    first = nn.mean_squared_error(output["sum"], targets["sum"])
    second = nn.mean_absolute_error(output["left"], targets["left"])
    assert row.metrics["sum"] == pytest.approx(first)
    assert row.metrics["left"] == pytest.approx(second)
    assert row.loss == pytest.approx(first + 0.5 * second)
    assert row.val_loss == pytest.approx(first + 0.5 * second)
    assert row["val_left"] == pytest.approx(second)


def test_inputs_alone_are_their_own_targets():
    x, _ = problem()
    model = network(outputs=5)
    result = ad.fit(model, x, loss=nn.mean_squared_error, optimizer=optim.sgd(0.0), epochs=1)
    assert result.history[0].loss == pytest.approx(np.mean((model(x) - x) ** 2))


BAD = {
    "no rows": ((np.zeros((0, 5)), np.zeros(0)), "there are no rows"),
    "rows differ": ((np.zeros((3, 5)), np.zeros(4)), "differ in their number of rows"),
    "nan": ((np.array([[1.0], [np.nan]]), np.zeros(2)), "first in row 1"),
    "infinite target": (
        (np.zeros((2, 5)), np.array([0.0, np.inf])),
        "NaN or infinity in the targets",
    ),
    "text": ((np.array([["a"]]), np.zeros(1)), "numbers are wanted"),
    "objects": ((np.array([None]), np.zeros(1)), "numbers are wanted"),
    "ragged": (([[1.0], [2.0, 3.0]], [0, 1]), "no array can be made"),
    "four parts": ((1, 2, 3, 4), "tuple of 4"),
    "negative weight": ((np.zeros((2, 5)), np.zeros(2), [1, -1]), "must not be negative"),
    "a number": ((3.0, 4.0), "there are no rows"),
    "masked": ((np.ma.zeros((2, 5)), np.zeros(2)), "masked array"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_refused_by_name(name):
    data, wanted = BAD[name]
    with pytest.raises(DataError, match=wanted):
        ad.fit(network(), data, loss=nn.cross_entropy)


def test_streams_that_give_nothing_or_end_are_refused():
    with pytest.raises(DataError, match="no batch"):
        ad.fit(network(), [], loss=nn.cross_entropy)
    x, y = problem(8)
    once = iter([(x, y)])
    with pytest.raises(DataError, match="a second time"):
        ad.fit(network(), once, loss=nn.cross_entropy, epochs=2)
    with pytest.raises(DataError, match="stream of batches"):
        ad.fit(network(), [(x, y)], loss=nn.cross_entropy, validation=0.5)


def test_a_held_out_share_is_stratified_complete_and_seeded():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    data = Dataset(np.arange(100.0)[:, None], labels)
    learned, held = split(data, 0.2, random.key(0))
    assert np.bincount(held.targets).tolist() == [12, 6, 2]
    both = np.concatenate([learned.inputs, held.inputs])[:, 0]
    assert sorted(both) == list(range(100))
    again = split(data, 0.2, random.key(0))[1]
    other = split(data, 0.2, random.key(1))[1]
    assert np.array_equal(held.inputs, again.inputs)
    assert not np.array_equal(held.inputs, other.inputs)
    for share in (0.0, 1.0, 0.001):
        with pytest.raises(DataError):
            split(data.rows(np.arange(50)), share, random.key(0))


# --- weights and sampling ------------------------------------------------------------------------


def test_sample_weights_reach_the_loss_as_they_do_by_hand():
    x, y = problem(29)
    weights = np.random.default_rng(0).uniform(0, 2, 29)
    settings = {"epochs": 2, "batch_size": 8, "seed": 0}
    wanted, _ = by_hand(
        network(), x, y, nn.cross_entropy, optim.sgd(0.1), weights=weights, **settings
    )
    for data, extra in (((x, y), {"sample_weight": weights}), ((x, y, weights), {})):
        found = ad.fit(
            network(), data, loss=nn.cross_entropy, optimizer=optim.sgd(0.1), **settings, **extra
        )
        close(found.model, wanted)


def test_an_example_of_weight_zero_counts_for_nothing():
    x, y = problem(30)
    weights = np.ones(30)
    weights[20:] = 0
    kwargs = {"loss": nn.cross_entropy, "optimizer": optim.sgd(0.1), "epochs": 4}
    whole = ad.fit(network(), (x, y), sample_weight=weights, batch_size=30, **kwargs)
    part = ad.fit(network(), (x[:20], y[:20]), batch_size=20, **kwargs)
    close(whole.model, part.model)


def test_class_weights_by_scikit_learns_rule():
    from sklearn.utils.class_weight import compute_sample_weight

    labels = np.array([0, 0, 0, 2, 2, 1])
    np.testing.assert_allclose(
        class_weights(labels, "balanced"), compute_sample_weight("balanced", labels)
    )
    assert class_weights(labels, {2: 5.0}).tolist() == [1, 1, 1, 5, 5, 1]
    assert class_weights(labels, [1.0, 2.0, 3.0]).tolist() == [1, 1, 1, 3, 3, 2]
    with pytest.raises(DataError, match="cover"):
        class_weights(labels, [1.0, 2.0])


def test_a_loss_without_weights_is_named_when_weights_are_given():
    x, y = problem()

    def mine(output, target):
        return np.mean(output)

    with pytest.raises(StructureError, match="mine takes no weights"):
        ad.fit(network(), (x, y), loss=mine, class_weight="balanced")


def test_balanced_sampling_draws_each_class_as_often():
    from adjoint.train.sampling import balanced

    labels = np.repeat([3, 5, 9], [80, 15, 4])
    first, second = (balanced(random.key(seed), labels) for seed in (0, 1))
    for order in (first, second):
        counts = np.bincount(labels[order])[[3, 5, 9]]
        assert counts.tolist() == [33, 33, 33]
        rare = np.bincount(order[labels[order] == 9])[95:]
        assert rare.max() - rare.min() <= 1  # all are repeated in turn
    assert set(first[labels[first] == 3]) != set(second[labels[second] == 3])
    x = np.random.default_rng(0).normal(size=(99, 5))
    classes = np.searchsorted([3, 5, 9], labels)
    ad.fit(network(), (x, classes), loss=nn.cross_entropy, balanced=True, epochs=1)


# --- parts, dtypes, augmentation -----------------------------------------------------------------


def test_frozen_parts_stay_and_the_rest_learns():
    x, y = problem()
    model = network()
    result = ad.fit(model, (x, y), loss=nn.cross_entropy, epochs=2, freeze=["layers[0].*"])
    assert same(result.model.layers[0], model.layers[0])
    assert not same(result.model.layers[2], model.layers[2])
    frozen = nn.Sequential(nn.Frozen(model.layers[0]), nn.Tanh(), model.layers[2])
    other = ad.fit(frozen, (x, y), loss=nn.cross_entropy, epochs=2)
    close(other.model.layers[2], result.model.layers[2])
    with pytest.raises(StructureError, match="nothing to learn"):
        ad.fit(model, (x, y), loss=nn.cross_entropy, freeze=["*"])


def test_a_narrower_model_warns_and_a_wider_one_notes():
    x, y = problem()
    with pytest.warns(PrecisionWarning, match="inputs are float64 and the model is float32"):
        result = ad.fit(network(dtype=np.float32), (x, y), loss=nn.cross_entropy, epochs=1)
    assert {leaf.dtype for leaf in tree.leaves(result.model)} == {np.dtype(np.float32)}
    narrow = x.astype(np.float32)
    result = ad.fit(network(), (narrow, y), loss=nn.cross_entropy, epochs=1)
    assert result.notes == (
        "the inputs are float32 and the model is float64: each batch is cast to float64",
    )
    assert {leaf.dtype for leaf in tree.leaves(result.model)} == {np.dtype(np.float64)}
    asked = ad.fit(network(), (x, y), loss=nn.cross_entropy, epochs=1, dtype=np.float32)
    assert {leaf.dtype for leaf in tree.leaves(asked.model)} == {np.dtype(np.float32)}
    assert ad.fit(network(), (x, y), loss=nn.cross_entropy, epochs=1).notes == ()


def test_integers_are_left_as_they_are():
    with nn.seed(0):
        model = nn.Sequential(nn.Embedding(6, 4), nn.Flatten(), nn.Linear(8, 3))
    x = np.random.default_rng(0).integers(0, 6, (20, 2))
    data = x, x[:, 0] % 3
    result = ad.fit(
        model, data, loss=nn.cross_entropy, optimizer=optim.adam(0.05), epochs=20, batch_size=5
    )
    assert result.history[-1].loss < 0.5 * result.history[0].loss


def test_augmentation_sees_each_batch_with_a_key_of_its_own():
    x, y = problem(24)
    seen = {"loss": nn.cross_entropy, "optimizer": optim.sgd(0.0), "epochs": 2, "batch_size": 8}

    def scaled(inputs, key):
        return 3.0 * inputs

    model = network()
    result = ad.fit(model, (x, y), augment=scaled, validation=(x, y), **seen)
    assert result.history[0].loss == pytest.approx(nn.cross_entropy(model(3 * x), y))
    assert result.history[0].val_loss == pytest.approx(nn.cross_entropy(model(x), y))

    def noisy(inputs, key):
        return inputs + random.normal(key, inputs.shape)

    noise = ad.fit(model, (x, y), augment=noisy, **seen).history.column("loss")
    again = ad.fit(model, (x, y), augment=noisy, **seen).history.column("loss")
    assert noise == again
    assert noise[0] != noise[1]


# --- the end of a run ----------------------------------------------------------------------------


def test_early_stopping_ends_and_hands_back_the_best_model():
    x, y = problem(60)
    models = []
    result = ad.fit(
        network(), (x, y), loss=nn.cross_entropy, optimizer=optim.adam(0.2), epochs=200,
        validation=0.3, early_stopping=3, callbacks=[lambda run, row: models.append(run.model)],
    )  # fmt: skip
    losses = result.history.column("val_loss")
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4
    assert f"since epoch {best + 1}" in result.stopped
    assert same(result.model, models[best])


def test_early_stopping_watches_metrics_upwards_and_names_what_is_missing():
    x, y = problem(60)
    stop = EarlyStopping(2, monitor="accuracy", restore_best=False)
    result = ad.fit(
        network(), (x, y), loss=nn.cross_entropy, optimizer=optim.sgd(0.0), epochs=20,
        metrics=["accuracy"], early_stopping=stop,
    )  # fmt: skip
    assert len(result.history) == 4
    with pytest.raises(StructureError, match="no 'f1' to watch"):
        ad.fit(network(), (x, y), loss=nn.cross_entropy, early_stopping=EarlyStopping(monitor="f1"))


class Recorder(Callback):
    def __init__(self):
        self.heard = []

    def on_start(self, run):
        self.heard.append("start")

    def on_steps(self, run):
        self.heard.append(run.step)

    def on_epoch(self, run, row):
        self.heard.append(row.epoch * 100)
        if row.epoch == 2:
            run.stop("enough")

    def on_end(self, run):
        self.heard.append("end")


def test_callbacks_hear_everything_in_order_and_can_stop():
    x, y = problem(24)
    recorder = Recorder()
    result = ad.fit(
        network(), (x, y), loss=nn.cross_entropy, epochs=9, batch_size=8, steps_per_call=2,
        callbacks=[recorder],
    )  # fmt: skip
    assert recorder.heard == ["start", 2, 3, 100, 2, 3, 200, "end"]
    assert result.stopped == "enough"
    with pytest.raises(StructureError, match="callback"):
        ad.fit(network(), (x, y), loss=nn.cross_entropy, callbacks=[3])


def test_ctrl_c_ends_with_the_model_so_far():
    x, y = problem(24)

    class Interrupt(Callback):
        def on_steps(self, run):
            if run.epoch == 1 and run.step == 2:
                raise KeyboardInterrupt

    settings = {"loss": nn.cross_entropy, "batch_size": 8, "steps_per_call": 1}
    result = ad.fit(network(), (x, y), epochs=5, callbacks=[Interrupt()], **settings)
    assert result.stopped == "interrupted"
    assert len(result.history) == 1

    class Keep(Callback):
        model = None

        def on_steps(self, run):
            if run.epoch == 1 and run.step == 2:
                self.model = run.model

    keep = Keep()
    ad.fit(network(), (x, y), epochs=2, callbacks=[keep], **settings)
    assert same(result.model, keep.model)


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_a_loss_that_is_not_finite_stops_at_its_step_with_the_last_good_model(backend):
    x, y = problem(40)
    model = network()

    def poisoned(output, target):
        # A loss with an edge: finite until the mean output has moved far enough.
        return nn.cross_entropy(output, target) + 0 * np.log(np.mean(output) + 0.5)

    with pytest.raises(NonFiniteError) as caught:
        ad.fit(
            model, (x, y), loss=poisoned, optimizer=optim.adam(0.5), epochs=50, batch_size=8,
            seed=3, backend=backend,
        )  # fmt: skip
    error = caught.value
    assert "ad.xray" in str(error)
    result = error.result
    inputs, targets = error.batch
    with np.errstate(invalid="ignore"):
        assert np.isnan(poisoned(result.model(inputs), targets))
    assert all(np.isfinite(leaf).all() for leaf in tree.leaves(result.model))
    assert f"epoch {len(result.history) + 1}, step" in error.problem
    assert result.stopped.startswith("the loss is not finite")
    # Taken one by one, the steps end at the same place.
    with pytest.raises(NonFiniteError) as again:
        ad.fit(
            model, (x, y), loss=poisoned, optimizer=optim.adam(0.5), epochs=50, batch_size=8,
            seed=3, backend=backend, steps_per_call=1,
        )  # fmt: skip
    assert again.value.problem == error.problem
    assert "step 1 of" not in error.problem  # so that there was something to find
    assert same(again.value.result.model, result.model)


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_a_gradient_that_is_not_finite_is_caught_before_it_is_kept(backend):
    x, y = problem(40)
    model = network()

    def cliff(output, target):
        slope = np.sqrt(output - ad.stop_gradient(output))  # 0 with an infinite slope
        return nn.cross_entropy(output, target) + np.mean(slope)

    with pytest.raises(NonFiniteError, match=r"the parameter .* became NaN") as caught:
        ad.fit(model, (x, y), loss=cliff, backend=backend)
    assert same(caught.value.result.model, model)
    assert "epoch 1, step 1 of 2" in str(caught.value)


def test_the_optimiser_hears_of_the_validation_loss_and_gives_the_averaged_model():
    x, y = problem(40)
    plateau = optim.on_plateau(optim.sgd(0.1), factor=0.0, patience=0, threshold=10.0)
    snapshots = []
    ad.fit(
        network(), (x, y), loss=nn.cross_entropy, optimizer=plateau, epochs=5,
        callbacks=[lambda run, row: snapshots.append(run.model)],
    )  # fmt: skip
    assert not same(snapshots[0], snapshots[1])
    assert same(snapshots[2], snapshots[4])  # the scale is 0 after two epochs without progress
    averaged = ad.fit(
        network(), (x, y), loss=nn.cross_entropy, epochs=3,
        optimizer=optim.average(optim.sgd(0.5), decay=None),
    )  # fmt: skip
    plain = ad.fit(network(), (x, y), loss=nn.cross_entropy, epochs=3, optimizer=optim.sgd(0.5))
    assert not same(averaged.model, plain.model)


def test_validation_measures_the_averaged_model_however_many_rows_are_run_at_once(monkeypatch):
    x, y = problem(40)
    held = problem(26, seed=5)
    settings = {
        "loss": nn.cross_entropy, "epochs": 2, "validation": held, "metrics": ["accuracy"],
        "optimizer": optim.average(optim.sgd(0.5), decay=None),
    }  # fmt: skip
    result = ad.fit(network(), (x, y), **settings)
    row = result.history[-1]
    output = result.model(held[0])
    assert row.val_loss == pytest.approx(nn.cross_entropy(output, held[1]))
    assert row["accuracy"] == np.mean(output.argmax(1) == held[1])
    for rows in (26, 13, 7):  # one batch, two, three and a rest
        monkeypatch.setattr("adjoint.train.evaluate._ROWS", rows)
        other = ad.fit(network(), (x, y), **settings).history[-1]
        assert other.val_loss == pytest.approx(row.val_loss, rel=1e-12)
        assert other["accuracy"] == row["accuracy"]


def test_a_resumed_epoch_is_cut_where_the_first_one_was():
    source, _ = sources(problem(45), None, Wishes(batch_size=4, seed=0))

    def cut(start, limit):
        return [piece.steps for piece in source.pieces(random.key(0), 0, start, limit)]

    assert cut(0, 4) == [4, 4, 3, 1]  # eleven whole batches and one of a single example
    assert cut(3, 4) == [1, 4, 3, 1]
    assert cut(8, 4) == [3, 1]
    assert cut(11, 4) == [1]
    assert cut(0, 99) == [11, 1]
    even, _ = sources(problem(48), None, Wishes(batch_size=4, seed=0))
    lengths = [piece.steps for piece in even.pieces(random.key(0), 0, 0, 5)]
    assert lengths == [4, 4, 4]  # a length that divides the epoch needs no second graph


def test_wrong_arguments_are_refused_by_name():
    x, y = problem()
    with pytest.raises(StructureError, match="epochs must be a whole number"):
        ad.fit(network(), (x, y), loss=nn.cross_entropy, epochs=0)
    with pytest.raises(StructureError, match="batch_size must be"):
        ad.fit(network(), (x, y), loss=nn.cross_entropy, batch_size=2.5)
    with pytest.raises(StructureError, match="loss must be a function"):
        ad.fit(network(), (x, y), loss="mse")
    with pytest.raises(StructureError, match="names no loss"):
        ad.fit(network(), (x, y), loss=nn.cross_entropy, loss_weights={"other": 1.0})
    with pytest.raises(StructureError, match="unknown metric"):
        ad.fit(network(), (x, y), loss=nn.cross_entropy, metrics=["acuracy"])


def test_a_mapped_file_is_held_out_of_without_being_read_into_memory(tmp_path):
    x, y = problem(40)
    mapped = np.memmap(tmp_path / "x", dtype=x.dtype, mode="w+", shape=x.shape)
    mapped[:] = x
    source, held = sources((mapped, y), 0.25, Wishes(batch_size=8, seed=0, balanced=True))
    assert np.shares_memory(source.gathered["inputs"], mapped)
    assert len(held) == 10
    rows = np.concatenate([piece.rows.ravel() for piece in source.pieces(random.key(0), 0, 0, 99)])
    assert len(rows) == 30
    kept = {tuple(row) for row in held.inputs}
    assert not kept & {tuple(row) for row in x[rows]}
    weighed, _ = sources((mapped, y), 0.25, Wishes(batch_size=8, seed=0, class_weight="balanced"))
    learned = weighed.learned()
    for label in np.unique(learned.targets):
        total = learned.weights[learned.targets == label].sum()
        assert total == pytest.approx(30 / len(np.unique(learned.targets)))


def test_sigint_ends_a_run_with_its_model_and_a_checkpoint(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import signal, sys, numpy as np, adjoint as ad\n"
        "from adjoint import nn\n"
        # A shell starts its background jobs with the interrupt ignored; children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "x = np.random.default_rng(0).normal(size=(2000, 8))\n"
        "r = ad.fit(nn.Linear(8, 1, rng=0), (x, x[:, :1]), loss=nn.mean_squared_error,\n"
        "    epochs=20_000, checkpoint=sys.argv[1],\n"
        "    callbacks=[lambda run, row: print(row.epoch, flush=True)])\n"
        "print(r.stopped, len(r.history), bool(np.isfinite(r.model.weight).all()), flush=True)\n"
    )
    command = [sys.executable, str(script), str(tmp_path / "checkpoint")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        last = process.stdout.read().splitlines()[-1]
    assert process.returncode == 0
    stopped, epochs, is_finite = last.split()
    assert (stopped, is_finite) == ("interrupted", "True")
    assert int(epochs) >= 3
    assert (tmp_path / "checkpoint").is_file()
