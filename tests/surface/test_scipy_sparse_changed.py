"""Sparse matrices with recorded elements: what is written into them, and every format."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sl

import adjoint as ad
from adjoint.errors import ConcreteValueError, UnsupportedError

X = np.array([1.3, 2.1, -0.7, 0.4, 1.9])
ROWS, COLUMNS = np.array([0, 1, 1, 2, 0]), np.array([0, 1, 2, 2, 2])
PLAIN = sp.csr_array((np.ones(5), (ROWS, COLUMNS)), shape=(3, 3))
OTHER = sp.csr_array(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [0.5, 0.0, 1.0]]))
WEIGHTS = np.array([1.0, 2.0, 3.0])
FORMATS = ("csr", "csc", "coo", "dia", "bsr", "lil")


def matrix(x, form="csr"):
    return sp.coo_array((x, (ROWS, COLUMNS)), shape=(3, 3)).asformat(form)


def told(A):
    """One number that knows each element from the others."""
    return (A @ WEIGHTS) @ np.array([1.0, 2.0, -1.0])


def doubled(x):
    A = matrix(x)
    A.data *= 2
    return told(A)


def squared_in_place(x):
    A = matrix(x, "csc")
    A.data[:] = A.data**2
    A.data[2:4] *= 3
    return told(A)


def assigned(x):
    A = matrix(x)
    A.data = np.sin(A.data)
    return told(A)


def assigned_into_plain(x):
    A = PLAIN.copy()
    A.data = x * 2
    return told(A) + A.T.tocsc().sum() ** 2


def written_into_plain(x):
    A = PLAIN.copy()
    A.data[:] = x
    A.data[1] = x[0] * x[2]
    return told(A)


def multiplied(x):
    A = matrix(x)
    A *= 2.0
    A /= 4.0
    A += PLAIN
    return told(A) ** 2


def element(x):
    A = matrix(x)
    A[0, 0] = x[1] * x[2]
    A[1, 0] = x[3] ** 2
    A[2, :] = 5.0
    return told(A)


def element_of_plain(x):
    A = PLAIN.copy()
    A[1, 1] = x[0] ** 2
    return told(A)


def diagonal(x):
    A = matrix(x)
    A.setdiag(x[:3] ** 2)
    A.setdiag(x[3], k=1)
    return told(A)


def diagonal_of_plain(x):
    A = PLAIN.copy()
    A.setdiag(x[:2])
    return told(A)


def copies_are_apart(x):
    A = matrix(x)
    B = A.copy()
    B.data *= 3
    return told(A) + told(B) ** 2


def other_formats_are_apart(x):
    A = matrix(x)
    B, C, D = A.tocoo(), A.tocsc(), A.tocsr()
    B.data *= 3
    C.data *= 5
    D.data *= 7  # which is A itself
    return told(A) + told(B) ** 2 + told(C) ** 3


def shared(x):
    values = x * 2.0
    A = sp.csr_array((values, PLAIN.indices, PLAIN.indptr), shape=(3, 3))
    values *= 3.0  # SciPy holds the array that it was given
    A.data[0] = 1.0
    return told(A) + np.sum(values**2)


def diagonals(x):
    A = sp.diags([x[:3], x[3:]], [0, 1], format="dia")
    A.data[0] *= 2
    return told(A) + told(sp.spdiags(np.stack([x[:3], x[2:]]), [0, 1], 3, 3))


def diagonals_as_given(x):
    return told(sp.dia_array((np.stack([x[:3], x[2:]]), [0, 1]), shape=(3, 3)))


def blocks(x):
    A = sp.bsr_array((np.reshape(x[:4], (1, 2, 2)), [0], [0, 1]), shape=(2, 2))
    return (A @ WEIGHTS[:2]) @ np.array([1.0, 3.0])


def dictionary(x):
    A = sp.dok_array((3, 3))
    for i in range(3):
        A[i, (i + 1) % 3] = x[i] ** 2
    return told(A.tocsr()) + np.sum(A.toarray() ** 2)


def lists(x):
    A = matrix(x, "lil")
    A[1, :] = 0
    A[2, 2] = x[4] ** 2
    return told(A.tocsr())


def smaller(x):
    A = matrix(x)
    A.resize((2, 3))
    return np.sum(A @ WEIGHTS)


def tidied(x):
    A = sp.csr_array((np.concatenate([x, x]), np.array([2, 0, 1, 1, 2, 2, 0, 1, 1, 2]),
                      np.array([0, 4, 6, 10])), shape=(3, 3))  # fmt: skip
    A.sum_duplicates()
    A.sort_indices()
    A.eliminate_zeros()
    A.prune()
    return told(A) + A.data[0] ** 2


def turned(x):
    A = sp.permute_dims(matrix(x, "coo"), (1, 0)) if hasattr(sp, "permute_dims") else matrix(x).T
    return told(A)


def laplacian(x):
    A = abs(matrix(x)) + abs(matrix(x)).T
    normed, degrees = sp.csgraph.laplacian(A, normed=True, return_diag=True)
    return told(sp.csgraph.laplacian(A)) + told(normed) ** 2 + np.sum(degrees**2)


def operator(x):
    A, B = sl.aslinearoperator(matrix(x)), sl.aslinearoperator(np.outer(x[:3], x[2:]))
    return (A @ WEIGHTS) @ np.array([1.0, 2.0, -1.0]) + np.sum(B @ WEIGHTS) ** 2


CHANGED = [
    doubled, squared_in_place, assigned, assigned_into_plain, written_into_plain, multiplied,
    element, element_of_plain, diagonal, diagonal_of_plain, copies_are_apart,
    other_formats_are_apart, shared, diagonals,
    diagonals_as_given, blocks, dictionary, lists, smaller, tidied, turned, laplacian, operator,
]  # fmt: skip


def _agrees(f):
    ad.check_grads(f, (X,), order=2)
    plain = f(X.copy())
    assert ad.value_and_grad(f)(X)[0] == pytest.approx(plain, rel=1e-15)
    steps = 1e-6 * np.eye(5)
    slopes = [(f(X + step) - f(X - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(ad.grad(f)(X), slopes, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(X), ad.grad(f)(X), rtol=1e-12, atol=1e-13)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("f", CHANGED)
def test_what_is_written_is_in_the_matrix(f):
    _agrees(f)


OPERATIONS = {
    "product": lambda A: (A @ OTHER).toarray(),
    "from the left": lambda A: (OTHER @ A).toarray(),
    "square": lambda A: (A @ A).toarray(),
    "sums": lambda A: (A + OTHER - 2 * A).toarray() + (OTHER - A).toarray() / 2,
    "transposed": lambda A: A.T.toarray(),
    "element by element": lambda A: A.multiply(OTHER).toarray() + A.multiply(A).toarray(),
    "largest": lambda A: A.maximum(OTHER).toarray() + A.tocsr().minimum(0).toarray(),
    "larger than one": lambda A: A.maximum(1.0).toarray(),
    "reduced": lambda A: A.sum(axis=0) + A.sum(axis=1) * A.mean(axis=0) + A.diagonal(),
    "functions": lambda A: np.arctan(A.tocsr().sin().toarray()) + abs(A).power(2).toarray(),
    "norms": lambda A: np.array([sl.norm(A), sl.norm(A.tocsr(), 1), A.sum(), A.trace()]),
    "dictionary": lambda A: A.todok().toarray(),
    "blocks": lambda A: sp.vstack([A, OTHER]).toarray() ** 2,
    "solved": lambda A: sl.spsolve((A + 5 * sp.eye_array(3)).tocsc(), WEIGHTS),
}


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_format_computes(name, form):
    def f(x):
        found = OPERATIONS[name](matrix(x, form))
        return np.sum(found * np.cos(np.arange(float(np.size(found)))).reshape(np.shape(found)))

    _agrees(f)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("target", [*FORMATS, "dok"])
def test_formats_turn_into_each_other(form, target):
    def f(x):
        return np.sum(matrix(x, form).asformat(target).toarray() * np.arange(9.0).reshape(3, 3))

    _agrees(f)


def test_the_largest_along_an_axis():
    def f(x):
        A = sp.csr_matrix((x, (ROWS, COLUMNS)), shape=(3, 3))
        return (A.max(axis=0) @ WEIGHTS)[0] + A.max() * A.min()

    _agrees(f)
    with pytest.raises(UnsupportedError, match=r"A\.toarray\(\)\.max\(axis=0\)"):
        ad.grad(lambda x: matrix(x).max(axis=0).sum())(X)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_found_is_not_zero(form):
    def f(x):
        rows, columns, values = sp.find(matrix(x, form))
        return np.sum(values * (1 + rows) * (2 + columns))

    ad.check_grads(f, (X,), order=2)
    assert ad.value_and_grad(f)(X)[0] == f(X)
    with pytest.raises(ConcreteValueError, match=r"A\.tocoo\(\)"):
        ad.jit(f)(X)


def test_what_is_outside_stays_as_it_is():
    before = PLAIN.toarray()
    for f in (assigned_into_plain, written_into_plain, element_of_plain, diagonal_of_plain):
        ad.grad(f)(X)
    np.testing.assert_array_equal(PLAIN.toarray(), before)
    assert type(PLAIN.data) is np.ndarray


def of_rows(x):
    return sp.csr_array((x, COLUMNS, [0, 2, 3, 5]), shape=(3, 3), dtype=np.float32)


SINGLE = {
    "coordinates": lambda x: sp.coo_array((x, (ROWS, COLUMNS)), dtype="f4").toarray(),
    "another": lambda x: sp.csc_array(matrix(x), dtype="f4").toarray(),
    "rows": lambda x: of_rows(x).toarray(),
    "diagonals": lambda x: sp.dia_array((x[None], [0]), shape=(5, 5), dtype="f4").toarray(),
    "complex": lambda x: sp.coo_array((x, (ROWS, COLUMNS)), dtype=complex).toarray(),
    "diags": lambda x: sp.diags_array([x], offsets=[1], dtype="f4").toarray(),
    "blocks": lambda x: sp.block_array([[matrix(x), None], [PLAIN, PLAIN]], dtype="f4").toarray(),
    "block diagonal": lambda x: sp.block_diag([matrix(x), PLAIN], dtype="f4").toarray(),
    "side by side": lambda x: sp.hstack([matrix(x), PLAIN], dtype="f4").toarray(),
    "total": lambda x: matrix(x).sum(dtype=np.float32),
    "columns": lambda x: matrix(x).sum(axis=0, dtype=np.float32),
    "rows of a matrix": lambda x: sp.csr_matrix(matrix(x)).sum(axis=1, dtype=np.float32),
}


@pytest.mark.parametrize("name", SINGLE)
def test_the_dtype_that_is_asked_for(name):
    f = SINGLE[name]
    wanted, recorded, compiled = np.asarray(f(X)), ad.vjp(f, X)[0], ad.jit(f)(X)
    assert wanted.dtype == np.asarray(recorded).dtype == np.asarray(compiled).dtype
    np.testing.assert_array_equal(recorded, wanted)
    np.testing.assert_allclose(compiled, wanted, rtol=1e-6)
    moved = ad.jvp(f, (X,), (X,))[1]  # all of these are straight
    np.testing.assert_allclose(moved, f(2 * X) - wanted, rtol=1e-5, atol=1e-6)


def test_lists_of_a_dense_array():
    def f(x):
        A = sp.lil_array(np.diag(x) + np.eye(5, k=1))
        A[3, 0] = x[1] ** 2
        return told(A.tocsr()[:3, :3]) + A[3, 0]

    steps = [(f(X + h) - f(X - h)) / 2e-6 for h in 1e-6 * np.eye(5)]
    value, slopes = ad.value_and_grad(f)(X)
    assert value == f(X)
    np.testing.assert_allclose(slopes, steps, rtol=1e-7, atol=1e-9)
