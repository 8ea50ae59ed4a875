"""adjoint check: compare the derivatives of a function with differences of its values."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from adjoint.cli.named import count_arguments, find_function, read_arguments
from adjoint.cli.refusal import Refusal
from adjoint.errors import AdjointError, GradientCheckError
from adjoint.testing import check_grads
from adjoint.testing.check import MODES
from adjoint.testing.samplers import random_array


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("function")
@click.argument("arguments", nargs=-1)
@click.option("--shape", "shapes", multiple=True, help="Of an argument: 3,4; () for a number.")
@click.option("--low", default=-2.0, show_default=True, help="Least number drawn.")
@click.option("--high", default=2.0, show_default=True, help="Largest number drawn.")
@click.option("--samples", type=click.IntRange(1), default=3, show_default=True)
@click.option("--order", type=click.IntRange(1, 4), default=2, show_default=True)
@click.option("--mode", type=click.Choice(MODES), help="One only; both without it.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def command(
    function: str,
    arguments: tuple[str, ...],
    shapes: tuple[str, ...],
    low: float,
    high: float,
    samples: int,
    order: int,
    mode: str | None,
    seed: int,
) -> int:
    """Check the derivatives of MODULE:FUNCTION, in forward and reverse mode.

    ARGUMENTS are numbers and lists of numbers. Without them they are drawn: one number for
    each, or arrays of the shapes that --shape gives in turn. The exit code is 0 if every
    derivative is right, 1 if one is wrong, 2 for bad input.
    """
    if arguments and shapes:
        raise Refusal("give arguments or --shape, not both")
    if not low < high:
        raise Refusal(f"--low {low:g} is not below --high {high:g}")
    f = find_function(function)
    for args in _points(f, function, arguments, shapes, (low, high), samples, seed):
        try:
            check_grads(f, args, order=order, modes=(mode,) if mode else MODES, seed=seed)
        except GradientCheckError as error:
            click.echo(f"adjoint: {error}", err=True)
            return 1
        except AdjointError:
            raise
        except Exception as error:
            raise Refusal(f"{function} raised {type(error).__name__}: {error}") from None
    points = "1 point" if arguments or samples == 1 else f"{samples} points"
    click.echo(f"{function}: derivatives up to order {order} are right at {points}")
    return 0


def _points(
    f: Any,
    name: str,
    arguments: tuple[str, ...],
    shapes: tuple[str, ...],
    domain: tuple[float, float],
    samples: int,
    seed: int,
) -> list[tuple[Any, ...]]:
    if arguments:
        return [tuple(read_arguments(arguments))]
    wanted = [_shape(text) for text in shapes] or [()] * count_arguments(f, name)
    if not wanted:
        raise Refusal(f"{name} takes no arguments, so there is nothing to check")
    rng = np.random.default_rng(seed)
    return [
        tuple([random_array(rng, shape, domain=domain) for shape in wanted]) for _ in range(samples)
    ]


def _shape(text: str) -> tuple[int, ...]:
    parts = [part for part in text.strip().strip("()").split(",") if part.strip()]
    if not all(part.strip().isdigit() for part in parts):
        raise Refusal(f"{text!r} is no shape; write 3,4 or () for a number")
    return tuple(map(int, parts))
