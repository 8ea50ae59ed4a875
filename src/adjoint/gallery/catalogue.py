"""The list of entries, in the order of the documentation."""

from __future__ import annotations

from importlib import import_module

from adjoint.errors import DataError
from adjoint.gallery.experiment import Experiment

CHAPTERS: dict[str, tuple[str, ...]] = {
    "One layer, and why it is not enough": ("adaline", "perceptron"),
    "One step by hand": ("mazur",),
    "Learning internal representations, 1986": (
        "xor",
        "parity",
        "encoder",
        "t_or_c",
        "addition",
        "negation",
        "symmetry",
        "family_trees",
    ),
    "Handwritten digits": ("zip_codes", "mnist", "mnist_better", "mnist_convolution"),
    "What goes wrong": (
        "vanishing",
        "saturation",
        "cost_functions",
        "overfitting",
        "initialisation",
    ),
    "How descent runs": ("landscape", "batch_sizes", "local_minima", "normalisation"),
    "Series": ("laser", "sunspots", "airline"),
    "Time": ("elman", "shift_register", "recurrent", "through_time"),
    "Fitting, physics and control": (
        "function_fitting",
        "autoencoder",
        "heat_equation",
        "optimal_control",
        "controller",
    ),
    "Text": ("char_rnn", "gpt", "given_names"),
    "Rewards without a derivative": ("policy_gradient", "actor_critic"),
    "Structure, dynamics and tables": ("crf", "limit_cycle", "anomaly", "adult", "california"),
}


def names() -> list[str]:
    """Every entry's name."""
    return [name for chapter in CHAPTERS.values() for name in chapter]


def find(name: str) -> Experiment:
    """One entry; only its own module is loaded.

    Raises:
        DataError: there is no such entry.
    """
    if name not in names():
        raise DataError(
            "no such experiment", function="gallery", got=name, wanted=", ".join(names())
        )
    found: Experiment = import_module(f"adjoint.gallery.{name}").EXPERIMENT
    return found
