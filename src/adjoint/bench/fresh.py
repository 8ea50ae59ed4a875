"""One contender of one row in a process of its own; ``start`` runs this file.

Prints what starting cost, as JSON: seconds from the start of the process to the end of the
first step (without the making of data), of which seconds for Python and imports, and the peak
of memory in megabytes. The row's module imports us whoever the contender is; what that took is
taken off the peers' account.
"""

from __future__ import annotations

import time

_BEGAN = time.monotonic()

import json  # noqa: E402 - the clock starts before anything is imported
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

NO_SUCH_PEER = 3  # the exit code where a peer cannot do the row


def _megabytes() -> float:
    """The peak of memory so far; where the system does not say, zero."""
    try:  # Linux counts the peak of the process that started this one into getrusage's
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / (1 << 10)
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(row_name: str, contender: str, started: float) -> None:
    """Start, run one step, report."""
    import numpy  # noqa: F401

    numpy_ready, numpy_memory = time.monotonic(), _megabytes()
    import adjoint  # noqa: F401

    ready, memory = time.monotonic(), _megabytes()
    ours = contender.startswith("adjoint")
    from adjoint.bench.harness import MissingPeerError
    from adjoint.bench.start import ROWS

    row = ROWS[row_name]()
    before = time.monotonic()
    try:
        run = row.contenders[contender]()
        run(1)
    except (KeyError, ImportError, MissingPeerError):
        sys.exit(NO_SUCH_PEER)
    ended = time.monotonic()
    imported = (ready if ours else numpy_ready) - started
    print(
        json.dumps(
            {
                "import": ready - numpy_ready if ours else None,
                "first": ended - before,
                "total": imported + ended - before,
                "memory": _megabytes() - (0.0 if ours else memory - numpy_memory),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
