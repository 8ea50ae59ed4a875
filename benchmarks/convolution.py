"""Measures the native convolutions on one thread: microseconds, GFLOP/s, compile time.

python benchmarks/convolution.py
"""

import ctypes
import math
import time

import llvmlite.binding as llvm
import numpy as np

from adjoint.lower import convolution_forward, convolution_weight
from adjoint.lower.convolution import ConvolutionShape

SQUARE = ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)
CASES = {
    "LeNet 1": (32, 1, 6, (28, 28), (5, 5), (1, 1), ((2, 2), (2, 2)), (1, 1), 1),
    "LeNet 2": (32, 6, 16, (14, 14), (5, 5), *SQUARE),
    "3x3, 32 to 64": (32, 32, 64, (14, 14), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "3x3, 64, stride 2": (16, 64, 64, (28, 28), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1), 1),
    "1x1, 128": (8, 128, 128, (14, 14), (1, 1), *SQUARE),
    "depthwise 3x3": (8, 64, 64, (28, 28), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 64),
    "1d, 64": (16, 64, 64, (256,), (5,), (1,), ((2, 2),), (1,), 1),
}
PRODUCTS = {
    "output": convolution_forward.forward,
    "input": convolution_forward.input_gradient,
    "weight": convolution_weight.weight_gradient,
}


def compiled(phases):
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    text = "\n".join(phase.text for phase in phases)
    for phase in phases:
        text = text.replace(f"internal void {phase.symbol}(", f"void {phase.symbol}(")
    start = time.perf_counter()
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_int64, ctypes.c_int64)
    calls = [kind(engine.get_function_address(phase.symbol[1:])) for phase in phases]
    return calls, engine, time.perf_counter() - start


def measure(product, shape, rng):
    phases = product("@product", shape)
    calls, engine, seconds = compiled(phases)
    dtype = shape.dtype
    x = rng.normal(size=(shape.n, shape.c, *shape.extents)).astype(dtype)
    w = rng.normal(size=(shape.o, shape.c // shape.groups, *shape.kernel)).astype(dtype)
    y = rng.normal(size=(shape.n, shape.o, *shape.positions)).astype(dtype)
    first, second, result = {
        PRODUCTS["output"]: (x, w, y),
        PRODUCTS["input"]: (y, w, x),
        PRODUCTS["weight"]: (x, y, w),
    }[product]
    scratch = np.empty(max(phase.scratch for phase in phases) + 64, np.uint8)
    shared = np.empty(max(phase.shared for phase in phases) + 64, np.uint8)
    given = [a.ctypes.data for a in (first, second, result)]
    given += [a.ctypes.data + -a.ctypes.data % 64 for a in (scratch, shared)]
    best = math.inf
    for _ in range(15):
        start = time.perf_counter()
        for call, phase in zip(calls, phases, strict=True):
            call(*given, 0, phase.units)
        best = min(best, time.perf_counter() - start)
    del engine
    return best, seconds


def main():
    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        for name, case in CASES.items():
            shape = ConvolutionShape(*case, dtype)
            work = 2 * shape.n * shape.o * math.prod(shape.positions) * math.prod(shape.kernel)
            work *= shape.c // shape.groups
            for label, product in PRODUCTS.items():
                best, seconds = measure(product, shape, rng)
                print(
                    f"{name:18} {dtype} {label:6} {best * 1e6:9.1f} us {work / best / 1e9:6.1f} "
                    f"GFLOP/s  compiled in {seconds * 1e3:4.0f} ms",
                    flush=True,
                )


if __name__ == "__main__":
    main()
