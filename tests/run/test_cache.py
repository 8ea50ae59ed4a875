"""The code cache: it hits, it checks what it reads, it never stops a program."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import parse_graph
from adjoint.run import cache, compile_graph, native

TEXT = "graph(%0: f64[5]) {\n  %1: f64[5] = exp(%0)\n  return %1\n}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADJOINT_CACHE", str(tmp_path / "code"))
    return tmp_path / "code"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that LLVM was given."""
    texts: list[str] = []
    real = native.optimise

    def noted(text: str) -> Any:
        texts.append(text)
        return real(text)

    monkeypatch.setattr(native, "optimise", noted)
    return texts


def run_once() -> None:
    x = np.linspace(-1, 1, 5)
    got = compile_graph(parse_graph(TEXT))([x])[0]
    np.testing.assert_allclose(got, np.exp(x), rtol=1e-14)


def test_second_time_is_a_hit(folder: Path, compiled: list[str]) -> None:
    run_once()
    run_once()
    assert len(compiled) == 1
    assert len(list(folder.glob("*.o"))) == 1
    assert not list(folder.glob("*.part"))


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_the_folder_is_private(folder: Path, compiled: list[str]) -> None:
    run_once()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert next(folder.glob("*.o")).stat().st_mode & 0o077 == 0


DAMAGE = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[:-10],
    "one bit": lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:],
    "header": lambda data: b"x" + data[1:],
    "digest": lambda data: data[:20] + bytes([data[20] ^ 255]) + data[21:],
    "something else": lambda data: b"\x7fELF" * 1000,
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_rebuilt(name: str, folder: Path, compiled: list[str]) -> None:
    run_once()
    path = next(folder.glob("*.o"))
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[name](whole))
    run_once()
    assert len(compiled) == 2
    assert path.read_bytes() == whole


def test_an_entry_of_another_program_is_not_taken(folder: Path, compiled: list[str]) -> None:
    run_once()
    first = next(folder.glob("*.o"))
    other = parse_graph(TEXT.replace("exp", "tanh"))
    compile_graph(other)
    second = next(p for p in folder.glob("*.o") if p != first)
    second.write_bytes(first.read_bytes())  # whole and well formed, but not its own
    x = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(compile_graph(other)([x])[0], np.tanh(x), rtol=1e-14)
    assert len(compiled) == 3


@pytest.mark.parametrize("setting", ["off", "0"])
def test_off(setting: str, monkeypatch: pytest.MonkeyPatch, compiled: list[str]) -> None:
    monkeypatch.setenv("ADJOINT_CACHE", setting)
    run_once()
    run_once()
    assert len(compiled) == 2


def test_a_folder_that_cannot_be_made_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ADJOINT_CACHE", str(tmp_path / "file" / "code"))
    run_once()
    assert len(compiled) == 1


def test_the_oldest_go_first(folder: Path) -> None:
    for age, name in enumerate(["a", "b", "c"]):
        cache.store(name, bytes(1000))
        os.utime(folder / f"{name}.o", (1000 + age, 1000 + age))
    cache.load("a")  # used again: no longer the oldest
    cache.sweep(2500)
    assert sorted(p.name for p in folder.glob("*.o")) == ["a.o", "c.o"]


SCRIPT = """
import time, numpy as np, adjoint as ad
from adjoint.run import native
calls = []
real = native.optimise
native.optimise = lambda text: calls.append(text) or real(text)
def loss(w, x):
    return np.mean(np.tanh(x @ w) ** 2)
f = ad.jit(ad.value_and_grad(loss))
value, slope = f(np.full((30, 20), 0.1), np.ones((40, 30)))
print(len(calls), float(value))
"""


def test_another_process_hits(folder: Path) -> None:
    environment = {**os.environ, "ADJOINT_CACHE": str(folder), "PYTHONHASHSEED": "random"}
    source = str(Path(ad.__file__).resolve().parents[1])
    environment["PYTHONPATH"] = source
    results = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(done.stdout.split())
    assert results[0][0] != "0"
    assert results[1] == ["0", results[0][1]]


def test_the_size_is_looked_at_now_and_then(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by every process: with a full folder that takes a second."""
    looks: list[int] = []
    monkeypatch.setattr(cache, "sweep", looks.append)
    for i in range(300):
        cache.store(f"{i:064x}", b"code")
    assert 1 <= len(looks) <= 15
