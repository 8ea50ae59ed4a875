"""Every entry in its short form: no figure may fall short of the published one."""

import os
import warnings
from pathlib import Path

import pytest

from adjoint.gallery import Data, find, names, save

folder = os.environ.get("ADJOINT_DATA")
DATA = Data(Path(folder) if folder else None)


@pytest.mark.parametrize("name", names())
def test_the_short_form_reaches_the_published_figures(name, tmp_path):
    experiment = find(name)
    assert experiment.name == name
    if not DATA.has(experiment.data):
        pytest.skip(f"ADJOINT_DATA names no folder with {', '.join(experiment.data)}")
    report = experiment.short(DATA)
    judged = [figure for figure in report.figures if figure.verdict != "shown"]
    short = [figure for figure in judged if figure.verdict == "not reached"]
    assert judged
    assert not short
    with warnings.catch_warnings():
        # What matplotlib has to say on the way to a picture is not ours to mend.
        warnings.simplefilter("default")
        save(experiment, report, 0.0, "short", tmp_path)
    assert (tmp_path / f"{name}.png").stat().st_size > 3000
