"""How an operation and its local partials are written: the table behind the worked numbers.

Only the *wording* stands here. What the numbers are is computed by the primitives' own rules.
Braces: ``{0}``, ``{1}`` the operands, ``{out}`` the result, ``{name}`` an attribute.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.graph import Node

FORMULAS = {
    "add": "{0} + {1}",
    "sub": "{0} − {1}",
    "mul": "{0} · {1}",
    "multiply_no_nan": "{0} · {1}",
    "div": "{0} / {1}",
    "divide_no_nan": "{0} / {1}",
    "over_length": "{0} / {1}",
    "shared": "(half of {0} if {2} else {0}) if {1} else 0",
    "neg": "−{0}",
    "square": "{0}²",
    "norm_sqrt": "sqrt({0})",
    "pow": "{0}^{1}",
    "scalar_pow": "{0}^{exponent}",
    "reciprocal": "1 / {0}",
    "expit": "1 / (1 + exp(−{0}))",
    "abs": "|{0}|",
    "abs_slope": "sign({0})",
    "where": "{1} if {0} else {2}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} ≥ {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} ≤ {1}",
    "equal": "{0} == {1}",
    "matmul": "{0} @ {1}",
}

# One entry for each operand; the numbers beside them come from the rules.
PARTIALS: dict[str, tuple[str, ...]] = {
    "add": ("1", "1"),
    "sub": ("1", "−1"),
    "mul": ("{1}", "{0}"),
    "multiply_no_nan": ("{1}", "{0}"),
    "div": ("1 / {1}", "−{out} / {1}"),
    "neg": ("−1",),
    "square": ("2 · {0}",),
    "reciprocal": ("−{out}²",),
    "expit": ("{out} · (1 − {out})",),
    "tanh": ("1 − {out}²",),
    "exp": ("{out}",),
    "expm1": ("{out} + 1",),
    "log": ("1 / {0}",),
    "log1p": ("1 / (1 + {0})",),
    "sqrt": ("1 / (2 · {out})",),
    "norm_sqrt": ("1 / (2 · {out})",),
    "sin": ("cos({0})",),
    "cos": ("−sin({0})",),
    "tan": ("1 + {out}²",),
    "sinh": ("cosh({0})",),
    "cosh": ("sinh({0})",),
    "arctan": ("1 / (1 + {0}²)",),
    "pow": ("{1} · {0}^({1} − 1)", "{out} · log({0})"),
    "logaddexp": ("exp({0} − {out})", "exp({1} − {out})"),
    "log_expit": ("1 − exp({out})",),
}

# Elements of the result come from elements at the same place, though no partials are listed.
_POINTWISE = {"add", "sub", "neg", "mul", "multiply_no_nan", "where", "conj", "real", "imag"}
_POINTWISE |= {"join_parts"}
# What only moves numbers about: its values are shown, and no arithmetic.
MOVES = {
    "broadcast": "repeated to {shape}",
    "reshape": "reshaped to {shape}",
    "permute_axes": "with its axes in the order {axes}",
    "slice": "a part of it, from {start}",
    "cast": "as {dtype}",
    "stop_gradient": "without derivative",
}


def is_pointwise(node: Node) -> bool:
    """Whether each element of the result is a function of the operands' elements beside it."""
    primitive = node.primitive
    return (primitive.structure == "elementwise" or primitive.name in _POINTWISE) or (
        primitive.structure == "constant"
        and primitive.ufunc is not None
        and all(o.type.shape == node.output.type.shape for o in node.operands)
    )


def expression(node: Node, operands: list[str]) -> str:
    """The operation on names or numbers, such as ``v1 + b``."""
    name, settings = node.primitive.name, node.settings
    if name in MOVES:
        shown = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
        return f"{operands[0]}, {MOVES[name].format(**shown)}"
    template = FORMULAS.get(name)
    if template is not None:
        return template.format(*operands, **settings)
    simple = {k: v for k, v in settings.items() if isinstance(v, int | float | str | tuple)}
    options = [f"{k}={v}" for k, v in simple.items()]
    return f"{name}({', '.join([*operands, *options])})"


def partial(node: Node, which: int, operands: list[str], out: str) -> str | None:
    """The local partial on names or numbers; None where the table has no wording for it."""
    if node.primitive.name == "scalar_pow":
        exponent = node.settings["exponent"]
        return f"{exponent} · {operands[0]}^{exponent - 1}"
    templates = PARTIALS.get(node.primitive.name)
    if templates is None or which >= len(templates):
        return None
    return templates[which].format(*operands, out=out)


def partial_values(node: Node, which: int, operands: list[Any], out: Any) -> Any:
    """The local partial of a pointwise operation at every element; None if it has none."""
    primitive = node.primitive
    if any(np.iscomplexobj(x) for x in (*operands, out)):
        return None  # a complex partial is no single number
    one = np.ones(np.shape(out), np.asarray(out).dtype)[()]
    with np.errstate(all="ignore"):
        if primitive.structure == "elementwise":
            term = primitive.terms[which]
            return None if term is None else term(one, out, *operands, **node.settings)
        if primitive.name == "where":
            return np.where(operands[0], one * (which == 1), one * (which == 2))[()]
        if primitive.name in ("add", "sub", "neg"):
            return -one if (primitive.name, which) in (("sub", 1), ("neg", 0)) else one
        if primitive.name in ("mul", "multiply_no_nan"):
            return operands[1 - which]
    return None
