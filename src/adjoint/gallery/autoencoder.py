"""A linear autoencoder finds the principal components; a deeper one does better."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import adjoint as ad
from adjoint import optim
from adjoint.gallery.datasets import ZIP, zip_codes
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, claim, close
from adjoint.gallery.tools import train_epochs

CODE = 8


def run(data: Data, steps: int, epochs: int) -> Report:
    """Eight numbers for a digit of 256 pixels."""
    images, _, held, _ = zip_codes(data)
    mean = images.mean(0)
    X, H = (images - mean).astype(float), (held - mean).astype(float)
    _, values, axes_of_cloud = np.linalg.svd(X, full_matrices=False)
    least = float(np.sum(values[CODE:] ** 2) / len(X))
    pca = float(np.mean(np.sum((H - H @ axes_of_cloud[:CODE].T @ axes_of_cloud[:CODE]) ** 2, 1)))
    rng = np.random.default_rng(0)
    scatter = X.T @ X / len(X)  # all that a linear net's error depends on

    def linear(p: tuple[Array, Array]) -> Array:
        rest = np.eye(256) - p[0] @ p[1]
        return np.sum(rest * (scatter @ rest))

    first = (0.1 * rng.standard_normal((256, CODE)), 0.1 * rng.standard_normal((CODE, 256)))
    found = ad.minimize(linear, first, method="l-bfgs-b", options={"maxiter": steps})
    basis = np.linalg.qr(found.x[1].T)[0]
    overlap = np.linalg.svd(axes_of_cloud[:CODE] @ basis)[1].min()

    sizes = (256, 100, CODE, 100, 256)
    deep = [
        ((rng.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in itertools.pairwise(sizes)
    ]

    def rebuild(layers: Any, x: Array) -> Array:
        for i, (W, b) in enumerate(layers):
            x = x @ W + b
            x = np.tanh(x) if i in (0, 2) else x
        return x

    X32, H32 = X.astype(np.float32), H.astype(np.float32)
    deep = train_epochs(
        lambda p, x: np.mean(np.sum((rebuild(p, x) - x) ** 2, 1)),
        optim.adam(1e-3),
        deep,
        (X32,),
        32,
        epochs,
    )
    curved = float(np.mean(np.sum((rebuild(deep, H32) - H32) ** 2, 1)))
    figures = (
        close(
            "linear autoencoder's error to that of PCA", 1, float(found.fun) / least, 1e-3, ".6f"
        ),
        close("smallest cosine between the two subspaces", 1, overlap, 1e-2, ".5f"),
        at_most(
            "deep autoencoder's error on held-out digits, to that of PCA", 1.0, curved / pca, ".3f"
        ),
        claim(
            "… a real gain",
            "clearly better than PCA",
            f"{1 - curved / pca:.0%} less",
            curved < 0.85 * pca,
        ),
    )

    def draw(figure: Any) -> None:
        rows = (
            H32[:8],
            H32[:8] @ axes_of_cloud[:CODE].T @ axes_of_cloud[:CODE],
            rebuild(deep, H32[:8]),
        )
        for line, shown_rows in zip(figure.subplots(3, 8), rows, strict=True):
            for ax, digit in zip(line, shown_rows, strict=True):
                ax.imshow((digit + mean).reshape(16, 16), cmap="gray")
                ax.set(xticks=[], yticks=[])

    return Report(figures, draw, "Rows of the picture: held-out digits, by PCA, by the deep net.")


EXPERIMENT = Experiment(
    "autoencoder",
    "Autoencoder against principal components",
    "Baldi & Hornik 1989; Hinton & Salakhutdinov 2006.",
    short=lambda data: run(data, 400, 8),  # eight epochs of the deep net
    full=lambda data: run(data, 2000, 100),  # 100 epochs
    data=ZIP,
)
