"""Emitted products against BLAS, shape by shape, on one thread.

    python benchmarks/products.py [MxNxK[:tt] ...]

``tt`` are two letters, N or T, for the layouts of A and B. Prints microseconds (the least of
many short runs, interleaved), GFLOP/s, and the time of BLAS over ours.
"""

import ctypes
import itertools
import sys
import time

import llvmlite.binding as llvm
import numpy as np

from adjoint.lower.products import Shape, deep_product
from adjoint.run.native import routine_address

SHAPES = [
    (1, 1, 100), (10, 32, 784), (10, 30, 784), (784, 30, 10), (10, 784, 30), (64, 64, 32),
    (64, 64, 64), (128, 128, 128), (64, 1, 64), (32, 64, 64), (100, 100, 100), (200, 200, 200),
    (128, 512, 784), (512, 10, 128), (128, 10, 512), (1, 64, 64), (1, 512, 512), (300, 1, 300),
    (48, 384, 128), (256, 256, 256), (16, 16, 1000), (5, 7, 3), (512, 64, 512), (1000, 32, 32),
    (64, 256, 8192), (512, 2048, 2048), (1000, 777, 333),
]  # fmt: skip


def compiled(product):
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    text = product.text.replace("define internal", "define")
    start = time.perf_counter()
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    address = engine.get_function_address(product.symbol[1:])
    seconds = time.perf_counter() - start
    return engine, address, seconds


REPEAT = """
define void @repeat(ptr %f, ptr %a, ptr %b, ptr %c, i64 %units, i64 %times) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  call void %f(ptr %a, ptr %b, ptr %c, i64 0, i64 %units)
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %times
  br i1 %more, label %loop, label %exit
exit:
  ret void
}
define void @gemm(ptr %f, ptr %ta, ptr %tb, ptr %m, ptr %n, ptr %k, ptr %one, ptr %a, ptr %lda,
                  ptr %b, ptr %ldb, ptr %zero, ptr %c, ptr %ldc, i64 %times) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  call void %f(ptr %ta, ptr %tb, ptr %m, ptr %n, ptr %k, ptr %one, ptr %a, ptr %lda, ptr %b,
               ptr %ldb, ptr %zero, ptr %c, ptr %ldc)
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %times
  br i1 %more, label %loop, label %exit
exit:
  ret void
}
"""


class Repeat:
    def __init__(self):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine()
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(REPEAT), machine)
        pointer, i64 = ctypes.c_void_p, ctypes.c_int64
        self.repeat = ctypes.CFUNCTYPE(None, *[pointer] * 4, i64, i64)(
            self.engine.get_function_address("repeat")
        )
        self.gemm = ctypes.CFUNCTYPE(None, *[pointer] * 14, i64)(
            self.engine.get_function_address("gemm")
        )


def aligned(x):
    """A copy that starts a cache line, as arrays inside a program's arena do."""
    room = np.empty(x.size + 16, x.dtype)
    first = -(room.ctypes.data // x.itemsize) % (64 // x.itemsize)
    copy = room[first : first + x.size].reshape(x.shape)
    copy[...] = x
    return copy


def measure(repeat, shape, rng):
    """Microseconds of the emitted kernel and of BLAS, and seconds to compile."""
    a = rng.normal(size=(shape.m, shape.k)).astype(shape.dtype)
    b = rng.normal(size=(shape.k, shape.n)).astype(shape.dtype)
    want = a @ b
    a, b = (
        aligned(x.T if turn else x) for x, turn in ((a, shape.transpose_a), (b, shape.transpose_b))
    )
    c = aligned(np.zeros((shape.m, shape.n), shape.dtype))
    product = deep_product("@product", shape)
    engine, address, seconds = compiled(product)
    letter = {False: ctypes.c_char(b"N"), True: ctypes.c_char(b"T")}
    number = ctypes.c_float if shape.dtype == "float32" else ctypes.c_double
    arguments = [
        letter[shape.transpose_b], letter[shape.transpose_a],
        *(ctypes.c_int(v) for v in (shape.n, shape.m, shape.k)), number(1),
    ]  # fmt: skip
    lead = [ctypes.c_int(x.shape[1]) for x in (b, a, c)]
    gemm = routine_address("sgemm" if shape.dtype == "float32" else "dgemm")
    given = [
        *map(ctypes.addressof, arguments), b.ctypes.data, ctypes.addressof(lead[0]),
        a.ctypes.data, ctypes.addressof(lead[1]), ctypes.addressof(zero := number(0)),
        c.ctypes.data, ctypes.addressof(lead[2]),
    ]  # fmt: skip
    flops = 2.0 * shape.m * shape.n * shape.k
    times = max(1, int(2e6 / (flops + 200)))
    best = [np.inf, np.inf]
    for _ in range(25):
        start = time.perf_counter()
        repeat.repeat(address, a.ctypes.data, b.ctypes.data, c.ctypes.data, product.units, times)
        best[0] = min(best[0], (time.perf_counter() - start) / times)
        mine = c.copy()
        start = time.perf_counter()
        repeat.gemm(gemm, *given, times)
        best[1] = min(best[1], (time.perf_counter() - start) / times)
    np.testing.assert_allclose(mine, want, rtol=1e-3, atol=1e-3)
    del engine, zero
    return best[0] * 1e6, best[1] * 1e6, seconds


def main(names):
    import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS, which can only then be limited
    import threadpoolctl

    rng = np.random.default_rng(0)
    repeat = Repeat()
    cases = [(*s, t) for s in SHAPES for t in ("NN", "NT", "TN", "TT")]
    if names:
        cases = []
        for name in names:
            extents, _, turns = name.partition(":")
            m, n, k = map(int, extents.split("x"))
            cases += [(m, n, k, t) for t in ([turns] if turns else ["NN", "NT", "TN", "TT"])]
    behind = 0
    with threadpoolctl.threadpool_limits(1):
        for (m, n, k, turns), dtype in itertools.product(cases, ("float32", "float64")):
            shape = Shape(m, n, k, dtype, turns[0] == "T", turns[1] == "T")
            emitted, blas, seconds = measure(repeat, shape, rng)
            flops = 2e-3 * m * n * k
            behind += emitted > 1.15 * blas
            print(
                f"{m:5} x {n:4} x {k:4} {turns} {dtype} {emitted:9.2f} us {flops / emitted:6.0f}"
                f"  BLAS {blas:9.2f} {flops / blas:6.0f}  {blas / emitted:5.2f}x"
                f" compiled in {seconds * 1e3:4.0f} ms{'  *' if emitted > 1.15 * blas else ''}",
                flush=True,
            )
    print(f"{behind} of {2 * len(cases)} are more than 15 % behind")


if __name__ == "__main__":
    main(sys.argv[1:])
