"""Write docs/coverage.md: what becomes of every public function of NumPy's under recording.

    python tools/coverage.py

The lists are NumPy's own (``__all__`` of numpy, numpy.linalg, numpy.fft, and dir(ndarray)); what
is said about each comes from the tables that recording itself uses. A function that falls in
no group stops the script, so that a new NumPy cannot add one unnoticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import adjoint  # noqa: F401  # fills the tables
from adjoint.graph import primitives
from adjoint.trace import replacing
from adjoint.trace.tables import supported


def _words(text: str) -> list[str]:
    return text.split()


PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage.md"

# Supported, with results that are integers, truth values or steps: their derivative is zero.
CONSTANT = set(
    _words("""
    all allclose any argmax argmin argpartition argsort argwhere around array_equal array_equiv
    ceil common_type count_nonzero digitize fix flatnonzero floor iscomplex iscomplexobj
    isclose in1d isin isneginf isposinf isreal isrealobj lexsort nanargmax nanargmin ndim nonzero
    result_type rint round searchsorted shape sign size trunc can_cast min_scalar_type
    array2string array_repr array_str einsum_path may_share_memory shares_memory ravel_multi_index
    unravel_index ix_ diag_indices_from tril_indices_from triu_indices_from floor_divide heaviside
    bitwise_left_shift bitwise_right_shift bitwise_not bitwise_invert bitwise_count matrix_rank
    gcd lcm packbits unpackbits
""")
)
# Never given a recorded array, or about files, text, settings and types.
APART = set(
    _words("""
    asmatrix base_repr binary_repr bmat broadcast_shapes busday_count busday_offset
    datetime_as_string datetime_data diag_indices format_float_positional
    format_float_scientific from_dlpack fromfile fromregex fromstring frompyfunc genfromtxt
    get_include get_printoptions getbufsize geterr geterrcall info is_busday isdtype isfortran
    isscalar issubdtype iterable load loadtxt mask_indices mintypecode nested_iters
    printoptions promote_types require row_stack set_printoptions setbufsize seterr seterrcall
    show_config show_runtime test tril_indices triu_indices typename fftfreq rfftfreq
""")
)
METHODS_APART = set(
    _words("""
    base byteswap ctypes data device dtype dump dumps flags getfield itemsize nbytes ndim
    setfield setflags shape size strides to_device tobytes tofile
    argpartition
""")
)


def groups(module: Any, prefix: str) -> dict[str, list[str]]:
    """The public functions of a module, by what becomes of them."""
    functions, ufuncs, _, refused = supported()
    constant = {row.ufunc for row in primitives if row.structure == "constant"}
    made = {name for name, _, _ in replacing.replaced_functions()}
    found: dict[str, list[str]] = {}
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if isinstance(value, type) or not callable(value):
            continue
        label = f"`{prefix}{name}`"
        if value in refused:
            group = f"refused: {refused[value]}"
        elif value in constant or name in CONSTANT:
            group = "zero"
        elif value in functions or value in ufuncs:
            group = "yes"
        elif name in made:
            group = "made"
        elif name in APART:
            group = "apart"
        else:
            raise SystemExit(f"{prefix}{name} is in no group: give it a rule, or say why not")
        found.setdefault(group, []).append(label)
    return found


def methods() -> dict[str, list[str]]:
    """The methods and attributes of ndarray."""
    from adjoint.trace.array import TracedArray

    _, _, table, _ = supported()
    found: dict[str, list[str]] = {}
    for name in sorted(dir(np.ndarray)):
        if name.startswith("_"):
            continue
        if name in METHODS_APART:
            group = "apart"
        elif name in CONSTANT and name in table:
            group = "zero"
        elif name in table or name in vars(TracedArray):
            group = "yes"
        else:
            raise SystemExit(f"ndarray.{name} is in no group")
        found.setdefault(group, []).append(f"`{name}`")
    return found


_HEAD = """# Coverage of NumPy

This page is written by `tools/coverage.py` from NumPy {version}'s own lists of public functions
and from the tables that recording uses; a test keeps it true. Anything that is not
supported is refused by name, with the line and the nearest form: nothing is silently
wrong, slow or zero.

Beside functions, recording understands every operator, indexing and item assignment with
NumPy's view semantics, and all forms in which a ufunc is called (`reduce`, `accumulate`,
`reduceat`, `outer`, `at`, `out=`, `where=`, `dtype=`).
"""

_ARRAY_API = """## The Array API's own suite

data-apis' array-api-tests run with our arrays in NumPy's namespace
(`tools/array_api_module.py` says how): 1329 of 1366 tests passed, 14 were skipped (commit
55fcc60 of the suite, 5 examples each). NumPy's own arrays pass 1320. Of the 37 that failed, 36 fail
for NumPy too; the other asks for the sign of a zero, that of `tanh` of complex numbers with an
infinite real part, which is NumPy's own and depends on the example drawn.
"""

_TITLES = {
    "yes": "Differentiable",
    "zero": "Supported, with derivative zero by nature (integers, truth values, steps)",
    "made": "Makes arrays: inside a recorded function they accept recorded values",
    "apart": "Nothing to differentiate: types, settings, files, text, indices",
}


def page() -> str:
    """The text of the page."""
    parts = [_HEAD.format(version=".".join(np.__version__.split(".")[:2]))]
    for title, module, prefix in (
        ("numpy", np, "np."),
        ("numpy.linalg", np.linalg, "np.linalg."),
        ("numpy.fft", np.fft, "np.fft."),
    ):
        found = groups(module, prefix)
        parts.append(_section(title, found))
    parts.append(_section("Methods and attributes of ndarray", methods()))
    parts.append(_ARRAY_API)
    return "\n".join(parts)


def _section(title: str, found: dict[str, list[str]]) -> str:
    lines = [f"## {title}", ""]
    for group, heading in _TITLES.items():
        if group in found:
            lines += [f"**{heading}** ({len(found[group])})", "", " ".join(found[group]), ""]
    for group in sorted(found):
        if group.startswith("refused: "):
            reason = group.removeprefix("refused: ")
            lines += [f"**Refused**: {' '.join(found[group])}: {reason}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
