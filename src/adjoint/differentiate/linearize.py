"""Linearise: a graph at a point becomes a graph that is linear in the tangents.

Each node contributes by its structure (``graph/primitive.py``). The forward values that the
linear graph needs, the residuals, become its first inputs. Computations on residuals alone
(such as ``cos(x)``) are part of the linear graph too: they are done when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from adjoint.differentiate.powers_of_roots import PowerTangents
from adjoint.differentiate.replay import replay_values, value_of
from adjoint.differentiate.zero_lengths import Limits
from adjoint.errors import NoDerivativeError
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.primitives.infer import zeros
from adjoint.primitives.linear import neg
from adjoint.trace.recorder import MADE_ANEW, Recorder

# Rules of control primitives: (node, primals, tangents, recorder) -> tangents of outputs.
ControlRule = Callable[[Node, Sequence[Any], Sequence[Any]], Sequence[Any]]
control_jvps: dict[str, ControlRule] = {}
# Of those whose rule needs the outputs too: (node, primals, outputs, tangents) -> tangents.
SolvedRule = Callable[[Node, Sequence[Any], Sequence[Any], Sequence[Any]], Sequence[Any]]
solved_jvps: dict[str, SolvedRule] = {}


class Linearized(NamedTuple):
    """The linear part of a graph.

    ``graph`` takes ``residuals`` (values of the linearised graph) and one tangent for each
    active input, and gives one tangent for each output in ``active_outputs``.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    active_outputs: tuple[int, ...]


class Primals:
    """Forward values as stand-ins, made when first asked for."""

    def __init__(self, graph: Graph, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[Value, Any] = {}
        self.optional: dict[int, Value] = {}
        self.makers = {
            node.outputs[0]: node for node in graph.nodes if node.primitive.name in MADE_ANEW
        }

    def __call__(self, operand: Operand) -> Any:
        """The stand-in of a value; the array of a literal."""
        if isinstance(operand, Literal):
            return value_of(operand, {})
        if operand in self.known:
            return self.known[operand]
        chain: list[Value] = []
        root: Operand = operand
        while isinstance(root, Value) and root in self.makers:
            chain.append(root)
            root = self.makers[root].operands[0]
        made = self(root) if isinstance(root, Literal) else self._residual(root)
        for value in reversed(chain):
            if value not in self.known:
                node = self.makers[value]
                self.known[value] = node.primitive(made, **node.settings)
            made = self.known[value]
        return made

    def _residual(self, value: Value) -> Any:
        made = self.known.get(value)
        if made is None:
            made = self.known[value] = self.recorder.input(value.type)
            self.optional[made.number] = value
        return made


def linearize(graph: Graph, active: Sequence[bool]) -> Linearized:
    """The linear part of a graph with respect to its active inputs."""
    recorder = Recorder("linearize", concrete=False, keep_all=True)
    primal = Primals(graph, recorder)
    tangents: dict[Value, Any] = {}
    heads = []
    for value, is_active in zip(graph.inputs, active, strict=True):
        if is_active:
            tangents[value] = recorder.input(value.type)
            heads.append(tangents[value].number)
    powers = PowerTangents(graph.nodes, primal, tangents, _linear_tangent)
    limits = Limits(graph, primal, tangents)
    for node in graph.nodes:
        recorder.source = node.source._replace(role="tangent") if node.source else None
        limits.before(node)
        incoming = [tangents.get(o) if isinstance(o, Value) else None for o in node.operands]
        if all(t is None for t in incoming):
            found: Sequence[Any] = [None] * len(node.outputs)
        elif powers.has_rule(node):
            found = [powers.of_power(node)]
        else:
            found = node_tangents(node, primal, incoming)
        found = [limits.after(node, found[0]), *found[1:]]
        for value, t in zip(node.outputs, found, strict=True):
            if t is not None and value.type.is_differentiable:
                tangents[value] = t
        powers.pass_by(node)
    if any("at_equal" in node.primitive.notes for node in graph.nodes):
        # It differentiates single nodes in turn.
        from adjoint.differentiate.equal_values import missing_shares

        for value, share in missing_shares(graph, primal, tangents).items():
            tangents[value] = tangents[value] + share
    live = [i for i, o in enumerate(graph.outputs) if isinstance(o, Value) and o in tangents]
    outputs = [recorder.index_of(tangents[graph.outputs[i]]) for i in live]  # type: ignore[index]
    made = recorder.graph(outputs, heads, optional=list(primal.optional), inline=EVERYTHING)
    recorder.closed = True
    return Linearized(made.graph, tuple(primal.optional[i] for i in made.used), tuple(live))


EVERYTHING = 1 << 62  # constants made by rules are all literals: they belong to the rule


def node_tangents(node: Node, primal: Any, incoming: Sequence[Any]) -> Sequence[Any]:
    """The tangents of a node's outputs; None where they do not move."""
    primitive, settings = node.primitive, node.settings
    structure = primitive.structure
    if structure == "constant":
        return [None] * len(node.outputs)
    if structure == "elementwise":
        out = primal(node.outputs[0])
        operands = [primal(o) for o in node.operands]
        total = None
        for term, t in zip(primitive.terms, incoming, strict=True):
            if term is not None and t is not None:
                share = term(t, out, *operands, **settings)
                total = share if total is None else total + share
        return [_as_wide_as(out, total)]
    if structure == "linear":
        return [_linear_tangent(node, primal, incoming)]
    if structure == "multilinear":
        total = None
        for i, t in enumerate(incoming):
            if t is not None:
                operands = [t if j == i else primal(o) for j, o in enumerate(node.operands)]
                share = primitive(*operands, **settings)
                total = share if total is None else total + share
        return [total]
    if structure == "special":
        assert primitive.jvp is not None
        primals = [primal(o) for o in node.operands]
        outputs = [primal(v) for v in node.outputs]
        result = primitive.jvp(primals, incoming, outputs, **settings)
        return result if primitive.several else [result]
    if primitive.name in solved_jvps:
        primals, outputs = [primal(o) for o in node.operands], [primal(v) for v in node.outputs]
        return solved_jvps[primitive.name](node, primals, outputs, incoming)
    found = control_jvps.get(primitive.name)
    if found is None:
        raise NoDerivativeError(
            f"{primitive.name} has no derivative",
            function="grad",
            source=node.source,
            remedy="use forward mode once less, or write the loop in Python outside jit",
        )
    return found(node, [primal(o) for o in node.operands], incoming)


def _as_wide_as(out: Any, tangent: Any) -> Any:
    """A tangent in the precision of its value, whatever numbers a rule has computed with."""
    if tangent is None or tangent.dtype == out.dtype or tangent.dtype.kind != out.dtype.kind:
        return tangent
    return tangent.astype(out.dtype)


def _linear_tangent(node: Node, primal: Any, incoming: Sequence[Any]) -> Any:
    primitive = node.primitive
    if primitive.name in ("add", "sub") and None in incoming:
        x_dot, y_dot = incoming
        if y_dot is None:
            return x_dot
        return y_dot if primitive.name == "add" else neg(y_dot)
    operands = []
    for i, (t, operand) in enumerate(zip(incoming, node.operands, strict=True)):
        if not primitive.is_linear_in(i):
            operands.append(primal(operand))
        elif t is None:
            operands.append(zeros(operand.type))
        else:
            operands.append(t)
    return primitive(*operands, **node.settings)


def jvp_graph(
    graph: Graph, active: Sequence[bool], *, primal_outputs: bool
) -> tuple[Graph, tuple[int, ...]]:
    """The graph of values and tangents together.

    Returns:
        A graph from (inputs, tangents of active inputs) to (outputs if asked for, tangents
        of active outputs), and which outputs are active.
    """
    linear = linearize(graph, active)
    recorder = Recorder("jvp", concrete=False, keep_all=True)
    primals = [recorder.input(v.type) for v in graph.inputs]
    count = sum(active)
    tangents = [recorder.input(v.type) for v in linear.graph.inputs[len(linear.residuals) :]]
    assert len(tangents) == count
    values = replay_values(graph, primals)
    residuals = [values[v] for v in linear.residuals]
    inner = replay_values(linear.graph, [*residuals, *tangents])
    results = [value_of(o, values) for o in graph.outputs] if primal_outputs else []
    results += [value_of(o, inner) for o in linear.graph.outputs]
    made = recorder.graph(
        [recorder.index_of(x) for x in results],
        range(len(primals) + len(tangents)),
        inline=EVERYTHING,
    )
    recorder.closed = True
    return made.graph, linear.active_outputs
