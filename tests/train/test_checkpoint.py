"""Checkpoints: a run that is killed at any moment goes on as if it had never stopped."""

import os
import random as python_random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import FileFormatError, StructureError
from adjoint.train import Callback

KILLS = 5

# Everything that a run may remember: dropout, batch statistics, a schedule, an average, a
# plateau, early stopping, balanced sampling, validation and metrics.
SCRIPT = """
    import sys, time
    import numpy as np
    import adjoint as ad
    from adjoint import nn, optim
    from adjoint.train import EarlyStopping

    def report(run, row):
        print(row.epoch, flush=True)
        time.sleep(0.02)  # or the run would be over before it can be killed

    rng = np.random.default_rng(0)
    x = rng.normal(size=(203, 6))
    y = (x[:, 0] > 0.7).astype(int) + (x[:, 1] * x[:, 2] > 0)
    with nn.seed(1):
        model = nn.Sequential(
            nn.Linear(6, 9), nn.BatchNorm(9), nn.Tanh(), nn.Dropout(0.3), nn.Linear(9, 3)
        )
    rate = optim.cosine(0.02, steps=400)
    optimizer = optim.on_plateau(optim.average(optim.adam(rate), decay=0.9), patience=2)
    result = ad.fit(
        model, (x, y), loss=nn.cross_entropy, optimizer=optimizer, epochs=40, batch_size=16,
        validation=0.2, metrics=["accuracy"], early_stopping=EarlyStopping(50), balanced=True,
        class_weight="balanced", augment=lambda x, key: x + 0.1 * nn.random.normal(key, x.shape),
        checkpoint=sys.argv[1] or None, checkpoint_every=0.0, steps_per_call=3, seed=9,
        backend="interpreter", callbacks=[report],
    )
    ad.save(result.model, sys.argv[2], {"history": [
        [row.epoch, row.loss.hex(), row.val_loss.hex(), row["accuracy"]] for row in result.history
    ]})
"""


# Whatever else a run may read from or do, one run after the other.
OTHERS = """
    import sys, time
    from pathlib import Path
    import numpy as np
    import adjoint as ad
    from adjoint import nn, optim

    def report(run, row):
        print(row.epoch, flush=True)
        time.sleep(0.01)

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 61, 5, 3))
    rows = Path(sys.argv[2]).with_name("rows.npy")
    if not rows.exists():
        np.save(rows.with_name("half.npy"), x)
        rows.with_name("half.npy").replace(rows)

    def batches(epoch):
        draw = np.random.default_rng(epoch)
        for size in draw.integers(3, 9, 4 + epoch % 2):
            at = draw.integers(0, 61, size)
            yield x[at], y[at]

    def endless():
        while True:
            yield from batches(0)

    with nn.seed(1):
        layers = nn.GRU(3, 4), nn.BatchNorm(4, axis=2), nn.Dropout(0.2), nn.Linear(4, 3)
    model = nn.Sequential(*layers)
    runs = {
        "mapped": {"data": (np.load(rows, mmap_mode="r"), y), "validation": 0.2},
        "stream": {"data": batches},
        "endless": {"data": endless(), "steps_per_epoch": 5},
        "truncated": {"data": (x, y), "truncate": 2},
        "whole": {"data": (x[:9], y[:9]), "optimizer": optim.lbfgs(), "epochs": 130},
    }
    histories = {}
    for name, how in runs.items():
        result = ad.fit(
            model, loss=nn.mean_squared_error, batch_size=16, seed=9, backend="interpreter",
            checkpoint=sys.argv[1] + name, checkpoint_every=0.0, progress=False,
            **{"callbacks": [report], "epochs": 9, **how},
        )
        ad.save(result.model, sys.argv[2] + name)
        histories[name] = [[row.epoch, row.loss.hex()] for row in result.history]
    ad.save(model, sys.argv[2], histories)
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return _written(tmp_path_factory.mktemp("run"), SCRIPT)


def _written(folder: Path, text: str) -> Path:
    place = folder / "run.py"
    place.write_text(textwrap.dedent(text))
    return place


def start(script: Path, checkpoint: Path | str, model: Path, log: Path) -> subprocess.Popen:
    command = [sys.executable, str(script), str(checkpoint), str(model)]
    with log.open("w") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)


def wait_for_a_line(process: subprocess.Popen, log: Path) -> None:
    """Until the run has finished an epoch in this process, or is over."""
    while process.poll() is None and not log.read_text():
        time.sleep(0.002)


def test_after_kill_9_at_random_moments_the_bits_are_those_of_one_run(script, tmp_path):
    log = script.with_suffix(".log")
    straight = start(script, "", tmp_path / "straight", log)
    assert straight.wait() == 0, log.read_text()

    draw = python_random.Random(0)
    checkpoint = tmp_path / "checkpoint"
    killed = 0
    for kill in range(KILLS):
        process = start(script, checkpoint, tmp_path / "killed", log)
        if kill != 1:
            wait_for_a_line(process, log)  # else killed while it starts
        time.sleep(draw.uniform(0, 0.1))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed >= 3, "the run was too quick to be killed in its middle"
    process = start(script, checkpoint, tmp_path / "killed", log)
    assert process.wait() == 0, log.read_text()
    said = log.read_text().split()  # epochs of the last process: it did not start afresh
    assert not said or int(said[0]) > 1
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "straight").read_bytes()
    left = {path.name for path in tmp_path.iterdir()} - {"straight", "killed", "checkpoint"}
    assert all(name.endswith(".part") for name in left)


def test_after_kill_9_runs_of_other_kinds_are_those_of_one_run_too(tmp_path):
    runs = _written(tmp_path, OTHERS)
    log = tmp_path / "log"
    straight = start(runs, tmp_path / "unbroken", tmp_path / "straight", log)
    assert straight.wait() == 0, log.read_text()
    draw = python_random.Random(0)
    killed, process = 0, None
    while process is None or process.returncode:
        process = start(runs, tmp_path / "checkpoint", tmp_path / "killed", log)
        if killed < 3:
            wait_for_a_line(process, log)
            time.sleep(draw.uniform(0, 0.4))
            process.kill()
        killed += process.wait() == -signal.SIGKILL
        assert process.returncode in (0, -signal.SIGKILL), log.read_text()
    assert killed >= 2
    for name in ("", "mapped", "stream", "endless", "truncated", "whole"):
        one, other = (tmp_path / f"{way}{name}" for way in ("killed", "straight"))
        assert one.read_bytes() == other.read_bytes(), name


# --- in one process: a run is broken off at every single call ------------------------------------


class BreakOffError(Exception):
    pass


class After(Callback):
    """Raises after some calls into the loop, as a kill would."""

    def __init__(self, calls):
        self.calls = calls

    def on_steps(self, run):
        self.calls -= 1
        if self.calls == 0:
            raise BreakOffError


def settings():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(37, 4))
    with nn.seed(0):
        model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm(5), nn.Dropout(0.2), nn.Linear(5, 2))
    return {
        "model": model,
        "data": (x, (x[:, 0] > 0).astype(int)),
        "loss": nn.cross_entropy,
        "optimizer": optim.momentum(optim.exponential(0.1, 0.9, 5)),
        "epochs": 3,
        "batch_size": 8,
        "steps_per_call": 2,
        "validation": 0.25,
        "backend": "interpreter",
    }


def bits(result):
    rows = [(row.epoch, row.loss.hex(), row.val_loss.hex()) for row in result.history]
    return rows, [leaf.tobytes() for leaf in tree.leaves(result.model)]


def test_a_run_broken_off_after_any_call_goes_on_to_the_same_bits(tmp_path):
    wanted = bits(ad.fit(**settings()))
    for calls in range(1, 7):
        path = tmp_path / f"after{calls}"
        with pytest.raises(BreakOffError):
            ad.fit(**settings(), callbacks=[After(calls)], checkpoint=path, checkpoint_every=0)
        found = ad.fit(**settings(), callbacks=[After(0)], checkpoint=path)
        assert bits(found) == wanted, calls


def mapped(tmp_path):
    """Rows in files, weighed and drawn in balance, with groups of parameters."""
    given = settings()
    x, y = given["data"]
    for name, array in (("x", x), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array)
    data = tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    groups = {"layers[0].*": optim.adam(0.01), "*": optim.accumulate(optim.momentum(0.05), 2)}
    return {
        **given, "data": data, "balanced": True, "class_weight": {0: 0.5, 1: 2.0},
        "sample_weight": np.linspace(0.1, 1, 37), "optimizer": optim.groups(groups),
        "freeze": "layers[3].bias",
    }  # fmt: skip


def streamed(tmp_path):
    """A generator started anew each epoch."""
    given = settings()
    x, y = given.pop("data")
    held = x[:9], y[:9]

    def batches(epoch):  # the first epoch is shorter than the others
        for i in range(0, 37 if epoch else 25, 6):
            yield x[i : i + 6] + 0.01 * epoch, y[i : i + 6]

    return {**given, "data": batches, "validation": held}


def windowed(tmp_path):
    """Sequences of unequal length, learned window by window."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(37, 7, 2)), rng.normal(size=(37, 7, 1))
    mask = np.arange(7) < rng.integers(1, 8, 37)[:, None]
    with nn.seed(0):
        model = nn.Sequential(nn.GRU(2, 3, layers=2, dropout=0.3), nn.Linear(3, 1))
    return {
        **settings(), "model": model, "data": (x, y, mask), "truncate": 3,
        "loss": nn.mean_squared_error,
    }  # fmt: skip


@pytest.mark.parametrize("how", [mapped, streamed, windowed])
def test_whatever_the_data_are_a_broken_run_goes_on_to_the_same_bits(how, tmp_path):
    wanted = bits(ad.fit(**how(tmp_path)))
    for calls in (1, 2, 5, 8):
        path = tmp_path / f"after{calls}"
        with pytest.raises(BreakOffError):
            ad.fit(**how(tmp_path), callbacks=[After(calls)], checkpoint=path, checkpoint_every=0)
        found = ad.fit(**how(tmp_path), callbacks=[After(0)], checkpoint=path)
        assert bits(found) == wanted, calls


def test_native_code_resumes_to_the_same_bits(tmp_path):
    native = {**settings(), "backend": "native"}
    wanted = bits(ad.fit(**native))
    path = tmp_path / "checkpoint"
    with pytest.raises(BreakOffError):
        ad.fit(**native, callbacks=[After(3)], checkpoint=path, checkpoint_every=0)
    assert bits(ad.fit(**native, callbacks=[After(0)], checkpoint=path)) == wanted


def test_more_epochs_go_on_where_fewer_ended(tmp_path):
    path = tmp_path / "checkpoint"
    wanted = bits(ad.fit(**settings()))
    ad.fit(**{**settings(), "epochs": 1}, checkpoint=path)
    assert bits(ad.fit(**settings(), checkpoint=path)) == wanted
    # A run that is complete is given back as it was.
    assert bits(ad.fit(**settings(), checkpoint=path)) == wanted
    fresh = ad.fit(**{**settings(), "epochs": 1}, checkpoint=path, resume=False)
    assert len(fresh.history) == 1


def test_early_stopping_is_resumed_with_its_best_model(tmp_path):
    changed = {**settings(), "epochs": 60, "optimizer": optim.adam(0.3), "early_stopping": 4}
    wanted = ad.fit(**changed)
    assert "has not improved" in wanted.stopped
    path = tmp_path / "checkpoint"
    calls = 3 * len(wanted.history) - 4
    with pytest.raises(BreakOffError):
        ad.fit(**changed, callbacks=[After(calls)], checkpoint=path, checkpoint_every=0)
    found = ad.fit(**changed, callbacks=[After(0)], checkpoint=path)
    assert bits(found) == bits(wanted)
    assert found.stopped == wanted.stopped


def test_an_endless_stream_is_read_past_what_was_done(tmp_path):
    x, y = settings()["data"]
    rest = {key: value for key, value in settings().items() if key not in ("data", "validation")}

    def endless():
        while True:
            for i in range(0, 32, 8):
                yield x[i : i + 8], y[i : i + 8]

    wanted = ad.fit(data=endless(), steps_per_epoch=3, **rest)
    path = tmp_path / "checkpoint"
    with pytest.raises(BreakOffError):
        ad.fit(
            data=endless(), steps_per_epoch=3, callbacks=[After(5)], checkpoint=path,
            checkpoint_every=0, **rest,
        )  # fmt: skip
    found = ad.fit(data=endless(), steps_per_epoch=3, callbacks=[After(0)], checkpoint=path, **rest)
    assert found.history.column("loss") == wanted.history.column("loss")
    for a, b in zip(tree.leaves(found.model), tree.leaves(wanted.model), strict=True):
        assert np.array_equal(a, b)


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path):
    path = tmp_path / "checkpoint"
    ad.fit(**{**settings(), "epochs": 1}, checkpoint=path)
    x, y = settings()["data"]
    changes = {
        "seed": {"seed": 1},
        "optimizer": {"optimizer": optim.sgd(0.1)},
        "data": {"data": (x + 1, y)},
        "batch_size": {"batch_size": 4},
        "loss": {"loss": nn.hinge},
        "model": {"model": nn.Linear(4, 2)},
    }
    for name, change in changes.items():
        with pytest.raises(StructureError, match=f"its {name} differs"):
            ad.fit(**{**settings(), **change}, checkpoint=path)
    with pytest.raises(StructureError, match="callbacks"):
        ad.fit(**settings(), callbacks=[After(0)], checkpoint=path)


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(StructureError, match=r"run\.safetensors"):
        ad.fit(**settings(), checkpoint=tmp_path)


def test_damaged_checkpoints_and_missing_folders_are_refused(tmp_path):
    path = tmp_path / "checkpoint"
    ad.fit(**{**settings(), "epochs": 1}, checkpoint=path)
    content = bytearray(path.read_bytes())
    content[-9] ^= 4
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="damaged"):
        ad.fit(**settings(), checkpoint=path)
    ad.save(settings()["model"], path)
    with pytest.raises(FileFormatError, match="not a saved checkpoint"):
        ad.fit(**settings(), checkpoint=path)
    with pytest.raises(StructureError, match="folder of the checkpoint"):
        ad.fit(**settings(), checkpoint=tmp_path / "absent" / "checkpoint")


def test_an_interrupt_in_a_callback_leaves_a_checkpoint_that_fits_together(tmp_path):
    path = tmp_path / "checkpoint"
    wanted = bits(ad.fit(**settings()))

    class Interrupt(Callback):
        def on_epoch(self, run, row):
            if row.epoch == 2 and not os.environ.get("CALM"):
                raise KeyboardInterrupt

    stopped = ad.fit(**settings(), callbacks=[Interrupt()], checkpoint=path)
    assert stopped.stopped == "interrupted"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALM", "1")
        found = ad.fit(**settings(), callbacks=[Interrupt()], checkpoint=path)
    assert bits(found) == wanted
