"""Functions whose rule is NumPy's own code (``trace/borrow.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError
from adjoint.graph.source import source_here
from adjoint.trace.borrow import borrow, borrowed
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.recorder import plain
from adjoint.trace.tables import find_function, implements, refuse

borrow(
    np.nansum,
    np.nanprod,
    np.nancumsum,
    np.nancumprod,
    np.average,
    np.apply_along_axis,
    np.apply_over_axes,
    np.polyfit,
    np.unwrap,
    np.logspace,
    np.geomspace,
    np.flipud,
    np.fliplr,
    np.rot90,
    np.delete,
    np.insert,
    np.append,
    np.resize,
    np.hsplit,
    np.vsplit,
    np.dsplit,
    np.dstack,
    np.atleast_3d,
    np.ediff1d,
    np.cross,
    np.trapezoid,
    np.sort_complex,
    np.nan_to_num,
    np.real_if_close,
    np.isreal,
    np.iscomplex,
    np.fix,
    np.cumulative_sum,
    np.cumulative_prod,
    np.union1d,
    np.intersect1d,
    np.setdiff1d,
    np.setxor1d,
    np.ix_,
    np.diag_indices_from,
    np.tril_indices_from,
    np.triu_indices_from,
    np.vander,
    np.linalg.tensorinv,
    np.linalg.multi_dot,
    np.linalg.vector_norm,
    np.linalg.matrix_norm,
    np.linalg.matrix_rank,
    np.linalg.trace,
    np.linalg.diagonal,
    np.linalg.cross,
    np.linalg.outer,
    np.linalg.vecdot,
    np.linalg.tensordot,
    np.linalg.matrix_transpose,
    np.linalg.matmul,
    np.fft.fft2,
    np.fft.ifft2,
    np.fft.fftn,
    np.fft.ifftn,
    np.fft.rfft2,
    np.fft.rfftn,
    np.fft.irfft2,
    np.fft.irfftn,
    np.fft.hfft,
    np.fft.ihfft,
    np.fft.fftshift,
    np.fft.ifftshift,
    *[getattr(np.emath, name) for name in np.emath.__all__],
)


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """NumPy's own code, with the result as the first operand has it: a stand-in in any case."""
    first = a if is_traced(a) else plain(np.asarray(a))
    return borrowed(np.linalg.tensorsolve)(first, b, axes)


def _known_or_complex(name: str) -> None:
    """Have a function of np.emath ask for no values that are not known."""
    function = getattr(np.emath, name)
    known, plain = find_function(function), getattr(np, name, None)

    @implements(function)
    def call(*args: Any) -> Any:
        if not is_unknown(*args):
            return known(*args)
        if all(as_operand(x).dtype.kind == "c" for x in args if is_unknown(x)):
            if plain is None:  # logn
                return np.emath.log(args[1]) / np.emath.log(args[0])
            return plain(*args)
        raise ConcreteValueError(
            "whether the result is complex depends on values that are not known while recording",
            function=f"np.emath.{name}",
            source=source_here(),
            remedy=f"write np.{name}(x) for real results, np.{name}(x + 0j) for complex ones"
            if plain is not None
            else "write np.log(x) / np.log(n), with x + 0j for complex results",
        )


for _name in np.emath.__all__:
    _known_or_complex(_name)

refuse(
    "counts do not move with the data, so nothing can be differentiated; sum a smooth kernel, "
    "or compute it with ad.stop_gradient(x)",
    np.histogram_bin_edges,
)
refuse(
    "text and files hold plain numbers; give them ad.stop_gradient(x)",
    np.save,
    np.savez,
    np.savez_compressed,
    np.savetxt,
)
