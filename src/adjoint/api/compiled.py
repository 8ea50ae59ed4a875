"""Graphs of functions: to look at, and to run."""

from __future__ import annotations

import functools
import itertools
import threading
import time
import types
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adjoint import tree
from adjoint.api.asked import function_wanted
from adjoint.api.recorded import Call, Recorded, is_setting, record, record_call, understand
from adjoint.differentiate.replay import replay
from adjoint.errors import ConcreteValueError, StructureError
from adjoint.graph.evaluate import use_compiler
from adjoint.graph.graph import Graph
from adjoint.primitives.conventions import CURRENT, current
from adjoint.trace.recorder import TracedCore

if TYPE_CHECKING:
    from adjoint.run import Cost, Look
    from adjoint.run.entry import Entry


def make_graph(f: Callable[..., Any], *args: Any) -> Graph:
    """Record f as a graph, from arguments' shapes and dtypes alone.

    Args:
        f: any function of trees of arrays.
        args: its arguments, or anything of their shapes and dtypes.

    Returns:
        The graph: ``str(graph)`` prints it with the user's lines, ``graph.adjoint()`` is its
        adjoint graph. Arrays that f takes from outside become further inputs.

    >>> import numpy as np
    >>> print(make_graph(lambda x: np.sum(x * x), np.ones(3)))
    graph(%0: f64[3]) {
      %1: f64[3] = mul(%0, %0)...
      %2: f64[] = sum(%1) axes=(0,)...
      return %2
    }
    """
    function_wanted(f, "trace")
    return record_call(f, args, "trace").graph


def _on_one_thread(graph: Graph) -> Callable[[Sequence[Any]], list[Any]]:
    """Machine code of a small function that a library's solver calls by itself."""
    from adjoint.run import compile_graph

    return compile_graph(graph, threads=1)


use_compiler(_on_one_thread)

_MANY = 16  # shapes and dtypes after which a function is said to keep recompiling


class RecompilationWarning(UserWarning):
    """A jitted function meets ever new shapes, dtypes or settings; it is compiled for each."""


# A program that has been called this often, and took no longer than this, gets an entry of
# machine code. Longer programs are called so that other Python threads can run meanwhile.
_OFTEN, _SHORT, _ENTRIES = 8, 50e-6, 4
_EACH = 5e-6  # seconds of an ordinary call that go into an argument or a result


class _Flat:
    """A program for arguments of one form, and how long its calls take."""

    __slots__ = ("calls", "captured", "least", "program", "recorded")

    def __init__(self, program: Any, recorded: Recorded) -> None:
        self.program = program
        self.captured = tuple(recorded.captured)
        self.recorded = recorded
        self.calls = 0
        self.least = float("inf")

    def run(self, args: tuple[Any, ...]) -> Any:
        """Call the program."""
        return self.recorded.result(_numbers(self.program(args + self.captured)))

    def entry(
        self, forms: list[Any], conventions: Any, otherwise: Callable[..., Any]
    ) -> Entry | None:
        """A native entry, where the result is made of arrays, tuples, lists and dicts."""
        from adjoint.run import Slot, result_form

        if self.recorded.matrices:
            return None
        slots = [Slot(k) for k in range(len(self.recorded.graph.outputs))]
        result = result_form(self.recorded.result(slots))
        make = getattr(self.program, "entry", None)
        if make is None or result is None:
            return None
        context = (CURRENT, conventions)
        found: Entry | None = make((forms, result), self.captured, context, otherwise)
        return found


class Jitted:
    """What :func:`jit` returns: a program for each combination of shapes and dtypes."""

    def __init__(
        self, f: Callable[..., Any], threads: int | None = None, donate: Sequence[int] = ()
    ) -> None:
        if threads is not None and (type(threads) is not int or threads < 1):
            raise StructureError(
                "threads must be a whole number above 0", function="jit", got=repr(threads)
            )
        functools.update_wrapper(self, f)
        self._function = f
        self._threads = threads
        self._donate = tuple(donate)
        self._recordings: dict[Any, Recorded] = {}
        self._integers_are_settings = False
        self._programs: dict[Any, _Flat] = {}
        self._entries: tuple[Entry, ...] = ()
        self._lock = threading.Lock()

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A jitted method gets its object, like a function does."""
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run on these arguments."""
        conventions = current()
        if options:
            return self._any(args, options)
        kinds: list[Any] = []
        arrays: list[Any] = []
        for x in args:
            kind = type(x)
            if kind is np.ndarray:
                kinds.append((x.shape, x.dtype))
                arrays.append(x)
            elif kind is float:
                kinds.append(kind)
                arrays.append(x)
            elif kind in _PLAIN or (kind is int and self._integers_are_settings):
                kinds.append((kind, x))
            else:
                return self._any(args, options)
        # The short way: plain arrays and floats, of types met before.
        key = (tuple(kinds), conventions)
        flat = self._programs.get(key)
        if flat is None:
            flat = self._flat(args)
            if flat is None:
                return self._any(args, options)
            with self._lock:
                self._programs[key] = flat
        given = args if len(arrays) == len(args) else tuple(arrays)
        return flat.run(given) if flat.calls >= _OFTEN else self._timed(flat, given, args)

    def _timed(self, flat: _Flat, given: tuple[Any, ...], args: tuple[Any, ...]) -> Any:
        """One of the first calls: if they are many and short, an entry is made for them."""
        start = time.perf_counter()
        result = flat.run(given)
        flat.least = min(flat.least, time.perf_counter() - start)
        flat.calls += 1
        short = _SHORT + _EACH * (len(given) + len(flat.recorded.graph.outputs))
        if flat.calls == _OFTEN and flat.least < short and len(self._entries) < _ENTRIES:
            self._enter(flat, args)
        return result

    def _enter(self, flat: _Flat, args: tuple[Any, ...]) -> None:
        """From now on, calls of this form go to machine code, and others from there to here."""
        from adjoint.run import argument_form

        numbers = itertools.count()
        forms = [argument_form(x, numbers, self._is_setting) for x in args]
        if any(form is None for form in forms):
            return
        ordinary = types.MethodType(Jitted.__call__, self)
        otherwise = self._entries[-1].call if self._entries else ordinary
        entry = flat.entry(forms, current(), otherwise)
        if entry is None:
            return
        with self._lock:
            # A call looks for __call__ in the type: this object gets a type of its own.
            if not self._entries:
                mine = type(self)
                self.__class__ = type(mine.__name__, (mine,), {"__doc__": mine.__doc__})
            self._entries = (*self._entries, entry)
            type(self).__call__ = entry.call  # type: ignore[method-assign]

    def _is_setting(self, x: Any) -> bool:
        return self._integers_are_settings if type(x) is int else is_setting(x)

    def _any(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Trees, settings, NumPy scalars, stand-ins of an outer transformation."""
        call, recorded = self._recorded(args, options)
        arguments = [x for x, _ in call.pairs] + recorded.captured
        if any(isinstance(x, TracedCore) for x in arguments):
            return recorded.result(replay(recorded.graph, arguments))
        program = self._program(recorded, args)
        flat = recorded.graph.memo("calls", lambda _: _Flat(program, recorded))
        given = tuple([x for x, _ in call.pairs])
        if options or flat.calls >= _OFTEN:
            return recorded.result(_numbers(program(arguments)))
        return self._timed(flat, given, args)

    def _program(self, recorded: Recorded, args: tuple[Any, ...]) -> Any:
        """The compiled program of a recording."""
        donated = self._donated(args)

        def compiled(graph: Graph) -> Any:
            # The native back end is a third of the library: it is loaded when first needed.
            from adjoint.run import compile_graph

            return compile_graph(graph, donate=donated, threads=self._threads)

        return recorded.graph.memo(("program", self._threads, donated), compiled)

    def _donated(self, args: tuple[Any, ...]) -> tuple[int, ...]:
        """The arrays among the arguments that are given up."""
        if not self._donate:
            return ()
        counts = [sum(not is_setting(leaf) for leaf in tree.leaves(x)) for x in args]
        ends = [0, *itertools.accumulate(counts)]
        if any(not -len(args) <= i < len(args) for i in self._donate):
            raise StructureError(
                "an argument to donate is not there",
                function="jit",
                got=f"donate={self._donate} for {len(args)} arguments",
                wanted="positions of arguments",
            )
        places = [i % len(args) for i in self._donate]
        return tuple(k for i in places for k in range(ends[i], ends[i + 1]))

    def lower(self, *args: Any, **options: Any) -> Look:
        """The program for arguments of these shapes and dtypes, to be read; it is not run.

        Args:
            args: the function's arguments, or anything of their shapes and dtypes.
            options: its named arguments.

        Returns:
            An object with ``graphs`` (after each pass), ``kernels``, ``memory``, ``llvm``,
            ``optimised``, ``assembly``, ``python`` (what runs in NumPy) and ``cost``;
            ``str()`` of it is a summary, ``text()`` all of it.

        >>> import numpy as np
        >>> print(jit(lambda x: 2 * x + 1).lower(np.ones(300)).kernels)
        kernel over [300], prefix 1, loops [[0]], ... lanes along kept axes
          v1 = add(mul(broadcast(2.0), v0), broadcast(1.0))  [float64[300] argument 1]
        """
        from adjoint.run import look_at

        _, recorded = self._recorded(args, options)
        return look_at(recorded.graph, donate=self._donated(args), threads=self._threads)

    def cost(self, *args: Any, **options: Any) -> Cost:
        """Operations and bytes of a call with such arguments, and its floor on this machine.

        The number of rounds of a while loop is not known: it is counted as one.

        >>> import numpy as np
        >>> jit(np.matmul).cost(np.ones((2, 3)), np.ones((3, 5))).flops
        60
        """
        return self.lower(*args, **options).cost

    def _flat(self, args: tuple[Any, ...]) -> _Flat | None:
        """The program for flat arguments, bound to what the function takes from outside."""
        _, recorded = self._recorded(args, {})
        if any(isinstance(x, TracedCore) for x in recorded.captured):
            return None
        return _Flat(self._program(recorded, args), recorded)

    def _recorded(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Call, Recorded]:
        call = understand(args, options, self._integers_are_settings, "jit")
        try:
            return call, self._recording(call)
        except (ConcreteValueError, TypeError):
            if not call.integers:
                raise
        # Perhaps it was the value of a Python integer that the function needs.
        call = understand(args, options, True, "jit")
        recorded = self._recording(call)
        self._integers_are_settings = True
        return call, recorded

    def _recording(self, call: Call) -> Recorded:
        key = (call.key, current())
        found = self._recordings.get(key)
        if found is None or any(isinstance(x, TracedCore) for x in found.captured):
            found = record(self._function, call, "jit")
            with self._lock:
                self._recordings[key] = found
            if len(self._recordings) == _MANY:
                self._warn(call)
        return found

    def _warn(self, call: Call) -> None:
        shown = ", ".join(
            [str(kind) for kind in call.types[:4]] + [repr(x) for _, _, x in call.settings[:4]]
        )
        warnings.warn(
            f"jit: {getattr(self, '__name__', 'the function')} has been compiled for {_MANY} "
            f"combinations of shapes, dtypes and settings, the last being ({shown}); pad "
            "arguments to a few sizes, or call it without jit",
            RecompilationWarning,
            stacklevel=5,
        )


_ONE = tree.structure(0.0)


_PLAIN = frozenset({str, bool, type(None)})  # settings, met on the short way


def _numbers(results: list[Any]) -> list[Any]:
    """Results as functions give them: numbers are NumPy scalars."""
    return [y if y.shape else y[()] for y in results]


def jit(
    f: Callable[..., Any] | None = None,
    *,
    threads: int | None = None,
    donate: int | Sequence[int] = (),
) -> Any:
    """Compile f to native code, once for each combination of shapes and dtypes.

    The values are the interpreter's to rounding. While f is recorded, values are not known: a
    Python branch on one is refused with the line and the remedy. Arrays that f takes from
    outside are read when f is recorded, not anew at each call; so are random numbers that it
    draws, of which a ``RandomnessWarning`` tells.

    Strings, booleans and functions among the arguments are settings: f is compiled for each
    that is met, and may branch on them. So are Python integers where f needs their values, as
    in ``range(n)`` or ``np.zeros(n)``.

    Args:
        f: a function of trees of arrays.
        threads: how many threads to use; by default the size of the work decides, up to
            ``ADJOINT_NUM_THREADS``.
        donate: positions of arguments that the caller gives up: a result of the same shape
            and dtype may be written into their memory, and is then the very array that was
            passed. What such an array holds after the call (or after a call that raised) is
            not to be relied on.

    ``jitted.lower(*args)`` shows the program from the graph to the machine code, and
    ``jitted.cost(*args)`` what a call costs.

    >>> import numpy as np
    >>> jit(lambda x: np.sum(np.sin(x) ** 2 + np.cos(x) ** 2))(np.ones(4))
    np.float64(4.0)
    """
    if f is None:
        return functools.partial(jit, threads=threads, donate=donate)
    function_wanted(f, "jit")
    return Jitted(f, threads, (donate,) if isinstance(donate, int) else donate)
