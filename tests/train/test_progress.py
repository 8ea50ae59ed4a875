"""What a terminal shows, and that nothing is shown where there is none."""

import io

import numpy as np
from rich.console import Console

import adjoint as ad
from adjoint import nn
from adjoint.train import Row
from adjoint.train.progress import Progress, lines_of


def run(**settings):
    x = np.random.default_rng(0).normal(size=(20, 3))
    return ad.fit(
        nn.Linear(3, 1, rng=0), (x, x[:, :1]), loss=nn.mean_squared_error, epochs=3, batch_size=5,
        backend="interpreter", **settings,
    )  # fmt: skip


def test_nothing_is_written_where_there_is_no_terminal(capfd):
    run()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_terminal_gets_a_bar_with_rate_and_time_left_and_a_row_an_epoch():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    result = run(callbacks=[Progress(console)], progress=False, validation=0.25, steps_per_call=1)
    text = screen.getvalue()
    assert "steps/s" in text
    assert "epoch 3/3" in text
    assert "9/9" in text  # 15 examples, batches of 5, three epochs
    assert "0:00:00" in text
    for row in result.history:
        assert f"{row.val_loss:.5f}" in text


def test_rows_are_aligned_below_a_heading_that_is_repeated_when_columns_change():
    shown = []
    first = lines_of(Row(1, 0.5, None, {}, 0.25), shown)
    second = lines_of(Row(2, 0.25, None, {}, 0.25), shown)
    third = lines_of(Row(3, 0.25, 1.0, {"balanced_accuracy": 0.5}, 0.25), shown)
    assert [len(lines) for lines in (first, second, third)] == [2, 1, 2]
    assert first[0].split() == ["epoch", "loss", "seconds"]
    assert third[1].split() == ["3", "0.25000", "1.00000", "0.50000", "0.250"]
    assert len(third[0]) == len(third[1])
