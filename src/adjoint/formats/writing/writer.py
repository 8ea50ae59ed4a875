"""The file being written: nodes, constants, names, and terms that write formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.formats.writing.plan import Constant, Dim, Extent, Kind, Operation, Plan, Shape

BATCH = "batch"  # the name of the axis whose length is known when the file is run
NUMBERS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


class Thin(NamedTuple):
    """A value before it is stretched: ONNX's elementwise operators stretch it themselves."""

    name: str
    shape: Shape


class Writer:
    """Nodes of one ONNX graph; those of bodies of loops share constants and names with it.

    Args:
        parent: the writer of the graph around this one.
    """

    def __init__(self, parent: Writer | None = None) -> None:
        self.nodes: list[Any] = []
        self.arrays: dict[str, Any] = parent.arrays if parent else {}
        self._taken: set[str] = parent._taken if parent else set()
        self._known: dict[Any, str] = parent._known if parent else {}
        self.batch_from: tuple[str, int] | None = parent.batch_from if parent else None
        self._batch: str | None = None
        self.plan: Plan
        self._names: dict[int, str] = {}
        self._thin: dict[int, Thin] = {}
        self._later: dict[int, Callable[[], str]] = {}
        self.made_by: dict[int, Operation] = {}
        self.operation: Operation | None = None  # at work, for messages

    # *** names ***

    def fresh(self, wanted: str) -> str:
        """A name that nothing has yet."""
        name, k = wanted, 1
        while name in self._taken:
            name, k = f"{wanted}_{k}", k + 1
        self._taken.add(name)
        return name

    def bind(self, number: int, name: str) -> None:
        """Say what a value of the plan is called in the file."""
        self._names[number] = name

    def bind_constant(self, number: int, array: Constant) -> None:
        """Say that an input of the plan is a constant."""
        thin = self.thin(array)
        self._thin[number] = thin
        self._later[number] = lambda: self.expand(thin, array.kind.shape)

    def later(self, number: int, write: Callable[[], str]) -> None:
        """A value that is written only if somebody asks for it whole."""
        self._later[number] = write

    def is_later(self, number: int) -> bool:
        """Whether a value has not been written."""
        return number in self._later and number not in self._thin

    def stretched(self, number: int, thin: Thin) -> None:
        """A value that is another one repeated; it is written out only where it must be."""
        self._thin[number] = thin
        self._later[number] = lambda: self.expand(thin, self.plan.kinds[number].shape)

    def name(self, operand: int | Constant) -> str:
        """The name of an operand, which is written now if it has not been."""
        if isinstance(operand, Constant):
            thin = self.thin(operand)
            return self.expand(thin, operand.kind.shape)
        if operand not in self._names:
            self._names[operand] = self._later.pop(operand)()
        return self._names[operand]

    def thin(self, operand: int | Constant) -> Thin:
        """An operand before it is stretched."""
        if isinstance(operand, int):
            found = self._thin.get(operand)
            return found or Thin(self.name(operand), self.plan.kinds[operand].shape)
        kind = operand.kind
        if operand.value is not None:
            number = self.emit("Cast", self.ints([operand.value]), to=self.type(kind.dtype))
            return Thin(self.emit("Reshape", number, self.ints((1,) * len(kind.shape))),
                        (1,) * len(kind.shape))  # fmt: skip
        if operand.counts:
            return Thin(self._series(operand), kind.shape)
        array = np.asarray(operand.array)
        return Thin(self.constant(array), array.shape)

    def _series(self, operand: Constant) -> str:
        """0, step, 2 step, ... along the axis of the batch, added to what stands first."""
        shape, step = operand.kind.shape, operand.counts
        axis = next(i for i, n in enumerate(shape) if isinstance(n, Dim))
        length = shape[axis]
        assert isinstance(length, Dim)
        stop = self.emit("Squeeze", self.ints([Dim(step * length.factor, step * length.offset)]))
        bounds = [self.constant(np.asarray(n, np.int64)) for n in (0, step)]
        series = self.emit("Range", bounds[0], stop, bounds[1])
        places = self.reshape(series, tuple([n if i == axis else 1 for i, n in enumerate(shape)]))
        whole = self.emit("Cast", places, to=self.type(operand.kind.dtype))
        return self.emit("Add", whole, self.constant(operand.array))

    def is_number(self, operand: int | Constant) -> Any:
        """The number that an operand repeats, where it is one known now; else None."""
        if isinstance(operand, int):
            operation = self.made_by.get(operand)
            if operation is None or operation.name != "broadcast":
                return None
            operand = operation.operands[0]
        if not isinstance(operand, Constant) or operand.value is not None or operand.counts:
            return None
        array = np.asarray(operand.array)
        return array.reshape(-1)[0] if array.size == 1 else None

    # *** constants ***

    def type(self, dtype: Any) -> int:
        """The number by which ONNX knows a dtype."""
        from onnx import helper

        dtype = np.dtype(dtype)
        if dtype.str[1:] not in NUMBERS:
            raise self.refused(f"ONNX's operators take no {dtype}")
        return int(helper.np_dtype_to_tensor_dtype(dtype))

    def constant(self, array: Any) -> str:
        """The name of an array, kept once however often it is used."""
        array = np.asarray(array)
        self.type(array.dtype)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._known:
            self._known[key] = self.fresh("constant")
            self.arrays[self._known[key]] = array
        return self._known[key]

    def ints(self, extents: Sequence[Extent]) -> str:
        """Whole numbers as a tensor: a constant, or worked out from the batch."""
        if not any(isinstance(n, Dim) for n in extents):
            return self.constant(np.array(extents, np.int64).reshape(-1))
        parts = [self._extent(n) for n in extents]
        return parts[0] if len(parts) == 1 else self.emit("Concat", *parts, axis=0)

    def _extent(self, n: Extent) -> str:
        if not isinstance(n, Dim):
            return self.constant(np.array([n], np.int64))
        if self._batch is None:
            assert self.batch_from is not None
            name, axis = self.batch_from
            self._batch = self.emit("Shape", name, start=axis, end=axis + 1)
        found = self._batch
        if n.factor != 1:
            found = self.emit("Mul", found, self.constant(np.array([n.factor], np.int64)))
        if n.offset:
            found = self.emit("Add", found, self.constant(np.array([n.offset], np.int64)))
        return found

    # *** nodes ***

    def emit_all(self, kind: str, inputs: Sequence[str], n: int, **attributes: Any) -> list[str]:
        """Write a node with n outputs; returns their names."""
        from onnx import helper

        outputs = [self.fresh(f"v{len(self._taken)}") for _ in range(n)]
        node = helper.make_node(kind, list(inputs), outputs, **attributes)
        if self.operation is not None and self.operation.source is not None:
            source = self.operation.source
            node.doc_string = source.text  # a line of code; where the file lies is nobody's matter
        self.nodes.append(node)
        return outputs

    def emit(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Write a node with one output; returns its name."""
        return self.emit_all(kind, inputs, 1, **attributes)[0]

    def expand(self, thin: Thin, shape: Shape) -> str:
        """Repeat a value until it has this shape."""
        if thin.shape == shape:
            return thin.name
        return self.emit("Expand", thin.name, self.ints(shape))

    def reshape(self, name: str, shape: Shape) -> str:
        """Put the same elements under another shape."""
        moving = [n for n in shape if isinstance(n, Dim)]
        if len(moving) == 1 and 0 not in shape:
            return self.emit("Reshape", name, self.ints([-1 if n in moving else n for n in shape]))
        return self.emit("Reshape", name, self.ints(shape), allowzero=1 if 0 in shape else 0)

    def permute(self, name: str, axes: Sequence[int]) -> str:
        """Reorder axes."""
        if list(axes) == list(range(len(axes))):
            return name
        return self.emit("Transpose", name, perm=list(axes))

    def take(self, name: str, indices: Any, axis: int) -> str:
        """Pick along one axis, by indices known now."""
        return self.emit("Gather", name, self.constant(np.asarray(indices, np.int64)), axis=axis)

    # *** helpers of the tables ***

    def fixed(self, extents: Sequence[Extent], what: str) -> tuple[int, ...]:
        """Extents that must be numbers."""
        if any(isinstance(n, Dim) for n in extents):
            raise self.refused(f"{what} the axis of the batch cannot be written")
        return tuple([n for n in extents if isinstance(n, int)])

    def refused(self, problem: str, remedy: str | None = None) -> UnsupportedError:
        """The error for the operation at work."""
        source = self.operation.source if self.operation else None
        return UnsupportedError(problem, function="to_onnx", source=source, remedy=remedy)


class Term:
    """A value in a formula: operators and ``op`` write nodes.

    Args:
        writer: where.
        name: of the value.
        dtype: numbers beside it become constants of this dtype.
    """

    __slots__ = ("dtype", "name", "writer")

    def __init__(self, writer: Writer, name: str, dtype: Any) -> None:
        self.writer, self.name, self.dtype = writer, name, np.dtype(dtype)

    def like(self, x: Any) -> Term:
        """A number as a constant of this term's dtype."""
        if isinstance(x, Term):
            return x
        return Term(self.writer, self.writer.constant(np.asarray(x, self.dtype)), self.dtype)

    def op(self, kind: str, *others: Any, dtype: Any = None, **attributes: Any) -> Term:
        """An operator on this term and others."""
        names = [self.name, *[self.like(x).name for x in others]]
        return Term(self.writer, self.writer.emit(kind, *names, **attributes), dtype or self.dtype)

    def __add__(self, other: Any) -> Term:
        return self.op("Add", other)

    def __radd__(self, other: Any) -> Term:
        return self.like(other).op("Add", self)

    def __sub__(self, other: Any) -> Term:
        return self.op("Sub", other)

    def __rsub__(self, other: Any) -> Term:
        return self.like(other).op("Sub", self)

    def __mul__(self, other: Any) -> Term:
        return self.op("Mul", other)

    def __rmul__(self, other: Any) -> Term:
        return self.like(other).op("Mul", self)

    def __truediv__(self, other: Any) -> Term:
        return self.op("Div", other)

    def __rtruediv__(self, other: Any) -> Term:
        return self.like(other).op("Div", self)

    def __neg__(self) -> Term:
        return self.op("Neg")

    def __and__(self, other: Term) -> Term:
        return self.op("And", other)

    def __or__(self, other: Term) -> Term:
        return self.op("Or", other)

    def __invert__(self) -> Term:
        return self.op("Not")

    def __lt__(self, other: Any) -> Term:
        return self.op("Less", other, dtype=bool)

    def __gt__(self, other: Any) -> Term:
        return self.op("Greater", other, dtype=bool)

    def equals(self, other: Any) -> Term:
        """Elementwise equality."""
        return self.op("Equal", other, dtype=bool)

    def where(self, yes: Any, no: Any) -> Term:
        """Choose by this condition; one of the two is a term."""
        known = yes if isinstance(yes, Term) else no
        return self.op("Where", known.like(yes), known.like(no), dtype=known.dtype)

    def cast(self, dtype: Any) -> Term:
        """Another dtype."""
        return self.op("Cast", to=self.writer.type(dtype), dtype=dtype)


Rule = Callable[[Writer, Operation], "str | list[str] | None"]

RULES: dict[str, Rule] = {}


def writes(*names: str) -> Callable[[Rule], Rule]:
    """Mark a function as what writes some primitives.

    It returns the name of the result, or names of several, or None if it left word for later.
    """

    def add(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = rule
        return rule

    return add


def write_plan(w: Writer, plan: Plan) -> list[str]:
    """Write the operations of a plan whose inputs have names; returns the outputs' names."""
    w.plan = plan
    for operation in plan.operations:
        w.operation = operation
        rule = RULES.get(operation.name)
        if rule is None:
            raise w.refused(f"{operation.name} has no form in ONNX", "leave that part to Python")
        for k in operation.outputs:
            w.type(plan.kinds[k].dtype)
            w.made_by[k] = operation
        made = rule(w, operation)
        names = [made] if isinstance(made, str) else made or []
        for number, name in zip(operation.outputs, names, strict=bool(made)):
            w.bind(number, name)
    w.operation = None
    return [w.name(x) for x in plan.outputs]


def kinds(w: Writer, operation: Operation) -> list[Kind]:
    """The types of an operation's operands."""
    return [w.plan.kind(x) for x in operation.operands]
