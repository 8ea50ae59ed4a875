"""The command ``adjoint``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

# Name of a command: the file that defines it as ``command``, and its line in the help.
COMMANDS = {
    "train": ("adjoint.cli.train", "Train a network on a table, or on digits."),
    "predict": ("adjoint.cli.predict", "What a saved model says about a table."),
    "bench": ("adjoint.cli.bench", "Time this machine against its peers and its floor."),
    "gallery": ("adjoint.cli.gallery", "The classic experiments, reproduced."),
    "evaluate": ("adjoint.cli.evaluate", "How good a saved model is on a table."),
    "xray": ("adjoint.cli.xray", "What passes through a saved model, forward and back."),
    "explain": ("adjoint.cli.explain", "One step of backpropagation worked by hand."),
    "studio": ("adjoint.cli.studio", "Watch a small network learn, in the browser."),
    "check": ("adjoint.cli.check", "Compare a function's derivatives with differences."),
}
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 if all is well, 2 for bad input, 130 for Ctrl-C."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run a command.

    Args:
        arguments: without the program's name.

    Returns:
        The exit code. Bad input gets one line on standard error.
    """
    try:
        import click
    except ImportError:
        return _complain("the command line is an extra: python -m pip install 'adjoint[cli]'")
    from adjoint.cli.refusal import Refusal
    from adjoint.errors import AdjointError

    try:
        made: Any = _group(click).main(arguments, prog_name="adjoint", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _close_stdout()
        return 0
    except (KeyboardInterrupt, click.Abort):
        return 130
    except click.ClickException as error:
        return _complain(_line(error.format_message()))
    except AdjointError as error:
        return _complain(error.one_line())
    except (Refusal, OSError) as error:
        return _complain(_line(str(error)))
    return made if isinstance(made, int) else 0


def _group(click: Any) -> Any:
    class Commands(click.Group):  # type: ignore[misc]
        """Loads a command's file when the command is called."""

        def list_commands(self, context: Any) -> list[str]:
            return list(COMMANDS)

        def get_command(self, context: Any, name: str) -> Any:
            if name not in COMMANDS:
                return None
            return import_module(COMMANDS[name][0]).command

        def format_commands(self, context: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    return Commands(
        name="adjoint",
        help="Backpropagation for the NumPy you already have.",
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=False,
        invoke_without_command=True,
        callback=_say_help,
        params=[],
    )


def _say_help() -> None:
    import click

    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _complain(message: str) -> int:
    print(f"adjoint: {message}", file=sys.stderr)
    return BAD_INPUT


def _line(text: str) -> str:
    return " ".join(text.split())


def _close_stdout() -> None:
    """Nobody reads any more: what is still buffered must not raise again at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
