"""Training: the loop, data, history, callbacks, checkpoints, saved models."""

from adjoint.train.callbacks import Callback, EarlyStopping
from adjoint.train.fitting import PrecisionWarning, Result, fit
from adjoint.train.history import History, Row
from adjoint.train.rates import RateTest, find_rate
from adjoint.train.storage import load, load_metadata, save

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "PrecisionWarning",
    "RateTest",
    "Result",
    "Row",
    "find_rate",
    "fit",
    "load",
    "load_metadata",
    "save",
]
