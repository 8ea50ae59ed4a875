"""Read an ONNX file as a model."""

from __future__ import annotations

import json
import os
from collections import ChainMap
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from adjoint import nn
from adjoint.errors import StructureError
from adjoint.formats.reading import OPERATORS, Block, Step, read, run

NOT_TRAINED = "adjoint.not_trained"  # metadata: the constants among the floating-point arrays


class OnnxModel(nn.Module):
    """A network from an ONNX file: its arrays as a tree, its graph run as NumPy code.

    Args:
        weights: the initialisers that training changes, by name.
        statistics: the means and variances of batch normalisation, by name.
        block: the graph.

    Call:
        the inputs of the file in order, or by name -> its output, or a tuple of them.
    """

    weights: dict[str, Any]
    statistics: dict[str, Any] = nn.state()
    block: Block = nn.static()

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run the file's graph."""
        names = self.block.inputs
        if len(inputs) + len(named) != len(names) or not set(named) <= set(names[len(inputs) :]):
            raise StructureError(
                "the file has other inputs",
                function="OnnxModel",
                got=", ".join([f"{len(inputs)} in order", *named]),
                wanted=", ".join(names),
            )
        given = [*inputs, *[named[name] for name in names[len(inputs) :]]]
        arrays = [x if hasattr(x, "dtype") else np.asarray(x) for x in given]
        # Files compute both sides of a choice, and say nothing of the one not taken.
        with np.errstate(all="ignore"):
            results = run(self.block, arrays, ChainMap({**self.weights, **self.statistics}))
        return results[0] if len(results) == 1 else tuple(results)

    def __repr__(self) -> str:
        return (
            f"OnnxModel({', '.join(self.block.inputs)} -> {', '.join(self.block.outputs)}; "
            f"{len(self.block.steps)} steps, {len(self.weights)} arrays to train)"
        )


def from_onnx(
    source: str | os.PathLike[str] | bytes, *, constants: Sequence[str] = ()
) -> OnnxModel:
    """Read an ONNX file as a model that can be called, differentiated, compiled and trained.

    Floating-point initialisers are its parameters. What is no parameter: single numbers,
    whole numbers, the statistics of batch normalisation, and what decides about shapes.

    Args:
        source: the file's path, or its bytes. Arrays in files of their own must lie in its
            folder or below.
        constants: names of further arrays that are no parameters; ``*`` stands for any text.
            PyTorch's newer exporter calls what it worked out itself ``val_*``.

    Raises:
        FileFormatError: the file is damaged, or no ONNX file.
        UnsupportedError: operators without a rule here; all of them are named.
        OSError: the file cannot be opened.

    >>> from adjoint.formats import to_onnx
    >>> written = to_onnx(nn.Sequential(nn.Linear(3, 2), nn.Tanh()), np.ones((5, 3)))
    >>> model = from_onnx(written.SerializeToString())
    >>> model
    OnnxModel(x -> output; 3 steps, 2 arrays to train)
    >>> model(np.zeros((5, 3))).shape
    (5, 2)
    """
    contents = read(source)
    block = contents.block
    known, statistics = _special(block)
    known |= set(_not_trained(contents.metadata.get(NOT_TRAINED, "[]")))
    known |= {name for name in contents.arrays if any(fnmatchcase(name, p) for p in constants)}
    kept: dict[str, dict[str, Any]] = {"weights": {}, "statistics": {}, "constants": {}}
    for name, array in contents.arrays.items():
        if array.dtype.kind != "f" or array.ndim == 0 or name in known - statistics:
            kind = "constants"
        else:
            kind = "statistics" if name in statistics else "weights"
        kept[kind][name] = array
    # Parameters are the caller's own arrays, as those of any model.
    weights = {name: np.array(x) for name, x in kept["weights"].items()}
    return OnnxModel(weights, kept["statistics"], block.replace(constants=kept["constants"]))


def _not_trained(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:  # another program's metadata
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _special(block: Block) -> tuple[set[str], set[str]]:
    """Names that must be known when shapes are worked out; and those of statistics."""
    known, statistics = set(), set()
    for step in _steps(block):
        rule = OPERATORS[step.op]
        inputs = dict(enumerate(step.inputs))
        known |= {inputs[k] for k in rule.known if k in inputs}
        statistics |= {inputs[k] for k in rule.statistics if k in inputs}
    return known, statistics


def _steps(block: Block) -> Iterator[Step]:
    for step in block.steps:
        yield step
        for value in step.settings.values():
            if isinstance(value, Block):
                yield from _steps(value)
