"""Programs found by their graph: nothing is worked out again, and nothing wrong is found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.api.compiled import make_graph
from adjoint.graph import Graph
from adjoint.graph.text import format_graph
from adjoint.run import compile as compiling
from adjoint.run import compile_graph, native, remembered


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADJOINT_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """The graphs that were lowered."""
    graphs: list[Graph] = []
    real = compiling.lower_graph

    def noted(graph: Graph, *options: Any) -> Any:
        graphs.append(graph)
        return real(graph, *options)

    monkeypatch.setattr(compiling, "lower_graph", noted)
    return graphs


TABLE = np.linspace(-1, 1, 12).reshape(3, 4)


def table_rows(x: Any, i: Any) -> Any:
    return np.sum(np.tanh(x @ TABLE), axis=1) * np.array([1.0, -0.0, 3.0])[i]


X, ROWS = np.linspace(0, 1, 6).reshape(2, 3), np.array([2, 1])


def test_the_second_program_is_not_lowered(folder: Path, lowered: list[Graph]) -> None:
    programs = [compile_graph(make_graph(table_rows, X, ROWS)) for _ in range(2)]
    assert len(lowered) == 1
    first, second = (program([X, ROWS, *TABLES]) for program in programs)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_allclose(second[0], table_rows(X, ROWS), rtol=1e-14)


TABLES: list[Any] = [TABLE] if len(make_graph(table_rows, X, ROWS).inputs) == 3 else []


def test_a_remembered_program_still_names_a_bad_index(folder: Path, lowered: list[Graph]) -> None:
    for _ in range(2):
        program = compile_graph(make_graph(table_rows, X, ROWS))
    with pytest.raises(IndexError, match=r"index 7 .* size 3\n  at .*test_remembered.py"):
        program([X, np.array([0, 7]), *TABLES])


def test_a_remembered_program_can_be_read(folder: Path, lowered: list[Graph]) -> None:
    texts = [compile_graph(make_graph(table_rows, X, ROWS)).look.llvm for _ in range(2)]
    assert texts[0] == texts[1]
    assert len(lowered) == 2  # the second for reading


@pytest.mark.parametrize(
    "change",
    ["types", "constant", "sign of zero", "threads", "donate", "features"],
)
def test_whatever_matters_makes_another_key(
    change: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(x: Any, constant: float, donate: tuple[int, ...] = (), threads: int = 1) -> str:
        graph = make_graph(lambda x: x * np.array([constant, 2.0]), x)
        found = remembered.key_of(graph, donate, threads)
        assert found is not None
        return found

    x = np.ones(2)
    before = key(x, 0.0)
    assert key(x, 0.0) == before
    if change == "features":
        monkeypatch.setattr(native, "identity", lambda: ("another",))
    after = {
        "types": lambda: key(np.ones(2, np.float32), 0.0),
        "constant": lambda: key(x, 1.0),
        "sign of zero": lambda: key(x, -0.0),
        "threads": lambda: key(x, 0.0, threads=2),
        "donate": lambda: key(x, 0.0, donate=(0,)),
        "features": lambda: key(x, 0.0),
    }[change]()
    assert after != before


def test_users_functions_are_not_remembered(folder: Path) -> None:
    twice = ad.custom_vjp(lambda x: 2 * x)
    twice.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))
    graph = make_graph(twice, np.ones(3))
    assert any(node.primitive.name == "custom_call" for node in graph.nodes)
    assert remembered.key_of(graph, (), 1) is None


@pytest.mark.parametrize("kind", ["*.graph", "*.o"])
def test_a_lost_half_is_made_again(kind: str, folder: Path, lowered: list[Graph]) -> None:
    compile_graph(make_graph(table_rows, X, ROWS))
    next(folder.glob(kind)).unlink()
    compile_graph(make_graph(table_rows, X, ROWS))
    assert len(lowered) == 2
    assert len(list(folder.glob("*.graph"))) == len(list(folder.glob("*.o"))) == 1


def test_another_cache_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJOINT_CACHE", "off")
    assert remembered.key_of(make_graph(np.sin, np.ones(2)), (), 1) is None


def test_what_memory_holds_is_no_part_of_a_graph():
    """NumPy's own code begins with np.empty; a second process would find another graph."""
    graphs = set()
    for garbage in (7.25, 9.75):
        for size in (1, 3, 6):
            left = [np.full(size, garbage) for _ in range(50)]
            del left
        graph = ad.trace(lambda x: np.cross(x, 2 * x), np.arange(6.0).reshape(2, 3))
        graphs.add(format_graph(graph, sources=False))
    assert len(graphs) == 1
