"""Programs found on disk by their graph: neither rewritten nor lowered again.

An entry says what a call needs besides machine code, and where that code lies in the cache. It
is found under a digest of the graph's text, of the processor and versions, and of the source
of everything between graph and code, so no entry can be out of date. What is only looked at
(the module's text, the lines of index checks) is worked out again when it is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal
from adjoint.graph.text import format_graph
from adjoint.lower import Lowered
from adjoint.lower.steps import PythonStep
from adjoint.run import cache, native

_MOST_LITERALS = 1 << 20  # bytes of constants in an entry


@dataclass(slots=True)
class Remembered:
    """What a call needs of a lowered graph.

    Args:
        arena_bytes: see :class:`adjoint.lower.Lowered`, also for what follows.
        literals: constant arrays.
        routines: what the code calls by name.
        blas: whether that would take threads of its own.
        threads: for how many it was made.
        in_place: results that are written over donated inputs.
        python: empty: a program that calls Python is not remembered.
        full: lowers the graph after all.
    """

    arena_bytes: int
    literals: list[Literal]
    routines: set[str]
    blas: bool
    threads: int
    in_place: list[tuple[int, int]]
    full: Callable[[], Lowered]
    python: list[PythonStep] = field(default_factory=list)


@lru_cache(maxsize=1)
def _source() -> str:
    """A digest of the source of the engine: whatever makes code of graphs stands there."""
    total = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for folder in ("graph", "primitives", "differentiate", "rewrite", "lower", "run"):
        for path in sorted((root / folder).rglob("*.py")):
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def key_of(graph: Graph, donate: Sequence[int], threads: int) -> str | None:
    """The name of a graph's entry; None if text cannot say all of the graph."""
    if cache.folder() is None:
        return None
    objects: dict[str, Any] = {}
    text = format_graph(graph, sources=False, objects=objects)
    if objects:
        return None
    settings = f"{tuple(donate)} {threads} {np.__version__}"
    return cache.digest(text, settings, _source(), *native.identity())


def load(key: str, full: Callable[[], Lowered]) -> tuple[Remembered, bytes] | None:
    """The program stored under a key, and its machine code; None if either is missing."""
    data = cache.load(key, cache.GRAPH)
    if data is None:
        return None
    head, _, rest = data.partition(b"\n")
    entry = json.loads(head)
    code = cache.load(entry["code"])
    if code is None:
        return None
    literals, at = [], 0
    for dtype, shape, size in entry["literals"]:
        array = np.frombuffer(rest[at : at + size], dtype).reshape(shape)
        literals.append(Literal(array))
        at += size
    in_place = [(k, i) for k, i in entry["in_place"]]
    routines = set(entry["routines"])
    needs = entry["arena_bytes"], literals, routines, entry["blas"], entry["threads"], in_place
    return Remembered(*needs, full), code


def store(key: str, lowered: Lowered, code: str) -> None:
    """Keep a program under its graph's key; ``code`` is the key of its machine code."""
    arrays = [np.ascontiguousarray(x.value) for x in lowered.literals]
    if lowered.python or sum(x.nbytes for x in arrays) > _MOST_LITERALS:
        return
    entry: dict[str, Any] = {
        "code": code,
        "arena_bytes": lowered.arena_bytes,
        "routines": sorted(lowered.routines),
        "blas": lowered.blas,
        "threads": lowered.threads,
        "in_place": lowered.in_place,
        "literals": [[x.dtype.str, x.shape, x.nbytes] for x in arrays],
    }
    constants = b"".join(x.tobytes() for x in arrays)
    cache.store(key, json.dumps(entry).encode() + b"\n" + constants, cache.GRAPH)
