"""Which loops of a kernel become one, and along which of them its vectors run.

Loops that walk memory evenly together are one loop. A last loop that is shorter than a vector
joins the one before it as well where the lanes then lie at places known beforehand. Vectors run
along the kept or the reduced axes, whichever reads memory with less work.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from adjoint.lower.index import Index, Var
from adjoint.lower.kernel import Kernel
from adjoint.lower.widths import fitting

_SHUFFLED = 4  # lanes this far apart are read in whole vectors and put in order
_AFAR = 1.5  # what a lane costs that is read by itself, in vectors
_SIMPLE = 6  # the price of what may be done to several vectors side by side
_RUN = 8  # vectors of a row that are read one after the other
_FEWEST_RUNS = 4  # of a row, so that threads can share them
_FOLD = 1.5  # what adding the halves of a vector costs, each time


def plan_axes(kernel: Kernel, variables: list[Var], forms: Iterable[Index]) -> None:
    """Fill in the kernel's groups of axes and the direction of its vectors.

    Args:
        kernel: its reads and lanes are known.
        variables: one for each axis of its space.
        forms: every address that it touches.
    """
    forms = list(forms)
    groups = _even(kernel, variables, forms)
    kept = [g for g in groups if g[-1] < kernel.prefix]
    inner = [g for g in groups if g[-1] >= kernel.prefix]
    kernel.across = _across(kernel, kept, inner, variables, forms)
    along = inner if kernel.across else kept
    _join_short(kernel, along, variables, forms)
    kernel.groups = [*kept, *inner]
    if kept and inner and not kernel.across:
        _widen(kernel, kept[-1], variables[kept[-1][-1]], forms)


def _even(kernel: Kernel, variables: list[Var], forms: list[Index]) -> list[list[int]]:
    """Axes in groups that each are walked as one."""
    groups: list[list[int]] = []
    for axis, variable in enumerate(variables):
        if variable.extent == 1:
            continue
        same_part = groups and (groups[-1][-1] < kernel.prefix) == (axis < kernel.prefix)
        if same_part:
            outer = variables[groups[-1][-1]]
            between = range(groups[-1][-1] + 1, axis)
            assert all(kernel.space[i] == 1 for i in between)
            if all(f.merges(outer, variable, variable.extent) for f in forms):
                groups[-1].append(axis)
                continue
        groups.append([axis])
    return groups


def _extent(kernel: Kernel, group: list[int]) -> int:
    return max(prod(kernel.space[axis] for axis in group), 1)  # loops without rounds too


def _is_short(
    kernel: Kernel, groups: list[list[int]], variables: list[Var], forms: list[Index]
) -> bool:
    """Whether the last loop fills a part of a vector, and several rounds of it a whole one.

    What these rounds read must lie near each other, so that it is not gathered.
    """
    if len(groups) < 2:
        return False
    extent = _extent(kernel, groups[-1])
    if extent >= kernel.lanes or kernel.lanes % extent:
        return False
    for form in forms:
        outer, inner = (form.coefficient(variables[group[-1]]) for group in groups[-2:])
        if outer is None or inner is None:
            return False
        span = abs(outer) * (kernel.lanes // extent - 1) + abs(inner) * (extent - 1)
        if span >= _SHUFFLED * kernel.lanes:
            return False
    return True


def _join_short(
    kernel: Kernel, groups: list[list[int]], variables: list[Var], forms: list[Index]
) -> None:
    while groups and _is_short(kernel, groups, variables, forms):
        last = groups.pop()
        groups[-1] += last


def _widen(kernel: Kernel, group: list[int], variable: Var, forms: list[Index]) -> None:
    """Let sums over rows read a long run of each row at once.

    A narrow column of a large array touches another page in every row, and a line of which the
    rest is needed only when it has left the caches.
    """
    if kernel.price > _SIMPLE or any(f.coefficient(variable) not in (0, 1) for f in forms):
        return
    extent, most = _extent(kernel, group), _RUN // len(kernel.nodes)
    while 2 * kernel.vectors <= most and extent >= _FEWEST_RUNS * 2 * kernel.lanes:
        kernel.lanes *= 2
        kernel.vectors *= 2


def _across(
    kernel: Kernel,
    kept: list[list[int]],
    inner: list[list[int]],
    variables: list[Var],
    forms: list[Index],
) -> bool:
    """Whether vectors run along the reduced axes."""
    if not inner or kernel.prefix == len(kernel.space):
        return False
    if not kept or any(not stage.reduces for stage in kernel.stages):
        return True

    def price(groups: list[list[int]]) -> float:
        """What an element costs, in instructions."""
        extent = _extent(kernel, groups[-1])
        short = _is_short(kernel, groups, variables, forms)
        lanes = kernel.lanes if short else min(kernel.lanes, fitting(extent))
        reads = sum(_price(f.coefficient(variables[groups[-1][-1]]), lanes) for f in forms)
        vectors = extent / lanes if short else -(-extent // lanes)
        return (1 + reads) * vectors / extent

    each = prod(_extent(kernel, group) for group in inner)
    halvings = min(kernel.lanes, fitting(each)).bit_length() - 1
    fold = _FOLD * halvings * len(kernel.nodes)
    return price(inner) + fold / each <= price(kept)


def _price(step: int | None, lanes: int) -> float:
    """What a vector whose lanes lie so far apart costs to read."""
    if step is None or abs(step) > _SHUFFLED:
        return _AFAR * lanes
    return max(4 * abs(step) - 3, 1)
