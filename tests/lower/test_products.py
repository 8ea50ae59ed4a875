import ctypes
import itertools
import re

import llvmlite.binding as llvm
import numpy as np
import pytest

from adjoint.lower.products import Shape, deep_product, small_product

# m, n, k: all different; ones; ragged vectors; several panels and tiles; long k.
TURNS = list(itertools.product([False, True], repeat=2))
EXTENTS = [
    (1, 1, 1),
    (3, 5, 2),
    (10, 30, 7),
    (5, 16, 33),
    (13, 70, 9),
    (1, 45, 20),
    (37, 1, 21),
    (2, 9, 300),
    (40, 3, 17),
    (7, 200, 5),
]


def compiled(*products):
    """Functions of the last product: ``run(a, b, c, begin, end, *pointers)``."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    last = products[-1]
    text = "\n".join(product.text for product in products)
    text = text.replace(f"internal void {last.symbol}(", f"void {last.symbol}(")
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    address = engine.get_function_address(last.symbol[1:])

    def run(a, b, c, begin=0, end=last.units, *more):
        pointers = [x.ctypes.data for x in (a, b, c)]
        types = [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 2 + [ctypes.c_void_p] * len(more)
        call = ctypes.CFUNCTYPE(None, *types)(address)
        call(*pointers, begin, end, *[x.ctypes.data for x in more])

    run.engine = engine
    return run


def matrices(rng, shape, padding=0):
    """A, B, C as stored, inside larger arrays if there is padding; and op(A), op(B)."""
    stored = [(shape.m, shape.k), (shape.k, shape.n), (shape.m, shape.n)]
    turned = [shape.transpose_a, shape.transpose_b, False]
    wide = []
    for (rows, columns), turn in zip(stored, turned, strict=True):
        size = (columns, rows) if turn else (rows, columns)
        wide.append(rng.normal(size=(size[0], size[1] + padding)).astype(shape.dtype))
    inner = [w[:, : w.shape[1] - padding] for w in wide]
    a, b = (x.T if turn else x for x, turn in zip(inner[:2], turned[:2], strict=True))
    return wide, inner, a, b


def tolerance(dtype):
    return {"rtol": 1e-5, "atol": 2e-5} if dtype == "float32" else {"rtol": 1e-13, "atol": 1e-12}


@pytest.mark.parametrize("turned", TURNS)
@pytest.mark.parametrize("extents", EXTENTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_product_agrees_with_numpy(dtype, extents, turned, rng):
    shape = Shape(*extents, dtype, *turned)
    wide, _, a, b = matrices(rng, shape)
    product = small_product("@product", shape)
    c = np.full((shape.m, shape.n), np.nan, dtype)
    compiled(product)(wide[0], wide[1], c)
    np.testing.assert_allclose(c, a @ b, **tolerance(dtype))


@pytest.mark.parametrize("turned", TURNS)
@pytest.mark.parametrize("extents", [(5, 16, 33), (13, 70, 9), (9, 2, 200), (37, 1, 21)])
def test_strides_and_accumulation_leave_the_surroundings_alone(extents, turned, rng):
    plain = Shape(*extents, "float32", *turned)
    wide, inner, a, b = matrices(rng, plain, padding=3)
    shape = Shape(*extents, "float32", *turned, *[w.shape[1] for w in wide])
    want = wide[2].copy()
    want[:, : shape.n] += a @ b
    compiled(small_product("@product", shape, accumulate=True))(*wide)
    np.testing.assert_allclose(inner[2], want[:, : shape.n], **tolerance("float32"))
    np.testing.assert_array_equal(wide[2][:, shape.n :], want[:, shape.n :])


@pytest.mark.parametrize(
    ("extents", "turned"),
    [((13, 70, 9), (False, False)), ((40, 300, 21), (True, True)), ((2, 39, 90), (False, True))],
)
@pytest.mark.parametrize(("vector_bytes", "registers"), [(64, 32), (32, 16), (16, 32)])
def test_units_can_be_computed_in_any_split(extents, turned, vector_bytes, registers, rng):
    shape = Shape(*extents, "float32", *turned)
    wide, _, a, b = matrices(rng, shape)
    product = small_product("@product", shape, vector_bytes=vector_bytes, registers=registers)
    run = compiled(product)
    whole = np.zeros((shape.m, shape.n), "float32")
    run(wide[0], wide[1], whole)
    np.testing.assert_allclose(whole, a @ b, **tolerance("float32"))
    assert product.units > 1
    for unit in range(product.units):
        apart = np.full_like(whole, np.nan)
        run(wide[0], wide[1], apart, unit, unit + 1)
        written = ~np.isnan(apart)
        assert written.any()
        np.testing.assert_array_equal(apart[written], whole[written])
        whole[written] = np.nan
        assert np.isnan(whole[written]).all()
        run(wide[0], wide[1], whole, unit, unit + 1)
    empty = np.full_like(whole, np.nan)
    run(wide[0], wide[1], empty, 1, 1)
    assert np.isnan(empty).all()


@pytest.mark.parametrize("extents", [(10, 30, 7), (2, 9, 300), (37, 1, 21), (13, 70, 40)])
@pytest.mark.parametrize("turned", [(False, False), (False, True)])
def test_epilogue_sees_rows_and_columns(extents, turned, rng):
    shape = Shape(*extents, "float64", *turned)
    wide, _, a, b = matrices(rng, shape)
    weights = rng.normal(size=(shape.m, shape.n))

    def scaled(text, output):
        row, column = output.row, output.column
        if output.swapped:
            row, column = column, row
        index = text.plus(text.times(row, shape.n), column)
        pointer = text.at("double", "%weights", index)
        factor = text.load("double", output.lanes, pointer, output.used)
        return text.make(f"fmul {output.type} {output.value}, {factor}")

    product = small_product("@product", shape, epilogue=scaled, parameters=["ptr %weights"])
    c = np.empty((shape.m, shape.n))
    compiled(product)(wide[0], wide[1], c, 0, product.units, weights)
    np.testing.assert_allclose(c, (a @ b) * weights, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("extents", [(0, 3, 2), (3, 0, 2), (3, 2, 0)])
def test_empty_extents(extents, rng):
    shape = Shape(*extents, "float32")
    a, b = np.zeros((max(1, shape.m), 4), "float32"), np.zeros((4, 4), "float32")
    c = np.full((3, 3), 7, "float32")
    compiled(small_product("@product", shape))(a, b, c)
    assert np.count_nonzero(c == 0) == shape.m * shape.n


def test_tiling_keeps_to_the_registers_and_covers_all():
    from adjoint.lower.products_tile import tile

    for m, n, k, registers in itertools.product((1, 7, 100), (3, 64, 500), (5, 90), (16, 32)):
        tiling = tile(Shape(m, n, k, "float32"), 16, registers, m)
        r, v = max(tiling.rows.lengths()), max(tiling.vectors.lengths())
        assert r * v + v + 1 <= registers
        assert sum(tiling.rows.lengths()) == m
        assert (sum(tiling.vectors.lengths()) - 1) * 16 + tiling.last == n


@pytest.mark.parametrize("turned", TURNS)
@pytest.mark.parametrize("extents", [(7, 33, 769), (64, 48, 1630), (3, 1, 900), (1, 5, 1700)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_deep_products_go_by_stretches(dtype, extents, turned, rng):
    shape = Shape(*extents, dtype, *turned)
    wide, _, a, b = matrices(rng, shape)
    product = deep_product("@product", shape)
    assert ".part" in product.text
    run = compiled(product)
    c = np.full((shape.m, shape.n), np.nan, dtype)  # what C held before must not matter
    run(wide[0], wide[1], c)
    near = {name: 20 * value for name, value in tolerance(dtype).items()}
    np.testing.assert_allclose(c, a @ b, **near)
    parts = np.full_like(c, np.nan)
    for begin, end in itertools.pairwise([0, *range(1, product.units, 3), product.units]):
        run(wide[0], wide[1], parts, begin, end)
    assert np.array_equal(parts, c)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_far_apart_are_copied_first(dtype, rng):
    shape = Shape(830, 517, 130, dtype)
    wide, _, a, b = matrices(rng, shape)
    product = deep_product("@product", shape)
    assert ".pack(" in product.text
    c = np.full((shape.m, shape.n), np.nan, dtype)
    compiled(product)(wide[0], wide[1], c)
    near = {name: 20 * value for name, value in tolerance(dtype).items()}
    np.testing.assert_allclose(c, a @ b, **near)


def test_stretches_are_even_where_they_can_be():
    from adjoint.lower.products import depth_of

    assert [depth_of(k) for k in (0, 1, 768, 769, 784, 2048, 2500)] == [
        0,
        1,
        768,
        385,
        392,
        512,
        625,
    ]
    for k in (1, 767, 256001, 65537):
        depth = depth_of(k)
        assert 0 < depth <= 768
        assert depth * -(-k // depth) >= k


def test_half_of_the_units_is_half_of_the_work():
    from adjoint.lower.products_tile import Spread, tile

    assert Spread(32, 7).lengths() == [4, 5, 4, 5, 4, 5, 5]
    assert Spread(32, 7).starts() == [0, 4, 9, 13, 18, 22, 27]
    for shape in (Shape(128, 432, 784, "float32"), Shape(128, 496, 50, "float32")):
        lanes = 64 // shape.size
        tiling = tile(shape, lanes, 32, shape.m)
        work = [r * v for v in tiling.vectors.lengths() for r in tiling.rows.lengths()]
        first = sum(work[: tiling.units // 2])
        assert 0.47 < first / sum(work) < 0.53


def test_the_stack_is_not_filled_by_a_panel():
    long = Shape(5, 20, 200_000, "float32", transpose_a=True, transpose_b=True)
    text = deep_product("@product", long).text
    sizes = [int(n) for n in re.findall(r"alloca \[(\d+) x float\]", text)]
    assert sizes
    assert max(sizes) * 4 <= 1 << 17
