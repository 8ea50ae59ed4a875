"""What the command line says when it cannot do what was asked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class Refusal(Exception):  # noqa: N818 - it is no error of the program
    """One line for standard error; the exit code is 2."""


def check_writable(place: Path | None) -> None:
    """Refuse before the work, not after it; None is no file.

    Raises:
        Refusal: a file cannot be written there.
    """
    if place is None:
        return
    if place.is_dir():
        raise Refusal(f"{place} is a folder, and a file was wanted")
    if not place.parent.is_dir():
        raise Refusal(f"there is no folder {place.parent}")
    if place.exists() and not os.access(place, os.W_OK):
        raise Refusal(f"{place} cannot be written")
    try:
        tempfile.TemporaryFile(dir=place.parent).close()
    except OSError as error:
        raise Refusal(f"{place} cannot be written: {error.strerror}") from None
