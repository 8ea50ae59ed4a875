"""adjoint explain, check and xray, as they are called."""

import subprocess
import sys

import numpy as np
import pytest

from adjoint.cli.main import run

USERS = """
import numpy as np
import adjoint as ad

def loss(w, x):
    return np.sum(np.tanh(w @ x) ** 2)

def scalar(x):
    return x ** 3

def raises(x):
    raise RuntimeError("no luck")

@ad.custom_vjp
def wrong(x):
    return x ** 2

wrong.defvjp(lambda x: (x ** 2, x), lambda x, bar: (3 * x * bar,))

constant = 3
"""


@pytest.fixture
def users(tmp_path, monkeypatch):
    (tmp_path / "users_functions.py").write_text(USERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "users_functions"
    sys.modules.pop("users_functions", None)


def test_explain_alone_is_the_classic_example(capsys):
    assert run(["explain"]) == 0
    text = capsys.readouterr().out
    assert "0.298371109" in text
    assert "0.35891648" in text


def test_the_package_is_a_command_too():
    command = [sys.executable, "-m", "adjoint", "explain", "no_such_module:f", "1.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no_such_module" in done.stderr


def test_explain_a_function(users, capsys):
    assert run(["explain", f"{users}:scalar", "-2.0", "--rate", "0.5"]) == 0
    text = capsys.readouterr().out
    assert "∂/∂x = 12" in text
    assert "x = -2 − 0.5 · 12 = -8" in text


def test_explain_writes_files(users, tmp_path, capsys):
    assert run(["explain", f"{users}:scalar", "2", "--html", "a.html", "--latex", "a.tex"]) == 0
    assert capsys.readouterr().out == ""
    assert "<!doctype html>" in (tmp_path / "a.html").read_text()
    assert "align*" in (tmp_path / "a.tex").read_text()


def test_check_right_and_wrong(users, capsys):
    assert run(["check", f"{users}:scalar"]) == 0
    assert "order 2 are right at 3 points" in capsys.readouterr().out
    assert run(["check", f"{users}:loss", "--shape", "2,3", "--shape", "3"]) == 0
    assert run(["check", f"{users}:loss", "[[1.0, 2.0]]", "[0.5, -0.1]", "--order", "1"]) == 0
    assert run(["check", f"{users}:wrong", "--mode", "reverse"]) == 1
    assert "adjoint:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nocolon"],
        ["check", "no_such_module_anywhere:f"],
        ["check", "users_functions:missing"],
        ["check", "users_functions:constant"],
        ["check", "users_functions:raises"],
        ["check", "users_functions:scalar", "--low", "3"],
        ["check", "users_functions:scalar", "--shape", "a,b"],
        ["check", "users_functions:scalar", "word"],
        ["explain", "users_functions:scalar"],
        ["explain", "users_functions:scalar", "__import__('os')"],
        ["explain", "users_functions:raises", "1.0"],
        ["xray", "missing.safetensors", "digits"],
        ["explain", "users_functions:scalar", "1.0", "--html", "a.html", "--latex", "no/a.tex"],
        ["explain", "users_functions:scalar", "1.0", "--html", "."],
    ],
)
def test_bad_input_is_one_line_and_2(users, arguments, tmp_path, capsys):
    assert run(arguments) == 2
    assert not list(tmp_path.glob("*.html"))
    captured = capsys.readouterr()
    assert captured.err.startswith("adjoint: ")
    assert captured.err.count("\n") == 1


def test_xray_of_a_trained_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(60, 2))
    rows = ["a,b,y", *(f"{a:.6f},{b:.6f},{a - 2 * b:.6f}" for a, b in x)]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    train = ["train", "t.csv", "--epochs", "1", "-o", "m.safetensors", "--quiet"]
    assert run(train) == 0
    capsys.readouterr()
    assert run(["xray", "m.safetensors", "t.csv", "--rows", "40"]) == 0
    text = capsys.readouterr().out
    assert "over 40 rows" in text
    assert "gradient flow" in text
    assert run(["xray", "m.safetensors", "t.csv", "--html", "x.html"]) == 0
    assert "<svg" in (tmp_path / "x.html").read_text()
    for bad, told in (
        (["xray", "m.safetensors", "t.csv", "--html", "no/x.html"], "there is no folder no"),
        (["predict", "m.safetensors", "t.csv", "-o", "."], "is a folder, and a file was wanted"),
        (["predict", "m.safetensors", "t.csv", "--probabilities"], "there are no classes"),
    ):
        assert run(bad) == 2
        assert told in capsys.readouterr().err
