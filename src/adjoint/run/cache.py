"""Machine code on disk: checked before it is believed, rebuilt when in doubt.

One file for each program, named by the digest of everything the code depends on, and one that
finds it by the graph (see ``remembered``). A file is
    magic, digest of what follows, key, machine code
and is used only if the digest and the key are right. Files are written aside and renamed, so
a reader never sees half of one; the folder is private to the user. When it grows beyond its
bound the files not used for longest go. ``ADJOINT_CACHE`` names another folder, or ``off``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import zlib
from pathlib import Path

_MAGIC = b"adjoint code 1\n"
_MOST_BYTES = 256 << 20
_SWEEP_EVERY = 64  # of so many keys one has the folder's size looked at, whoever stores it


def folder() -> Path | None:
    """Where code is kept; None if it is not."""
    setting = os.environ.get("ADJOINT_CACHE", "").strip()
    if setting.lower() in ("off", "0", "no", "none"):
        return None
    if setting:
        return Path(setting)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
        return Path(base) / "adjoint" / "cache" if base else None
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "adjoint"
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "adjoint"


def digest(*parts: str) -> str:
    """The name of a program: a digest of all that its machine code depends on."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode()
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()


CODE, GRAPH = ".o", ".graph"  # the endings of the two kinds of entry


def _file(key: str, kind: str) -> Path | None:
    try:
        where = folder()
    except RuntimeError:  # no home directory
        return None
    return None if where is None else where / f"{key}{kind}"


def load(key: str, kind: str = CODE) -> bytes | None:
    """The machine code stored under a key, if it is there and whole."""
    path = _file(key, kind)
    if path is None:
        return None
    try:
        if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
            return None  # somebody else's code is not run
        data = path.read_bytes()
    except OSError:
        return None
    head = len(_MAGIC) + 32
    good = data.startswith(_MAGIC) and len(data) > head
    if not good or hashlib.sha256(data[head:]).digest() != data[len(_MAGIC) : head]:
        return None
    body = data[head:]
    name = key.encode()
    if body[: len(name)] != name:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used just now
    return body[len(name) :]


def store(key: str, code: bytes, kind: str = CODE) -> None:
    """Keep machine code; a folder that cannot be written is no reason to fail."""
    path = _file(key, kind)
    if path is None:
        return
    body = key.encode() + code
    data = _MAGIC + hashlib.sha256(body).digest() + body
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError:
        return
    if zlib.crc32(key.encode()) % _SWEEP_EVERY == 0:
        sweep(_MOST_BYTES)


def sweep(most_bytes: int) -> None:
    """Delete what was not used for longest until the folder is small enough."""
    where = folder()
    if where is None:
        return
    found = []
    with contextlib.suppress(OSError):
        for path in (*where.glob(f"*{CODE}"), *where.glob(f"*{GRAPH}")):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most_bytes:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size
