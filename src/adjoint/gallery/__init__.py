"""The classic experiments, reproduced: one file each, the published figure beside ours."""

from adjoint.gallery.catalogue import CHAPTERS, find, names
from adjoint.gallery.experiment import Data, Experiment, Figure, Report
from adjoint.gallery.pages import save, write_page

__all__ = [
    "CHAPTERS",
    "Data",
    "Experiment",
    "Figure",
    "Report",
    "find",
    "names",
    "save",
    "write_page",
]
