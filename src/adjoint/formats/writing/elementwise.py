"""Elementwise primitives in ONNX: one operator where there is one, else a formula of some."""

from __future__ import annotations

import math
from collections.abc import Callable

from adjoint.formats.writing.plan import Operation, Shape
from adjoint.formats.writing.writer import RULES, Term, Writer, writes

# Operators of the same meaning; under NumPy's rules for broadcasting, which ONNX shares.
SAME: dict[str, str] = {
    "abs": "Abs",
    "add": "Add",
    "arccos": "Acos",
    "arccosh": "Acosh",
    "arcsin": "Asin",
    "arcsinh": "Asinh",
    "arctan": "Atan",
    "arctanh": "Atanh",
    "ceil": "Ceil",
    "conj": "Identity",
    "cos": "Cos",
    "cosh": "Cosh",
    "div": "Div",
    "equal": "Equal",
    "erf": "Erf",
    "exp": "Exp",
    "expit": "Sigmoid",
    "floor": "Floor",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "isnan": "IsNaN",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "log": "Log",
    "maximum": "Max",
    "minimum": "Min",
    "mul": "Mul",
    "neg": "Neg",
    "norm_sqrt": "Sqrt",
    "pow": "Pow",
    "float_power": "Pow",
    "real": "Identity",
    "reciprocal": "Reciprocal",
    "rint": "Round",
    "abs_slope": "Sign",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "sqrt": "Sqrt",
    "stop_gradient": "Identity",
    "sub": "Sub",
    "tan": "Tan",
    "tanh": "Tanh",
    "where": "Where",
}
# Arithmetic of truth values.
BOOLEAN = {
    "add": "Or",
    "maximum": "Or",
    "bitwise_or": "Or",
    "mul": "And",
    "minimum": "And",
    "bitwise_and": "And",
    "bitwise_xor": "Xor",
    "invert": "Not",
    "not_equal": "Xor",
}
BITS = {
    "bitwise_and": "BitwiseAnd",
    "bitwise_or": "BitwiseOr",
    "bitwise_xor": "BitwiseXor",
    "invert": "BitwiseNot",
}
LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"}

FORMULAS: dict[str, Callable[..., Term]] = {}


def formula(rule: Callable[..., Term]) -> Callable[..., Term]:
    """Mark a function of terms as the formula of the primitive of its name, less a dash."""
    FORMULAS[rule.__name__[1:]] = rule
    return rule


def terms(w: Writer, operation: Operation) -> list[Term]:
    """The operands: unstretched, where the operator can stretch them to the result's shape."""
    wanted = w.plan.kinds[operation.outputs[0]].shape
    thin = [w.thin(x) for x in operation.operands]
    names = [x.name for x in thin]
    if not spans([x.shape for x in thin], wanted):
        names = [w.name(x) for x in operation.operands]
    kinds = [w.plan.kind(x) for x in operation.operands]
    return [Term(w, name, kind.dtype) for name, kind in zip(names, kinds, strict=True)]


def spans(shapes: list[Shape], wanted: Shape) -> bool:
    """Whether broadcasting these shapes gives the wanted one."""
    return all(
        any(len(s) >= back and s[-back] == n for s in shapes)
        for back, n in enumerate(reversed(wanted), 1)
    )


def _write(w: Writer, operation: Operation) -> str:
    name = operation.name
    xs = terms(w, operation)
    first = xs[0].dtype
    if first.kind == "b" and name in BOOLEAN:
        kind = BOOLEAN[name]
    elif name in LOGIC:
        kind = LOGIC[name]
        xs = [x if x.dtype.kind == "b" else x.cast(bool) for x in xs]
    elif first.kind in "iu" and name in BITS:
        kind = BITS[name]
    elif name in FORMULAS:
        return FORMULAS[name](*xs, **operation.settings).name
    elif first.kind in "iub" and name in ("floor", "ceil", "rint", "isnan"):
        raise w.refused(f"{name} of {first} has no form in ONNX", "cast to floating point first")
    elif name in SAME:
        kind = SAME[name]
    else:
        raise w.refused(f"{name} of {first} has no form in ONNX")
    return xs[0].op(kind, *xs[1:]).name


@writes("cast")
def _cast(w: Writer, operation: Operation) -> str:
    return w.emit("Cast", w.name(operation.operands[0]), to=w.type(operation.settings["dtype"]))


# *** powers and logarithms ***


@formula
def _square(x: Term) -> Term:
    return x * x


@formula
def _scalar_pow(x: Term, exponent: float) -> Term:
    return x * x if exponent == 2 else x.op("Pow", exponent)


@formula
def _cbrt(x: Term) -> Term:
    return x.op("Sign") * x.op("Abs").op("Pow", 1 / 3)


@formula
def _sinc(x: Term) -> Term:
    y = x * math.pi
    safe = y.equals(0).where(y.like(1), y)
    return y.equals(0).where(y.like(1), safe.op("Sin") / safe)


@formula
def _exp2(x: Term) -> Term:
    return x.like(2).op("Pow", x)


@formula
def _expm1(x: Term) -> Term:
    """``e^x - 1 = tanh(x / 2) (e^x + 1)``, which loses nothing near 0."""
    exponential = x.op("Exp")
    # Far out the tangent is 1 and the sum what is left of it: no infinity times zero.
    return (x * 0.5).op("Tanh") * (exponential + 1)


@formula
def _log1p(x: Term) -> Term:
    """``log(1 + x)``, mended by how far 1 + x was rounded away from x."""
    y = x + 1
    moved = y - 1
    plain = y.op("Log")
    mended = y.op("IsInf", dtype=bool).where(plain, plain * (x / moved))
    return moved.equals(0).where(x, mended)


@formula
def _log2(x: Term) -> Term:
    return x.op("Log") * (1 / math.log(2))


@formula
def _log10(x: Term) -> Term:
    return x.op("Log") * (1 / math.log(10))


@formula
def _logaddexp(x: Term, y: Term) -> Term:
    gap = (x - y).op("Abs")
    peak = x.op("Max", y)
    return x.equals(y).where(peak + math.log(2), peak + _log1p((-gap).op("Exp")))


@formula
def _logaddexp2(x: Term, y: Term) -> Term:
    return _logaddexp(x * math.log(2), y * math.log(2)) * (1 / math.log(2))


@formula
def _hypot(x: Term, y: Term) -> Term:
    """Scaled by the larger of the two, so that no square overflows."""
    a, b = x.op("Abs"), y.op("Abs")
    large, small = a.op("Max", b), a.op("Min", b)
    none = large.equals(0)
    ratio = small / none.where(1, large)
    return large * (ratio * ratio + 1).op("Sqrt")


# *** of networks and probability ***


@formula
def _log_expit(x: Term) -> Term:
    return -((-x).op("Softplus"))


@formula
def _logit(x: Term) -> Term:
    return (x / (1 - x)).op("Log")


@formula
def _erfc(x: Term) -> Term:
    return 1 - x.op("Erf")


@formula
def _ndtr(x: Term) -> Term:
    return ((x * math.sqrt(0.5)).op("Erf") + 1) * 0.5


@formula
def _xlogy(x: Term, y: Term) -> Term:
    return x.equals(0).where(0, x * y.op("Log"))


@formula
def _xlog1py(x: Term, y: Term) -> Term:
    return x.equals(0).where(0, x * _log1p(y))


@formula
def _multiply_no_nan(x: Term, y: Term) -> Term:
    return (x.equals(0) | y.equals(0)).where(0, x * y)


@formula
def _shared(x: Term, taken: Term, tie: Term) -> Term:
    return taken.where(tie.where(x * 0.5, x), 0)


@formula
def _divide_no_nan(x: Term, y: Term) -> Term:
    return x.equals(0).where(0, x / y)


@formula
def _over_length(x: Term, r: Term) -> Term:
    return r.equals(0).where(0, x / r)


# *** signs and whole parts ***


@formula
def _isinf(x: Term) -> Term:
    return x.op("IsInf", dtype=bool)


@formula
def _isfinite(x: Term) -> Term:
    return ~(x.op("IsInf", dtype=bool) | x.op("IsNaN", dtype=bool))


@formula
def _not_equal(x: Term, y: Term) -> Term:
    return ~x.equals(y)


@formula
def _signbit(x: Term) -> Term:
    return (x < 0) | (x.equals(0) & (1 / x < 0))


@formula
def _copysign(x: Term, y: Term) -> Term:
    size = x.op("Abs")
    return _signbit(y).where(-size, size)


@formula
def _trunc(x: Term) -> Term:
    return (x < 0).where(x.op("Ceil"), x.op("Floor"))


@formula
def _fmod(x: Term, y: Term) -> Term:
    return x.op("Mod", y, fmod=1)


@formula
def _remainder(x: Term, y: Term) -> Term:
    """Of the divisor's sign, as in Python."""
    if x.dtype.kind != "f":
        return x.op("Mod", y)
    rest = _fmod(x, y)
    return (~rest.equals(0) & (rest < 0).op("Xor", y < 0)).where(rest + y, rest)


@formula
def _floor_divide(x: Term, y: Term) -> Term:
    if x.dtype.kind != "f":
        return (x - _remainder(x, y)) / y
    rest = _fmod(x, y)
    lower = ~rest.equals(0) & (rest < 0).op("Xor", y < 0)
    whole = ((x - rest) / y).op("Round") - lower.cast(x.dtype)
    return y.equals(0).where(x / y, whole)


@formula
def _heaviside(x: Term, y: Term) -> Term:
    return x.equals(0).where(y, (x < 0).where(0, x.equals(x).where(1, x)))


@formula
def _ldexp(x: Term, y: Term) -> Term:
    return x * x.like(2).op("Pow", y.cast(x.dtype))


@formula
def _fmax(x: Term, y: Term) -> Term:
    return _other_than_nan("Max", x, y)


@formula
def _fmin(x: Term, y: Term) -> Term:
    return _other_than_nan("Min", x, y)


def _other_than_nan(kind: str, x: Term, y: Term) -> Term:
    if x.dtype.kind != "f":
        return x.op(kind, y)
    missing, other = x.op("IsNaN", dtype=bool), y.op("IsNaN", dtype=bool)
    return missing.where(y, other.where(x, x.op(kind, y)))


@formula
def _arctan2(y: Term, x: Term) -> Term:
    """Around the circle: the quotient's arc tangent, half a turn on where x is negative."""
    still = x.equals(0) & y.equals(0)
    base = (y / still.where(1, x)).op("Atan")
    turn = _signbit(y).where(y.like(-math.pi), math.pi)
    return _signbit(x).where(base + turn, base)


for _name in {*SAME, *BITS, *LOGIC, *BOOLEAN, *FORMULAS}:
    RULES[_name] = _write


def known_names() -> set[str]:
    """The elementwise primitives that have a form."""
    return {name for name, rule in RULES.items() if rule is _write}
