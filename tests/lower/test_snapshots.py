"""The text of a fixed set of kernels, kept in ``snapshots/``: a change of it is seen, and meant.

The features are fixed, so the text does not depend on the processor. To renew:
``ADJOINT_RENEW_SNAPSHOTS=1 python -m pytest tests/lower/test_snapshots.py``
"""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.lower import lower_graph
from adjoint.rewrite import rewrite

FOLDER = Path(__file__).with_name("snapshots")
FEATURES = {
    "wide": frozenset({"avx512f", "avx512vl", "avx2", "fma", "sse2"}),
    "narrow": frozenset({"neon"}),
}


def softmax(x: Any) -> Any:
    e = x - x.max(axis=1, keepdims=True)
    e = e * e + 1
    return e / e.sum(axis=1, keepdims=True)


def momentum(w: Any, v: Any, g: Any) -> Any:
    v = np.float32(0.9) * v + g
    return w - np.float32(0.1) * v, v


def laplace(u: Any) -> Any:
    inner = u[1:-1, 1:-1]
    u = u.copy()
    u[1:-1, 1:-1] = inner + 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] - 2 * inner)
    return u


def picked(x: Any, i: Any) -> Any:
    return x[i] * 2


def added(x: Any, i: Any) -> Any:
    return ad.grad(lambda x: np.sum(picked(x, i) * np.arange(5.0)))(x)


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "chain": (lambda x, y: np.sqrt(x * x + y) / 3, (np.ones((50, 33)), np.ones(33))),
    "half": (lambda x: np.maximum(x + x, 0), (np.ones(701, "f2"),)),
    "whole numbers": (lambda x, y: (x % y, x // y), (np.ones(301, int), np.ones(301, int))),
    "softmax": (softmax, (np.ones((70, 45), "f4"),)),
    "momentum": (momentum, tuple(np.ones((40, 23), "f4") for _ in range(3))),
    "long sum": (lambda x: np.sum(x * x), (np.ones(100_003),)),
    "columns": (lambda x: x.sum(0), (np.ones((900, 310), "f4"),)),
    "laplace": (laplace, (np.ones((60, 41)),)),
    "joined": (lambda x, y: np.concatenate([x, y * 2], 1), (np.ones((20, 17)), np.ones((20, 30)))),
    "turned": (lambda x: x.T.reshape(-1) + 1, (np.ones((30, 41)),)),
    "picked": (picked, (np.ones((37, 5)), np.ones(200, int))),
    "added": (added, (np.ones((37, 5)), np.ones(200, int))),
    "running": (lambda x: np.cumsum(x, 1), (np.ones((20, 65)),)),
    "largest": (lambda x: np.argmax(x, 0), (np.ones((20, 65), "f4"),)),
    "order": (lambda x: np.argsort(x, kind="stable"), (np.ones((3, 301)),)),
}


def kernels(f: Any, args: tuple[Any, ...], features: frozenset[str]) -> str:
    text = lower_graph(rewrite(ad.trace(f, *args)), features).text
    found = re.findall(r"^define internal void @(?!report)[^\n]*\{\n.*?^\}\n", text, re.M | re.S)
    return "\n".join(found)


@pytest.mark.parametrize("width", FEATURES)
@pytest.mark.parametrize("name", CASES)
def test_kernels_are_as_they_were(name: str, width: str) -> None:
    text = kernels(*CASES[name], FEATURES[width])
    assert text
    path = FOLDER / f"{name.replace(' ', '_')}_{width}.ll"
    if os.environ.get("ADJOINT_RENEW_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), "renew the snapshots: see the head of this file"
    assert text == path.read_text(encoding="utf-8"), "if it is meant, renew the snapshots"


def test_no_snapshot_is_left_over() -> None:
    known = {f"{name.replace(' ', '_')}_{width}.ll" for name in CASES for width in FEATURES}
    assert {path.name for path in FOLDER.glob("*")} == known
