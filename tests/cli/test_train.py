"""The first main job, as a user meets it: the command line, from data to predictions."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint.cli.main import run
from adjoint.train import load_metadata

ACCURACY = 97.0


@pytest.fixture(scope="module")
def digits_model(tmp_path_factory):
    place = tmp_path_factory.mktemp("digits") / "digits.safetensors"
    assert run(["train", "digits", "-o", str(place), "--quiet"]) == 0
    return place


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def iris_like(path: Path, rows: int = 90) -> Path:
    """Three classes in three columns of very different scales."""
    rng = np.random.default_rng(0)
    label = np.arange(rows) % 3
    x = rng.normal(size=(rows, 3)) + 4 * np.eye(3)[label]
    x = x * [1000.0, 1.0, 0.001] + [5000.0, 0.0, -3.0]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["mass", "length", "charge", "kind"])
        for row, k in zip(x, label, strict=True):
            writer.writerow([*row, ("up", "down", "strange")[k]])
    return path


def refused(capsys, *arguments: str) -> str:
    """The one line that a command ends with when its input is bad."""
    code = run(list(arguments))
    captured = capsys.readouterr()
    assert code == 2, captured
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("adjoint: ")
    assert "Traceback" not in captured.err
    return lines[0]


# --- digits ------------------------------------------------------------------------------------


def test_train_digits_reaches_97_percent_and_says_how_to_use_the_model(folder, capsys):
    assert run(["train", "digits"]) == 0
    out = capsys.readouterr().out
    accuracy = re.search(r"held-out accuracy: ([\d.]+) % \((\d+) of (\d+)\)", out)
    assert accuracy is not None
    assert float(accuracy[1]) >= ACCURACY
    assert int(accuracy[3]) == 359
    assert (folder / "digits.safetensors").is_file()
    # One row an epoch, below one heading.
    rows = [line.split() for line in out.splitlines() if re.match(r"\s+\d+\s", line)]
    assert [int(row[0]) for row in rows] == list(range(1, 41))
    use = re.search(r"use it: adjoint (.*)", out)
    assert use is not None
    assert run(use[1].split()) == 0
    predicted = capsys.readouterr().out.split()
    assert predicted[0] == "prediction"
    assert len(predicted) == 360


def test_two_runs_of_one_seed_save_the_same_bytes(folder):
    for name in ("a", "b"):
        arguments = ["train", "digits", "-o", name, "--epochs", "2", "--quiet", "--seed", "5"]
        assert run(arguments) == 0
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


def test_predictions_are_those_of_the_loaded_model(digits_model, capsys):
    from sklearn.datasets import load_digits

    assert run(["evaluate", str(digits_model), "digits", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["examples"] == 359
    assert 100 * found["accuracy"] >= ACCURACY
    assert found["neg_log_loss"] == pytest.approx(-found["loss"], rel=1e-9)
    # The scale of the pixels is inside the model: raw pixels go in.
    data = load_digits()
    right = ad.load(digits_model)(data.data).argmax(axis=1) == data.target
    assert right.mean() > 0.97


def test_the_console_script_runs_in_a_process_of_its_own(folder):
    script = Path(sys.executable).parent / "adjoint"
    command = [script, "train", "digits", "--epochs", "1", "-o", "one.safetensors"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no bar when it is not a terminal
    assert "held-out accuracy" in done.stdout


# --- tables ------------------------------------------------------------------------------------


def test_a_table_of_classes_is_learned_predicted_and_evaluated(folder, capsys):
    iris_like(folder / "table.csv")
    assert run(["train", "table.csv", "--target", "kind", "--epochs", "30", "--quiet"]) == 0
    assert "held-out accuracy: 100.00 %" in capsys.readouterr().out
    # Columns in another order, without the target.
    with (folder / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (folder / "new.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["charge", "mass", "length"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    assert run(["predict", "table.safetensors", "new.csv", "-o", "out.csv"]) == 0
    predicted = (folder / "out.csv").read_text().split()[1:]
    right = [p == row["kind"] for p, row in zip(predicted, rows, strict=True)]
    assert np.mean(right) > 0.97
    assert run(["evaluate", "table.safetensors", "table.csv", "--metric", "accuracy"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"accuracy: {np.mean(right):.6g}"


def test_probabilities_are_printed_for_each_class(folder, capsys):
    iris_like(folder / "table.csv")
    assert run(["train", "table.csv", "--epochs", "10", "--quiet"]) == 0
    capsys.readouterr()
    assert run(["predict", "table.safetensors", "table.csv", "--probabilities"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert list(rows[0]) == ["prediction", "down", "strange", "up"]
    for row in rows:
        shares = {name: float(row[name]) for name in ("down", "strange", "up")}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=lambda name: shares[name]) == row["prediction"]


def test_a_table_of_values_is_learned_on_its_own_scale(folder, capsys):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2)) * [50, 0.1]
    y = 1e4 + 30 * x[:, 0] - 9000 * x[:, 1]
    lines = ["a;b;price", *(f"{p[0]};{p[1]};{v}" for p, v in zip(x, y, strict=True))]
    (folder / "prices.csv").write_text("\n".join(lines))
    arguments = ["train", "prices.csv", "--target", "price", "--hidden", "16", "--dropout", "0"]
    assert run([*arguments, "--epochs", "60", "--quiet"]) == 0
    quality = re.search(r"r2: ([\d.]+)", capsys.readouterr().out)
    assert quality is not None
    assert float(quality[1]) > 0.98
    assert run(["evaluate", "prices.safetensors", "prices.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["r2"] > 0.98
    assert found["neg_root_mean_squared_error"] ** 2 == pytest.approx(found["loss"])


# --- bad input: one line, exit code 2, nothing half-written --------------------------------------

BAD_TABLES = {
    "empty file": ("", "table.csv is empty"),
    "heading only": ("a,b,y\n", "has a heading and no rows"),
    "text for a number": ("a,b,y\n1,2,0\n3,x,1\n", "line 3, column 'b' is 'x', and a number"),
    "empty cell": ("a,b,y\n1,2,0\n,4,1\n", "line 3, column 'a' is empty"),
    "nan": ("a,b,y\n1,nan,0\n3,4,1\n", "line 2, column 'b' is nan"),
    "infinity": ("a,b,y\n1,inf,0\n3,4,1\n", "line 2, column 'b' is inf"),
    "nan in the target": ("a,y\n1,0.5\n3,nan\n", "line 3, column 'y' is nan"),
    "empty target": ("a,y\n1,up\n3,\n", "line 3, column 'y' is empty"),
    "short row": ("a,b,y\n1,2,0\n3,1\n", "line 3 has 2 cells and the heading has 3"),
    "no heading": ("1,2,0\n3,4,1\n", "line 1 holds numbers"),
    "two columns of a name": ("a,a,y\n1,2,0\n", "two columns 'a'"),
    "one class": ("a,y\n1,up\n2,up\n", "is 'up' in every row"),
    "target alone": ("y\n0\n1\n", "no column beside the target"),
    "too few rows": ("a,y\n1,0\n", "is '0' in every row"),
    "a slip among numbers": (
        "a,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)) + "7,l.5\n",
        "line 32, column 'y' is 'l.5', and a number was wanted",
    ),
    "names are no classes": (
        "a,y\n" + "".join(f"{i},name{i}\n" for i in range(30)),
        "has 30 different texts in 30 rows",
    ),
    "cannot be split": ("a,y\n1,0\n2,1\n", "cannot be split"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_refused_by_line_and_nothing_is_written(name, folder, capsys):
    text, wanted = BAD_TABLES[name]
    (folder / "table.csv").write_text(text)
    assert wanted in refused(capsys, "train", "table.csv")
    assert sorted(path.name for path in folder.iterdir()) == ["table.csv"]


def test_a_missing_file_a_folder_and_a_binary_file_are_refused(folder, capsys):
    (folder / "binary.csv").write_bytes(bytes(range(256)))
    assert "there is no file nothing.csv" in refused(capsys, "train", "nothing.csv")
    assert "is a folder" in refused(capsys, "train", str(folder))
    assert "not a text file" in refused(capsys, "train", "binary.csv")


def test_an_output_that_cannot_be_written_is_refused_before_training(folder, capsys):
    iris_like(folder / "table.csv")
    assert "is a folder" in refused(capsys, "train", "table.csv", "-o", str(folder))
    assert "no folder" in refused(capsys, "train", "table.csv", "-o", "absent/model")
    assert "no folder" in refused(capsys, "train", "table.csv", "--checkpoint", "absent/run")
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    if not os.access(locked, os.W_OK):  # root may write anywhere
        line = refused(capsys, "train", "table.csv", "-o", "locked/model")
        assert "cannot be written" in line
    assert list(locked.iterdir()) == []


def test_a_target_that_is_not_there_is_refused_with_the_columns(folder, capsys):
    iris_like(folder / "table.csv")
    line = refused(capsys, "train", "table.csv", "--target", "colour")
    assert "no column 'colour'; it has mass, length, charge, kind" in line


def test_wrong_options_are_refused_in_one_line(folder, capsys):
    iris_like(folder / "table.csv")
    assert "--hidden 3,x" in refused(capsys, "train", "table.csv", "--hidden", "3,x")
    assert "epochs" in refused(capsys, "train", "table.csv", "--epochs", "0")
    assert "--test-share" in refused(capsys, "train", "table.csv", "--test-share", "1.5")
    assert "No such command" in refused(capsys, "trian")
    assert "Missing argument" in refused(capsys, "train")


def test_a_diverging_run_saves_nothing(folder, capsys):
    (folder / "t.csv").write_text("a,y\n" + "".join(f"{i},{i * i}.5\n" for i in range(60)))
    arguments = ["train", "t.csv", "--task", "regression", "--rate", "1e200", "--quiet"]
    line = refused(capsys, *arguments)
    assert "epoch 1" in line
    assert "nothing was saved" in line
    assert not (folder / "t.safetensors").exists()


# --- words -------------------------------------------------------------------------------------


def shirts(path: Path, rows: int = 120) -> Path:
    """A price that depends on a colour, a size and a number; sizes look like numbers."""
    rng = np.random.default_rng(0)
    colours, sizes = ["red", "green", "dark blue"], ["38", "40", "42+"]
    lines = ["colour,weight,size,price,sold"]
    for i in range(rows):
        colour, size, weight = i % 3, i // 3 % 3, rng.uniform(1, 2)
        price = 10 * colour - 5 * (size == 1) + weight
        lines.append(f"{colours[colour]},{weight},{sizes[size]},{price},{'ny'[colour > 1]}")
    path.write_text("\n".join(lines))
    return path


def test_columns_of_words_are_learned_from_and_kept_in_the_model(folder, capsys):
    shirts(folder / "shirts.csv")
    arguments = ["shirts.csv", "--target", "price", "--words", "size", "--epochs", "150"]
    assert run(["train", *arguments]) == 0
    out = capsys.readouterr().out
    assert "'colour': 3 words" in out
    assert "network 9 - 64 - 1" in out  # 3 colours, a weight, 3 sizes, sold or not
    assert float(re.search("r2: (.*)", out)[1]) > 0.98
    assert load_metadata("shirts.safetensors")["words"] == {
        "colour": ["dark blue", "green", "red"],
        "size": ["38", "40", "42+"],
        "sold": ["n", "y"],
    }
    (folder / "two.csv").write_text("size,sold,weight,colour\n40,n,1.5,green\n38,n,1.5,green\n")
    assert run(["predict", "shirts.safetensors", "two.csv"]) == 0
    cheap, dear = map(float, capsys.readouterr().out.split()[1:])
    assert dear - cheap == pytest.approx(5, abs=1)
    assert run(["evaluate", "shirts.safetensors", "shirts.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["r2"] > 0.98


def test_classes_keep_their_texts_beside_columns_of_words(folder, capsys):
    shirts(folder / "shirts.csv")
    assert run(["train", "shirts.csv", "--words", "size", "--epochs", "30", "--quiet"]) == 0
    assert "accuracy: 100.00 %" in capsys.readouterr().out
    (folder / "one.csv").write_text("colour,size,weight,price\ndark blue,40,1.5,16.5\n")
    assert run(["predict", "shirts.safetensors", "one.csv"]) == 0
    assert capsys.readouterr().out == "prediction\ny\n"


def test_words_that_cannot_be_used_are_told_with_their_line(folder, capsys):
    shirts(folder / "shirts.csv")
    line = refused(capsys, "train", "shirts.csv")
    assert "line 8, column 'size' is '42+', and a number was wanted; --words size" in line
    assert "no column 'sise'" in refused(capsys, "train", "shirts.csv", "--words", "sise")
    assert run(["train", "shirts.csv", "--words", "size", "--epochs", "1", "--quiet"]) == 0
    capsys.readouterr()
    head = "colour,size,weight,price\nred,38,1,2\n"
    model = "shirts.safetensors"
    (folder / "new.csv").write_text(head + "pink,40,1.5,16.5\n")
    line = refused(capsys, "predict", model, "new.csv")
    assert "new.csv, line 3, column 'colour' is 'pink', which the model does not know" in line
    assert "it knows dark blue, green, red" in line
    (folder / "new.csv").write_text(head + ",40,1.5,16.5\n,38,1,1\n")
    line = refused(capsys, "predict", model, "new.csv")
    assert "line 3, column 'colour' is empty, and 1 more below" in line
    names = "".join(f"name{'abcdefghij'[i % 10]}{'klmnop'[i // 10]},{i}\n" for i in range(60))
    (folder / "names.csv").write_text("name,age\n" + names)
    assert "60 different words in 60 rows" in refused(capsys, "train", "names.csv")


# --- models that cannot be used -----------------------------------------------------------------


@pytest.mark.parametrize("damage", ["truncated", "flipped", "not a model", "empty"])
def test_a_damaged_model_file_is_refused(damage, digits_model, folder, capsys):
    content = bytearray(digits_model.read_bytes())
    if damage == "flipped":
        content[-100] ^= 1
    changed = {
        "truncated": content[:-7],
        "flipped": content,
        "not a model": b"PK\x03\x04 hello",
        "empty": b"",
    }
    (folder / "bad.safetensors").write_bytes(bytes(changed[damage]))
    line = refused(capsys, "predict", "bad.safetensors", "digits")
    assert "damaged" in line
    assert "there is no file" in refused(capsys, "predict", "no.safetensors", "digits")


def test_wrong_columns_for_a_model_are_refused(folder, capsys):
    iris_like(folder / "table.csv")
    assert run(["train", "table.csv", "--epochs", "1", "--quiet"]) == 0
    capsys.readouterr()
    (folder / "few.csv").write_text("mass,length\n1,2\n")
    (folder / "many.csv").write_text("mass,length,charge,colour\n1,2,3,4\n")
    (folder / "text.csv").write_text("mass,length,charge\n1,long,3\n")
    (folder / "kinds.csv").write_text("mass,length,charge,kind\n1,2,3,top\n")
    model = "table.safetensors"
    assert "lacks the column 'charge'" in refused(capsys, "predict", model, "few.csv")
    assert "does not know" in refused(capsys, "predict", model, "many.csv")
    assert "'long', and a number was wanted" in refused(capsys, "predict", model, "text.csv")
    assert "'top' of 'kind' is unknown" in refused(capsys, "evaluate", model, "kinds.csv")
    assert "lacks the column" in refused(capsys, "evaluate", model, "few.csv")
    assert "not trained on the digits" in refused(capsys, "predict", model, "digits")
    assert "no metric 'acuracy'" in refused(
        capsys, "evaluate", model, "table.csv", "--metric", "acuracy"
    )
    line = refused(capsys, "predict", model, "table.csv", "-o", "absent/x")
    assert "there is no folder absent" in line


def test_without_click_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "click", None)
    assert "adjoint[cli]" in refused(capsys, "train", "digits")


def test_help_lists_the_commands(capsys):
    assert run([]) == 0
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("train", "predict", "evaluate"))
