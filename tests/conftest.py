import gc
import os
import random
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

# The same examples on every machine and every run, and no deadline: the first call of a compiled
# function takes far longer than the second, which is no fault of the property.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_finish() -> None:
    """Leave what ten thousand tests are made of out of every later collection of garbage.

    Looking through it again and again took a sixth of the time of quick tests.
    """
    gc.collect()
    gc.freeze()


def _seed_of(request: pytest.FixtureRequest) -> int:
    # From the test's name, not from a counter: a test draws the same numbers whether it runs
    # alone, in another order, or in another process. hash() would differ between processes.
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator that depends only on the name of the test."""
    return np.random.default_rng(_seed_of(request))


@pytest.fixture(autouse=True)
def _seed_global_generators(request: pytest.FixtureRequest) -> None:
    seed = _seed_of(request)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - users' functions may still draw from the old global


@pytest.fixture(autouse=True, scope="session")
def _private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Compiled code from an earlier run must not answer for the code under test.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADJOINT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
