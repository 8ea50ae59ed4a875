"""The floor: what the machine could do at best, measured in this process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Floor:
    """Peaks of the machine with all its cores: GFLOP/s and GB/s."""

    gemm_float32: float
    gemm_float64: float
    bandwidth: float

    def microseconds(self, flops: float, moved: float, dtype: str) -> float:
        """The least time for some work: the slower of arithmetic and memory."""
        peak = self.gemm_float64 if dtype == "float64" else self.gemm_float32
        return max(flops / peak, moved / self.bandwidth) * 1e-3


def _best(run: object, times: int = 9) -> float:
    assert callable(run)
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def measure_floor() -> Floor:
    """Measure the peaks: a large matrix product, and a triad over far memory."""
    peaks = []
    for dtype in (np.float32, np.float64):
        n = 1536
        a, b, c = (np.ones((n, n), dtype) for _ in range(3))
        seconds = _best(lambda a=a, b=b, c=c: np.matmul(a, b, out=c))
        peaks.append(2 * n**3 / seconds * 1e-9)
    x, y = np.ones(1 << 24), np.ones(1 << 24)
    seconds = _best(lambda: np.add(x, y, out=y))
    return Floor(peaks[0], peaks[1], 3 * x.nbytes / seconds * 1e-9)


@lru_cache(maxsize=1)
def machine_floor() -> Floor:
    """The peaks, measured once in this process: it takes about a second."""
    return measure_floor()
