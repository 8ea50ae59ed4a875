"""ONNX files run by others: onnxruntime where it is installed, else onnx's own evaluator."""

import importlib.util
import warnings
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.formats import from_onnx, to_onnx

HAS_RUNTIME = importlib.util.find_spec("onnxruntime") is not None


class NotThereError(Exception):
    """The program has no code for an operator on these dtypes."""


def run(proto: Any, arrays: list[Any]) -> list[Any]:
    """The outputs of a file for its inputs in order."""
    feed = {v.name: np.asarray(x) for v, x in zip(proto.graph.input, arrays, strict=True)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _by_runtime(proto, feed) if HAS_RUNTIME else _by_reference(proto, feed)


def _by_runtime(proto: Any, feed: Any) -> list[Any]:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return list(session.run(None, feed))
    except (errors.NotImplemented, errors.InvalidGraph, errors.Fail) as error:
        raise NotThereError(str(error)) from None


def _by_reference(proto: Any, feed: Any) -> list[Any]:
    from onnx.reference import ReferenceEvaluator

    # It lacks loops that run backwards, and groups in transposed convolutions.
    with np.errstate(all="ignore"):
        try:
            return list(ReferenceEvaluator(proto).run(None, feed))
        except (RuntimeError, ValueError) as error:
            raise NotThereError(str(error)) from None


def same(got: Any, wanted: Any, tolerance: float) -> None:
    """Equal shapes, dtypes and, to a tolerance, values."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def there_and_back(f: Any, *args: Any, others: Any = (), tolerance: float = 2e-5) -> Any:
    """Write f; the file must say what f says: to another program, and to our own reader.

    Args:
        f: a function or model.
        args: example arguments.
        others: further arguments, of other batch sizes.
        tolerance: relative and absolute.
    """
    proto = to_onnx(f, *args, dynamic_batch=bool(others))
    again = from_onnx(proto.SerializeToString())
    seen = 0
    for given in (args, *others):
        wanted = tree.leaves(f(*given))
        arrays = tree.leaves(given)
        try:
            for got, y in zip(run(proto, arrays), wanted, strict=True):
                same(got, y, tolerance)
            seen += 1
        except NotThereError:
            pass
        results = again(*arrays)
        results = results if isinstance(results, tuple) else (results,)
        for got, y in zip(results, wanted, strict=True):
            same(got, y, tolerance)
    return proto, again, seen
