"""Long steps done in pieces, so that Python hears of signals between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adjoint.lower.control import ControlWriter


def in_pieces(
    w: ControlWriter,
    bounds: tuple[str, str, str],
    piece: int,
    write: Callable[[str, str, str], None],
) -> None:
    """A long step in pieces, with looks for signals between them.

    Nobody meets here: who sees that the program is to end leaves out what is left, as all
    long steps do that come later, and the program returns what stands there.

    Args:
        w: writes the program.
        bounds: where it begins and ends, and whether the end is that of the whole.
        piece: units of a piece; 0 for a step that is short.
        write: writes the part with such bounds.
    """
    if not piece:
        write(*bounds)
        return
    w.polls = True
    begin, end, last = bounds
    tag = w.fresh("piece")
    at, far, stop, ends = f"%{tag}.at", f"%{tag}.far", f"%{tag}.stop", f"%{tag}.ends"
    final = f"%{tag}.last"
    w.lines += [
        f"br label %{tag}.pre",
        f"{tag}.pre:",
        f"br label %{tag}",
        f"{tag}:",
        f"{at} = phi i64 [ {begin}, %{tag}.pre ], [ {stop}, %{tag}.heard ]",
        f"{far} = add i64 {at}, {piece}",
        f"{ends} = icmp uge i64 {far}, {end}",
        f"{stop} = select i1 {ends}, i64 {end}, i64 {far}",
        f"{final} = and i1 {ends}, {last}",
    ]
    write(at, stop, final)

    bad = w.poll_and_note()
    w.lines += [
        f"%{tag}.over = or i1 {bad}, {ends}",
        f"br label %{tag}.heard",
        f"{tag}.heard:",
        f"br i1 %{tag}.over, label %{tag}.exit, label %{tag}",
        f"{tag}.exit:",
    ]
