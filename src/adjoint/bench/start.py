"""Cold starts and peak memory, each contender in a fresh process; loops that Python unrolls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench import fresh, layered, mlp, science
from adjoint.bench.fresh import NO_SUCH_PEER
from adjoint.bench.harness import OURS, Rows
from adjoint.bench.report import table

CONTENDERS = ("jax jit", "jax scan", "torch eager 2", "sklearn", "autograd")
COMPILED = ("torch compile 2", "torch compile func 2")


def _chosen() -> Rows:
    small = ((784, 30, 10), 10, "tanh", "cross-entropy", "adam")
    large = ((784, 512, 512, 10), 128, "relu", "cross-entropy", "adam")
    wanted = [
        *(f"mlp {mlp.name_of(size)}" for size in (small, large)),
        "pinn heat 20 wide, 64 points adam",
        "convolution LeNet b32 adam",
        "recurrent LSTM 64 x32 b32 adam",
        "attention GPT 4x128 b12 adam",
        "calls rosenbrock n=100",
        "science chain n=1000000",
    ]
    every = {**mlp.rows(), **layered.rows(), **science.rows()}
    return {name: every[name] for name in wanted}


ROWS = _chosen()


def _fresh(row: str, contender: str, folder: str, cache: str) -> dict[str, Any] | None:
    """What a new process measures; None if the peer cannot do the row.

    Args:
        row: its name.
        contender: its name.
        folder: where bytecode is kept.
        cache: where our code is kept.
    """
    environment = {**os.environ, "ADJOINT_CACHE": cache}
    # As installed packages are: with their bytecode.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.setdefault("PYTHONPYCACHEPREFIX", folder)
    command = [sys.executable, "-P", fresh.__file__, row, contender]
    done = subprocess.run(
        [*command, repr(time.monotonic())],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NO_SUCH_PEER:
        return None
    if done.returncode:
        raise RuntimeError(f"{contender} failed on {row}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _lines(row: str, folder: str, contenders: Iterable[str]) -> list[list[str]]:
    lines = []
    ours = ((f"{OURS}, empty cache", OURS), (f"{OURS}, second process", OURS))
    for label, contender in (*ours, *((name, name) for name in contenders)):
        try:
            found = _fresh(row, contender, folder, str(Path(folder, row)))
        except RuntimeError:
            if contender == OURS:
                raise
            lines.append([row, label, "", "fails", "", ""])
            continue
        if found is None:
            continue
        imported = "" if found["import"] is None else f"{found['import']:.2f}"
        numbers = [f"{found['first']:.2f}", f"{found['total']:.2f}", f"{found['memory']:.0f}"]
        lines.append([row, label, imported, *numbers])
    return lines


def stepping_loop(rounds: int) -> Callable[[Any], Any]:
    """A Python loop over an array filled in place."""

    def f(u0: Any) -> Any:
        u = np.zeros((rounds + 1, 50))
        u[0] = u0
        for t in range(rounds):
            u[t + 1, 1:-1] = u[t, 1:-1] + 0.2 * (u[t, 2:] - 2 * u[t, 1:-1] + u[t, :-2])
        return np.sum(u[-1] ** 2)

    return f


def deep_network(layers: int) -> Callable[[Any], Any]:
    """Layers of different widths, so that no two are alike."""
    rng = np.random.default_rng(0)
    widths = [20 + k for k in range(layers + 1)]
    weights = [rng.normal(0, a**-0.5, (a, b)) for a, b in pairwise(widths)]

    def f(x: Any) -> Any:
        for w in weights:
            x = np.tanh(x @ w)
        return np.sum(x * x)

    return f


def _compiling(f: Callable[[Any], Any], x: Any) -> list[str]:
    """Seconds to record and differentiate, seconds until the first result, bytes of code."""
    gradient = ad.value_and_grad(f)
    start = time.perf_counter()
    graph = ad.trace(gradient, x)
    recorded = time.perf_counter() - start
    jitted = ad.jit(gradient, threads=1)
    start = time.perf_counter()
    jitted(x)
    first = time.perf_counter() - start
    kilobytes = len(jitted.lower(x).llvm) / 1024
    return [str(len(graph.nodes)), f"{recorded:.2f}", f"{first:.2f}", f"{kilobytes:.0f}"]


def growth() -> str:
    """How the time to compile grows with the rounds of a loop, and with the layers."""
    before = os.environ.get("ADJOINT_CACHE")
    os.environ["ADJOINT_CACHE"] = "off"
    rows = []
    try:
        ad.jit(np.sum)(np.ones(3))  # the native back end is loaded
        for rounds in (100, 1000, 10_000):
            row = _compiling(stepping_loop(rounds), np.ones(50))
            rows.append([f"Python loop of {rounds} rounds", *row])
        for layers in (5, 10, 20, 40):
            row = _compiling(deep_network(layers), np.ones((8, 20)))
            rows.append([f"{layers} layers, no two alike", *row])
    finally:
        if before is None:
            del os.environ["ADJOINT_CACHE"]
        else:
            os.environ["ADJOINT_CACHE"] = before
    head = ("gradient of", "nodes", "record s", "first call s", "KB of LLVM's text")
    return table(head, rows)


def report(rows: Iterable[str], compiled: bool, tell: Callable[[str], None]) -> str:
    """The tables."""
    contenders = CONTENDERS + (COMPILED if compiled else ())
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            # Bytecode is there beforehand, as after an installation.
            _fresh(row, OURS, folder, "off")
            lines += _lines(row, folder, contenders)
            tell(f"{row}: started")
    head = ("row", "contender", "import s", "first step s", "cold start s", "peak MB")
    return f"{table(head, lines)}\n\n{growth()}"
