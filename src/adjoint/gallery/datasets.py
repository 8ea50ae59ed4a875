"""Readers of the data sets that are files; what a rule can make is made where it is used."""

from __future__ import annotations

import csv
import gzip
from functools import cache

import numpy as np

from adjoint.gallery.experiment import Array, Data

MNIST = tuple(
    f"mnist/{part}-{kind}-ubyte.gz"
    for part in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
)


@cache
def mnist(data: Data) -> tuple[Array, Array, Array, Array]:
    """Images [n, 784] float32 in [0, 1] and labels [n]: 60,000 to train, 10,000 to test."""
    found = []
    for name in MNIST:
        raw = gzip.decompress(data.path(name).read_bytes())
        if "images" in name:
            pixels = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 784)
            found.append(pixels.astype(np.float32) / 255)
        else:
            found.append(np.frombuffer(raw, np.uint8, offset=8).astype(np.int64))
    return found[0], found[1], found[2], found[3]


ZIP = ("usps/zip.train.gz", "usps/zip.test.gz")


def zip_codes(data: Data) -> tuple[Array, Array, Array, Array]:
    """Digits [n, 256] in [-1, 1] and labels [n]: 7291 to train, 2007 to test."""
    found = []
    for name in ZIP:
        text = gzip.decompress(data.path(name).read_bytes()).decode()
        table = np.array([line.split() for line in text.splitlines()], dtype=np.float32)
        found += [table[:, 1:], table[:, 0].astype(np.int64)]
    return found[0], found[1], found[2], found[3]


def table(data: Data, name: str, header: bool = True) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of a CSV file, as text."""
    with data.path(name).open(newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    return (rows[0], rows[1:]) if header else ([], rows)


def one_hot(labels: Array, classes: int, dtype: type = np.float32) -> Array:
    """[n, classes], a 1 at each label."""
    return np.eye(classes, dtype=dtype)[labels]
