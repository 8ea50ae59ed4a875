"""The benchmarks themselves: contenders agree, disagreement is seen, the table is right."""

import numpy as np
import pytest
from click.testing import CliRunner

from adjoint.bench import mlp, networks, science
from adjoint.run.floor import Floor
from adjoint.bench.harness import Row, measure, report
from adjoint.bench.training import by_adjoint, by_numpy
from adjoint.cli.bench import command

FLOOR = Floor(100.0, 50.0, 10.0)


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
    assert [text.split(":")[0] for text in result.disagree] == ["b"]
    assert "losses differ: b" in report([result], FLOOR)


def test_the_ratio_is_the_fastest_peers_time_over_ours():
    contenders = {
        "adjoint": constant(1.0, 1e-3),
        "slow": constant(1.0, 9e-3),
        "fast": constant(1.0, 3e-3),
    }
    result = measure(Row("f", "r", contenders, 1, 1), FLOOR, rounds=3, seconds=0.01)
    assert result.peer == "fast"
    assert 2.0 < result.ratio < 4.0


def test_a_peer_that_is_not_installed_is_left_out():
    def missing():
        raise ImportError

    row = Row("f", "r", {"adjoint": constant(1.0), "other": missing}, 1, 1)
    assert measure(row, FLOOR, rounds=1, seconds=0.001).peer is None


@pytest.mark.parametrize("size", mlp.SIZES[:6], ids=str)
def test_our_steps_are_those_written_by_hand(size):
    training = mlp._training(*size)
    np.testing.assert_allclose(by_adjoint(training)(3), by_numpy(training)(3), rtol=2e-4)


def test_every_row_has_us_and_peers():
    for rows in (mlp.rows(), science.rows(), networks.rows()):
        for row in rows:
            assert "adjoint" in row.contenders
            assert any(not name.startswith("adjoint") for name in row.contenders)
            assert row.flops > 0


def test_command_refuses_unknown_rows():
    result = CliRunner().invoke(command, ["no-such-row"])
    assert result.exit_code != 0
