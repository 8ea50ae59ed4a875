"""Derivative programs are kept while there is room for them."""

import numpy as np

import adjoint as ad
from adjoint.differentiate import tape


def test_programs_used_last_are_kept():
    kept = tape.Programs(most=100)
    for name in "abc":
        kept.keep(name, 20, name)
    assert kept.find("a") is None  # 36 records each: two fit
    assert kept.find("b") == "b"
    kept.keep("d", 20, "d")  # c is the one not asked for
    assert [kept.find(name) for name in "bcd"] == ["b", None, "d"]
    kept.keep("long", 101, "long")
    assert kept.find("long") is None
    assert kept.find("b") == "b"


def test_long_runs_are_differentiated_once(monkeypatch):
    made = []
    of_graph, of_run = tape._MAKERS["pullback"]

    def counted(recorder, n_inputs, outputs):
        made.append(len(recorder.records))
        return of_run(recorder, n_inputs, outputs)

    monkeypatch.setitem(tape._MAKERS, "pullback", (of_graph, counted))
    monkeypatch.setattr(tape, "_programs", tape.Programs(most=100_000))

    def f(x):
        for _ in range(11_000):
            x = np.sin(x) * 1.01
        return x

    slope = ad.grad(f)
    assert slope(0.3) == slope(0.3) != slope(0.4)
    assert len(made) == 1
    assert made[0] > 20_000
