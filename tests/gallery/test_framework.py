import json

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import DataError
from adjoint.gallery import Data, Experiment, Figure, Report, find, names, save, write_page
from adjoint.gallery.experiment import at_least, at_most, claim, close, shown
from adjoint.gallery.tools import bits, descend, minibatches, skipping


def test_verdicts_at_their_edges():
    assert at_least("a", 0.9, 0.9).verdict == "reached"
    assert at_least("a", 0.9, 0.89).verdict == "not reached"
    assert at_least("a", 0.9, 0.89, slack=0.011).verdict == "reached"
    assert at_most("a", 0.1, 0.1).verdict == "reached"
    assert at_most("a", 0.1, 0.11).verdict == "not reached"
    assert at_most("a", 0.1, 0.11, slack=0.02).published == "0.1 (asked: ≤ 0.12)"
    assert close("a", 2.0, 2.1, 0.1001).verdict == "reached"
    assert close("a", 2.0, 1.8, 0.1).verdict == "not reached"
    assert claim("a", "yes", "no", False).verdict == "not reached"
    assert shown("a", "1", "2").verdict == "shown"


def test_not_a_number_is_never_reached():
    nan = float("nan")
    rows = (at_least("a", 0.9, nan), at_most("a", 0.9, nan), close("a", 0.9, nan, 1))
    assert {row.verdict for row in rows} == {"not reached"}


def test_a_report_is_reached_when_no_figure_falls_short():
    good, bad = claim("a", "", "", True), claim("b", "", "", False)
    assert Report((good, shown("c", "", "")), lambda figure: None).reached
    assert not Report((good, bad), lambda figure: None).reached


def test_missing_data_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="no data folder"):
        Data().path("mnist/x.gz")
    with pytest.raises(DataError, match="ADJOINT_DATA"):
        Data(tmp_path).path("mnist/x.gz")
    (tmp_path / "x").write_text("1")
    assert Data(tmp_path).has(("x",))
    assert not Data(tmp_path).has(("x", "y"))
    assert not Data().has(("x",))
    assert Data().has(())


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DataError, match="mazur"):
        find("nothing")
    assert len(set(names())) == len(names())


def test_the_page_is_made_of_the_runs_that_were_kept(tmp_path):
    experiment = Experiment("xor", "XOR", "1986.", lambda d: report, lambda d: report)
    report = Report(
        (Figure("sweeps", "558", "5|6", "reached"),), lambda f: f.subplots().plot([1, 2]), "Said."
    )
    save(experiment, report, 1.26, "full", tmp_path / "gallery")
    kept = json.loads((tmp_path / "gallery" / "xor.json").read_text())
    assert kept["seconds"] == 1.3
    text = write_page(tmp_path).read_text()
    assert "| sweeps | 558 | 5\\|6 | reached |" in text
    assert "![XOR: 558 sweeps](gallery/xor.png)" in text
    assert "\nSaid.\n" in text
    assert "mazur" not in text


def test_many_starts_at_once_are_the_plain_loop_for_each():
    X, T = bits(2), np.array([[0.0], [1], [1], [0]])
    rng = np.random.default_rng(3)
    starts = [(rng.normal(size=(3, 2, 1)), rng.normal(size=(3, 1)))]
    starts += [(rng.normal(size=(3, 3, 1)), rng.normal(size=(3, 1)))]

    def loss(p):
        return 0.5 * np.sum((skipping(p, X) - T) ** 2)

    def solved(p):
        return np.max(np.abs(skipping(p, X) - T)) < 0.45

    found = descend(loss, solved, starts, rate=0.5, momentum=0.9, sweeps=300)
    assert found.solved > 0
    for i in range(3):
        p = [[leaf[i] for leaf in layer] for layer in starts]
        v = [[0 * leaf for leaf in layer] for layer in p]
        when = -1
        for t in range(300):
            np.testing.assert_allclose(found.losses[i, t], loss(p), rtol=1e-9)
            g = ad.grad(loss)(p)
            if solved(p):
                when = t
                break
            v = [
                [0.9 * a - 0.5 * b for a, b in zip(*z, strict=True)] for z in zip(v, g, strict=True)
            ]
            p = [[a + b for a, b in zip(*z, strict=True)] for z in zip(p, v, strict=True)]
        assert found.sweep[i] == when


def test_minibatches_take_each_row_at_most_once():
    order = minibatches(np.random.default_rng(0), 11, 3)
    assert order.shape == (3, 3)
    assert len(set(order.ravel())) == 9
