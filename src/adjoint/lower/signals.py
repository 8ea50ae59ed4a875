"""Hearing of Ctrl-C inside long loops.

Python answers signals between its own instructions, and a native call is one instruction. So
loops that may take long ask Python now and then, from the thread that called. A loop asks
after a number of rounds that should take a few milliseconds, so tiny loops never ask; then
the clock decides whether Python is troubled at all. A step that is long by itself is done in
pieces and asks between them.
"""

from __future__ import annotations

import os

from adjoint.lower.kernel_text import LONG
from adjoint.lower.steps import CustomStep, LoopStep, PythonStep, Step, WhileStep, nested
from adjoint.lower.threads import price_of

ASKED_AT, RAISED_AT = 32, 40  # in the header: time of the last question; exception, 3 pointers
_BETWEEN = 2000.0  # microseconds of rounds, by forecast, between looks at the clock
_PATIENCE = 50  # milliseconds between questions
_LEAST, _ELEMENT = 0.005, 0.005  # microseconds of a step, of an element of a hand-written loop
_MOST_ROUNDS = 1 << 24

USABLE = os.name == "posix"  # elsewhere there is no clock_gettime

FAILED_IN_PYTHON, INTERRUPTED = -1, -3  # what a program returns: the exception is kept
# What a call back into Python returns when all went well. Not 0: that is also what comes of
# a signal whose handler raised before the callback's first line.
DONE_IN_PYTHON = 0x600D

_SIGNALS = f"""declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()
declare void @PyErr_Fetch(ptr, ptr, ptr)
declare void @PyErr_NormalizeException(ptr, ptr, ptr)
define internal i64 @signals(ptr %arena) noinline cold #0 {{
  %state = call i32 @PyGILState_Ensure()
  %bad = call i32 @PyErr_CheckSignals()
  %raised = icmp ne i32 %bad, 0
  br i1 %raised, label %keep, label %on
keep:
  %type = getelementptr i8, ptr %arena, i64 {RAISED_AT}
  %value = getelementptr i8, ptr %arena, i64 {RAISED_AT + 8}
  %trace = getelementptr i8, ptr %arena, i64 {RAISED_AT + 16}
  call void @PyErr_Fetch(ptr %type, ptr %value, ptr %trace)
  call void @PyErr_NormalizeException(ptr %type, ptr %value, ptr %trace)
  br label %on
on:
  call void @PyGILState_Release(i32 %state)
  %code = select i1 %raised, i64 {INTERRUPTED}, i64 0
  ret i64 %code
}}
"""
_POLL = f"""declare i32 @clock_gettime(i32, ptr)
define internal i64 @poll(ptr %arena) noinline cold #0 {{
  %stands = load atomic i64, ptr %arena monotonic, align 8
  %over = icmp eq i64 %stands, {INTERRUPTED}
  br i1 %over, label %leave, label %look
leave:
  ret i64 %stands
look:
  %time = alloca [2 x i64], align 8
  %ignored = call i32 @clock_gettime(i32 0, ptr %time)
  %seconds = load i64, ptr %time
  %parts.at = getelementptr i64, ptr %time, i64 1
  %parts = load i64, ptr %parts.at
  %thousands = mul i64 %seconds, 1000
  %rest = udiv i64 %parts, 1000000
  %now = add i64 %thousands, %rest
  %asked.at = getelementptr i8, ptr %arena, i64 {ASKED_AT}
  %asked = load i64, ptr %asked.at
  %gone = sub i64 %now, %asked
  %due = icmp ugt i64 %gone, {_PATIENCE}
  br i1 %due, label %ask, label %done
ask:
  store i64 %now, ptr %asked.at
  %code = call i64 @signals(ptr %arena)
  ret i64 %code
done:
  ret i64 0
}}
"""
# A callback is entered with no signal waiting: there the exception would be lost.
_PYTHON = f"""define internal i64 @python(ptr %callback, i64 %number, ptr %table, ptr %arena) #0 {{
  %stands = load atomic i64, ptr %arena monotonic, align 8
  %over = icmp eq i64 %stands, {INTERRUPTED}
  br i1 %over, label %leave, label %hear
leave:
  ret i64 %stands
hear:
  %heard = call i64 @signals(ptr %arena)
  %raised = icmp ne i64 %heard, 0
  br i1 %raised, label %out, label %go
go:
  %result = call i64 %callback(i64 %number, ptr %table)
  %fine = icmp eq i64 %result, {DONE_IN_PYTHON}
  %code = select i1 %fine, i64 0, i64 {FAILED_IN_PYTHON}
  ret i64 %code
out:
  ret i64 %heard
}}
"""


def text(polls: bool, python: bool) -> str:
    """The functions that a program needs: it asks for signals, it calls back into Python."""
    parts = [_SIGNALS] * (polls or python) + [_POLL] * polls + [_PYTHON] * python
    return "".join(parts)


def rounds_between(body: list[Step]) -> int:
    """Rounds of a loop between looks at the clock, a power of two; by forecast, not measured."""
    return rounds_of(max(microseconds(body), _LEAST))


def rounds_of(each: float) -> int:
    """The same, given how many microseconds a round takes."""
    rounds = 1
    while rounds * each < _BETWEEN and rounds < _MOST_ROUNDS:
        rounds *= 2
    return rounds


def piece_of(price: float, units: int) -> int:
    """How many of its units a long step does between looks at the clock; 0 for a short one."""
    if price < LONG or units < 2 or not USABLE:
        return 0
    return max(1, int(units * _BETWEEN / price))


def microseconds(steps: list[Step]) -> float:
    """A rough forecast of the time some steps take on one core."""
    total = 0.0
    pending = [(step, 1.0) for step in steps]
    while pending:
        step, times = pending.pop()
        if isinstance(step, LoopStep):
            times *= step.length
        price = price_of(step)
        if isinstance(step, CustomStep | PythonStep):
            price = _ELEMENT * sum(p.size for p in (*step.ins, *step.outs))
        if not isinstance(step, LoopStep | WhileStep):
            total += times * max(price, _LEAST)
        pending.extend((inner, times) for part in nested(step) for inner in part)
    return total
