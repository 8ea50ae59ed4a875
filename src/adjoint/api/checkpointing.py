"""Recomputation in place of memory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api.control import around
from adjoint.api.recorded import bound, is_setting
from adjoint.differentiate.tape import payload_of
from adjoint.errors import StructureError
from adjoint.graph.graph import Graph
from adjoint.graph.types import type_of
from adjoint.primitives import control
from adjoint.trace.indexing import concrete_value
from adjoint.trace.record import argument_payload, current, record_graph
from adjoint.trace.recorder import Recorder, TracedCore, innermost
from adjoint.trace.session import session
from adjoint.trace.slots import closing

# What costs more to compute again than to keep.
_PRODUCTS = frozenset(
    {"matmul", "einsum", "convolution", "solve", "inv", "cholesky", "det", "slogdet"}
)
Policy = str | Callable[[str], bool]


def checkpoint(
    f: Callable[..., Any] | None = None, *, policy: Policy = "nothing"
) -> Callable[..., Any]:
    """The same function, recomputed in the backward pass: only its arguments are kept.

    Saves the memory of everything f computes inside, for the price of running it twice.

    Args:
        f: any function of trees.
        policy: which values inside f are kept all the same: ``"nothing"``; ``"products"``, the
            results of matrix products, convolutions and linear algebra, so that only cheap
            operations are done twice; or a function that is given the name of the primitive
            that made a value, and tells whether to keep it.

    >>> import numpy as np
    >>> from adjoint import grad
    >>> grad(lambda x: np.sum(checkpoint(np.sin)(x)))(np.zeros(2))
    array([1., 1.])
    """
    if f is None:
        return functools.partial(checkpoint, policy=policy)
    keeps = _keeper(policy)

    @functools.wraps(f)
    def checkpointed(*args: Any, **options: Any) -> Any:
        if options or any(type(x) is int or is_setting(x) for x in tree.leaves(args)):
            run, arrays = bound(f, args, options)
            return checkpoint(run, policy=policy)(*arrays)
        leaves, structure = tree.flatten(args)
        recorder = innermost(leaves)
        if recorder is None:
            return f(*args)
        outer = around.get()
        if outer is not None:
            return outer.call(functools.partial(checkpoint, policy=policy), f, *args)
        operands = [argument_payload(x, "checkpoint")[0] for x in leaves]
        known = all(not isinstance(x, TracedCore) or concrete_value(x) is not None for x in leaves)
        if not (recorder.concrete and known):
            types = [type_of(x) for x in operands]
            recording = record_graph(f, types, structure, "checkpoint")
            graph = recording.graph
            kept = _kept_values(graph, keeps)
            graph = Graph(graph.inputs, graph.nodes, (*graph.outputs, *kept))
            outputs = control.call(*operands, *recording.captured, graph=graph, label="checkpoint")
            n = len(outputs) - len(kept)
            return tree.unflatten(recording.structure, outputs[:n])
        graph, captured, results, out_structure = _run_apart(
            f, recorder, operands, structure, keeps
        )
        made = recorder.emit(control.call, [*operands, *captured], (graph, "checkpoint"), results)
        return tree.unflatten(out_structure, made[: out_structure.num_leaves])

    return checkpointed


def _keeper(policy: Policy) -> Callable[[str], bool]:
    if callable(policy):
        return policy
    names = {"nothing": frozenset[str](), "products": _PRODUCTS}
    if policy not in names:
        raise StructureError(
            "there is no such policy",
            function="checkpoint",
            got=repr(policy),
            wanted="'nothing', 'products', or a function of a primitive's name",
        )
    return names[policy].__contains__


def _kept_values(graph: Graph, keeps: Callable[[str], bool]) -> list[Any]:
    """Inner values to give out beside the results, so that they are not computed again."""
    known = set(graph.outputs)
    return [
        value
        for node in graph.nodes
        if keeps(node.primitive.name)
        for value in node.outputs
        if value not in known
    ]


def _run_apart(
    f: Callable[..., Any],
    recorder: Recorder,
    operands: list[Any],
    structure: tree.TreeDef,
    keeps: Callable[[str], bool],
) -> tuple[Graph, list[Any], list[Any], tree.TreeDef]:
    """Run f under a recorder of its own, whose values are dropped when it is done."""
    apart = Recorder(
        "checkpoint",
        concrete=True,
        keep_all=True,
        transforming=False,
        forgets=lambda name: not keeps(name),
    )
    # What f takes from around it is of the outer recorder too: it enters by the node alone.
    apart.beneath = recorder

    def below(x: Any) -> Any:
        return x.payload if isinstance(x, TracedCore) and x.recorder is recorder else x

    heads = [
        apart.input(
            below(x),
            weak=isinstance(x, TracedCore) and x.weak,
        )
        for x in operands
    ]
    with closing(apart):
        with session:
            results, out_structure = tree.flatten(f(*tree.unflatten(structure, heads)))
        results = [current(x) for x in results]
        indices = [apart.index_of(x) for x in results]
        made = apart.graph(indices, range(len(heads)))
    captured = [apart.payloads[i] for i in made.captured]
    payloads = [below(payload_of(x, apart)) for x in results]
    payloads = [x if hasattr(x, "dtype") else np.asarray(x) for x in payloads]
    kept = _kept_values(made.graph, keeps)
    index = {value: i for i, value in made.values.items()}
    payloads += [apart.payloads[index[value]] for value in kept]
    graph = Graph(made.graph.inputs, made.graph.nodes, (*made.graph.outputs, *kept))
    return graph, captured, payloads, out_structure
