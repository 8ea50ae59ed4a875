"""BLAS on one thread inside programs, as many as before outside; complex products."""

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import threadpoolctl
from scipy import linalg

import adjoint as ad
from adjoint.run import blas_threads


def blas_threads_now() -> int:
    return max(
        info["num_threads"]
        for info in threadpoolctl.threadpool_info()
        if info["user_api"] == "blas" and "numpy" not in info["filepath"]
    )


def test_the_number_is_put_back_by_the_last_to_leave() -> None:
    assert linalg.blas.dgemm(1.0, np.eye(2), np.eye(2))[0, 0] == 1
    with threadpoolctl.threadpool_limits(2, "blas"):
        assert blas_threads_now() == 2
        with blas_threads.one_thread:
            assert blas_threads_now() == 1
            with blas_threads.one_thread:
                assert blas_threads_now() == 1
            assert blas_threads_now() == 1
        assert blas_threads_now() == 2


def test_a_failure_inside_puts_it_back() -> None:
    def fail() -> None:
        assert blas_threads_now() == 1
        raise ZeroDivisionError

    with threadpoolctl.threadpool_limits(2, "blas"):
        with pytest.raises(ZeroDivisionError):
            blas_threads.on_one_thread(fail)()
        assert blas_threads_now() == 2


def test_programs_that_call_blas_at_the_same_time(rng: np.random.Generator) -> None:
    a = rng.normal(size=(70, 90)) + 1j * rng.normal(size=(70, 90))
    f = ad.jit(lambda a: a @ a.T)
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(50):
            if not np.allclose(f(a), a @ a.T):
                wrong.append(1)

    with threadpoolctl.threadpool_limits(2, "blas"):
        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert blas_threads_now() == 2
    assert not wrong


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("extents", [(1, 3, 17), (17, 65, 129), (129, 1, 65), (65, 129, 3)])
def test_odd_sizes_in_every_layout(
    extents: tuple[int, int, int], dtype: str, rng: np.random.Generator
) -> None:
    m, n, k = extents

    def array(*shape: int) -> Any:
        x = rng.normal(size=shape)
        return (x + 1j * rng.normal(size=shape) if dtype[0] == "c" else x).astype(dtype)

    near = 1e-3 if dtype in ("float32", "complex64") else 1e-11

    def products(a: Any, b: Any, at: Any, bt: Any, many: Any) -> Any:
        return a @ b, at.T @ b, a @ bt.T, at.T @ bt.T, many @ b, many[0] @ b, a @ b[:, 0]

    args = [array(m, k), array(k, n), array(k, m), array(n, k), array(2, 3, m, k)]
    got = ad.jit(products)(*args)
    for x, y in zip(got, products(*args), strict=True):
        np.testing.assert_allclose(x, y, rtol=near, atol=near)


_TRAINING = """
import hashlib, sys
import numpy as np
import adjoint as ad
from adjoint import nn, optim

rng = np.random.default_rng(0)
X, y = rng.normal(size=(512, 300)).astype("f4"), rng.integers(0, 9, 512)
model = nn.Sequential(nn.Linear(300, 700), nn.ReLU(), nn.Linear(700, 9))
done = ad.fit(model, (X, y), loss=nn.cross_entropy, optimizer=optim.adam(1e-3), epochs=2,
              batch_size=256, seed=0, progress=False)
z = ad.jit(lambda a: np.linalg.matrix_power(a, 3))(rng.normal(size=(200, 200)) * (0.1 + 0.2j))
sums = hashlib.sha256(z.tobytes())
for leaf in (x for layer in (done.model[0], done.model[2]) for x in (layer.weight, layer.bias)):
    sums.update(np.ascontiguousarray(leaf).tobytes())
print(sums.hexdigest())
"""


def test_nobodys_number_of_threads_changes_a_bit() -> None:
    found = set()
    for blas, ours in (("1", "1"), ("2", "1"), ("1", "2"), ("2", "2")):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": blas, "ADJOINT_NUM_THREADS": ours}
        run = subprocess.run(
            [sys.executable, "-c", _TRAINING],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        found.add(run.stdout.strip().splitlines()[-1])
    assert len(found) == 1
