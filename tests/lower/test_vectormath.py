import ctypes
import functools

import llvmlite.binding as llvm
import mpmath as mp
import numpy as np
import pytest
import scipy.special

from adjoint.graph import primitives
from adjoint.lower import vectormath

SIZES = {"float32": 4, "float64": 8}
NAMES = sorted(row.name for row in primitives if vectormath.available(row.name, "float64"))
ONE = [name for name in NAMES if vectormath.operand_count(name) == 1]
# NumPy's own formula, which cancels where the sum of the exponentials is near 1.
CANCELS = ("logaddexp", "logaddexp2")
ROUNDED = ("fmod", "remainder")

EXACT = {
    "exp": mp.exp,
    "exp2": lambda x: mp.mpf(2) ** x,
    "expm1": mp.expm1,
    "log": mp.log,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "log1p": mp.log1p,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "arctan": mp.atan,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arcsinh": mp.asinh,
    "arccosh": mp.acosh,
    "arctanh": mp.atanh,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "arctan2": mp.atan2,
    "pow": lambda x, y: x**y,
    "hypot": mp.hypot,
}


def machine():
    # A fresh one for each engine, which takes it over.
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=1
    )


@functools.cache
def engine(dtype, width):
    """All functions of one width, each in a loop ``run_name(a, b, out, n)``."""
    t = vectormath.KINDS[dtype]
    v = t if width == 1 else f"<{width} x {t}>"
    parts = []
    for name in NAMES:
        symbol = vectormath.function_name(name, dtype, width)
        given = ", ".join(f"{v} %{x}" for x in "ab"[: vectormath.operand_count(name)])
        parts.append(vectormath.emit_function(name, dtype, width))
        parts.append(
            f"""define void @run_{name}(ptr %pa, ptr %pb, ptr %out, i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop.end]
  %qa = getelementptr {v}, ptr %pa, i64 %i
  %qb = getelementptr {v}, ptr %pb, i64 %i
  %qo = getelementptr {v}, ptr %out, i64 %i
  %a = load {v}, ptr %qa, align 4
  %b = load {v}, ptr %qb, align 4
  %r = call {v} {symbol}({given})
  store {v} %r, ptr %qo, align 4
  br label %loop.end
loop.end:
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %exit
exit:
  ret void
}}
"""
        )
    module = llvm.parse_assembly("\n".join(parts))
    module.verify()
    return llvm.create_mcjit_compiler(module, machine())


def run(name, dtype, width, *operands):
    a = np.ascontiguousarray(operands[0], dtype)
    b = np.ascontiguousarray(operands[-1], dtype)
    count = -(-a.size // width)
    a, b = np.resize(a, count * width), np.resize(b, count * width)
    out = np.empty(count * width, dtype)
    address = engine(dtype, width).get_function_address(f"run_{name}")
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)(address)
    call(a.ctypes.data, b.ctypes.data, out.ctypes.data, count)
    return out[: np.size(operands[0])]


def reference(name):
    if name in ("erf", "erfc", "expit"):
        return getattr(scipy.special, name)
    own = {"norm_sqrt": np.sqrt, "abs_slope": np.sign}
    return own[name] if name in own else primitives[name].ufunc


def special_values(dtype):
    i = np.finfo(dtype)
    sizes = [0, 0.5, 1, 2, 2.5, 3, 7, np.pi, 750, 1e5, 1e10, 1e20, 1e30, np.inf, i.max, i.tiny]
    sizes += [i.smallest_subnormal, i.tiny * 0.3, i.eps, 1 + i.eps, 1 - i.eps / 2]
    return np.array([*sizes, *np.negative(sizes), np.nan], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_special_values_come_out_as_numpy_gives_them(name, dtype):
    base = special_values(dtype)
    if name in ONE:
        operands = (base,)
    else:
        operands = tuple(grid.ravel() for grid in np.meshgrid(base, base))
    with np.errstate(all="ignore"):
        want = reference(name)(*operands)
    loose = 3e-6 if dtype == "float32" else 1e-14
    info = np.finfo(dtype)
    allowed = 4 * (info.eps if name in CANCELS else info.smallest_subnormal)
    for width in (1, 64 // SIZES[dtype]):
        got = run(name, dtype, width, *operands)
        near = np.isclose(got, want, rtol=0 if name in ROUNDED else loose, atol=allowed)
        same_sign = (np.signbit(got) == np.signbit(want)) | (name in CANCELS)
        good = (np.isnan(got) & np.isnan(want)) | (near & same_sign)
        bad = [[float(x[k]) for x in (*operands, got, want)] for k in np.flatnonzero(~good)]
        assert bad == []


def arguments(name, dtype, rng):
    """Random arguments, spread over magnitudes, at which the result is an ordinary number."""
    n = 60
    exponent = 40 if dtype == "float32" else 300
    x = np.concatenate(
        [
            rng.uniform(-3, 3, n),
            rng.uniform(-80, 80, n),
            1 + rng.normal(size=n) * 1e-3,
            rng.choice([-1, 1], n) * 2.0 ** rng.uniform(-exponent, exponent, n),
        ]
    )
    if name in ("log", "log2", "log10", "pow"):
        return np.abs(x)
    if name == "arccosh":
        return 1 + np.abs(x)
    if name in ("arcsin", "arccos", "arctanh"):
        return np.where(np.abs(x) < 1, x, 1 / x)
    if name == "log1p":
        return np.where(x > -1, x, -1 / x - 1e-9)
    if name in ("exp", "exp2", "expm1", "sinh", "cosh", "expit", "erfc", "tanh"):
        return np.where(np.abs(x) < (9 if name == "erfc" else 80), x, x % 5)
    return x


def ulps(got, exact, dtype):
    info = np.finfo(dtype)
    power = max(int(mp.floor(mp.log(abs(exact), 2))) if exact else info.minexp, info.minexp)
    return float(abs(mp.mpf(float(got)) - exact) / mp.ldexp(1, power - info.nmant))


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 2.5), ("float64", 1.7)])
@pytest.mark.parametrize("name", EXACT)
def test_errors_are_below_the_documented_bounds(name, dtype, bound, rng):
    x = arguments(name, dtype, rng).astype(dtype)
    operands = [x]
    if name not in ONE:
        y = rng.permutation(arguments("", dtype, rng))
        if name == "pow":
            y = rng.uniform(-80, 80, x.size) / np.maximum(np.abs(np.log(x)), 1e-3)
        operands.append(y.astype(dtype))
    got = run(name, dtype, 64 // SIZES[dtype], *operands)
    with mp.workprec(200):
        for *given, value in zip(*operands, got, strict=True):
            exact = EXACT[name](*[mp.mpf(float(v)) for v in given])
            if abs(exact) < float(np.finfo(dtype).max):
                assert ulps(value, exact, dtype) < bound, given


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_every_width_gives_the_same_bits(name, dtype, rng):
    x = np.concatenate([arguments(name, dtype, rng), special_values(dtype)]).astype(dtype)
    y = rng.permutation(x)
    widest = 64 // SIZES[dtype]
    want = run(name, dtype, widest, x, y)
    for width in (1, 2, 4, 8):
        np.testing.assert_array_equal(run(name, dtype, width, x, y), want)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_circular_functions_of_huge_arguments(name, rng):
    # Beside ordinary ones, so that both ways are taken in one vector.
    x = np.where(rng.random(64) < 0.5, 2.0 ** rng.uniform(10, 1000, 64), rng.normal(size=64))
    got = run(name, "float64", 8, x)
    with mp.workprec(1200):
        for v, value in zip(x, got, strict=True):
            assert ulps(value, EXACT[name](mp.mpf(float(v))), "float64") < 2


def test_remainders_of_far_apart_numbers_are_exact(rng):
    x = 2.0 ** rng.uniform(-60, 300, 200) * rng.choice([-1, 1], 200)
    y = 2.0 ** rng.uniform(-60, 60, 200) * rng.choice([-1, 1], 200)
    np.testing.assert_array_equal(run("fmod", "float64", 8, x, y), np.fmod(x, y))
    np.testing.assert_array_equal(run("remainder", "float64", 8, x, y), np.remainder(x, y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_remainders_just_below_a_multiple_are_not_negative(dtype, rng):
    bits = np.finfo(dtype).nmant + 1
    numbers = rng.integers(2 ** (bits - 1), 2**bits, 400).tolist()
    products = [n * int(k) for n, k in zip(numbers, rng.integers(2, 2**18, 400), strict=True)]
    # The largest numbers below the products: many of the quotients round up to the multiple.
    x = np.array([float(v >> (drop := v.bit_length() - bits) << drop) for v in products], dtype)
    y = np.array(numbers, dtype)
    quotient = np.trunc(x / y).astype(np.int64).tolist()
    exact = [int(a) - q * n for a, q, n in zip(x, quotient, numbers, strict=True)]
    assert sum(rest < 0 for rest in exact) > 40
    for sign in (1, -1):
        np.testing.assert_array_equal(run("fmod", dtype, 8, sign * x, y), np.fmod(sign * x, y))
        want = np.remainder(sign * x, y)
        np.testing.assert_array_equal(run("remainder", dtype, 8, sign * x, y), want)


def test_what_is_available():
    assert vectormath.available("exp", np.dtype("float32"))
    assert not vectormath.available("exp", np.dtype("float16"))
    assert not vectormath.available("exp", np.dtype("int64"))
    assert not vectormath.available("svd", "float64")
    assert len(NAMES) >= 41
