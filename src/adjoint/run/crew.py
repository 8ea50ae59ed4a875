"""Helpers that stay awake for a moment after their work, so that the next call finds them.

Waking a thread that waits in a queue of Python's takes some 40 microseconds, as much as many a
whole program. A helper that has done its part therefore looks for more in a box of memory,
without Python's lock: first spinning, then giving way, and after a fraction of a millisecond it
goes back to the queue. The caller puts the next program into the box of each helper that is
there, and learns which ones have left.

A box holds its state, and one cache line later what to run: the function, its table of
pointers, its arena, the thread's number and the number of threads.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

from adjoint.run import native

BOX = 128  # bytes of a box
_AWAY, _WAITING, _CLAIMED, _GIVEN = 0, 1, 2, 3
_SPINS = 2000  # looks into the box before the processor is given to somebody else
_LOOKS = 2300  # looks in all
_PATIENCE = 2000  # looks of the caller at a helper that is about to leave its last barrier

_TEXT = f"""
declare i32 @sched_yield()
define void @serve(ptr %box) {{
  %job = getelementptr i8, ptr %box, i64 64
  %table.at = getelementptr ptr, ptr %job, i64 1
  %arena.at = getelementptr ptr, ptr %job, i64 2
  %thread.at = getelementptr i64, ptr %job, i64 3
  %threads.at = getelementptr i64, ptr %job, i64 4
  br label %ready
ready:
  store atomic i64 {_WAITING}, ptr %box release, align 8
  br label %look
look:
  %looks = phi i64 [ 0, %ready ], [ %more, %again ]
  %state = load atomic i64, ptr %box acquire, align 8
  %given = icmp eq i64 %state, {_GIVEN}
  br i1 %given, label %work, label %wait
work:
  %function = load ptr, ptr %job
  %table = load ptr, ptr %table.at
  %arena = load ptr, ptr %arena.at
  %thread = load i64, ptr %thread.at
  %threads = load i64, ptr %threads.at
  %ignored = call i64 %function(ptr %table, ptr %arena, i64 %thread, i64 %threads)
  br label %ready
wait:
  %more = add i64 %looks, 1
  %late = icmp ugt i64 %looks, {_LOOKS}
  br i1 %late, label %leave, label %stay
leave:
  %pair = cmpxchg ptr %box, i64 {_WAITING}, i64 {_AWAY} acq_rel acquire
  %left = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %left, label %done, label %again
stay:
  %long = icmp ugt i64 %looks, {_SPINS}
  br i1 %long, label %yield, label %spin
yield:
  %yielded = call i32 @sched_yield()
  br label %again
spin:
  PAUSE
  br label %again
again:
  br label %look
done:
  ret void
}}
define i64 @post(ptr %box, ptr %function, ptr %table, ptr %arena, i64 %thread, i64 %threads) {{
  br label %look
look:
  %looks = phi i64 [ 0, %0 ], [ %more, %again ]
  %pair = cmpxchg ptr %box, i64 {_WAITING}, i64 {_CLAIMED} acq_rel acquire
  %claimed = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %claimed, label %give, label %wait
wait:
  %state = extractvalue {{ i64, i1 }} %pair, 0
  %away = icmp eq i64 %state, {_AWAY}
  %late = icmp ugt i64 %looks, {_PATIENCE}
  %stop = or i1 %away, %late
  br i1 %stop, label %absent, label %again
again:
  PAUSE
  %more = add i64 %looks, 1
  br label %look
give:
  %job = getelementptr i8, ptr %box, i64 64
  %table.at = getelementptr ptr, ptr %job, i64 1
  %arena.at = getelementptr ptr, ptr %job, i64 2
  %thread.at = getelementptr i64, ptr %job, i64 3
  %threads.at = getelementptr i64, ptr %job, i64 4
  store ptr %function, ptr %job
  store ptr %table, ptr %table.at
  store ptr %arena, ptr %arena.at
  store i64 %thread, ptr %thread.at
  store i64 %threads, ptr %threads.at
  store atomic i64 {_GIVEN}, ptr %box release, align 8
  ret i64 1
absent:
  ret i64 0
}}
"""


@lru_cache(maxsize=1)
def functions() -> tuple[Any, Any, Any]:
    """``serve(box)``, ``post(box, function, table, arena, thread, threads)``, and their code."""
    pause = ""
    text = _TEXT
    if "sse2" in native.processor()[1]:
        pause = "call void @llvm.x86.sse2.pause()"
        text += "declare void @llvm.x86.sse2.pause()\n"
    engine, serve, post = native.load_text(text.replace("PAUSE", pause), "serve", "post")
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    serving = ctypes.CFUNCTYPE(None, pointer)(serve)
    posting = ctypes.CFUNCTYPE(number, pointer, pointer, pointer, pointer, number, number)(post)
    return serving, posting, engine


class Box:
    """Where one helper looks for work."""

    def __init__(self) -> None:
        self._memory = ctypes.create_string_buffer(BOX + 64)
        self.address = -(-ctypes.addressof(self._memory) // 64) * 64
