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
from adjoint.trace.indexing import known_parts
from adjoint.trace.scipy_gate import entries, scipy_rule
from adjoint.trace.without_rule import refusing

_DESIGNS = "butter cheby1 cheby2 bessel ellip iirfilter firwin firwin2 iirnotch iirpeak iircomb"
# A value that every design takes, for arguments that are not known yet.
_RIPPLES = {"rp": 1.0, "rs": 40.0, "Q": 30.0, "scale": 1.0, "window": 4.0}
_refused = refusing("scipy.signal")


def _sample(name: str, shape: tuple[int, ...], settings: dict[str, Any]) -> Any:
    """Something in the place of an unknown argument: increasing frequencies below Nyquist's."""
    if name in _RIPPLES:
        return np.full(shape, _RIPPLES[name])
    if name == "fs":
        return np.full(shape, _rate(settings))
    if name == "gain":  # 0 where some kinds of filters must have it
        return np.sin(np.pi * np.linspace(0.0, 1.0, shape[0])) * (
            np.arange(shape[0]) < shape[0] - 1
        )
    rate = settings.get("fs")
    top = 1.0 if rate is None or is_unknown(rate) else 0.5 * float(rate)
    if name == "freq":
        return np.linspace(0.0, top, shape[0])
    places = np.linspace(0.2, 0.6, int(np.prod(shape)) + 1)[:-1]
    return np.reshape(top * places, shape)


def _rate(settings: dict[str, Any]) -> float:
    """A sampling rate that known frequencies lie below."""
    for key, most in (("freq", 2.0), ("Wn", 4.0), ("cutoff", 4.0), ("w0", 4.0)):
        if key in settings and not is_unknown(settings[key]):
            return most * float(np.max(known_parts(settings[key])))
    return 2.0


def _design(name: str) -> None:
    known = own_code(f"scipy.signal.{name}")

    @scipy_rule(f"scipy.signal.{name}")
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.signal

        own = entries[f"scipy.signal.{name}"].original
        call = inspect.signature(own).bind(*args, **kwargs)
        settings = dict(call.arguments)
        moving: dict[tuple[str, int | None], Any] = {}
        for key, value in settings.items():
            if key == "window" and isinstance(value, tuple):
                moving.update({(key, i): floating(v).astype(np.float64)
                               for i, v in enumerate(value) if is_unknown(v)})  # fmt: skip
            elif is_unknown(value):
                moving[key, None] = floating(value).astype(np.float64)
        if not moving:
            return known(*args, **kwargs)
        if name == "iircomb" and is_unknown(settings["w0"], settings.get("fs")):
            what = "a frequency that is not known, inside jit or vmap (it chooses the order),"
            raise _refused(name, what, "fixed w0 and fs")

        def design(*values: Any) -> Any:
            made = dict(settings)
            for (key, place), v in zip(moving, values, strict=True):
                whole = made[key]
                made[key] = v[()] if place is None else (*whole[:place], v[()], *whole[place + 1 :])
            return getattr(scipy.signal, name)(**made)

        sample = [_sample(key, x.shape, settings) for (key, _), x in moving.items()]
        return when_run(design, list(moving.values()), sample)


for _name in _DESIGNS.split():
    _design(_name)
