"""Write a function or a model as an ONNX file."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint import tree
from adjoint.api.recorded import Recorded, is_setting, record, understand
from adjoint.errors import StructureError, UnsupportedError
from adjoint.formats.needed import onnx_package
from adjoint.formats.onnx_in import NOT_TRAINED, OnnxModel
from adjoint.formats.writing import BATCH, Dim, Plan, Writer, lay_over, write_plan
from adjoint.formats.writing.control import type_of
from adjoint.formats.writing.plan import BatchError, constant, refused
from adjoint.graph.graph import Graph
from adjoint.nn import is_training, trainable
from adjoint.nn.module import is_module
from adjoint.rewrite.control import in_bodies, open_calls
from adjoint.rewrite.pipeline import simplify
from adjoint.train.atomic import write_atomic

OPSET = 18  # the first in which all reductions take their axes alike
IR_VERSION = 8  # of the time of that opset: older runtimes read it
# Far from each other and from the lengths of layers, so that none is taken for another.
_SIZES = (1009, 1013, 1021)
_LARGEST = 2**31 - 2**20  # what protobuf can hold


class _Leaf(NamedTuple):
    """An array of the call: its name in the file, and whether it is a parameter."""

    name: str
    array: Any
    inside: bool
    trains: bool
    follows: bool


def to_onnx(
    f: Callable[..., Any],
    *args: Any,
    path: str | os.PathLike[str] | None = None,
    dynamic_batch: bool | Sequence[int] = False,
    parameters: Sequence[int] = (),
) -> Any:
    """Write a model, or any function of arrays, as ONNX.

    Args:
        f: a model of ``nn`` layers, or a function. The arrays of a model become initialisers,
            named by their paths; arrays that a function takes from outside, constants.
        args: example arguments, trees of arrays: their shapes and dtypes are those of the file.
            Python integers, strings and booleans are settings.
        path: where to write; its folder must exist. Nothing is written without one.
        dynamic_batch: whether the first axis of every array among the arguments is a batch of
            any size; or the positions of the arguments of which it is.
        parameters: positions of arguments that are written as initialisers, not as inputs.

    Returns:
        The ``onnx.ModelProto``, checked.

    Raises:
        UnsupportedError: an operation has no form in ONNX, or depends on the batch; it is named
            with its line.
        OSError: the file cannot be written.

    >>> from adjoint import nn
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    >>> proto = to_onnx(model, np.ones((5, 3)), dynamic_batch=True)
    >>> [node.op_type for node in proto.graph.node], proto.graph.initializer[0].name
    (['MatMul', 'Add', 'Tanh'], 'layers[0].weight')
    """
    onnx = onnx_package("to_onnx")
    if is_training():
        raise StructureError(
            "a model is written as it is used, not as it is trained",
            function="to_onnx",
            remedy="call it outside of nn.apply(..., training=True)",
        )
    leaves, run, call = _taken_apart(f, args, dynamic_batch, parameters)
    recorded, plan = _planned(leaves, run, call, bool(dynamic_batch))
    proto = _document(onnx, f, leaves, recorded, plan)
    if path is not None:
        write_atomic(path, proto.SerializeToString())
    return proto


def _taken_apart(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    dynamic_batch: bool | Sequence[int],
    parameters: Sequence[int],
) -> tuple[list[_Leaf], Callable[..., Any], tuple[Any, ...]]:
    """The arrays of the call with their names; and the call with the model as an argument."""
    model = is_module(f)
    call = (f, *args) if model else args
    run = (lambda m, *rest: m(*rest)) if model else f
    first = 1 if model else 0
    inside = {first + i for i in _positions(parameters, args, "parameters")}
    moving = range(len(args)) if dynamic_batch is True else dynamic_batch or ()
    follows = {first + i for i in _positions(moving, args, "dynamic_batch")} - inside
    names = _names(f, len(args))
    leaves = []
    for i, argument in enumerate(call):
        is_model = model and i == 0
        whole = "" if is_model else names[i - first]
        flags = tree.leaves(trainable(argument))
        paths = tree.paths(argument)
        if is_model and isinstance(argument, OnnxModel):  # names of the file it came from
            paths = [*sorted(argument.weights), *sorted(argument.statistics)]
        found = zip(paths, tree.leaves(argument), flags, strict=True)
        for at, x, trains in found:
            if type(x) is int or (type(x) is not np.ndarray and is_setting(x)):
                continue
            name = f"{whole}{'.' if at and at[0] not in '.[' and whole else ''}{at}"
            array = np.asarray(x)
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
            batch = i in follows and array.ndim > 0
            leaves.append(_Leaf(name, array, is_model or i in inside, trains, batch))
    return leaves, run, call


def _positions(which: Sequence[int], args: tuple[Any, ...], what: str) -> list[int]:
    if any(not -len(args) <= i < len(args) for i in which):
        raise StructureError(
            f"{what} names an argument that is not there",
            function="to_onnx",
            got=f"{what}={tuple(which)} for {len(args)} arguments",
            wanted="positions of arguments",
        )
    return [i % len(args) for i in which]


def _names(f: Callable[..., Any], count: int) -> list[str]:
    """What f calls its arguments."""
    if isinstance(f, OnnxModel):
        return list(f.block.inputs)
    try:
        found = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # functions written in C tell nothing
        found = []
    plain = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [plain[i] if i < len(plain) else f"input_{i}" for i in range(count)]


def _planned(
    leaves: list[_Leaf], run: Callable[..., Any], call: tuple[Any, ...], dynamic: bool
) -> tuple[Recorded, Plan]:
    """Record the function: once, or for several sizes of the batch."""
    sizes = _SIZES if dynamic and any(leaf.follows for leaf in leaves) else (0,)
    lengths = {leaf.array.shape[0] for leaf in leaves if leaf.follows}
    if len(lengths) > 1:
        raise StructureError(
            "the arguments have batches of several sizes",
            function="to_onnx",
            got=f"first axes of {sorted(lengths)}",
            remedy="dynamic_batch=(0,) names the arguments whose first axis is the batch",
        )
    recordings, graphs = [], []
    for size in sizes:
        understood = understand(call, {}, True, "to_onnx")
        pairs = [
            (_resized(x, size) if leaf.follows else x, weak)
            for (x, weak), leaf in zip(understood.pairs, leaves, strict=True)
        ]
        found = record(run, understood._replace(pairs=pairs), "to_onnx")
        recordings.append(found)
        graphs.append(tidied(found.graph))
    if any(found.structure != recordings[0].structure for found in recordings):
        raise UnsupportedError("the result has another structure for another batch size",
                               function="to_onnx")  # fmt: skip
    first = recordings[0]
    captured = []
    for k, arrays in enumerate(zip(*[r.captured for r in recordings], strict=True), len(leaves)):
        try:
            captured.append(constant(arrays, sizes))
        except BatchError as error:
            value = graphs[0].inputs[k]
            users = [node.source for node in graphs[0].nodes if value in node.operands]
            raise refused(str(error), users[0] if users else None) from None
    return first._replace(captured=captured), lay_over(graphs, sizes)


def _resized(x: Any, size: int) -> Any:
    return np.broadcast_to(np.zeros((), x.dtype), (size, *x.shape[1:]))


def tidied(graph: Graph) -> Graph:
    """Calls opened, constants folded, equal nodes merged: in nested graphs too."""
    return simplify(open_calls(in_bodies(graph, tidied)))


def _document(onnx: Any, f: Any, leaves: list[_Leaf], recorded: Recorded, plan: Plan) -> Any:
    w = Writer()
    inputs, kept = [], []
    for number, leaf in enumerate(leaves):
        name = w.fresh(leaf.name)
        w.bind(number, name)
        if leaf.inside:
            w.arrays[name] = leaf.array
            kept += [name] if leaf.trains else []
            continue
        kind = plan.kinds[number]
        inputs.append(type_of(w, name, kind))
        if Dim(1) in kind.shape:
            w.batch_from = w.batch_from or (name, kind.shape.index(Dim(1)))
    for number, array in enumerate(recorded.captured, len(leaves)):
        w.bind_constant(number, array)
    results = write_plan(w, plan)
    outputs = []
    for name, result, operand in zip(
        _output_names(f, recorded, len(results)), results, plan.outputs, strict=True
    ):
        wanted = w.fresh(name)
        _name_result(onnx, w, result, wanted, alone=results.count(result) == 1)
        outputs.append(type_of(w, wanted, plan.kind(operand)))
    used = {name for node in _all_nodes(w.nodes) for name in node.input}
    arrays = {name: x for name, x in w.arrays.items() if name in used}
    size = sum(array.nbytes for array in arrays.values())
    if size > _LARGEST:
        raise UnsupportedError(
            "the arrays are too large for one ONNX file",
            function="to_onnx",
            got=f"{size / 2**30:.2f} GiB",
            wanted="less than 2 GiB",
            remedy='write it in less precision: model.astype("float32")',
        )
    tensors = [_tensor(onnx, name, array) for name, array in arrays.items()]
    graph = onnx.helper.make_graph(w.nodes, "adjoint", inputs, outputs, tensors)
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(
        graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="adjoint"
    )
    floats = [name for name, x in arrays.items() if x.dtype.kind == "f" and name not in kept]
    if floats:
        onnx.helper.set_model_props(model, {NOT_TRAINED: json.dumps(floats)})
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UnsupportedError(
            "ONNX has no such operation on these types",
            function="to_onnx",
            got=str(error).strip().splitlines()[0],
            remedy="cast to floating point, or to int64, before it",
        ) from None
    return model


def _name_result(onnx: Any, w: Writer, result: str, wanted: str, alone: bool) -> None:
    """Give a result its name: at the node that makes it, if nothing else speaks of it."""
    if alone and not any(result in node.input for node in _all_nodes(w.nodes)):
        for node in w.nodes:
            for i, name in enumerate(node.output):
                if name == result:
                    node.output[i] = wanted
                    return
    w.nodes.append(onnx.helper.make_node("Identity", [result], [wanted]))


def _tensor(onnx: Any, name: str, array: Any) -> Any:
    return onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)


def _all_nodes(nodes: Sequence[Any]) -> list[Any]:
    """The nodes of a graph and of the graphs inside them."""
    found, waiting = [], list(nodes)
    while waiting:
        node = waiting.pop()
        found.append(node)
        for attribute in node.attribute:
            waiting.extend(attribute.g.node)
    return found


def _output_names(f: Any, recorded: Recorded, count: int) -> list[str]:
    if isinstance(f, OnnxModel):
        return list(f.block.outputs)
    result = tree.unflatten(recorded.structure, range(recorded.structure.num_leaves))
    fixed = {i for i, _ in recorded.fixed}
    paths = [path for i, path in enumerate(tree.paths(result)) if i not in fixed]
    if len(paths) == count == 1 and not paths[0]:
        return ["output"]
    return [f"output{path}" if path[:1] in ".[" else f"output.{path}" for path in paths]


__all__ = ["BATCH", "to_onnx"]
