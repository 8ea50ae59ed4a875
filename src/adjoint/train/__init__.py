"""Training: the loop, data, history, callbacks, checkpoints, saved models."""

from adjoint.train.callbacks import Callback, EarlyStopping
from adjoint.train.fitting import PrecisionWarning, Result, fit
from adjoint.train.history import History, Row
from adjoint.train.storage import load, load_metadata, save

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "PrecisionWarning",
    "Result",
    "Row",
    "fit",
    "load",
    "load_metadata",
    "save",
]
