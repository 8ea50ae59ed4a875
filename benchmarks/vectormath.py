"""Measures the vector mathematics: error in units of the last place, and time an element.

    python benchmarks/vectormath.py [--write docs/vectormath.md] [NAME ...]

The reference is mpmath for every function in float64 and float64 NumPy/SciPy or mpmath for
float32; arguments are dense near zero, one and the function's edges, and spread over the
whole range of exponents.
"""

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding as llvm
import mpmath as mp
import numpy as np

from adjoint.lower import vectormath as vm

mp.mp.prec = 170
LANES = {"float32": 16, "float64": 8}
POINTS = {"float32": 20000, "float64": 6000}
UFUNC = {"pow": "power"}
DENSE = {"float32": 1 << 20, "float64": 1 << 17}


def compiled(name: str, dtype: str, width: int) -> Callable:
    """``run(x, out)`` or ``run(x, y, out)``; the length must be a multiple of the width."""
    count = vm.operand_count(name)
    t = vm.KINDS[dtype]
    v = t if width == 1 else f"<{width} x {t}>"
    symbol = vm.function_name(name, dtype, width)
    loads = "".join(
        f"  %p{i} = getelementptr {v}, ptr %a{i}, i64 %i\n  %v{i} = load {v}, ptr %p{i}, align 4\n"
        for i in range(count)
    )
    given = ", ".join(f"{v} %v{i}" for i in range(count))
    pointers = ", ".join(f"ptr noalias %a{i}" for i in range(count))
    text = (
        vm.emit_function(name, dtype, width)
        + f"""
define void @run({pointers}, ptr noalias %out, i64 %n, i64 %times) {{
entry:
  br label %again
again:
  %t = phi i64 [0, %entry], [%t.next, %done]
  br label %loop
loop:
  %i = phi i64 [0, %again], [%next, %latch]
{loads}  %r = call {v} {symbol}({given})
  br label %latch
latch:
  %po = getelementptr {v}, ptr %out, i64 %i
  store {v} %r, ptr %po, align 4
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  %t.next = add i64 %t, 1
  %t.more = icmp ult i64 %t.next, %times
  br i1 %t.more, label %again, label %exit
exit:
  ret void
}}
"""
    )
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    address = engine.get_function_address("run")
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (count + 1), ctypes.c_int64, ctypes.c_int64)(
        address
    )

    def run(*arrays: np.ndarray) -> None:
        assert arrays[-1].size % width == 0
        call(*(a.ctypes.data for a in arrays), arrays[-1].size // width, 1)

    run.keep = engine, machine
    run.call = call
    return run


def logaddexp(x: mp.mpf, y: mp.mpf) -> mp.mpf:
    return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


def logaddexp2(x: mp.mpf, y: mp.mpf) -> mp.mpf:
    return max(x, y) + mp.log1p(mp.mpf(2) ** -abs(x - y)) / mp.log(2)


EXACT: dict[str, Callable] = {
    "exp": mp.exp, "exp2": lambda x: mp.mpf(2) ** x, "expm1": mp.expm1, "log": mp.log,
    "log2": lambda x: mp.log(x, 2), "log10": mp.log10, "log1p": mp.log1p, "sin": mp.sin,
    "cos": mp.cos, "tan": mp.tan, "tanh": mp.tanh, "sinh": mp.sinh, "cosh": mp.cosh,
    "expit": lambda x: 1 / (1 + mp.exp(-x)), "erf": mp.erf, "erfc": mp.erfc,
    "arctan": mp.atan, "arcsin": mp.asin, "arccos": mp.acos, "arcsinh": mp.asinh,
    "arccosh": mp.acosh, "arctanh": mp.atanh,
    "cbrt": lambda x: mp.cbrt(x) if x > 0 else -mp.cbrt(-x),
    "arctan2": mp.atan2, "pow": lambda x, y: x**y, "hypot": mp.hypot,
    "logaddexp": logaddexp, "logaddexp2": logaddexp2,
    "sqrt": mp.sqrt,
}  # fmt: skip

# The larger operand plus a logarithm, which may nearly cancel.
CANCELS = ("logaddexp", "logaddexp2")

# Where the result is neither infinite nor undefined.
RANGES: dict[str, tuple[float, float, float, float]] = {
    # name: float64 low, high, float32 low, high
    "exp": (-745.1, 709.78, -103.9, 88.72), "exp2": (-1074.9, 1023.99, -149.9, 127.99),
    "expm1": (-745.0, 709.78, -104.0, 88.72), "sinh": (-710.4, 710.4, -89.4, 89.4),
    "cosh": (-710.4, 710.4, -89.4, 89.4), "expit": (-745.1, 800.0, -103.9, 100.0),
    "tanh": (-25, 25, -12, 12), "erf": (-6.5, 6.5, -4.5, 4.5), "erfc": (-7, 26.5, -5, 10.05),
    "arcsin": (-1, 1, -1, 1), "arccos": (-1, 1, -1, 1), "arctanh": (-1, 1, -1, 1),
    "log1p": (-1, 1e300, -1, 1e38), "log": (0, 1e308, 0, 1e38), "log2": (0, 1e308, 0, 1e38),
    "log10": (0, 1e308, 0, 1e38), "arccosh": (1, 1e308, 1, 1e38), "sqrt": (0, 1e308, 0, 1e38),
    "logaddexp": (-700, 700, -80, 80), "logaddexp2": (-1000, 1000, -120, 120),
}  # fmt: skip


def arguments(name: str, dtype: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random arguments of the right dtype inside the function's range."""
    full = (-1e308, 1e308) if dtype == "float64" else (-1e38, 1e38)
    given = RANGES.get(name)
    low, high = full if given is None else (given[:2] if dtype == "float64" else given[2:])
    exponent = (-1070, 1023) if dtype == "float64" else (-147, 127)
    part = count // 5
    with np.errstate(over="ignore"):
        pieces = [
            rng.uniform(max(low, -1e6), min(high, 1e6), part),
            rng.uniform(-3, 3, part),
            1 + rng.normal(size=part) * 10 ** rng.uniform(-8, 0, part),
            np.ldexp(rng.uniform(1, 2, part), rng.integers(*exponent, part))
            * rng.choice([-1, 1], part),
            rng.uniform(-30, 30, count - 4 * part),
        ]
    x = np.concatenate(pieces).astype(dtype)
    x = np.where((x > low) & (x < high), x, np.asarray(0.5 if low < 0.5 < high else 1.5, dtype))
    return rng.permutation(x)


def ulps(got: np.ndarray, exact: list, scale: list, dtype: str) -> np.ndarray:
    """Errors in units of the last place of the scale, which is the exact result or near it."""
    info = np.finfo(dtype)
    errors = np.zeros(len(exact))
    for i, (value, e, s) in enumerate(zip(got.tolist(), exact, scale, strict=True)):
        if not mp.isfinite(e) or abs(e) > mp.mpf(float(info.max)):
            continue
        if not np.isfinite(value):
            errors[i] = np.inf
            continue
        power = max(int(mp.floor(mp.log(abs(s), 2))) if s else info.minexp, info.minexp)
        errors[i] = float(abs(mp.mpf(value) - e) / mp.ldexp(1, power - info.nmant))
    return errors


def measure(name: str, dtype: str, points: int, seed: int = 0) -> tuple[float, tuple, float]:
    """The largest error, where, and nanoseconds an element."""
    rng = np.random.default_rng(seed)
    width = LANES[dtype]
    points -= points % width
    count = vm.operand_count(name)
    run = compiled(name, dtype, width)
    xs = [arguments(name, dtype, points, rng) for _ in range(count)]
    if name == "pow":
        xs[0] = np.abs(xs[0])
        limit = 700 if dtype == "float64" else 87
        with np.errstate(all="ignore"):
            fitting = limit * rng.uniform(-1, 1, points) / np.log(xs[0])
        xs[1] = np.where(np.isfinite(fitting) & (rng.random(points) < 0.8), fitting, 0.7)
        xs[1] = xs[1].astype(dtype)
    out = np.empty(points, dtype)
    run(*xs, out)
    if count == 1:
        exact = [EXACT[name](mp.mpf(v)) for v in xs[0].tolist()]
    else:
        exact = [
            EXACT[name](mp.mpf(a), mp.mpf(b))
            for a, b in zip(*(x.tolist() for x in xs), strict=True)
        ]
    scale = exact
    if name in CANCELS:
        scale = [
            max(abs(e), *(abs(mp.mpf(v)) for v in given))
            for e, *given in zip(exact, *(x.tolist() for x in xs), strict=True)
        ]
    errors = ulps(out, exact, scale, dtype)
    worst = int(np.argmax(errors))
    # Operands and result stay in the first cache; the repeats are native.
    speed = [np.resize(x[np.abs(x) < 30], 1024) for x in xs]
    out = np.empty(1024, dtype)
    given = [a.ctypes.data for a in (*speed, out)]
    best = np.inf
    for _ in range(40):
        start = time.perf_counter()
        run.call(*given, 1024 // width, 100)
        best = min(best, time.perf_counter() - start)
    return float(errors[worst]), tuple(float(x[worst]) for x in xs), best / 100 / 1024 * 1e9


def dense_arguments(name: str, dtype: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Random bit patterns, and neighbourhoods of 0 and 1."""
    n = DENSE[dtype]
    whole = np.uint32 if dtype == "float32" else np.uint64
    bits = rng.integers(0, np.iinfo(whole).max, (2, n), dtype=whole).view(dtype)
    near = rng.uniform(-12, 12, (2, n)).astype(dtype)
    one = (1 + rng.normal(size=(2, n)) * 10 ** rng.uniform(-8, -0.5, (2, n))).astype(dtype)
    x, y = np.concatenate([bits, near, one], axis=1)
    if name == "pow":
        x = np.abs(x)
        limit = 740 if dtype == "float64" else 100
        fitting = limit * rng.uniform(-1, 1, x.size) / np.log(x)
        y = np.where(rng.random(x.size) < 0.8, fitting, y).astype(dtype)
    if name in ("sin", "cos", "tan") and dtype == "float64":
        x = np.where(np.abs(x) < 2.0**31, x, x % 100)  # beyond, long double is no reference
    return [x, y][: vm.operand_count(name)]


def dense(name: str, dtype: str, rng: np.random.Generator) -> float:
    """The largest error at very many arguments, against the next longer precision."""
    with np.errstate(all="ignore"):
        xs = dense_arguments(name, dtype, rng)
        out = np.empty(xs[0].size, dtype)
        compiled(name, dtype, LANES[dtype])(*xs, out)
        longer: type = np.float64 if dtype == "float32" else np.longdouble
        wide = [x.astype(longer) for x in xs]
        if dtype == "float32":
            exact = np.empty(out.size)
            compiled(name, "float64", LANES["float64"])(*wide, exact)
        elif np.finfo(longer).nmant < 63 or not (
            name == "expit" or hasattr(np, UFUNC.get(name, name))
        ):
            return 0.0
        else:
            exact = (
                1 / (1 + np.exp(-wide[0]))
                if name == "expit"
                else getattr(np, UFUNC.get(name, name))(*wide)
            )
        info = np.finfo(dtype)
        scale = np.abs(exact)
        if name in CANCELS:
            scale = np.maximum(scale, np.maximum(*np.abs(wide)))
        power = np.maximum(np.frexp(scale)[1] - 1, info.minexp) - info.nmant
        unit = np.ldexp(np.ones((), longer), power)
        fits = np.isfinite(exact) & (np.abs(exact) < longer(info.max))
        errors = np.where(fits, np.abs(out.astype(longer) - exact) / unit, 0)
        return float(np.max(np.where(np.isnan(errors), np.inf, errors)))


def main(arguments_: list[str]) -> None:
    path = None
    if arguments_[:1] == ["--write"]:
        path = Path(arguments_[1])
        arguments_ = arguments_[2:]
    rows = []
    for name in arguments_ or [n for n in EXACT if vm.available(n, "float32")]:
        cells = [name]
        for dtype in ("float32", "float64"):
            worst, where, ns = measure(name, dtype, POINTS[dtype] // (1 if path else 4))
            worst = max(worst, dense(name, dtype, np.random.default_rng(1)))
            cells += [f"{worst:.2f}", f"{ns:.2f}"]
            print(f"{name:10} {dtype} {worst:8.3f} ulp at {where}  {ns:.2f} ns", flush=True)
        rows.append(cells)
    if path:
        path.write_text(page(rows), encoding="utf-8")


HEAD = """# Vector mathematics

Native code computes NumPy's elementary functions on whole vector registers. This table is
written by `python benchmarks/vectormath.py --write docs/vectormath.md`: the largest error found,
in units of the last place of the exact result, and the time an element takes in a loop over
arrays in the first cache ({machine}).

| function | float32: ulp | ns | float64: ulp | ns |
|---|---|---|---|---|
"""

TAIL = """
- Exact results come from 170-bit arithmetic. Arguments ({single} for float32, {double} for
  float64, for each function) are spread over the whole range of exponents, subnormal numbers
  included, and crowded around 0, 1 and the edges of each function's range. Millions more (all bit
  patterns alike, and near 0 and 1) are compared with the next longer precision: float32 with
  float64 here, float64 with x86's long double where NumPy has the function. A subnormal result
  is measured against the spacing of subnormal numbers.
- NaN, infinities, signed zeros and subnormal arguments give what NumPy gives; so do `floor`,
  `ceil`, `trunc`, `rint`, `abs`, `sign`, `copysign`, `maximum`, `minimum`, `fmax`, `fmin`, `fmod`
  and `remainder`, which are exact.
- `logaddexp` and `logaddexp2` follow NumPy's formula, the larger operand plus a logarithm. Where
  the two nearly cancel, as between -1 and 0, the error relative to the small result is larger;
  it is given here relative to the largest of the operands and the result.
- `sin`, `cos` and `tan` beyond 2^31 (2^17 in float32), and `fmod` and `remainder` of operands
  more than 2^53 (2^24) times apart, are computed by the C library, element by element.
- An element has the same bits whatever the vector's width.
"""


def processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else llvm.get_host_cpu_name()}, one core"


def page(rows: list[list[str]]) -> str:
    single, double = (f"{POINTS[dtype]:,}".replace(",", " ") for dtype in ("float32", "float64"))
    table = "".join("| `" + "` | ".join([row[0], " | ".join(row[1:])]) + " |\n" for row in rows)
    return HEAD.format(machine=processor()) + table + TAIL.format(single=single, double=double)


if __name__ == "__main__":
    main(sys.argv[1:])
