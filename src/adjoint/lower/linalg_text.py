"""Loops over stacks of matrices that call LAPACK, as LLVM text.

KIND stands for the type of a number, SUFFIX for its name in LLVM's functions, LETTER for
LAPACK's letter for it, BYTES for its size.
Every routine of LAPACK takes pointers only, and says in its last argument what went wrong.
"""

from __future__ import annotations


def _numbers(*names: str) -> str:
    """Numbers put where a routine can read them."""
    return "\n".join(
        f"  %{name}.at = alloca {kind}\n  store {kind} %{name}, ptr %{name}.at"
        for kind, name in (text.split() for text in names)
    )


def _routine(name: str, *given: str) -> str:
    """A call of LAPACK."""
    pointers = ", ".join(f"ptr %{x}" for x in (*given, "info.at"))
    return f'  call void @"lapack.LETTER{name}"({pointers})'


def _function(name: str, given: str, numbers: str, each: str, fault: bool) -> str:
    """A loop over the matrices; the worst that a routine said is the result."""
    kind, ending = ("i64", "ret i64 %worst.next") if fault else ("void", "ret void")
    note = ""
    if fault:
        note = """
  %info = load i32, ptr %info.at
  %wide = sext i32 %info to i64
  %worst.next = or i64 %worst, %wide"""
    worst = "%worst = phi i64 [ 0, %entry ], [ %worst.next, %latch ]" if fault else ""
    return f"""define internal {kind} @{name}.LETTER({given}, i64 %count) #0 {{
entry:
{numbers}
  %info.at = alloca i32
  store i32 0, ptr %info.at
  %rows = sext i32 %n to i64
  %square = mul i64 %rows, %rows
  br label %each
each:
  %i = phi i64 [ 0, %entry ], [ %i.next, %latch ]
  {worst}
  %a.off = mul i64 %i, %square
  %a.i = getelementptr KIND, ptr %a, i64 %a.off
{each}
  br label %latch
latch:{note}
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, %count
  br i1 %more, label %each, label %done
done:
  {ending}
}}
"""


_PIVOTS = """  %p.off = mul i64 %i, %rows
  %p.i = getelementptr i32, ptr %pivots, i64 %p.off"""
_SIDES = """  %k.wide = sext i32 %k to i64
  %x.size = mul i64 %rows, %k.wide
  %x.off = mul i64 %i, %x.size
  %x.i = getelementptr KIND, ptr %x, i64 %x.off"""
# The product of the diagonal goes round by round: what has been found, times the next one.
_DIAGONAL = """  br label %element
element:
  %j = phi i64 [ 0, %each ], [ %j.next, %element ]
{begin}
  %d.row = mul i64 %j, %rows
  %d.off = add i64 %d.row, %j
  %d.at = getelementptr KIND, ptr %a.i, i64 %d.off
  %d = load KIND, ptr %d.at
  %swap.at = getelementptr i32, ptr %p.i, i64 %j
  %swap = load i32, ptr %swap.at
  %swap.wide = sext i32 %swap to i64
  %j.next = add i64 %j, 1
  %stays = icmp eq i64 %swap.wide, %j.next
  %turned = fneg KIND %d
  %factor = select i1 %stays, KIND %d, KIND %turned
{combine}
  %j.more = icmp ult i64 %j.next, %rows
  br i1 %j.more, label %element, label %ended
ended:
{store}"""
_PRODUCT = _DIAGONAL.format(
    begin="  %so.far = phi KIND [ 1.0, %each ], [ %product, %element ]",
    combine="  %product = fmul KIND %so.far, %factor",
    store="""  %to = getelementptr KIND, ptr %out, i64 %i
  store KIND %product, ptr %to""",
)
_LOGARITHM = _DIAGONAL.format(
    begin="""  %so.far = phi KIND [ 0.0, %each ], [ %total, %element ]
  %sign.far = phi KIND [ 1.0, %each ], [ %sign.next, %element ]""",
    combine="""  %size = call KIND @llvm.fabs.SUFFIX(KIND %d)
  %log = call KIND @llvm.log.SUFFIX(KIND %size)
  %total = fadd KIND %so.far, %log
  %one = call KIND @llvm.copysign.SUFFIX(KIND 1.0, KIND %factor)
  %zero = fcmp oeq KIND %d, 0.0
  %unit = select i1 %zero, KIND 0.0, KIND %one
  %sign.next = fmul KIND %sign.far, %unit""",
    store="""  %sign.to = getelementptr KIND, ptr %sign, i64 %i
  store KIND %sign.next, ptr %sign.to
  %to = getelementptr KIND, ptr %out, i64 %i
  %none = fcmp oeq KIND %sign.next, 0.0
  %found = select i1 %none, KIND 0xFFF0000000000000, KIND %total
  store KIND %found, ptr %to""",
)
_CHOLESKY = """  br label %row
row:
  %r = phi i64 [ 0, %each ], [ %r.next, %row ]
  %r.next = add i64 %r, 1
  %above = sub i64 %rows, %r.next
  %length = select i1 %lower, i64 %above, i64 %r
  %first = select i1 %lower, i64 %r.next, i64 0
  %z.row = mul i64 %r, %rows
  %z.off = add i64 %z.row, %first
  %z.at = getelementptr KIND, ptr %a.i, i64 %z.off
  %z.bytes = mul i64 %length, BYTES
  call void @llvm.memset.p0.i64(ptr %z.at, i8 0, i64 %z.bytes, i1 false)
  %r.more = icmp ult i64 %r.next, %rows
  br i1 %r.more, label %row, label %ended
ended:"""

_TRIANGLE = ("uplo.at", "trans.at", "diag.at", "n.at", "k.at", "a.i", "n.at", "x.i", "n.at")

FUNCTIONS = {
    "factor": _function(
        "factor",
        "ptr %a, ptr %pivots, i32 %n",
        _numbers("i32 n"),
        f"""{_PIVOTS}
{_routine("getrf", "n.at", "n.at", "a.i", "n.at", "p.i")}""",
        True,
    ),
    "substitute": _function(
        "substitute",
        "ptr %a, ptr %pivots, ptr %x, i8 %trans, i32 %n, i32 %k",
        _numbers("i8 trans", "i32 n", "i32 k"),
        f"""{_PIVOTS}
{_SIDES}
{_routine("getrs", "trans.at", "n.at", "k.at", "a.i", "n.at", "p.i", "x.i", "n.at")}""",
        False,
    ),
    "triangular": _function(
        "triangular",
        "ptr %a, ptr %x, i8 %uplo, i8 %trans, i8 %diag, i32 %n, i32 %k",
        _numbers("i8 uplo", "i8 trans", "i8 diag", "i32 n", "i32 k"),
        f"{_SIDES}\n" + _routine("trtrs", *_TRIANGLE),
        True,
    ),
    "cholesky": _function(
        "cholesky",
        "ptr %a, i8 %uplo, i32 %n",
        _numbers("i8 uplo", "i32 n") + "\n  %lower = icmp eq i8 %uplo, 85",
        f"""{_routine("potrf", "uplo.at", "n.at", "a.i", "n.at")}\n{_CHOLESKY}""",
        True,
    ),
    "determinant": _function(
        "determinant", "ptr %a, ptr %pivots, ptr %out, i32 %n", "", f"{_PIVOTS}\n{_PRODUCT}", False
    ),
    "log_determinant": _function(
        "log_determinant",
        "ptr %a, ptr %pivots, ptr %sign, ptr %out, i32 %n",
        "",
        f"{_PIVOTS}\n{_LOGARITHM}",
        False,
    ),
}
