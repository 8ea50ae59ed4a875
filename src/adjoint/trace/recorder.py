"""The recorder: notes each operation on the stand-in arrays it has given out.

Every transformation of a function makes one recorder, gives its arguments stand-ins, and
runs the function once. A stand-in holds a *payload*: the array it stands for, a stand-in of
an outer recorder when transformations are nested, or, where values are not to be known
(inside jit and vmap), only a type. An operation goes to the recorder with the highest
level among its operands; that recorder computes the payload of the result by applying the
same operation one level further down, and notes a node.

Levels come from a counter that only grows, and nothing is global: there is no state to
restore when a function raises, and threads cannot see each other's recordings.

Arrays that a recorded function makes with ``np.zeros`` and its like are stand-ins as well,
of a recorder below all others that notes nothing (``Plain``). They are written in place like
any array until a recorded value is written into them; from then on they are recorded too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.errors import AdjointError, LeakedArrayError
from adjoint.graph.graph import Graph, Literal, Node, Value
from adjoint.graph.primitive import Primitive, primitives
from adjoint.graph.source import Source, here, source_here
from adjoint.graph.types import ArrayType
from adjoint.trace import keeping
from adjoint.trace.foreign import NUMBERS, refused
from adjoint.trace.layouts import type_of_result
from adjoint.trace.records import OF_USERS, Record, RecordedGraph, n_outputs
from adjoint.tree import LONE

_levels = itertools.count()
_copy = np.ndarray.copy  # NumPy's own: another stands in its place meanwhile (outside.py)

# Where a derivative needs the results of these it makes them anew, from their operands.
MADE_ANEW = {"broadcast", "cast"}


class Recorder:
    """What one transformation has seen.

    Args:
        name: the public function that records, for messages.
        concrete: whether payloads are computed, so that Python may decide on values.
        keep_all: note operations without a derivative too, for graphs run again on other values.
        transforming: whether a graph is transformed; else the user's rules met are run.
        forgets: by a primitive's name, whether its results are free once the function lets go.
    """

    __slots__ = (
        "_numbers",
        "beneath",
        "closed",
        "concrete",
        "constants",
        "endings",
        "forgets",
        "frames",
        "keep_all",
        "known_constants",
        "large",
        "level",
        "name",
        "numbers",
        "payloads",
        "records",
        "refused",
        "source",
        "transforming",
        "written",
    )

    watches = False  # whether it notes the decisions of Python's that are among its ``reads``
    reads: Sequence[int] = ()

    def __init__(
        self,
        name: str,
        *,
        concrete: bool,
        keep_all: bool,
        transforming: bool = True,
        forgets: Callable[[str], bool] | None = None,
    ) -> None:
        self.name = name
        self.forgets = forgets
        self.transforming = transforming
        self.concrete = concrete
        self.keep_all = keep_all
        self.level = next(_levels)
        self.records: list[Record] = []
        self.payloads: list[Any] = []  # one for each value; an ArrayType where not computed
        self.frames: list[Any] = []  # one for each record
        self.constants: list[int] = []  # indices of values that are constants
        self.known_constants: dict[int, int] = {}
        self._numbers: dict[Any, int] = {}
        self.large: dict[Any, keeping.Kept] = {}  # arrays from outside, by their place in memory
        self.written: set[int] = set()  # values whose arrays a write may change: overwriting.py
        self.closed = False
        self.endings: list[Any] = []  # what is done when it is closed: slots.py
        self.numbers: list[Any] = []  # stand-ins that are plain when it is closed
        self.refused: AdjointError | None = None  # what the user's code asked for in vain
        self.beneath: Recorder | None = None  # whose values count here as their payloads
        self.source: Source | None = None  # when set, all nodes are given this line

    def input(self, payload: Any, *, weak: bool = False) -> Any:
        """A stand-in for an argument."""
        index = len(self.payloads)
        self.payloads.append(payload)
        return TracedArray(self, index, payload, weak)

    def constant(self, value: Any) -> int:
        """The index of a value that does not depend on this recorder's inputs."""
        shared = False
        if type(value) is TracedArray and value.recorder is PLAIN:
            value = capture(value)
            shared = True  # whoever writes to it next makes a copy first
        known = self.known_constants.get(id(value))
        if known is not None:
            if shared or self._still(known, value):
                return known
            del self.known_constants[id(value)]
        if type(value) is np.ndarray and value.size > 1:
            if 0 in value.strides:
                return self._stretched_constant(value)
            if not self.concrete and keeping.is_uniform(value):
                return self._stretched_constant(np.broadcast_to(value.flat[0], value.shape))
        kept = value
        if type(value) is TracedArray and value.recorder is not PLAIN:
            # The user may write into the outer stand-in later: this is its value now.
            kept = TracedArray(value.recorder, value.number, value.payload, value.weak)
        elif type(value) is not TracedArray:
            if type(value) is not np.ndarray or value.dtype.kind not in NUMBERS:
                kept = self._plain(value)
            elif not value.dtype.isnative:  # loops have no other order of bytes
                kept = value.astype(value.dtype.newbyteorder("="))
            elif value.flags.writeable and not shared:
                if value.nbytes > keeping.COPY_BYTES and not self.transforming:
                    return self._large_constant(value)
                kept = _copy(value) if value.nbytes <= keeping.COPY_BYTES else value
        index = self.known_constants[id(value)] = self._note_constant(value, kept)
        return index

    def _large_constant(self, value: Any) -> int:
        """A large array that user code may write into: it is known by its place and elements."""
        place, elements = keeping.place_of(value), keeping.fingerprint(value)
        found = self.large.get(place)
        if found is None or found.print != elements:
            if found is not None:
                self.large[found.number] = found  # is looked at when the recording ends
            kept = keeping.copied(value)
            number = self._note_constant(value, kept)
            found = keeping.Kept(number, elements, value, kept is not value, here(3))
            self.large[place] = found
        return found.number

    def _note_constant(self, value: Any, kept: Any) -> int:
        index = len(self.payloads)
        self.records.append((None, ArrayType(kept.shape, kept.dtype), (), index))
        self.frames.append(value)  # alive as long as the copy: its id must stay its own
        self.payloads.append(kept)
        self.constants.append(index)
        return index

    def number(self, value: Any, kind: ArrayType, frame: Any) -> int:
        """The index of one of Python's numbers, stretched; loops meet the same again and again."""
        key = (value, type(value), kind)
        # Zeros are equal that differ in their signs. Graphs that are kept have each in its place.
        found = self._numbers.get(key) if value and not self.keep_all else None
        if found is None:
            fresh = np.asarray(value, kind.dtype)  # nobody else has it: it need not be copied
            fresh.flags.writeable = False
            found = self._note_constant(fresh, fresh)
            if kind.shape:
                found = self.push(_broadcast(), (kind.shape,), (found,), kind, frame)
            self._numbers[key] = found
        return found

    def _plain(self, value: Any) -> Any:
        """A constant that is no plain array of numbers as one, or refused."""
        error = refused(value, self.name) if isinstance(value, np.ndarray) else None
        if error is not None:
            raise error
        return np.asarray(value)

    def _still(self, known: int, value: Any) -> bool:
        """Whether a constant that was noted before has its value still."""
        if type(value) is TracedArray:
            kept = self.payloads[known]
            return bool(kept.recorder is value.recorder and kept.number == value.number)
        return type(value) is not np.ndarray or keeping.is_same(self.payloads[known], value)

    def _stretched_constant(self, value: Any) -> int:
        """A constant that repeats along some axes: noted small, with a broadcast node."""
        pick = tuple([slice(0, 1) if stride == 0 else slice(None) for stride in value.strides])
        small = value[pick].copy()  # to ask whether that of np.broadcast_arrays is open warns
        small.flags.writeable = False  # nobody else has it
        if small.size == 1:
            small = small.reshape(())
        kind = ArrayType(value.shape, value.dtype)
        return self.push(_broadcast(), (value.shape,), (self.constant(small),), kind)

    def index_of(self, x: Any) -> int:
        """The index of an operand: one of ours, or a constant."""
        if type(x) is TracedArray and x.recorder is self:
            index: int = x.number
            return index
        return self.constant(x)

    def push(
        self,
        primitive: Primitive,
        attributes: Any,
        operands: tuple[int, ...],
        out: Any,
        frame: Any = None,
    ) -> int:
        """Note a node with one output; returns the output's index."""
        if self.written:
            self._read_by(primitive, operands)
        index = len(self.payloads)
        self.records.append((primitive, attributes, operands, index))
        self.frames.append(frame or self.source or here(3))
        if self.forgets is not None and self.forgets(primitive.name):
            out = _type(out)
        self.payloads.append(out)
        return index

    def _read_by(self, primitive: Primitive, operands: tuple[int, ...]) -> None:
        """Keep the values of operands that derivatives may read."""
        if primitive.structure != "linear" or primitive.name in MADE_ANEW:
            self.written.difference_update(operands)

    def apply(self, primitive: Primitive, operands: Sequence[Any], attributes: Any) -> Any:
        """Apply a primitive whose operands already fit: evaluate further down, and note it."""
        if self.closed:
            raise leaked(self)
        settings = primitive.settings(attributes) if attributes else {}
        asked = None if self.transforming else OF_USERS.get(primitive.name)
        if asked is not None and hasattr(settings["function"], asked):
            return tuple(getattr(settings["function"], asked)(*operands))
        if self.concrete:
            lower = [
                x.payload if type(x) is TracedArray and x.recorder is self else self.lowered(x)
                for x in operands
            ]
            if TracedArray in map(type, lower):
                result = bind(primitive, lower, attributes)
            else:
                result = primitive.evaluate(*lower, **settings)
                whole = operands[0]
                if self.written and primitive.name == "slice" and whole.number in self.written:
                    result = result.copy("K")  # so that writes may change the array in place
            if primitive.structure == "constant" and not self.keep_all:
                return plain(result)
        else:
            result = primitive.infer(*map(_type, operands), **settings)
            if not primitive.several:
                result = type_of_result(primitive, operands, settings, result[0])
        if primitive.several:
            return tuple(self.emit(primitive, operands, attributes, result))
        indices = tuple([self.index_of(x) for x in operands])
        frame = self.source or here(4)  # above this, bind, and a rule or the primitive itself
        index = self.push(primitive, attributes, indices, result, frame)
        return TracedArray(self, index, result, False)

    def lowered(self, x: Any) -> Any:
        """What an operand is one level further down."""
        if type(x) is not TracedArray:
            return x
        if x.recorder is self or x.recorder is self.beneath:
            return x.payload
        return capture(x) if x.recorder is PLAIN else x

    def emit(
        self,
        primitive: Primitive,
        operands: Sequence[Any],
        attributes: Any,
        payloads: Sequence[Any],
    ) -> list[Any]:
        """Note a node whose outputs' payloads are known; returns its outputs."""
        indices = tuple([self.index_of(x) for x in operands])
        if self.written:
            self._read_by(primitive, indices)
        first = len(self.payloads)
        self.records.append((primitive, attributes, indices, first))
        self.frames.append(self.source or here(3))
        if self.forgets is not None and self.forgets(primitive.name):
            self.payloads.extend([_type(x) for x in payloads])
        else:
            self.payloads.extend(payloads)
        return [TracedArray(self, first + k, x, False) for k, x in enumerate(payloads)]

    def graph(
        self,
        outputs: Sequence[int],
        inputs: Sequence[int],
        *,
        optional: Sequence[int] = (),
        inline: int = 0,
    ) -> RecordedGraph:
        """The recorded graph, without nodes that no output needs.

        Args:
            outputs: indices of the values to return.
            inputs: indices of the values that are inputs.
            optional: further inputs, kept only where something needs them; they come first.
            inline: constants of up to this many elements become literals; the others
                become inputs after the given ones.
        """
        needed = set(outputs)
        live = []
        for record, frame in zip(reversed(self.records), reversed(self.frames), strict=True):
            primitive, attributes, operands, first = record
            count = 1 if primitive is None or not primitive.several else n_outputs(record)
            if first in needed or any(i in needed for i in range(first + 1, first + count)):
                needed.update(operands)
                live.append((primitive, attributes, operands, first, count, frame))
        used = [i for i in optional if i in needed]
        values: dict[int, Any] = {i: Value(_type(self.payloads[i])) for i in (*used, *inputs)}
        heads = [values[i] for i in (*used, *inputs)]
        captured, nodes = [], []
        sources: dict[Any, Source] = {}
        for primitive, attributes, operands, first, count, frame in reversed(live):
            if primitive is None:
                payload = self.payloads[first]
                if type(payload) is not TracedArray and payload.size <= inline:
                    values[first] = Literal(payload)
                else:
                    values[first] = Value(attributes)
                    heads.append(values[first])
                    captured.append(first)
                continue
            made = tuple([Value(_type(self.payloads[first + k])) for k in range(count)])
            ins = tuple([values[i] for i in operands])
            line = (id(frame[0]), *frame[1:])  # hashing a code object takes longer than the rest
            source = sources.get(line)
            if source is None:
                source = sources[line] = Source(*frame)
            nodes.append(Node(primitive, ins, attributes, made, source))
            for k, value in enumerate(made):
                values[first + k] = value
        results = tuple([values[i] for i in outputs])
        graph = Graph(tuple(heads), tuple(nodes), results)
        return RecordedGraph(graph, captured, used, values)


def _broadcast() -> Primitive:
    return primitives["broadcast"]


def _type(x: Any) -> ArrayType:
    if type(x) is ArrayType:
        return x
    try:
        return ArrayType(x.shape, x.dtype)
    except AttributeError:
        array = np.asarray(x)
        return ArrayType(array.shape, array.dtype)


def leaked(recorder: Recorder) -> LeakedArrayError:
    """The error for a stand-in used after its call has ended."""
    return LeakedArrayError(
        f"a stand-in array made while {recorder.name} ran was used after it had ended",
        function=recorder.name,
        source=source_here(),
        wanted="results to leave the function by return only",
        remedy="return the value (has_aux=True for extra results) instead of storing it in "
        "a global, an attribute or a list outside the function",
    )


class Plain(Recorder):
    """Below all recorders: computes with plain arrays and notes nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("a recorded function", concrete=True, keep_all=False)
        self.level = -1

    def apply(self, primitive: Primitive, operands: Sequence[Any], attributes: Any) -> Any:
        """Evaluate a primitive; results are stand-ins again, and may be views of operands."""
        lower = [x.payload if type(x) is TracedArray else x for x in operands]
        result = bind(primitive, lower, attributes)
        return tuple([plain(y) for y in result]) if primitive.several else plain(result)


PLAIN = Plain()


def plain(x: Any) -> Any:
    """An array as a stand-in of no recording; NumPy scalars, which nobody writes, as they are."""
    return TracedArray(PLAIN, 0, x, False) if type(x) is np.ndarray else x


def is_plain(x: Any) -> bool:
    """Whether x is a stand-in that no recording has part in."""
    return type(x) is TracedArray and x.recorder is PLAIN


def root_of(x: Any) -> Any:
    """The stand-in whose memory this one looks into: itself if it is no view."""
    while x.tie is not None:
        x = x.tie.base
    return x


def capture(x: Any) -> Any:
    """The array of a plain stand-in, from now on left as it is: writers copy it first."""
    root_of(x).number = 1
    return x.payload


def unwrapped(x: Any) -> Any:
    """A plain stand-in's array, for good; anything else as it is."""
    if type(x) is TracedArray and x.recorder is PLAIN:
        if x.tie is not None:
            x.tie.refresh(x)
        if x.recorder is PLAIN:
            return capture(x)
    return x


def bind(primitive: Primitive, operands: Sequence[Any], attributes: Any) -> Any:
    """Apply a primitive to operands that already fit: stand-ins record, arrays compute."""
    recorder = innermost(operands)
    if recorder is None:
        if attributes:
            return primitive.evaluate(*operands, **primitive.settings(attributes))
        return primitive.evaluate(*operands)
    return recorder.apply(primitive, operands, attributes)


def bind_node(node: Node, operands: Sequence[Any]) -> Any:
    """Apply a node's primitive to operands that already fit."""
    return bind(node.primitive, operands, node.attributes)


def bind_at(
    source: Source | None,
    node: Node,
    operands: Sequence[Any],
    run: Callable[[Node, Sequence[Any]], Any] = bind_node,
) -> Any:
    """Run a node for another node's sake: the nodes it records carry that one's line."""
    recorder = innermost(operands)
    if recorder is None or source is None:
        return run(node, operands)
    before, recorder.source = recorder.source, source
    try:
        return run(node, operands)
    finally:
        recorder.source = before


def innermost(operands: Sequence[Any]) -> Recorder | None:
    """The recorder with the highest level among stand-ins; views are brought up to date."""
    found = None
    for x in operands:
        if type(x) is TracedArray:
            if x.tie is not None:
                x.tie.refresh(x)
            recorder = x.recorder
            if found is None or recorder.level > found.level:
                found = recorder
    return found


# The stand-in refers to its recorder and the recorder makes stand-ins; the class is defined
# in a module of its own, which only adds methods to this core.
class TracedCore:
    """State of a stand-in array: recorder, index of its value, payload."""

    __slots__ = ("number", "payload", "recorder", "tie", "version", "weak")

    def __init__(self, recorder: Recorder, number: int, payload: Any, weak: bool) -> None:
        self.recorder = recorder
        self.number = number  # in the recording. Not "index": pandas is asked for by that name
        self.payload = payload
        self.weak = weak  # stands for a Python number, which follows the dtype of arrays
        self.tie: Any = None  # set when this is a view of another stand-in
        self.version = 0  # counts writes, so that views know when they are out of date


TracedArray: Any = TracedCore


def set_array_class(kind: type) -> None:
    """Called once by the module that completes the stand-in's class."""
    global TracedArray
    TracedArray = kind
    LONE.add(kind)
