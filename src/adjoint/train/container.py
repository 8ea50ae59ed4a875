"""The file format: named arrays and one JSON document, in a safetensors file.

Any reader of safetensors sees the arrays. The document lies in the file's own metadata under
the key ``adjoint``, behind eight digits of its checksum; it holds the checksums of the arrays,
so a damaged file is recognised wherever the damage is.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from adjoint.errors import FileFormatError
from adjoint.train.atomic import write_atomic

_KEY = "adjoint"
_VERSION = 1


def write(
    path: str | os.PathLike[str], kind: str, arrays: dict[str, Any], document: dict[str, Any]
) -> None:
    """Write arrays and a JSON document as one file, atomically.

    Args:
        path: the file.
        kind: what it is, such as ``"model"``; read() wants the same.
        arrays: by name.
        document: whatever JSON can say.
    """
    from safetensors.numpy import save

    stored, checks, complexes = {}, {}, []
    for name, value in arrays.items():
        array = np.asarray(value, order="C")  # 0-d arrays stay arrays
        if array.dtype.kind == "c":
            # The format has no double-precision complex numbers: pairs of real ones.
            complexes.append(name)
            array = array.reshape(*array.shape, 1).view(array.real.dtype)
        stored[name] = array
        checks[name] = zlib.crc32(array.data)
    head = {
        "format": _VERSION,
        "kind": kind,
        "checksums": checks,
        "complex": complexes,
        "document": document,
    }
    text = json.dumps(head, separators=(",", ":"), allow_nan=False)
    write_atomic(path, save(stored, {_KEY: f"{zlib.crc32(text.encode()):08x} {text}"}))


def read(
    path: str | os.PathLike[str], kind: str, function: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what :func:`write` wrote.

    Args:
        path: the file.
        kind: what it must be.
        function: the public function that reads, for messages.

    Returns:
        The arrays and the document.

    Raises:
        OSError: the file cannot be opened.
        FileFormatError: it is damaged, or something else.
    """
    content = Path(path).read_bytes()
    head = _head(content, path, function)
    if head.get("kind") != kind:
        raise FileFormatError(
            f"{path} is not a saved {kind}",
            function=function,
            got=f"a {head.get('kind')}",
            wanted=f"a file written for a {kind}",
        )
    arrays = _arrays(content, path, function)
    for name, check in head["checksums"].items():
        if name not in arrays or zlib.crc32(arrays[name]) != check:
            raise _damaged(path, function, f"the array {name!r} is not what was written")
    for name in head["complex"]:
        real = arrays[name]
        pair = np.dtype(f"c{2 * real.dtype.itemsize}")
        arrays[name] = real.view(pair).reshape(real.shape[:-1])
    return arrays, head["document"]


def _head(content: bytes, path: Any, function: str) -> dict[str, Any]:
    """The document beside the arrays: the header of a safetensors file is JSON too."""
    try:
        length = int.from_bytes(content[:8], "little")
        if not 0 < length <= len(content) - 8:
            raise ValueError("its length does not fit")
        header = json.loads(content[8 : 8 + length])
        marked = header.get("__metadata__", {}).get(_KEY, "")
        check, _, text = marked.partition(" ")
        if marked and check != f"{zlib.crc32(text.encode()):08x}":
            raise ValueError("its checksum does not fit")
        head: dict[str, Any] = json.loads(text) if marked else {}
    except (ValueError, AttributeError, TypeError) as error:
        raise _damaged(path, function, f"its header cannot be read ({error})") from None
    if not head:
        raise FileFormatError(
            f"{path} holds arrays, but was not written by adjoint",
            function=function,
            remedy="fill them into a model with adjoint.nn.with_leaves",
        )
    if head.get("format") != _VERSION:
        raise FileFormatError(
            f"{path} is of another version of the format",
            function=function,
            got=str(head.get("format")),
            wanted=str(_VERSION),
            remedy="read it with the version of adjoint that wrote it",
        )
    return head


def _arrays(content: bytes, path: Any, function: str) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: np.array(value) for name, value in load(content).items()}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, function, str(error)) from None


def _damaged(path: Any, function: str, reason: str) -> FileFormatError:
    return FileFormatError(
        f"{path} is damaged or not a safetensors file: {reason}",
        function=function,
        remedy="use another copy of the file, or train again",
    )
