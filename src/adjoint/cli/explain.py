"""adjoint explain: one step of backpropagation worked by hand."""

from __future__ import annotations

from pathlib import Path

import click

from adjoint.cli.named import count_arguments, find_function, read_arguments
from adjoint.cli.refusal import Refusal, check_writable
from adjoint.errors import AdjointError
from adjoint.inspect import Explanation, explain
from adjoint.train.atomic import write_atomic


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("function", required=False)
@click.argument("arguments", nargs=-1)
@click.option("--rate", type=float, help="Show the arguments after one step of this rate.")
@click.option("--digits", type=click.IntRange(1, 17), default=9, show_default=True)
@click.option("--html", type=click.Path(path_type=Path), help="Write a page.")
@click.option("--latex", type=click.Path(path_type=Path), help="Write LaTeX equations.")
def command(
    function: str | None,
    arguments: tuple[str, ...],
    rate: float | None,
    digits: int,
    html: Path | None,
    latex: Path | None,
) -> int:
    """Write out the arithmetic of one step of backpropagation.

    FUNCTION is MODULE:FUNCTION, found from the current folder; ARGUMENTS are numbers and lists
    of numbers, such as 3.0 '[1.0, 2.5]'. Without them the classic 2-2-2 example is worked.
    """
    for file in (html, latex):
        check_writable(file)
    made = _explain(function, arguments, rate, digits)
    if html is not None:
        made.to_html(html)
    if latex is not None:
        write_atomic(latex, made.to_latex().encode())
    if html is None and latex is None:
        click.echo(made.text(), nl=False)
    return 0


def _explain(
    function: str | None, arguments: tuple[str, ...], rate: float | None, digits: int
) -> Explanation:
    if function is None:
        from adjoint.gallery.mazur import BIASES, HIDDEN, OUTPUT, RATE, error

        rate = RATE if rate is None else rate
        return explain(error, HIDDEN, OUTPUT, BIASES, rate=rate, digits=digits)
    f = find_function(function)
    given = read_arguments(arguments)
    if not given and (wanted := count_arguments(f, function)):
        raise Refusal(f"{function} takes {wanted} arguments, and none was given")
    try:
        return explain(f, *given, rate=rate, digits=digits)
    except AdjointError:
        raise
    except Exception as problem:
        raise Refusal(f"{function} raised {type(problem).__name__}: {problem}") from None
