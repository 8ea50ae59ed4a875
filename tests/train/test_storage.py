"""Saved models: the same arrays and settings come back, damage and surprises are refused."""

import json
import os
import stat
import threading

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, tree
from adjoint.errors import FileFormatError, StructureError
from adjoint.train import load_metadata
from adjoint.train.atomic import write_atomic


class Mine(nn.Module):
    layer: nn.Linear
    table: dict
    scale: float = 2.5
    shape: tuple = nn.static(default=(1, None, "x", True))

    def __call__(self, x):
        return self.scale * self.layer(x)


def doubled(x):
    return 2 * x


def models():
    rng = np.random.default_rng(0)
    values = [
        rng.normal(size=(2, 3)).astype(dtype)
        for dtype in (np.float16, np.float32, np.float64, np.complex64, np.complex128)
    ]
    return {
        "dense": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.25), nn.Linear(4, 2)),
        "convolution": nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm(2), nn.MaxPool2d(2), nn.Flatten()
        ),
        "functions": nn.Sequential(np.tanh, nn.relu, nn.Residual(nn.Linear(2, 2))),
        "own class": Mine(nn.Linear(3, 2), {"a": np.arange(3), 5: (np.float64(1.5), 7)}),
        "arrays": {
            "all": values, "bool": np.array([True, False]), "int": np.arange(4, dtype=np.int16),
            "none": None, "empty": np.zeros((0, 3)), "number": np.array(3.0),
            "special": [float("nan"), float("inf"), 1e-308, -0.0], "complex": 1 + 2j,
        },
        "one array": np.arange(6.0).reshape(2, 3),
    }  # fmt: skip


@pytest.mark.parametrize("name", models())
def test_a_model_comes_back_bit_by_bit(name, tmp_path):
    model = models()[name]
    path = tmp_path / "model.safetensors"
    ad.save(model, path)
    again = ad.load(path)
    assert tree.structure(again) == tree.structure(model)
    for a, b in zip(tree.leaves(model), tree.leaves(again), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
        assert type(a) is type(b)
    assert repr(again) == repr(model)


def test_equal_models_give_equal_files_that_any_reader_opens(tmp_path):
    from safetensors.numpy import load_file

    model = models()["dense"]
    for name in ("a", "b"):
        ad.save(model, tmp_path / name, {"trained": [1, 2]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    arrays = load_file(tmp_path / "a")
    assert sorted(arrays) == sorted(nn.parameters(model))
    assert np.array_equal(arrays["layers[0].weight"], model.layers[0].weight)
    assert load_metadata(tmp_path / "a") == {"trained": [1, 2]}


def test_what_has_no_name_is_refused_when_saving_and_nothing_is_written(tmp_path):
    class Inside(nn.Module):
        weight: object

    cases = {
        "lambda": nn.Sequential(lambda x: x),
        "defined inside": Inside(np.zeros(2)),
        "type object": {"a": object()},
        "dtype object": np.array([None]),
    }
    for wanted, model in cases.items():
        with pytest.raises(StructureError, match=wanted.split()[-1]):
            ad.save(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_the_users_functions_must_be_handed_over(tmp_path):
    path = tmp_path / "model"
    ad.save(nn.Sequential(doubled), path)
    with pytest.raises(FileFormatError, match="doubled"):
        ad.load(path)
    assert ad.load(path, known=[doubled])(3.0) == 6.0


def forged(path, change):
    """A file whose structure says something else, with everything around it in order."""
    from adjoint.train import container

    arrays, document = container.read(path, "model", "load")
    change(document["structure"])
    container.write(path, "model", arrays, document)


def test_a_file_cannot_name_what_would_run_code(tmp_path):
    path = tmp_path / "model"
    for name in ("os:system", "builtins:eval", "nn.module", "np.load", "nn.os", "subprocess:run"):
        ad.save(nn.Sequential(np.tanh), path)
        forged(path, lambda s, n=name: s["fields"]["layers"]["tuple"][0]["fields"].update(
            function={"function": n}))  # fmt: skip
        with pytest.raises(FileFormatError, match="not known here"):
            ad.load(path)
    for name in (
        "this:Module",
        "subprocess:Popen",
        "nn.relu",
        "pathlib:Path",
        "adjoint.train.history:Row",
    ):
        ad.save(nn.Tanh(), path)
        forged(path, lambda s, n=name: s.update({"class": n}))
        with pytest.raises(FileFormatError, match="not known here"):
            ad.load(path)
    ad.save(nn.Dropout(0.5), path)
    forged(path, lambda s: s["fields"].pop("p"))
    with pytest.raises(FileFormatError, match="has changed since"):
        ad.load(path)
    ad.save(nn.Linear(2, 2), path)
    forged(path, lambda s: s["fields"]["weight"].update(array="absent"))
    with pytest.raises(FileFormatError, match="describes no model"):
        ad.load(path)


def test_every_single_damaged_byte_is_noticed(tmp_path):
    path = tmp_path / "model"
    ad.save(nn.Linear(2, 3, rng=0), path)
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x15
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError):
            ad.load(path)
    for length in (0, 5, 8, 100, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(FileFormatError, match="damaged"):
            ad.load(path)
    with pytest.raises(FileNotFoundError):
        ad.load(tmp_path / "absent")


def test_arrays_of_another_program_are_told_apart(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3)}, tmp_path / "other")
    with pytest.raises(FileFormatError, match="not written by adjoint"):
        ad.load(tmp_path / "other")


def test_arrays_are_filled_into_a_model_of_the_same_make(tmp_path):
    path = tmp_path / "model"
    saved = nn.Sequential(lambda x: x, nn.Linear(3, 2, rng=0))
    ad.save(nn.Sequential(nn.Tanh(), saved.layers[1]), path)
    other = nn.Sequential(lambda x: x, nn.Linear(3, 2, rng=1))
    found = ad.load(path, like=other)
    assert np.array_equal(found.layers[1].weight, saved.layers[1].weight)
    with pytest.raises(StructureError, match="another shape"):
        ad.load(path, like=nn.Sequential(nn.Tanh(), nn.Linear(3, 4)))
    with pytest.raises(StructureError, match="no array"):
        ad.load(path, like=nn.Linear(3, 2))


# --- writing -------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def fail(handle):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_error_of_writing_names_the_file_that_was_asked_for(tmp_path):
    for path, kind in ((tmp_path / "no" / "x", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(kind) as told:
            write_atomic(path, b"new")
        assert told.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_permissions_are_those_of_an_ordinary_file_or_of_the_one_replaced(tmp_path):
    path = tmp_path / "file"
    ordinary = tmp_path / "ordinary"
    ordinary.write_bytes(b"")
    write_atomic(path, b"1")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    path.chmod(0o600)
    write_atomic(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([i]) * 200_000 for i in range(2)]
    write_atomic(path, contents[0])
    done = threading.Event()

    def write():
        for i in range(60):
            write_atomic(path, contents[i % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert path.read_bytes() in contents
    writer.join()


def test_the_document_is_plain_json(tmp_path):
    path = tmp_path / "model"
    ad.save(models()["arrays"], path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    _, _, text = header["__metadata__"]["adjoint"].partition(" ")
    head = json.loads(text, parse_constant=pytest.fail)
    assert head["kind"] == "model"
    assert head["complex"] == ["['all'][3]", "['all'][4]"]
