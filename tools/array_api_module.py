r"""NumPy's namespace with recorded arrays in it, for data-apis' array-api-tests.

The suite wants a module whose functions give arrays that it may look into. Here every array is a
stand-in of one recorder that knows the values, so that each operation of the suite is one of
ours; only where the suite asks for a number or for the array does it get what is behind::

    git clone --recurse-submodules https://github.com/data-apis/array-api-tests
    cd array-api-tests
    PYTHONPATH=.../adjoint/tools ARRAY_API_TESTS_MODULE=array_api_module \
        pytest --max-examples=20 --disable-warnings array_api_tests
"""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint  # noqa: F401  # fills the tables
from adjoint.trace import Recorder, TracedArray
from adjoint.trace.indexing import concrete_value
from adjoint.trace.session import session

_recorder = Recorder("array-api-tests", concrete=True, keep_all=True, transforming=False)
_own = {name: getattr(TracedArray, name) for name in ("__float__", "__complex__", "__array__")}


def _known(x: Any) -> Any:
    """What the suite looks at: the array behind a stand-in."""
    value = concrete_value(x)
    return value if value is not None else x


def _dlpack(
    self: Any,
    *,
    stream: Any = None,
    max_version: Any = None,
    dl_device: Any = None,
    copy: Any = None,
) -> Any:
    return np.asarray(_known(self)).__dlpack__(
        stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
    )


TracedArray.__dlpack__ = _dlpack  # type: ignore[attr-defined]
TracedArray.__float__ = lambda self: float(_known(self))  # type: ignore[method-assign]
TracedArray.__complex__ = lambda self: complex(_known(self))  # type: ignore[method-assign]
TracedArray.__dlpack_device__ = lambda self: (1, 0)  # type: ignore[attr-defined]


def _recorded(x: Any) -> Any:
    """Arrays and NumPy's scalars as stand-ins."""
    if type(x) is TracedArray:
        return x if x.recorder is _recorder else _recorder.input(np.array(_known(x)))
    if type(x) is np.ndarray or (isinstance(x, np.generic) and x.dtype.kind in "biufc"):
        return _recorder.input(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[_recorded(part) for part in x])
    if type(x) in (tuple, list):
        return type(x)([_recorded(part) for part in x])
    return x


class _Function:
    """A function of NumPy's, called by its name while recording."""

    def __init__(self, space: Any, name: str) -> None:
        own = getattr(space, name)
        self.space = space
        self.__name__ = name
        self.__doc__ = own.__doc__
        self.__wrapped__ = own

    def __call__(self, *args: Any, **options: Any) -> Any:
        with session:
            call = getattr(self.space, self.__name__)
            return _recorded(call(*args, **options))


class _Space:
    """A namespace of NumPy's."""

    def __init__(self, own: Any) -> None:
        self._own = own
        self.__name__ = own.__name__
        self.__all__ = own.__all__

    def __getattr__(self, name: str) -> Any:
        return _seen(self._own, name)


_APART = ("isdtype", "result_type", "can_cast", "finfo", "iinfo", "broadcast_shapes")


def _seen(space: Any, name: str) -> Any:
    value = getattr(space, name)
    if isinstance(value, type) or not callable(value) or name in _APART:
        return value
    return _Function(space, name)


linalg, fft = _Space(np.linalg), _Space(np.fft)


def __getattr__(name: str) -> Any:
    return _seen(np, name)
