"""What the command line says when it cannot do what was asked."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - it is no error of the program
    """One line for standard error; the exit code is 2."""
