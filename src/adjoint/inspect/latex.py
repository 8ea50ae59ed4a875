"""Worked numbers as LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adjoint.inspect.explaining import Explanation
    from adjoint.inspect.worked import Block

_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?)|(?P<function>(?:exp|log|sin|cos|sinh|cosh|tanh)\()"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<text>, [^=()]*$)|(?P<sign>.)",
    re.DOTALL,
)
_GAP = re.compile(r"(?<=[\d\]fn]) (?=[-\d\[in])")  # between the elements of an array
_SIGNS = {
    "·": r"\cdot ",
    "−": "-",
    "δ": r"\delta ",
    "∂": r"\partial ",
    "²": "^{2}",
    "ᵀ": r"^{\mathsf{T}}",
    "←": r"\leftarrow ",
    "≥": r"\ge ",
    "≤": r"\le ",
    "…": r"\dots ",
    "@": r"\,",
    " ": " ",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "#": r"\#",
    "&": r"\&",
    "^": r"\,\hat{}\,",
    "~": r"\;",
    "\\": r"\backslash ",
    "$": r"\$",
}


def math(text: str) -> str:
    r"""A formula of the worked numbers as LaTeX mathematics.

    >>> math("0.5 · 1e-05 − v1")
    '0.5 \\cdot  1 \\times 10^{-5} - v_{1}'
    """
    made = []
    text = _GAP.sub("~", text)
    for token in _TOKEN.finditer(text):
        kind, part = token.lastgroup, token[0]
        if kind == "number":
            mantissa, _, exponent = part.partition("e")
            made.append(f"{mantissa} \\times 10^{{{int(exponent)}}}" if exponent else part)
        elif kind == "function":
            made.append("\\" + part)
        elif kind == "name":
            is_step = part[0] == "v" and part[1:].isdigit()
            made.append(f"v_{{{part[1:]}}}" if is_step else f"\\mathrm{{{_escaped(part)}}}")
        elif kind == "text":
            made.append(f"\\text{{{_escaped(part)}}}")
        else:
            made.append(_SIGNS.get(part, part))
    return "".join(made)


def _escaped(text: str) -> str:
    for sign in "_%#&$":
        text = text.replace(sign, f"\\{sign}")
    return text


def explanation(made: Explanation) -> str:
    """All sections, each block as an ``align*`` environment."""
    lines = ["% needs \\usepackage{amsmath}"]
    for heading, blocks in made.sections():
        lines.append(f"\\paragraph{{{heading}}}")
        for block in blocks:
            lines += _block(block)
    return "\n".join([*lines, f"% {made.check}", ""])


def _block(block: Block) -> list[str]:
    rows = []
    for row in block.rows:
        left = math(row.name)
        for step in row.steps:
            rows.append(f"  {left} &= {math(step)}")
            left = ""
    lines = []
    if block.source:
        lines.append(f"% {block.source}")
    if block.head and rows:
        lines.append(f"% {block.head}")
    if rows:
        lines += ["\\begin{align*}", " \\\\\n".join(rows), "\\end{align*}"]
    return lines
