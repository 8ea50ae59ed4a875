"""The order of a row's elements: a merge sort, stable, NaN last as NumPy has it.

Long rows are left to NumPy, whose vectorised sorts are faster there than the way to it costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from adjoint.graph.graph import Node
from adjoint.lower.emit import FLOATS, memory_type, reg_type
from adjoint.lower.expr import Writer
from adjoint.lower.index import ZERO, Index, dot
from adjoint.lower.layout import Place

LONGEST = 1 << 13  # elements of a row that is sorted here


def is_short(node: Node) -> bool:
    """Whether rows are sorted here."""
    return scratch_words(node) <= 4 * LONGEST


def scratch_words(node: Node) -> int:
    """Memory for two rows of positions and two of keys."""
    extent: int = node.operands[0].type.shape[node.attributes[0]]
    return 4 * extent


def write(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    """Every row along the axis, one after the other."""
    (x,), (out, scratch) = ins, outs
    axis = node.attributes[0]
    kind = reg_type(x.dtype)
    assert kind is not None
    order = "f" if kind in FLOATS else "s" if x.dtype.kind == "i" else "u"
    name = f"@argsort.{order}.{memory_type(kind)}"
    w.library[name] = _text(name, memory_type(kind), order)
    w.declare("@llvm.umin.i64", "declare i64 @llvm.umin.i64(i64, i64)")
    copy = "@llvm.memcpy.p0.p0.i64"
    w.declare(copy, f"declare void {copy}(ptr, ptr, i64, i1)")
    others = [n for i, n in enumerate(x.shape) if i != axis]

    def row(at: tuple[Index, ...]) -> None:
        if len(at) < len(others):
            w.loop(others[len(at)], lambda i: row((*at, i)))
            return
        full = (*at[:axis], ZERO, *at[axis:])
        source, _ = w.address(x, dot(full, x.strides, x.offset))
        target, _ = w.address(out, dot(full, out.strides, out.offset))
        work, _ = w.address(scratch, Index(scratch.offset))
        w.line(
            f"call void {name}(ptr {source}, i64 {x.strides[axis]}, ptr {target}, "
            f"i64 {out.strides[axis]}, ptr {work}, i64 {x.shape[axis]})"
        )

    if x.size:
        row(())


def _key(kind: str, order: str) -> str:
    """A number of 64 bits whose order is that of the elements: quicker to compare."""
    if order == "f":
        wide, convert = "%x.c", ""
        if kind != "double":
            wide, convert = "%wide", f"%wide = fpext {kind} %x.c to double\n  "
        return f"""{convert}%number = fadd double {wide}, 0.0
  %bits = bitcast double %number to i64
  %below = ashr i64 %bits, 63
  %turn = lshr i64 %below, 1
  %turned = xor i64 %bits, %turn
  %is.nan = fcmp uno double %number, %number
  %key = select i1 %is.nan, i64 {(1 << 63) - 1}, i64 %turned"""
    if kind == "i64":
        return f"%key = xor i64 %x.c, {-(1 << 63) if order == 'u' else 0}"
    return f"%key = {'z' if order == 'u' else 's'}ext {kind} %x.c to i64"


def _text(name: str, kind: str, order: str) -> str:
    """Merges of neighbouring runs, ever longer, between two rows of positions and keys."""
    given = "ptr %x, i64 %step, ptr %out, i64 %out.step, ptr %work, i64 %n"
    return f"""define internal void {name}({given}) #0 {{
entry:
  %other = getelementptr i64, ptr %work, i64 %n
  %both.rows = mul i64 %n, 2
  br label %count
count:
  %c = phi i64 [ 0, %entry ], [ %c.next, %count ]
  %c.at = getelementptr i64, ptr %work, i64 %c
  store i64 %c, ptr %c.at
  %c.off = mul i64 %c, %step
  %c.x = getelementptr {kind}, ptr %x, i64 %c.off
  %x.c = load {kind}, ptr %c.x
  {_key(kind, order)}
  %c.key = getelementptr i64, ptr %c.at, i64 %both.rows
  store i64 %key, ptr %c.key
  %c.next = add i64 %c, 1
  %c.more = icmp ult i64 %c.next, %n
  br i1 %c.more, label %count, label %pass
pass:
  %width = phi i64 [ 1, %count ], [ %width.next, %passed ]
  %from = phi ptr [ %work, %count ], [ %to, %passed ]
  %to = phi ptr [ %other, %count ], [ %from, %passed ]
  %keys = getelementptr i64, ptr %from, i64 %both.rows
  %to.keys = getelementptr i64, ptr %to, i64 %both.rows
  %more = icmp ult i64 %width, %n
  br i1 %more, label %run, label %finish
run:
  %low = phi i64 [ 0, %pass ], [ %high, %run.done ]
  %middle.far = add i64 %low, %width
  %middle = call i64 @llvm.umin.i64(i64 %middle.far, i64 %n)
  %high.far = add i64 %middle.far, %width
  %high = call i64 @llvm.umin.i64(i64 %high.far, i64 %n)
  br label %merge
merge:
  %i = phi i64 [ %low, %run ], [ %i.next, %step.on ]
  %j = phi i64 [ %middle, %run ], [ %j.next, %step.on ]
  %k = phi i64 [ %low, %run ], [ %k.next, %step.on ]
  %i.in = icmp ult i64 %i, %middle
  %j.in = icmp ult i64 %j, %high
  %both = and i1 %i.in, %j.in
  br i1 %both, label %choose, label %rest
choose:
  %i.key = getelementptr i64, ptr %keys, i64 %i
  %a = load i64, ptr %i.key
  %j.key = getelementptr i64, ptr %keys, i64 %j
  %b = load i64, ptr %j.key
  %right.first = icmp slt i64 %b, %a
  %taken.key = select i1 %right.first, i64 %b, i64 %a
  %place = select i1 %right.first, i64 %j, i64 %i
  %place.at = getelementptr i64, ptr %from, i64 %place
  %taken = load i64, ptr %place.at
  %right = zext i1 %right.first to i64
  %left = sub i64 1, %right
  %i.next = add i64 %i, %left
  %j.next = add i64 %j, %right
  br label %step.on
step.on:
  %k.at = getelementptr i64, ptr %to, i64 %k
  store i64 %taken, ptr %k.at
  %k.key = getelementptr i64, ptr %to.keys, i64 %k
  store i64 %taken.key, ptr %k.key
  %k.next = add i64 %k, 1
  br label %merge
rest:
  %s = select i1 %i.in, i64 %i, i64 %j
  %s.end = select i1 %i.in, i64 %middle, i64 %high
  %s.count = sub i64 %s.end, %s
  %s.bytes = mul i64 %s.count, 8
  %s.at = getelementptr i64, ptr %from, i64 %s
  %t.at = getelementptr i64, ptr %to, i64 %k
  call void @llvm.memcpy.p0.p0.i64(ptr %t.at, ptr %s.at, i64 %s.bytes, i1 false)
  %s.key = getelementptr i64, ptr %keys, i64 %s
  %t.key = getelementptr i64, ptr %to.keys, i64 %k
  call void @llvm.memcpy.p0.p0.i64(ptr %t.key, ptr %s.key, i64 %s.bytes, i1 false)
  br label %run.done
run.done:
  %runs = icmp ult i64 %high, %n
  br i1 %runs, label %run, label %passed
passed:
  %width.next = mul i64 %width, 2
  br label %pass
finish:
  %f = phi i64 [ 0, %pass ], [ %f.next, %finish ]
  %f.at = getelementptr i64, ptr %from, i64 %f
  %found = load i64, ptr %f.at
  %o.off = mul i64 %f, %out.step
  %o.at = getelementptr i64, ptr %out, i64 %o.off
  store i64 %found, ptr %o.at
  %f.next = add i64 %f, 1
  %f.more = icmp ult i64 %f.next, %n
  br i1 %f.more, label %finish, label %done
done:
  ret void
}}
"""
