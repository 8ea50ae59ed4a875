"""The benchmarks themselves: contenders agree, disagreement is seen, the table is right."""

import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import adjoint as ad
from adjoint.bench import layered, mlp, more, science, start, stepping
from adjoint.bench.gradients import by_adjoint as gradient_by_adjoint
from adjoint.bench.harness import MissingPeerError, Result, Row, measure
from adjoint.bench.peers import by_autograd, by_sklearn, training_row
from adjoint.bench.report import report, write_into
from adjoint.bench.training import by_adjoint, by_numpy
from adjoint.cli.bench import command
from adjoint.run.floor import Floor

FLOOR = Floor(100.0, 50.0, 10.0)
FAMILIES = {
    "mlp": mlp.rows,
    "networks": layered.rows,
    "science": science.rows,
    "stepping": stepping.rows,
    "more": more.rows,
}


def constant(value, seconds=0.0):
    import time

    def run(n):
        time.sleep(seconds * n)
        return value

    return lambda: run


def test_floor_is_the_slower_of_arithmetic_and_memory():
    assert FLOOR.microseconds(1e6, 0, "float32") == pytest.approx(10.0)
    assert FLOOR.microseconds(1e6, 0, "float64") == pytest.approx(20.0)
    assert FLOOR.microseconds(0, 1e6, "float32") == pytest.approx(100.0)


def test_a_contender_that_computes_something_else_is_named():
    row = Row("f", "r", {"adjoint": constant(1.0), "a": constant(1.0), "b": constant(1.1)}, 1, 1)
    result = measure(row, FLOOR, rounds=1, seconds=0.001)
    assert result.disagree == ["b differs: 1.1 against 1"]
    assert "**b differs: 1.1 against 1**" in report([result], FLOOR)


def test_a_peer_that_fails_is_named_and_we_are_not_forgiven():
    def fail():
        raise ValueError("too | long\nby far " * 50)

    row = Row("f", "r", {"adjoint": constant(1.0), "other": fail}, 1, 1)
    result = measure(row, FLOOR, rounds=1, seconds=0.001)
    assert result.peer is None
    assert result.disagree[0].startswith("other fails: ValueError: too")
    assert "\n| **other fails" in report([result], FLOOR)
    with pytest.raises(ValueError, match="too"):
        measure(Row("f", "r", {"adjoint": fail}, 1, 1), FLOOR)


def test_the_ratio_is_the_fastest_peers_time_over_ours():
    contenders = {
        "adjoint": constant(1.0, 1e-3),
        "slow": constant(1.0, 9e-3),
        "fast": constant(1.0, 3e-3),
    }
    result = measure(Row("f", "r", contenders, 1, 1), FLOOR, rounds=3, seconds=0.01)
    assert result.peer == "fast"
    assert 1.5 < result.ratio < 9.0


@pytest.mark.parametrize("error", [ImportError, MissingPeerError])
def test_a_peer_that_cannot_do_a_row_is_left_out(error):
    def missing():
        raise error

    row = Row("f", "r", {"adjoint": constant(1.0), "other": missing}, 1, 1)
    assert measure(row, FLOOR, rounds=1, seconds=0.001).peer is None


def test_the_bar_is_two_where_the_floor_is_low():
    row, times, first = Row("f", "r", {}, 1, 1), {"adjoint": 2.0, "peer": 3.0}, {"adjoint": 1.0}
    low, high = (
        Result(row, times=times, first=first | {"peer": 1.0}, floor=floor) for floor in (99, 101)
    )
    assert (low.bar, low.falls_short) == (2.0, True)
    assert (high.bar, high.falls_short) == (1.0, False)
    table = report([low, high], FLOOR)
    assert "1 of 2 rows reach their bars; these do not: f r." in table
    assert "| **1.50** | 2 |" in table
    assert "| 1.50 | 1 |" in table


def test_a_dear_gradient_is_printed_and_falls_short():
    row = Row(
        "f",
        "r",
        {"adjoint": constant(1.0)},
        1e9,
        1,
        cost=lambda: (constant(0.0, 1e-4)(), constant(0.0, 2e-3)()),
        cost_bar=3.0,
    )
    result = measure(row, FLOOR, rounds=3, seconds=0.01)
    assert result.gradient_cost > 3.0
    assert result.falls_short
    assert f"**{result.gradient_cost:.1f} of 3**" in report([result], FLOOR)


@pytest.mark.parametrize("size", mlp.SIZES[:8], ids=str)
def test_our_steps_are_those_written_by_hand(size):
    training = mlp.training(size)
    np.testing.assert_allclose(by_adjoint(training)(3), by_numpy(training)(3), rtol=2e-4)


@pytest.mark.parametrize("make", [by_autograd, by_sklearn])
@pytest.mark.parametrize("size", [mlp.SIZES[3], mlp.SIZES[4], mlp.SIZES[6]], ids=str)
def test_peers_take_our_steps(make, size):
    pytest.importorskip("autograd")
    pytest.importorskip("sklearn")
    training = mlp.training(size)
    np.testing.assert_allclose(make(training)(3), by_numpy(training)(3), rtol=2e-4)


def test_recurrent_rows_agree_with_autograd():
    pytest.importorskip("autograd")
    for name in ("recurrent LSTM 64 x32 b32 adam", "recurrent GRU 64 x32 b32 adam"):
        training = layered.NETWORKS[name]()
        np.testing.assert_allclose(by_adjoint(training)(2), by_autograd(training)(2), rtol=1e-4)


@pytest.mark.parametrize("name", ["stepping heat 2-D 64^2 x50", "stepping Lorenz x200"])
def test_steps_in_place_are_steps_on_whole_arrays(name):
    stepper = stepping.STEPPERS[name]()
    state = stepper.start(np, stepper.x)
    states = [state]
    for _ in range(stepper.steps):
        state = stepper.step(np, state)
        states.append(state)
    stacked = tuple(map(np.stack, zip(*states, strict=True))) if stepper.keeps else state
    wanted = stepper.finish(np, stacked)
    np.testing.assert_allclose(stepper.in_place(stepper.x), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["science n-body 256", "minimise rosenbrock n=100"])
def test_science_agrees_with_numpy_by_hand_or_autograd(name):
    pytest.importorskip("autograd")
    row = science.rows()[name]()
    found = [row.contenders[c]()(1) for c in ("adjoint", "autograd")]
    np.testing.assert_allclose(*found, rtol=1e-9)


def test_sparse_jacobians_agree_with_the_diagonals():
    row = science.rows()["jacobian sparse n=1000"]()
    found = [row.contenders[c]()(1) for c in ("adjoint", "numpy")]
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_called_what_the_table_says(family):
    for name, make in FAMILIES[family]().items():
        row = make()
        assert name == f"{row.family} {row.name}"
        assert "adjoint" in row.contenders
        assert any(not contender.startswith("adjoint") for contender in row.contenders)


@pytest.mark.parametrize("name", [p[0] for p in more.programs()][10:])
def test_more_programs_have_the_gradients_of_the_interpreter(name):
    program = next(p for p in more.programs() if p[0] == name)
    rng = np.random.default_rng(0)
    x = tuple(0.3 * rng.normal(size=shape) for shape in program[3])
    x = x if len(x) > 1 else x[0]
    wanted = ad.value_and_grad(program[1].numpy(np))(x)
    first = wanted[1][0] if isinstance(x, tuple) else wanted[1]
    found = gradient_by_adjoint(program[1], x)(1)
    np.testing.assert_allclose(found, wanted[0] + first.sum(), rtol=1e-8)


def test_tables_go_between_their_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Mine\n<!-- bench mlp -->\nold\n<!-- end mlp -->\nkept\n<!-- bench x -->")
    write_into(page, {"mlp": "| new \\ |", "absent": "nowhere"})
    text = page.read_text()
    assert text == (
        "# Mine\n<!-- bench mlp -->\n\n| new \\ |\n\n<!-- end mlp -->\nkept\n<!-- bench x -->"
    )
    fresh = tmp_path / "fresh.md"
    write_into(fresh, {"mlp": "one", "start": "two"})
    assert fresh.read_text() == "one\n\ntwo\n"


def test_cold_start_measures_a_process_of_its_own(tmp_path):
    ours = np.ones(64 << 20)  # half a gigabyte here is no concern of the other process
    found = start._fresh("calls rosenbrock n=100", "adjoint", str(tmp_path), "off")
    assert 0 < found["first"] < found["total"]
    assert 10 < found["memory"] < ours.nbytes / 2**20
    assert start._fresh("calls rosenbrock n=100", "no-such-peer", str(tmp_path), "off") is None


def test_loops_are_compiled_once_however_long():
    short, long = (
        start._compiling(start.stepping_loop(rounds), np.ones(50)) for rounds in (50, 400)
    )
    assert int(long[0]) < 1.1 * int(short[0])  # nodes of the graph
    assert float(long[3]) < 1.1 * float(short[3])  # text of the module


def test_command_refuses_unknown_rows():
    result = CliRunner().invoke(command, ["no-such-row"])
    assert result.exit_code != 0


def test_command_writes_its_table(tmp_path, monkeypatch):
    from adjoint.cli import bench

    row = Row("mlp", "small", {"adjoint": constant(1.0), "peer": constant(1.0)}, 1, 1)
    monkeypatch.setitem(bench.FAMILIES, "mlp", lambda: {"mlp small": lambda: row})
    monkeypatch.setattr(bench, "measure_floor", lambda: FLOOR)
    page = tmp_path / "page.md"
    page.write_text("<!-- bench mlp --><!-- end mlp -->\n<!-- bench start --><!-- end start -->")
    options = ["--quick", "--family", "mlp", "small", "--write", str(page)]
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 0, result.output
    assert "| mlp small |" in page.read_text()
    assert page.read_text().endswith("<!-- bench start --><!-- end start -->")


def test_installed_module_runs_as_a_process():
    command = [sys.executable, "-m", "adjoint.cli.main", "bench", "--help"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert b"--family" in done.stdout


def test_training_row_has_the_cost_of_its_gradient():
    row = training_row("mlp", mlp.training(mlp.SIZES[1]))
    function, gradient = row.cost()
    assert function(2) == gradient(2) == 0.0
    assert row.cost_bar == 3.0
