import ctypes
import itertools

import llvmlite.binding as llvm
import numpy as np
import pytest

from adjoint.lower import (
    convolution_forward,
    convolution_image,
    convolution_tiles,
    convolution_weight,
)
from adjoint.lower.convolution import ConvolutionShape
from adjoint.lower.convolution_forward import forward, input_gradient
from adjoint.lower.convolution_weight import weight_gradient
from adjoint.primitives.convolution import convolution_input, convolution_row
from adjoint.primitives.convolution import convolution_weight as convolution_weight_row

# n, c, o, extents, kernel, stride, padding, dilation, groups
CASES = {
    "1d": (2, 3, 5, (11,), (4,), (1,), ((0, 0),), (1,), 1),
    "1d strided": (2, 3, 5, (41,), (2,), (3,), ((1, 2),), (2,), 1),
    "2d": (3, 2, 6, (12, 13), (5, 3), (1, 1), ((2, 2), (1, 0)), (1, 1), 1),
    "2d wide": (2, 3, 35, (4, 70), (2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "2d all": (2, 6, 4, (9, 10), (2, 3), (2, 3), ((1, 0), (2, 1)), (3, 2), 2),
    "long kernel": (1, 2, 17, (3, 30), (1, 21), (1, 1), ((0, 0), (3, 4)), (1, 1), 1),
    "depthwise": (2, 4, 8, (5, 6), (3, 2), (1, 2), ((1, 1), (0, 1)), (1, 1), 4),
    "many channels": (2, 40, 50, (6, 7), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "3d": (2, 3, 4, (4, 5, 6), (2, 3, 1), (1, 2, 3), ((0, 1), (1, 1), (0, 0)), (1, 1, 2), 1),
    "unused edge": (2, 3, 4, (8, 9), (1, 1), (3, 4), ((0, 0), (0, 0)), (1, 1), 1),
    "kernel too long": (2, 3, 4, (2,), (4,), (1,), ((0, 0),), (1,), 1),
    "many images": (19, 1, 2, (5, 4), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "one of everything": (1, 1, 1, (1,), (1,), (1,), ((0, 0),), (1,), 1),
    "few channels": (3, 2, 3, (9, 37), (3, 2), (1, 1), ((1, 1), (0, 1)), (2, 1), 1),
    "depthwise rows": (2, 7, 7, (6, 19), (3, 3), (2, 1), ((1, 1), (1, 1)), (1, 1), 7),
    "no batch": (0, 3, 5, (7,), (2,), (1,), ((0, 0),), (1,), 1),
}


def phase_runner(phases):
    """``run(first, second, result, pieces)``: all phases, each in so many pieces."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    text = "\n".join(phase.text for phase in phases)
    for phase in phases:
        text = text.replace(f"internal void {phase.symbol}(", f"void {phase.symbol}(")
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    kind = ctypes.CFUNCTYPE(None, *[pointer] * 5, number, number)
    calls = [kind(engine.get_function_address(phase.symbol[1:])) for phase in phases]

    def room(size):
        raw = np.full(size + 64, 255, np.uint8)  # NaN, if read before it is written
        first = -raw.ctypes.data % 64
        return raw[first : first + size]

    def run(first, second, result, pieces=1):
        shared = room(max(phase.shared for phase in phases))
        for call, phase in zip(calls, phases, strict=True):
            edges = np.linspace(0, phase.units, pieces + 1).astype(int)
            for begin, end in itertools.pairwise(edges):
                scratch = room(phase.scratch)
                given = (x.ctypes.data for x in (first, second, result, scratch, shared))
                call(*given, begin, end)

    run.engine = engine
    return run


def setting(case):
    n, c, o, extents, kernel, stride, padding, dilation, groups = case
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (n, c, *extents), (o, c // groups, *kernel), how


def shape_of(case, dtype):
    return ConvolutionShape(*case, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_product_agrees_with_numpy(case, dtype, rng):
    x_shape, w_shape, how = setting(case)
    x, w = rng.normal(size=x_shape).astype(dtype), rng.normal(size=w_shape).astype(dtype)
    y = convolution_row(x, w, **how)
    y_bar = rng.normal(size=y.shape).astype(dtype)
    shape = shape_of(case, dtype)
    assert shape.positions == y.shape[2:]
    wanted = {
        forward: (x, w, y),
        input_gradient: (y_bar, w, convolution_input(y_bar, w, shape=x_shape, **how)),
        weight_gradient: (x, y_bar, convolution_weight_row(x, y_bar, shape=w_shape, **how)),
    }
    loose = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-11}
    for product, (first, second, want) in wanted.items():
        phases = product("@product", shape)
        run = phase_runner(phases)
        results = []
        for pieces in (1, 3):
            result = np.full(want.shape, np.nan, dtype)
            run(first, second, result, pieces)
            results.append(result)
        np.testing.assert_allclose(results[0], want, **loose)
        np.testing.assert_array_equal(results[0], results[1])


def by_positions(image):
    """Rows of positions in the lanes wherever they can be."""
    even = image.steps[-1] == 1 and image.spread[-1] == 1
    return convolution_tiles._by_positions(image) if even else convolution_tiles.best_way(image)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("wide", [True, False])
def test_positions_in_the_lanes_agree_with_numpy(case, wide, rng, monkeypatch):
    monkeypatch.setattr(convolution_image, "best_way", by_positions)
    monkeypatch.setattr(convolution_weight, "rows_fill_lanes", lambda *_: True)
    x_shape, w_shape, how = setting(case)
    x, w = rng.normal(size=x_shape), rng.normal(size=w_shape)
    y = convolution_row(x, w, **how)
    y_bar = rng.normal(size=y.shape)
    shape = shape_of(case, "float64")
    wanted = {
        forward: (x, w, y),
        input_gradient: (y_bar, w, convolution_input(y_bar, w, shape=x_shape, **how)),
        weight_gradient: (x, y_bar, convolution_weight_row(x, y_bar, shape=w_shape, **how)),
    }
    for product, (first, second, want) in wanted.items():
        phases = product("@product", shape, *((64, 32) if wide else (32, 16)))
        run = phase_runner(phases)
        results = []
        for pieces in (1, 3):
            result = np.full(want.shape, np.nan)
            run(first, second, result, pieces)
            results.append(result)
        np.testing.assert_allclose(results[0], want, rtol=1e-11, atol=1e-11)
        np.testing.assert_array_equal(results[0], results[1])


def test_few_channels_leave_the_lanes_to_positions():
    chosen = {}

    def note(image):
        way = convolution_tiles.best_way(image)
        chosen[image.channels.count] = way.tile is convolution_tiles.positions_tile
        return way

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution_image, "best_way", note)
        for channels in (1, 6, 48):
            case = (2, 3, channels, (9, 31), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
            forward("@product", shape_of(case, "float32"))
    assert chosen == {1: True, 6: True, 48: False}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_strided_gradients_by_classes_of_places(case, rng, monkeypatch):
    monkeypatch.setattr(convolution_forward, "_WORTH_CLASSES", 0)
    x_shape, w_shape, how = setting(case)
    shape = shape_of(case, "float64")
    w = rng.normal(size=w_shape)
    y_bar = rng.normal(size=(shape.n, shape.o, *shape.positions))
    phases = input_gradient("@product", shape)
    assert len(phases) == np.prod(np.minimum(shape.stride, shape.extents))
    result = np.full(x_shape, np.nan)
    phase_runner(phases)(y_bar, w, result)
    want = convolution_input(y_bar, w, shape=x_shape, **how)
    np.testing.assert_allclose(result, want, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("way", [convolution_tiles.best_way, by_positions])
def test_epilogue_sees_channels_and_positions(way, rng, monkeypatch):
    monkeypatch.setattr(convolution_image, "best_way", way)
    case = CASES["2d wide"]
    x_shape, w_shape, how = setting(case)
    x, w, bias = rng.normal(size=x_shape), rng.normal(size=w_shape), rng.normal(size=case[2])

    def add_bias(text, output):
        # The test has no further pointer to give: the bias stands behind the weights.
        index = text.plus(output.row, str(w.size))
        one = text.load("double", 1, text.at("double", "%w", index), 1)
        first = text.make(f"insertelement {output.type} poison, double {one}, i64 0")
        picks = [0] * output.lanes
        spread = text.shuffle("double", output.lanes, first, first, picks)
        return text.make(f"fadd {output.type} {output.value}, {spread}")

    y = convolution_row(x, w, **how) + bias[:, None, None]
    result = np.empty(y.shape)
    phases = forward("@product", shape_of(case, "float64"), epilogue=add_bias)
    phase_runner(phases)(x, np.concatenate([w.ravel(), bias]), result)
    np.testing.assert_allclose(result, y, rtol=1e-11, atol=1e-11)
