"""Sparse Jacobians as native programs, and inside other transformations."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

import adjoint as ad
from adjoint.api import sparse as sparse_module
from adjoint.differentiate.sparsity import deciding, pattern_of
from adjoint.graph.types import ArrayType


def _chain(x):
    return x[1:] ** 2 * x[:-1] - np.sin(x[1:])


POINT = np.array([0.3, 1.2, -0.7, 2.0, 0.9])


@pytest.mark.parametrize(
    "make",
    [
        lambda f: ad.jit(ad.jacobian(f, mode="sparse")),
        lambda f: ad.jacobian(ad.jit(f), mode="sparse"),
        lambda f: ad.jit(ad.jacobian(ad.jit(f), mode="sparse")),
    ],
    ids=["jit of jacobian", "jacobian of jit", "both"],
)
def test_jitted_in_either_order(make):
    jacobian = make(_chain)
    for k in range(12):  # beyond the calls after which entries are made
        x = POINT + 0.1 * k
        got = jacobian(x)
        assert type(got) is sparse.csr_array
        assert got.has_canonical_format
        assert got.nnz == 8
        np.testing.assert_allclose(got.toarray(), ad.jacobian(_chain)(x), rtol=1e-13)
    got.indices[:] = 0
    assert jacobian(x).indices.tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


def test_blocks_of_trees_under_jit():
    def f(p, q):
        return {"y": p["a"][:, None] * q, "z": q[:2] * p["b"], "n": q > 0}

    p, q = {"a": np.array([1.0, 2.0]), "b": np.float32(3.0)}, np.array([4.0, 5.0, 6.0])
    plain = ad.jacobian(f, (0, 1), mode="sparse")(p, q)
    got = ad.jit(ad.jacobian(f, (0, 1), mode="sparse"))(p, q)
    for name in ("y", "z", "n"):
        for one, other in (
            (got[name][0]["a"], plain[name][0]["a"]),
            (got[name][0]["b"], plain[name][0]["b"]),
            (got[name][1], plain[name][1]),
        ):
            assert one.dtype == other.dtype
            assert one.nnz == other.nnz
            np.testing.assert_allclose(one.toarray(), other.toarray(), rtol=1e-6)


def test_hessians_under_jit():
    def energy(x):
        return np.sum(_chain(x) ** 2)

    dense = ad.hessian(energy)(POINT)
    for make in (
        lambda f: ad.jit(ad.hessian(f, mode="sparse")),
        lambda f: ad.hessian(ad.jit(f), mode="sparse"),
    ):
        np.testing.assert_allclose(make(energy)(POINT).toarray(), dense, rtol=1e-12, atol=1e-13)


def test_where_the_pattern_depends_on_values_a_jitted_function_is_followed():
    def f(x):
        return np.where(x > 0, x * np.roll(x, 1), np.sin(x))

    jacobian = ad.jacobian(ad.jit(f), mode="sparse")
    dense = ad.jacobian(f)
    for x, entries in ((POINT, 9), (-POINT, 6), (POINT + 1, 10)):
        got = jacobian(x)
        np.testing.assert_allclose(got.toarray(), dense(x), rtol=1e-13)
        assert got.nnz == entries
    # inside jit both branches count, whatever the values will be
    whole = ad.jit(ad.jacobian(f, mode="sparse"))
    for x in (POINT, -POINT):
        assert whole(x).nnz == 10
        np.testing.assert_allclose(whole(x).toarray(), dense(x), rtol=1e-13)


UNKNOWN = {
    "index": lambda x: x[np.argsort(x)] ** 2,
    "branch": lambda x: ad.cond(x[0] > 0, lambda v: v[::-1] * 2, lambda v: v**2, x),
    "constant branch": lambda x: ad.cond(x[0] > 0, lambda v: v[::-1] * 2, lambda v: v * 0 + 1, x),
    "loop": lambda x: ad.scan(lambda c, w: (c * w, np.sin(w) * c), x[0], x)[1],
    "matrix": lambda x: np.outer(x, x) @ x,
    "assigned": lambda x: _assigned(x),
}


def _assigned(x):
    y = np.zeros(5)
    y[np.argmax(x)] = x[1] ** 2
    return y + x


@pytest.mark.parametrize("name", UNKNOWN)
def test_patterns_without_values_hold_all_entries(name):
    f = UNKNOWN[name]
    got = ad.jit(ad.jacobian(f, mode="sparse"))(POINT)
    np.testing.assert_allclose(got.toarray(), ad.jacobian(f)(POINT), rtol=1e-12, atol=1e-13)


def test_factors_inside_loops_and_calls_do_not_decide():
    """What only multiplies is not looked at, so its values need not be known."""

    def f(x):
        moved = ad.checkpoint(lambda v: np.sin(v) * v[::-1])(x)
        return ad.scan(lambda c, w: (0.5 * c + w**2, c * w), x[0], moved)[1]

    run = ad.api.gradients.Run(f, (POINT,), {}, (0,), "jacobian")
    forward = run.tape.pushforward()
    residuals = run.tape.residuals(forward)
    assert len(residuals) > 2
    assert deciding(forward.graph, residuals) == []
    types = [ArrayType(np.shape(x), np.asarray(x).dtype) for x in residuals]
    (with_values,) = pattern_of(forward.graph, residuals)
    (without,) = pattern_of(forward.graph, types)
    assert (with_values != without).nnz == 0


def test_under_other_transformations():
    jacobian, dense = ad.jacobian(_chain, mode="sparse"), ad.jacobian(_chain)
    weights = np.arange(1.0, 6.0)
    for total in (
        lambda make: lambda x: np.sum((make(x) @ weights) ** 2),
        lambda make: lambda x: make(x).sum() ** 2 + np.sum(make(x).diagonal() ** 3),
        lambda make: lambda x: np.sum(make(x).sum(axis=0) ** 2) * np.sum(make(x).sum(axis=1)),
    ):
        np.testing.assert_allclose(
            ad.grad(total(jacobian))(POINT), ad.grad(total(dense))(POINT), rtol=1e-12
        )
    got = ad.vmap(lambda x: jacobian(x).toarray())(np.stack([POINT, POINT + 1]))
    np.testing.assert_allclose(got[1], dense(POINT + 1), rtol=1e-13)


def test_what_is_used_much_becomes_native(monkeypatch):
    compiled = []
    import adjoint.run

    real = adjoint.run.compile_graph
    monkeypatch.setattr(adjoint.run, "compile_graph", lambda g: compiled.append(g) or real(g))
    monkeypatch.setattr(sparse_module, "_HOT", 200)
    jacobian = ad.jacobian(lambda x: _chain(x) * 1.7, mode="sparse")
    first = jacobian(POINT)
    assert not compiled
    for _ in range(9):
        np.testing.assert_allclose(jacobian(POINT).data, first.data, rtol=1e-14)
    assert len(compiled) == 1


def test_many_products_go_in_chunks(monkeypatch, rng):
    matrix = rng.normal(size=(9, 9))
    want = ad.jacobian(lambda x: np.sin(matrix @ x))(np.ones(9))
    monkeypatch.setattr(sparse_module, "_CHUNK_BYTES", 8 * 18 * 2)
    for make in (ad.jacobian, lambda f, mode: ad.jit(ad.jacobian(f, mode=mode))):
        got = make(lambda x: np.sin(matrix @ x), mode="sparse")(np.ones(9))
        np.testing.assert_allclose(got.toarray(), want, rtol=1e-12)


def test_a_gradients_jacobian_takes_fewer_products():
    """Five neighbours on a grid: 7 colours of columns, 6 of stars."""

    def energy(u):
        v = u.reshape(13, 17)
        return np.sum(np.diff(v, axis=0) ** 4) + np.sum(np.cos(np.diff(v, axis=1)))

    u = np.linspace(0.0, 3.0, 221) ** 2
    gradient, counts = ad.grad(energy), []
    for make in (ad.jacobian(gradient, mode="sparse"), ad.hessian(energy, mode="sparse")):
        np.testing.assert_allclose(make(u).toarray(), ad.jacobian(gradient)(u), atol=1e-12)
        run = ad.api.gradients.Run(gradient, (u,), {}, (0,), "jacobian")
        plan = run.tape.pushforward().graph.memo("sparse plan", lambda _: None)["plan"]
        counts.append([p.count for p in plan.products])
    assert counts == [[7], [6]]


def test_scipy_is_first_imported_while_somebody_records():
    """What scipy.sparse imports in turn is whole before rules for it are loaded."""
    text = """
import numpy as np, adjoint as ad
def f(x):
    from scipy import sparse
    return sparse.csr_array((x, (np.arange(3), np.arange(3)))).toarray().sum()
print(ad.grad(f)(np.ones(3)))
"""
    made = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert made.stdout == "[1. 1. 1.]\n", made.stderr
