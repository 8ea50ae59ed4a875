"""Filter design of scipy.signal: SciPy's own code, which pairs and orders poles by their values.

Where the values are known that code runs on recorded arrays. Inside jit and vmap it is run when
the program runs; the order of a filter, and so the shapes, are known before.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from adjoint.api.eager import when_run
from adjoint.trace.borrow_scipy import is_unknown, own_code
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import entries, scipy_rule

_DESIGNS = "butter cheby1 cheby2 bessel ellip iirfilter firwin firwin2 iirnotch iirpeak iircomb"
# A value that every design takes, for arguments that are not known yet.
_RIPPLES = {"rp": 1.0, "rs": 40.0, "Q": 30.0, "scale": 1.0}


def _sample(name: str, shape: tuple[int, ...], settings: dict[str, Any]) -> Any:
    """Something in the place of an unknown argument: increasing frequencies below Nyquist's."""
    if name in _RIPPLES:
        return np.full(shape, _RIPPLES[name])
    if name == "fs":
        return np.full(shape, 2.0)
    if name == "gain":
        return np.linspace(1.0, 0.0, shape[0])
    rate = settings.get("fs")
    top = 1.0 if rate is None or is_unknown(rate) else 0.5 * float(rate)
    if name == "freq":
        return np.linspace(0.0, top, shape[0])
    places = np.linspace(0.2, 0.6, int(np.prod(shape)) + 1)[:-1]
    return np.reshape(top * places, shape)


def _design(name: str) -> None:
    known = own_code(f"scipy.signal.{name}")

    @scipy_rule(f"scipy.signal.{name}")
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.signal

        own = entries[f"scipy.signal.{name}"].original
        call = inspect.signature(own).bind(*args, **kwargs)
        settings = dict(call.arguments)
        moving = {}
        for key, value in settings.items():
            several = value if isinstance(value, list | tuple) else (value,)
            if is_unknown(*several):
                moving[key] = floating(value).astype(np.float64)
        if not moving:
            return known(*args, **kwargs)

        def design(*values: Any) -> Any:
            made = {**settings, **{k: v[()] for k, v in zip(moving, values, strict=True)}}
            return getattr(scipy.signal, name)(**made)

        sample = [_sample(key, x.shape, settings) for key, x in moving.items()]
        return when_run(design, list(moving.values()), sample)


for _name in _DESIGNS.split():
    _design(_name)
