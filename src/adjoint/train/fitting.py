"""ad.fit: train a model on data."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np

from adjoint import nn, optim, tree
from adjoint.errors import DataError, NonFiniteError, StructureError
from adjoint.optim import Optimizer
from adjoint.optim.full_batch import FullBatch
from adjoint.optim.optimizer import as_optimizer
from adjoint.settings import check_range, check_whole
from adjoint.train.callbacks import Callback, EarlyStopping, as_callback
from adjoint.train.checkpoint import Checkpoint
from adjoint.train.compiled import INTERPRETER, NATIVE
from adjoint.train.dataset import Dataset
from adjoint.train.evaluate import Evaluator
from adjoint.train.history import History
from adjoint.train.metrics import Metric, Metrics
from adjoint.train.metrics import check as check_metrics
from adjoint.train.objective import Loss, check_call, check_scores, make_objective
from adjoint.train.precision import resolve
from adjoint.train.prepare import Wishes, sources
from adjoint.train.problem import Parts, Problem
from adjoint.train.progress import Progress
from adjoint.train.run import Position, Run
from adjoint.train.source import ArraySource, StreamSource
from adjoint.train.whole import LEG, Held, WholeRun, whole_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Result:
    """What a run gives.

    Args:
        model: the trained model; the best one, with early stopping.
        history: one row for each epoch.
        stopped: why it ended before its time: ``"interrupted"``, or what a callback said;
            empty if all epochs were done.
        notes: what was decided about dtypes.
        optimizer_state: what the optimiser remembers, for a run that goes on from here; None
            where the step that went wrong has written over it, in large models.
    """

    model: Any
    history: History
    stopped: str = ""
    notes: tuple[str, ...] = ()
    optimizer_state: Any = None

    def __repr__(self) -> str:
        ended = f", stopped={self.stopped!r}" if self.stopped else ""
        return f"Result({type(self.model).__name__}, {len(self.history)} epochs{ended})"


def data_in_one(function: Callable[P, R]) -> Callable[P, R]:
    """Say what to do with inputs and targets that come as two arguments."""

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if len(args) > 2:
            name = function.__name__
            raise StructureError(
                "only the model and the data go by position",
                function=name,
                got=", ".join(type(item).__name__ for item in args),
                wanted=f"{name}(model, (X, y), loss=...)",
                remedy="put inputs and targets into one tuple, and give the rest by name",
            )
        return function(*args, **kwargs)

    return checked


@data_in_one
def fit(
    model: Any,
    data: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | FullBatch | None = None,
    epochs: int = 10,
    batch_size: int = 32,
    validation: Any = None,
    seed: int = 0,
    callbacks: Sequence[Callback | Callable[..., Any]] = (),
    metrics: Metrics = (),
    early_stopping: int | EarlyStopping | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    balanced: bool = False,
    augment: Callable[[Any, Any], Any] | None = None,
    loss_weights: Mapping[str, float] | None = None,
    freeze: str | Sequence[str] = (),
    truncate: int | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    steps_per_epoch: int | None = None,
    checkpoint: Any = None,
    resume: bool = True,
    checkpoint_every: float = 30.0,
    optimizer_state: Any = None,
    dtype: Any = None,
    check_finite: bool = True,
    progress: bool | None = None,
    steps_per_call: int | None = None,
    threads: int | None = None,
    backend: str = NATIVE,
) -> Result:
    """Train a model.

    The whole loop over steps (gather, forward, backward, update) is one compiled graph; the
    same seed gives the same bits on every run.

    Args:
        model: a tree of modules that is called on the inputs. It is not changed.
        data: ``(inputs, targets)`` or ``(inputs, targets, weights)``: arrays, memory maps or
            trees of arrays with one row for each example; inputs alone are their own targets;
            or something that gives batches: an iterable, or a function that returns one.
            Inputs that are a tuple are spread over the model's arguments.
        loss: ``loss(output, target) -> scalar``, or a dict of several, which are added up.
        optimizer: of :mod:`adjoint.optim`, or an object with ``init`` and ``update`` as
            there; Adam by default. With a full-batch method, such as
            ``optim.lbfgs()``, an epoch is one of its iterations on all examples, and layers
            behave as in inference.
        epochs: how often to go through the data.
        batch_size: examples of a step; the last of an epoch has what is left.
        validation: data as above, or the share of the examples to hold out, class by class.
        seed: of everything random: order, dropout, augmentation, split.
        callbacks: :class:`Callback` objects, or functions called as ``f(run, row)`` after
            each epoch.
        metrics: scikit-learn's names, or functions ``metric(true, predicted)``; where outputs
            are a dict, a dict of these by the outputs' names.
        early_stopping: epochs to wait for a better validation loss, or an
            :class:`EarlyStopping`; the result is then the best model.
        sample_weight: one for each example.
        class_weight: ``"balanced"``, a dict or an array by label.
        balanced: whether every class is drawn equally often.
        augment: ``augment(inputs, key) -> inputs`` for each batch in training: NumPy code
            with random numbers from :mod:`adjoint.nn.random`.
        loss_weights: factors of several losses, by name.
        freeze: patterns of paths that do not learn, such as ``"layers[0].*"``. Batch statistics
            still move; :class:`adjoint.nn.Frozen` holds a layer as it is in inference.
        truncate: window of truncated backpropagation through time, in steps of time.
        shuffle: whether examples come in a new random order each epoch.
        drop_last: whether a smaller last batch is left out.
        steps_per_epoch: batches of an epoch, for endless streams.
        checkpoint: a file to write the state of the run to, again and again. A full-batch
            method then begins afresh every 100 iterations, where its state can be saved.
        resume: whether to go on from that file if it is there.
        checkpoint_every: seconds between checkpoints.
        optimizer_state: of an earlier result, to go on from its model; the orders and keys of
            the new run are those of its own seed.
        dtype: cast model and data to it; by default the model's dtype is that of the run.
        check_finite: whether NaN and infinity in the data are refused.
        progress: whether to show it; by default if standard error is a terminal.
        steps_per_call: steps between two returns to Python; by default about 0.25 s of work.
        threads: for native code; by default the size of the work decides.
        backend: ``"native"`` or ``"interpreter"``.

    Returns:
        The model, the history, and why it ended. Ctrl-C ends a run with the model so far.

    Raises:
        DataError: data that cannot be used.
        NonFiniteError: a loss or parameter is no longer finite; ``error.result`` holds the
            last good model.

    >>> from adjoint import nn
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> with nn.seed(0):
    ...     model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    >>> result = fit(
    ...     model,
    ...     (x, x**2),
    ...     loss=nn.mean_squared_error,
    ...     optimizer=optim.adam(0.02),
    ...     epochs=200,
    ...     batch_size=16,
    ... )
    >>> result.history[-1].loss < 1e-3
    True
    """
    _check_model(model)
    counts: dict[str, Any] = {
        "epochs": epochs, "batch_size": batch_size, "steps_per_epoch": steps_per_epoch,
        "truncate": truncate, "steps_per_call": steps_per_call, "threads": threads,
    }  # fmt: skip
    needed = ("epochs", "batch_size")
    check_whole("fit", **{name: n for name, n in counts.items() if n is not None or name in needed})
    check_range("fit", "whole (-inf, inf)", seed=seed)
    check_range("fit", "[0, inf)", checkpoint_every=checkpoint_every)
    if augment is not None:
        check_call(augment, "augment", "augment(inputs, key) -> inputs")
    if backend not in (NATIVE, INTERPRETER):
        raise StructureError(
            "unknown backend",
            function="fit",
            got=repr(backend),
            wanted=f"{NATIVE!r} or {INTERPRETER!r}",
        )
    objective = make_objective(loss, loss_weights)
    check_scores(model, objective.losses.values())
    named = check_metrics(metrics)
    wishes = Wishes(
        batch_size, seed, shuffle, balanced, drop_last,
        sample_weight, class_weight, steps_per_epoch, check_finite,
    )  # fmt: skip
    source, held = sources(data, validation, wishes)
    example = source.example()
    if "weights" in example or (held is not None and held.weights is not None):
        objective.check_weights()
    model, run_dtype, notes, is_lossy = resolve(model, example, dtype)
    if is_lossy:
        warnings.warn(notes[-1], PrecisionWarning, stacklevel=3)
    parts = Parts(model, (freeze,) if isinstance(freeze, str) else tuple(freeze))
    if not parts.parameters:
        raise StructureError(
            "the model has nothing to learn",
            function="fit",
            got=repr(model)[:80],
            wanted="floating-point arrays in the fields of modules",
            remedy="write a function as a dataclass whose fields are its arrays",
        )
    method = (
        Held()
        if isinstance(optimizer, FullBatch)
        else as_optimizer(optim.adam(1e-3) if optimizer is None else optimizer)
    )
    problem = Problem(parts, objective, method, run_dtype, augment, truncate)
    make: Any = Run
    if isinstance(optimizer, FullBatch):
        _check_whole(optimizer, source, augment, truncate)
        source = whole_of(source)
        make = functools.partial(WholeRun, optimizer)
    run: Run = make(
        problem, source, _evaluator(problem, source, held, named, backend, threads),
        _callbacks(callbacks, early_stopping, progress),
        epochs=epochs, seed=seed, validates=held is not None, backend=backend,
        threads=threads, steps_per_call=steps_per_call, notes=notes,
    )  # fmt: skip
    if optimizer_state is not None:
        tree.check_same(
            tree.flatten(run.position.carry["optimizer"])[1],
            tree.flatten(optimizer_state)[1],
            "fit: optimizer_state",
        )
        memory = tree.tree_map(np.array, optimizer_state)  # the run may write over its own
        run.position = Position({**run.position.carry, "optimizer": memory})
    if checkpoint is not None:
        settings = {
            "seed": seed, "batch_size": batch_size, "balanced": balanced, "shuffle": shuffle,
            "drop_last": drop_last, "steps_per_epoch": steps_per_epoch, "backend": backend,
        }  # fmt: skip
        if isinstance(run, WholeRun):
            run.leg = LEG
            settings["method"] = repr(optimizer)
        keeper = Checkpoint(checkpoint, problem, source, held, settings, checkpoint_every)
        run.callbacks.append(keeper)
        if resume:
            keeper.resume(run)
    return _finish(run)


def _evaluator(
    problem: Problem,
    source: ArraySource | StreamSource,
    held: Dataset | None,
    metrics: dict[str, Metric],
    backend: str,
    threads: int | None,
) -> Evaluator | None:
    """What measures after each epoch: on the held-out data, or metrics on the training data."""
    if held is not None:
        return Evaluator(problem, held, metrics, backend, threads)
    if not metrics:
        return None
    if isinstance(source, StreamSource):
        raise DataError(
            "metrics need data to be measured on",
            function="fit",
            remedy="pass validation= beside a stream of batches",
        )
    return Evaluator(problem, source.data, metrics, backend, threads)


def _check_whole(method: FullBatch, source: Any, augment: Any, truncate: Any) -> None:
    asked = {
        "a stream of batches": isinstance(source, StreamSource),
        "augment": augment is not None,
        "truncate": truncate is not None,
    }
    if named := [name for name, is_asked in asked.items() if is_asked]:
        raise StructureError(
            f"{method.method} works on all examples at once, without {', '.join(named)}",
            function="fit",
            remedy="use a method that takes steps, such as optim.adam()",
        )


def _callbacks(
    given: Sequence[Any], early_stopping: int | EarlyStopping | None, progress: bool | None
) -> list[Callback]:
    if not isinstance(given, Sequence):
        raise StructureError(
            "callbacks must be a list",
            function="fit",
            got=type(given).__name__,
            remedy="pass callbacks=[...], with one callback as well",
        )
    told = [as_callback(item) for item in given]
    if early_stopping is not None:
        if not isinstance(early_stopping, EarlyStopping):
            check_whole("fit", 0, early_stopping=early_stopping)
            early_stopping = EarlyStopping(early_stopping)
        told.insert(0, early_stopping)
    if sys.stderr.isatty() if progress is None else progress:
        told.append(Progress())
    return told


def _finish(run: Run) -> Result:
    """Go to the end, whatever it is; callbacks always hear of it."""
    interrupted = ""
    failure: NonFiniteError | None = None
    try:
        for callback in run.callbacks:
            callback.on_start(run)
        run.go()
    except KeyboardInterrupt:
        interrupted = "interrupted"
    except NonFiniteError as error:
        failure = error
    finally:
        for callback in run.callbacks:
            callback.on_end(run)
    remembered = run.position.carry["optimizer"]
    result = Result(run.model, run.history, interrupted or run.stopped, run.notes, remembered)
    if failure is not None:
        failure.result = result
        raise failure
    return result


class PrecisionWarning(UserWarning):
    """Numbers are narrowed to the dtype of the model."""


def _check_model(model: Any) -> None:
    if isinstance(model, type):
        got, remedy = f"the class {model.__name__}", "call it for its sizes: nn.Linear(4, 3)"
    elif not callable(model):
        got, remedy = type(model).__name__, "put layers together: nn.Sequential(first, second)"
    else:
        _check_shared(model)
        return
    raise StructureError(
        "the model cannot be called on inputs",
        function="fit",
        got=got,
        wanted="a layer, or a dataclass with a __call__",
        remedy=remedy,
    )


def _check_shared(model: Any) -> None:
    """Say that one layer at two places becomes two: a model is a tree of values."""
    places: dict[int, str] = {}
    for path, module in nn.modules(model):
        first = places.setdefault(id(module), path)
        if first != path and nn.parameters(module):
            warnings.warn(
                f"fit: {first} and {path} are one layer, and will be learned apart from each "
                "other; to tie them, use the layer twice in the __call__ of a module of your own",
                stacklevel=5,
            )
            return
