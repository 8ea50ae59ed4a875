"""Code of installed libraries that a traced function can reach is followed like the user's own."""

import functools
import importlib
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import ConversionError
from adjoint.trace import modules

X = np.array([0.3, 0.8])
INNER = """
    import numpy as np

    def as_number(x):
        return float(x)

    def stacked(a, b):
        return np.atleast_2d([a, b])
"""
LIBRARY = """
    import types
    import numpy as np
    from . import inner

    def scale(x):
        return inner.as_number(x[0]) * inner.as_number(x[1]) ** 2

    def matrix(x):
        return inner.stacked(x[0], x[1] ** 2) @ inner.stacked(x[1], 2.0 * x[0]).T

    class Model:
        def __init__(self, power):
            self.power = power

        def __call__(self, x):
            return self._value(x) * self.twice

        @property
        def twice(self):
            return 2.0

        @staticmethod
        def root(x):
            return float(x) ** 0.5

        def _value(self, x):
            return float(np.sum(x**self.power)) * Model.root(x[1])

    class Other(Model):
        pass

    def make(power):
        return Other(power)

    def apply(f, x):
        return f(x)

    MODELS = {"scale": scale}
    KEPT = types.SimpleNamespace(f=lambda x: float(x[0]))
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    folder = tmp_path / "reachable_library"
    folder.mkdir()
    (folder / "__init__.py").write_text(textwrap.dedent(LIBRARY))
    (folder / "inner.py").write_text(textwrap.dedent(INNER))
    monkeypatch.setattr(modules, "_INSTALLED", (*modules._INSTALLED, str(tmp_path)))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("reachable_library")
    for name in ("reachable_library", "reachable_library.inner"):
        del sys.modules[name]


def _forms(lib):
    model = lib.make(3)
    partial = functools.partial(lib.apply, lib.scale)
    return {
        "function": lambda x: lib.scale(x),
        "list of numbers": lambda x: np.sum(lib.matrix(x)),
        "class": lambda x: lib.Model(2)(x),
        "made elsewhere": lambda x: lib.make(3)(x),
        "object": lambda x: model(x),
        "default": lambda x, m=model: m(x),
        "partial": lambda x: partial(x),
        "table": lambda x: lib.MODELS["scale"](x),
        "wrapped": functools.wraps(lib.scale)(lambda x: lib.scale(x) ** 2),
    }


@pytest.mark.parametrize(
    "name",
    [
        "function",
        "list of numbers",
        "class",
        "made elsewhere",
        "object",
        "default",
        "partial",
        "table",
    ],
)
def test_what_names_lead_to_is_followed(library, name):
    f = _forms(library)[name]
    ad.check_grads(f, (X,), order=2)
    assert ad.value_and_grad(f)(X)[0] == f(X)
    assert "float" not in vars(library)


def test_a_traced_function_of_a_library_is_followed(library):
    ad.check_grads(library.scale, (X,), order=2)
    ad.check_grads(_forms(library)["wrapped"], (X,), order=2)
    ad.check_grads(library.Model(2), (X,), order=2)


def test_what_no_name_leads_to_is_refused(library):
    kept = SimpleNamespace(f=library.KEPT.f)
    with pytest.raises(ConversionError, match="drop float"):
        ad.grad(lambda x: kept.f(x))(X)
    ad.check_grads(kept.f, (X,), order=2)  # by itself it is reached
