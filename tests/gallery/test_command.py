import json

import pytest
from click.testing import CliRunner

from adjoint.cli import gallery as module
from adjoint.cli.gallery import command
from adjoint.errors import DataError
from adjoint.gallery import Experiment, Report
from adjoint.gallery.experiment import at_least


def invoke(*arguments):
    return CliRunner().invoke(command, list(arguments), env={"ADJOINT_DATA": ""})


def test_without_a_name_it_lists_the_chapters_and_entries():
    result = invoke()
    assert result.exit_code == 0
    assert "One step by hand" in result.output
    assert "mazur              The worked 2-2-2 example" in result.output


def test_a_run_prints_both_figures_and_keeps_a_picture(tmp_path):
    result = invoke("mazur", "--out", str(tmp_path))
    assert result.exit_code == 0
    assert "error before: published 0.298371108760 (± 1e-12), ours 0.298371108760" in result.output
    kept = json.loads((tmp_path / "mazur.json").read_text())
    assert kept["form"] == "short"
    assert len(kept["figures"]) == 14
    assert (tmp_path / "mazur.png").read_bytes()[:4] == b"\x89PNG"


def test_absent_data_is_an_error_for_one_entry_and_passed_over_among_all(monkeypatch):
    said = "the data file mnist/train-images-idx3-ubyte.gz is not there"
    error = invoke("mnist").exception
    assert isinstance(error, DataError)
    assert said in str(error)
    assert "ADJOINT_DATA" in str(error)
    monkeypatch.setattr(module, "names", lambda: ["mnist", "mazur"])
    result = invoke("--all")
    assert result.exit_code == 0
    assert f"skipped: gallery: {said}" in result.output
    assert "error before: published" in result.output


def test_an_unknown_name_is_an_error():
    assert isinstance(invoke("nothing").exception, DataError)


@pytest.mark.parametrize(("ours", "code"), [(0.9, 0), (0.8, 1)])
def test_the_exit_code_says_whether_the_figures_were_reached(monkeypatch, ours, code):
    report = Report((at_least("accuracy", 0.9, ours),), lambda figure: None, "Mind the gap.")
    entry = Experiment("mazur", "T", "S.", lambda d: report, lambda d: report)
    monkeypatch.setattr(module, "find", lambda name: entry)
    result = invoke("mazur", "--full")
    assert result.exit_code == code
    assert "Mind the gap." in result.output


def test_the_page_is_written_where_the_runs_are_kept(tmp_path):
    result = invoke("mazur", "--out", str(tmp_path / "gallery"), "--write-docs")
    assert result.exit_code == 0
    assert "### The worked 2-2-2 example" in (tmp_path / "gallery.md").read_text()
