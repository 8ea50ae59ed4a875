"""``np.rec.fromarrays`` of recorded arrays: an array with fields, by attributes too."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from adjoint.trace import replacing
from adjoint.trace.calls.support import any_traced, as_operand
from adjoint.trace.structured import with_fields

_own = np.rec.fromarrays


@functools.wraps(_own)
def _fromarrays(arrayList: Any, *args: Any, **options: Any) -> Any:
    if not any_traced(arrayList):
        return _own(arrayList, *args, **options)
    parts = [as_operand(x) for x in arrayList]
    # NumPy says what the fields are, and refuses what does not fit.
    blank = _own([np.zeros(x.shape, x.dtype) for x in parts], *args, **options)
    made = with_fields(np.zeros(blank.shape, blank.dtype.descr))
    for name, part in zip(made.dtype.names, parts, strict=True):
        made[name] = part
    return made.view(np.recarray)


replacing.also(vars(np.rec), {"fromarrays": _fromarrays})
