"""Print a graph and read it back: ``parse_graph(format_graph(g)) == g``.

Attributes that are no data (a user's function in a custom rule) print as ``@name`` and are
handed to the parser by name. Long literal arrays are shortened by ``str(graph)`` only.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from adjoint.errors import GraphError
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value, set_formatter
from adjoint.graph.primitive import primitives
from adjoint.graph.source import Source
from adjoint.graph.types import ArrayType, long_dtype, parse_type, short_dtype

_LONGEST_SHOWN = 8  # elements of a literal in str(graph)


def format_graph(
    graph: Graph,
    *,
    shorten: bool = False,
    sources: bool = True,
    objects: dict[str, Any] | None = None,
) -> str:
    """The graph as text, in the grammar of ``adjoint.graph.graph``.

    Args:
        graph: what to print.
        shorten: leave out the middle of long literals; such text cannot be read back.
        sources: end each line with the user's file and line.
        objects: is given the attribute objects that text can only name, by these names.
    """
    return "\n".join(_lines(graph, shorten, sources, {} if objects is None else objects))


def _lines(graph: Graph, shorten: bool, sources: bool, objects: dict[str, Any]) -> list[str]:
    names = {value: f"%{i}" for i, value in enumerate(graph.inputs)}

    def show(operand: Operand) -> str:
        if isinstance(operand, Literal):
            return _show_literal(operand, shorten)
        return names[operand]

    declared = ", ".join(f"{names[value]}: {value.type}" for value in graph.inputs)
    lines = [f"graph({declared}) {{"]
    for node in graph.nodes:
        operands = ", ".join(map(show, node.operands))
        for value in node.outputs:
            names[value] = f"%{len(names)}"
        targets = ", ".join(f"{names[value]}: {value.type}" for value in node.outputs)
        text = f"{targets} = {node.primitive.name}({operands})"
        nested: list[str] = []
        for name, setting in node.settings.items():
            if isinstance(setting, Graph):
                body = _lines(setting, shorten, sources, objects)
                nested.append(f"    {name}=" + "\n    ".join(body))
            else:
                text += f" {name}={_show_attribute(setting, objects)}"
        if sources and node.source is not None:
            text += f"  # {node.source.file}:{node.source.line} {node.source.function}"
            if node.source.role != "forward":
                text += f" ({node.source.role})"
        lines.append("  " + text)
        lines.extend(line for block in nested for line in block.split("\n"))
    lines.append(f"  return {', '.join(map(show, graph.outputs))}".rstrip())
    lines.append("}")
    return lines


def _show_literal(literal: Literal, shorten: bool) -> str:
    if shorten and literal.value.size > _LONGEST_SHOWN:
        return f"[...]: {literal.type}"
    return f"{_show_data(literal.value.tolist())}: {literal.type}"


def _show_data(data: Any) -> str:
    if isinstance(data, list):
        return "[" + ", ".join(map(_show_data, data)) + "]"
    return repr(data)


def _show_attribute(setting: Any, objects: dict[str, Any]) -> str:
    if isinstance(setting, np.dtype):
        return f"dtype({short_dtype(setting)})"
    if isinstance(setting, ArrayType):
        return f"type({setting})"
    if isinstance(setting, tuple):
        inner = ", ".join(_show_attribute(part, objects) for part in setting)
        return f"({inner},)" if len(setting) == 1 else f"({inner})"
    if setting is None or isinstance(setting, bool | int | float | str):
        return repr(setting)
    if isinstance(setting, np.generic):
        return repr(setting.item())
    name = f"@{getattr(setting, '__name__', type(setting).__name__)}.{len(objects)}"
    for known, thing in objects.items():
        if thing is setting:
            name = known
    objects[name] = setting
    return name


class _Reader:
    """A cursor over the text; one method for each rule of the grammar."""

    def __init__(self, text: str, objects: Mapping[str, Any]) -> None:
        self.text = text
        self.at = 0
        self.objects = objects

    def fail(self, wanted: str) -> GraphError:
        line = self.text.count("\n", 0, self.at) + 1
        rest = self.text[self.at : self.at + 30].split("\n")[0]
        return GraphError(
            f"cannot read the graph's text at line {line}",
            function="parse_graph",
            got=repr(rest),
            wanted=wanted,
        )

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \n\t":
            self.at += 1

    def peek(self, token: str) -> bool:
        self.space()
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> None:
        if not self.peek(token):
            raise self.fail(repr(token))
        self.at += len(token)

    def until(self, stops: str) -> str:
        """The text up to one of the stop characters, brackets and strings balanced."""
        self.space()
        start, depth, quote = self.at, 0, ""
        while self.at < len(self.text):
            letter = self.text[self.at]
            if quote:
                if letter == "\\":
                    self.at += 1
                elif letter == quote:
                    quote = ""
            elif letter in "'\"":
                quote = letter
            elif depth == 0 and letter in stops:
                break
            elif letter in "([{":
                depth += 1
            elif letter in ")]}":
                depth -= 1
            self.at += 1
        return self.text[start : self.at].strip()

    def type(self) -> ArrayType:
        self.space()
        end = self.text.find("]", self.at) + 1
        try:
            found = parse_type(self.text[self.at : end])
        except ValueError:
            raise self.fail("an array type such as f64[3,4]") from None
        self.at = end
        return found

    def typed_value(self) -> tuple[str, Value]:
        name = self.until(":")
        self.take(":")
        return name, Value(self.type())

    def typed_values(self, stop: str) -> list[tuple[str, Value]]:
        found = []
        while not self.peek(stop):
            found.append(self.typed_value())
            if not self.peek(stop):
                self.take(",")
        return found

    def operand(self, values: dict[str, Value], stops: str) -> Operand:
        if self.peek("%"):
            name = self.until(stops)
            if name not in values:
                raise self.fail(f"a value that is defined, not {name}")
            return values[name]
        data = _read_data(self.until(":"))
        self.take(":")
        kind = self.type()
        return Literal(np.array(data, dtype=kind.dtype).reshape(kind.shape))

    def attribute(self) -> Any:
        if self.peek("graph("):
            return self.graph()
        self.space()
        start = self.at
        if self.peek("("):
            self.take("(")
            parts = []
            while not self.peek(")"):
                parts.append(self.attribute())
                if not self.peek(")"):
                    self.take(",")
            self.take(")")
            return tuple(parts)
        if self.peek("dtype("):
            self.take("dtype(")
            name = self.until(")")
            self.take(")")
            return long_dtype(name)
        if self.peek("type("):
            self.take("type(")
            kind = self.type()
            self.take(")")
            return kind
        if self.peek("'") or self.peek('"'):
            quote = self.text[self.at]
            self.at += 1
            while self.text[self.at] != quote:
                self.at += 2 if self.text[self.at] == "\\" else 1
            self.at += 1
        else:
            while self.at < len(self.text) and self.text[self.at] not in " ,)\n":
                self.at += 1
        text = self.text[start : self.at].strip()
        if text.startswith("@"):
            if text not in self.objects:
                raise self.fail(f"the object {text} to be given in objects=")
            return self.objects[text]
        return _read_data(text)

    def source(self) -> Source | None:
        end = self.text.find("\n", self.at)
        line = self.text[self.at : end].strip()
        if not line.startswith("#"):
            return None
        self.at = end
        where, _, rest = line[1:].strip().partition(" ")
        file, _, number = where.rpartition(":")
        function, _, role = rest.partition(" (")
        return Source(None, 0, role.rstrip(")") or "forward", (file, int(number), function))

    def node(self, values: dict[str, Value]) -> Node:
        targets = self.typed_values("=")
        self.take("=")
        name = self.until("(")
        if name not in primitives:
            raise self.fail(f"a known primitive, not {name!r}")
        primitive = primitives[name]
        self.take("(")
        operands = []
        while not self.peek(")"):
            operands.append(self.operand(values, ",)"))
            if not self.peek(")"):
                self.take(",")
        self.take(")")
        source = None
        settings: dict[str, Any] = {}
        while True:
            rest = self.text[self.at : self.text.find("\n", self.at)]
            if rest.strip().startswith("#"):
                self.space()
                source = self.source()
            self.space()
            word = ""
            while self.text[self.at + len(word)].isidentifier() or (
                word and self.text[self.at + len(word)].isalnum()
            ):
                word += self.text[self.at + len(word)]
            if not word or word == "return" or self.text[self.at + len(word)] != "=":
                break
            self.at += len(word) + 1
            settings[word] = self.attribute()
        if set(settings) != set(primitive.attributes):
            raise self.fail(f"{name} with the attributes {primitive.attributes}")
        attributes = tuple(settings[key] for key in primitive.attributes)
        values.update(targets)
        outputs = tuple(value for _, value in targets)
        return Node(primitive, tuple(operands), attributes, outputs, source)

    def graph(self) -> Graph:
        values: dict[str, Value] = {}
        self.take("graph(")
        declared = self.typed_values(")")
        values.update(declared)
        self.take(")")
        self.take("{")
        nodes = []
        while self.peek("%"):
            nodes.append(self.node(values))
        self.take("return")
        outputs = []
        while not self.peek("}"):
            outputs.append(self.operand(values, ",}\n"))
            if not self.peek("}"):
                self.take(",")
        self.take("}")
        return Graph(tuple(value for _, value in declared), tuple(nodes), tuple(outputs))


def _read_data(text: str) -> Any:
    """Literal data; like ast.literal_eval, and nan and inf as well."""
    names = {"nan": float("nan"), "inf": float("inf"), "nanj": complex(0, float("nan"))}
    names["infj"] = complex(0, float("inf"))
    tree = ast.parse(text.strip(), mode="eval").body

    # Data nests only as deep as arrays have axes, so plain recursion is bounded.
    def read(node: ast.expr) -> Any:
        if isinstance(node, ast.List | ast.Tuple):
            return [read(part) for part in node.elts]
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        if isinstance(node, ast.UnaryOp):
            inner = read(node.operand)
            return -inner if isinstance(node.op, ast.USub) else +inner
        if isinstance(node, ast.BinOp):
            left, right = read(node.left), read(node.right)
            return left + right if isinstance(node.op, ast.Add) else left - right
        if isinstance(node, ast.Constant):
            return node.value
        raise GraphError("not a literal", function="parse_graph", got=text)

    return read(tree)


def parse_graph(text: str, objects: Mapping[str, Any] | None = None) -> Graph:
    """Read a graph's text.

    Args:
        text: what ``format_graph`` wrote.
        objects: what ``@name`` attributes stand for, see ``format_graph``.

    Raises:
        GraphError: with the line, what stands there and what was wanted.
    """
    reader = _Reader(text, objects or {})
    graph = reader.graph()
    reader.space()
    if reader.at != len(text):
        raise reader.fail("the end of the text")
    return graph


set_formatter(lambda graph: format_graph(graph, shorten=True))
