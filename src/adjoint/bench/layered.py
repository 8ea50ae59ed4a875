"""The rows of networks that are more than perceptrons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from adjoint.bench.attention import gpt
from adjoint.bench.harness import Row, Rows
from adjoint.bench.networks import heat, lenet
from adjoint.bench.peers import training_row
from adjoint.bench.recurrent import gru, lstm
from adjoint.bench.training import Training

NETWORKS: dict[str, Callable[[], Training]] = {
    "pinn heat 20 wide, 64 points adam": lambda: heat(64, 20),
    "pinn heat 50 wide, 1024 points adam": lambda: heat(1024, 50),
    "convolution LeNet b32 adam": lambda: lenet(32),
    "convolution LeNet b128 adam": lambda: lenet(128),
    "recurrent LSTM 64 x32 b32 adam": lambda: lstm(32),
    "recurrent LSTM 64 x128 b32 adam": lambda: lstm(128),
    "recurrent LSTM 64 x256 b32 adam": lambda: lstm(256),
    "recurrent GRU 64 x32 b32 adam": lambda: gru(32),
    "recurrent GRU 64 x256 b32 adam": lambda: gru(256),
    "attention GPT 4x128 b12 adam": gpt,
}


def _row(name: str) -> Row:
    return training_row(name.partition(" ")[0], NETWORKS[name]())


def rows() -> Rows:
    """All networks and sizes."""
    return {name: partial(_row, name) for name in NETWORKS}
