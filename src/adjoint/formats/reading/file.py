"""An ONNX file taken apart: steps with names, arrays, and nothing that is not understood."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from adjoint.errors import AdjointError, FileFormatError, UnsupportedError
from adjoint.formats.needed import onnx_package
from adjoint.formats.reading.step import OPERATORS, Block, Step

NEWEST = 28  # opset: a later one may give operators settings that no rule here looks at
_DTYPES = {"to", "dtype"}  # attributes that number a dtype
_DOMAINS = ("", "ai.onnx")


class Contents(NamedTuple):
    """What a file holds.

    Args:
        block: its graph; the constants are those of the graphs inside it too.
        arrays: the initialisers by name.
        metadata: text by name.
    """

    block: Block
    arrays: dict[str, Any]
    metadata: dict[str, str]


def read(source: str | os.PathLike[str] | bytes) -> Contents:
    """Take a file, or the bytes of one, apart.

    Raises:
        FileFormatError: it is damaged, or no ONNX file.
        UnsupportedError: operators without a rule here; all of them are named.
        OSError: it cannot be opened.
    """
    reader = _Reader(onnx_package("from_onnx"), source)
    try:
        return _contents(reader)
    except AdjointError:
        raise
    except (TypeError, ValueError) as error:  # names that are no text, numbers out of range
        raise reader.damaged(f"it is not well formed: {error}") from None


def _contents(reader: _Reader) -> Contents:
    proto = reader.proto
    missing = sorted({kind for kind in reader.kinds(proto.graph) if kind not in OPERATORS})
    if missing:
        raise UnsupportedError(
            "the file has operators that have no rule here",
            function="from_onnx",
            got=", ".join(missing),
            wanted=f"some of the {len(OPERATORS)} that have, see docs/guides/onnx.md",
        )
    versions = [o.version for o in proto.opset_import if o.domain in _DOMAINS]
    if not versions or not proto.graph.output:
        raise reader.damaged("it holds no graph of ONNX operators")
    if max(versions) > NEWEST:
        raise UnsupportedError(
            "the file speaks a newer ONNX",
            function="from_onnx",
            got=f"opset {max(versions)}",
            wanted=f"at most {NEWEST}",
            remedy="onnx.version_converter.convert_version(model, 18)",
        )
    arrays = reader.arrays(proto.graph.initializer)
    block = reader.block(proto.graph, max(versions), frozenset(arrays))
    metadata = {str(p.key): str(p.value) for p in proto.metadata_props}
    return Contents(block, arrays, metadata)


class _Reader:
    """One file at work: where it lies, and what its messages call it."""

    def __init__(self, onnx: Any, source: str | os.PathLike[str] | bytes) -> None:
        self.onnx = onnx
        self.place = None if isinstance(source, bytes) else Path(source)
        self.name = "the bytes" if self.place is None else str(self.place)
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        self.proto = onnx.ModelProto()
        try:
            self.proto.ParseFromString(content)
            if self.proto.functions:
                import onnx.inliner

                self.proto = onnx.inliner.inline_local_functions(self.proto)
        except Exception as error:  # protobuf has several kinds of parsers, each with its errors
            raise self.damaged(f"it is no ONNX file: {error}") from None

    def damaged(self, problem: str) -> FileFormatError:
        """The error for a file that is not what it should be."""
        first = problem.strip().splitlines()[0]
        return FileFormatError(f"{self.name} cannot be read: {first}", function="from_onnx")

    def kinds(self, graph: Any) -> Iterable[str]:
        """The operators of a graph and of those inside it."""
        for node in graph.node:
            yield node.op_type if node.domain in _DOMAINS else f"{node.domain}.{node.op_type}"
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    yield from self.kinds(attribute.g)

    # *** arrays ***

    def arrays(self, tensors: Iterable[Any]) -> dict[str, Any]:
        """Tensors by name."""
        found = {}
        for tensor in tensors:
            if tensor.name in found:
                raise self.damaged(f"two arrays are called {tensor.name!r}")
            found[tensor.name] = self.array(tensor)
        return found

    def array(self, tensor: Any) -> Any:
        """A tensor as an array, from the file or from the one beside it."""
        name = tensor.name or "a constant"
        helper = self.onnx.helper
        try:
            dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        except (KeyError, ValueError, TypeError):
            raise self.damaged(f"{name!r} has the dtype {tensor.data_type}") from None
        if dtype.kind not in "biuf":
            raise UnsupportedError(
                f"arrays of {dtype} have no counterpart here", function="from_onnx", got=name
            )
        shape = tuple(tensor.dims)
        if any(n < 0 for n in shape):
            raise self.damaged(f"{name!r} has the shape {shape}")
        try:
            if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
                return self._beside(tensor, name, shape, dtype)
            array = self.onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.damaged(f"{name!r} is not what its shape says: {error}") from None
        if array.shape != shape or array.dtype.kind not in "biuf":
            raise self.damaged(f"{name!r} is not what its shape says")
        array = np.array(array)
        array.flags.writeable = False
        return array

    def _beside(self, tensor: Any, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        """From a file in the folder of this one, or below it; never from elsewhere."""
        if self.place is None:
            raise self.damaged(f"{name!r} lies in a file of its own, and bytes have no folder")
        entries = {entry.key: entry.value for entry in tensor.external_data}
        folder = self.place.resolve().parent
        location = entries.get("location", "")
        place = (folder / location).resolve()
        if not location or Path(location).is_absolute() or not place.is_relative_to(folder):
            raise self.damaged(f"{name!r} points out of the folder of the file: {location!r}")
        if not place.is_file():
            raise self.damaged(f"{location!r}, which holds {name!r}, is not there")
        start, wanted = int(entries.get("offset", 0)), dtype.itemsize
        for n in shape:
            wanted *= n
        length = int(entries.get("length", wanted))
        if start < 0 or length != wanted or start + length > place.stat().st_size:
            raise self.damaged(f"{location!r} does not hold the {wanted} bytes of {name!r}")
        with place.open("rb") as file:
            file.seek(start)
            content = file.read(wanted)
        stored = np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape)
        return stored.astype(dtype) if stored.dtype != dtype else stored

    # *** graphs ***

    def block(self, graph: Any, version: int, around: frozenset[str]) -> Block:
        """A graph; ``around`` are the names it may use without making them."""
        if graph.sparse_initializer:
            raise UnsupportedError("sparse arrays have no rule here", function="from_onnx")
        own = set() if graph.initializer is None else {t.name for t in graph.initializer}
        inputs = tuple([x.name for x in graph.input if x.name not in own])
        outputs = tuple([x.name for x in graph.output])
        constants = {} if own <= around else self.arrays(graph.initializer)
        known = set(around) | own | set(inputs)
        rows, uses = [], []
        for node in graph.node:
            settings = self._settings(node, version, frozenset(known))
            reads = {name for name in node.input if name} | set().union(
                *[_outside(b) for b in settings.values() if isinstance(b, Block)]
            )
            if unmade := sorted(reads - known):
                raise self.damaged(f"{node.op_type} reads {unmade[0]!r}, which nothing makes first")
            made = [name for name in node.output if name]
            if known.intersection(made) or len(set(made)) < len(made):
                raise self.damaged(f"{node.op_type} makes {made[0]!r} a second time")
            known.update(made)
            rows.append((node, settings))
            uses.append(reads)
        if unmade := sorted(set(outputs) - known):
            raise self.damaged(f"nothing makes the output {unmade[0]!r}")
        local = known - around - own - set(outputs)
        ends: list[tuple[str, ...]] = []
        for reads, (node, _) in zip(reversed(uses), reversed(rows), strict=True):
            last = {name for name in (*reads, *node.output) if name in local}
            local -= last
            ends.append(tuple(sorted(last)))
        steps = tuple(
            [
                Step(node.op_type, version, tuple(node.input), tuple(node.output), settings, end)
                for (node, settings), end in zip(rows, reversed(ends), strict=True)
            ]
        )
        return Block(inputs, outputs, steps, constants)

    def _settings(self, node: Any, version: int, around: frozenset[str]) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        kinds = self.onnx.AttributeProto
        for attribute in node.attribute:
            if attribute.type == kinds.GRAPH:
                value: Any = self.block(attribute.g, version, around)
            elif attribute.type == kinds.TENSOR:
                value = self.array(attribute.t)
            elif attribute.type in (kinds.INT, kinds.FLOAT, kinds.INTS, kinds.FLOATS):
                value = self.onnx.helper.get_attribute_value(attribute)
                value = tuple(value) if isinstance(value, list) else value
            elif attribute.type == kinds.STRING:
                value = attribute.s.decode("utf-8", "replace")
            elif attribute.type == kinds.STRINGS:
                value = tuple([text.decode("utf-8", "replace") for text in attribute.strings])
            else:
                raise UnsupportedError(
                    f"{node.op_type} has a setting of a kind that has no rule here",
                    function="from_onnx",
                    got=attribute.name,
                )
            if attribute.name in _DTYPES and isinstance(value, int):
                value = self._dtype(value, node)
            settings[attribute.name] = value
        return settings

    def _dtype(self, number: int, node: Any) -> Any:
        try:
            dtype = np.dtype(self.onnx.helper.tensor_dtype_to_np_dtype(number))
        except (KeyError, ValueError, TypeError):
            raise self.damaged(f"{node.op_type} has the dtype {number}") from None
        if dtype.kind not in "biuf":
            raise UnsupportedError(f"{node.op_type} to {dtype} has no rule", function="from_onnx")
        return dtype


def _outside(block: Block) -> set[str]:
    """The names that a block, or one inside it, takes from around it."""
    made = {*block.inputs, *block.constants}
    wanted: set[str] = set(block.outputs)
    for step in block.steps:
        wanted.update(name for name in step.inputs if name)
        for value in step.settings.values():
            if isinstance(value, Block):
                wanted |= _outside(value)
        made.update(step.outputs)
    return wanted - made
