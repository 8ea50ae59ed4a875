"""What a layer is made of and given first: sizes, layers, lists."""

import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import StructureError


@pytest.mark.parametrize("size", [0, -1, 2.0, "4", None])
def test_a_size_that_is_none_is_named(size):
    with pytest.raises(StructureError) as caught:
        nn.Linear(3, size)
    text = str(caught.value)
    assert text.startswith("Linear: out_features must be a whole number above 0")
    assert f"got: out_features={size!r}" in text


def test_numpys_whole_numbers_are_sizes():
    assert nn.Linear(np.int64(3), np.uint8(2), rng=0).weight.shape == (3, 2)


def test_a_name_is_no_layer():
    with pytest.raises(StructureError, match=r"got: 'relu'\n  wanted: modules, or functions"):
        nn.Sequential(nn.Linear(3, 2), "relu")


def test_lists_are_inputs():
    layer = nn.Linear(3, 2, rng=0)
    with pytest.raises(StructureError, match="Linear: the input is no array\\n  got: a dict"):
        layer({"x": np.ones((2, 3))})
    np.testing.assert_array_equal(layer([[1.0, 2.0, 3.0]]), layer(np.array([[1.0, 2.0, 3.0]])))
