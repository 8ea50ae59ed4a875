"""Layers inside loops: each step draws a key of its own, and state goes round with the carry."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import StructureError


class Walk(nn.Module):
    """A state that is normalised at every step of time."""

    norm: nn.BatchNorm
    rolled: bool = nn.static(default=True)

    def __call__(self, x):
        def step(h, row):
            h = self.norm(np.tanh(h) + row)
            return h, h

        h, rows = np.zeros((x.shape[0], x.shape[2])), np.swapaxes(x, 0, 1)
        if self.rolled:
            return ad.scan(step, h, rows)[1]
        outputs = []
        for row in rows:
            h, y = step(h, row)
            outputs.append(y)
        return np.stack(outputs)


class Drop(nn.Module):
    layer: nn.Dropout

    def __call__(self, x):
        return ad.scan(lambda none, row: (none, self.layer(row)), (), np.swapaxes(x, 0, 1))[1]


def walks():
    rng = np.random.default_rng(0)
    norm = nn.BatchNorm(3).replace(scale=rng.normal(size=3), shift=rng.normal(size=3))
    return Walk(norm), Walk(norm, rolled=False), rng.normal(size=(5, 4, 3))


def test_batch_statistics_inside_a_loop_are_those_of_the_loop_written_out():
    rolled, written, x = walks()
    found, after = nn.apply(rolled, x, training=True)
    wanted, should = nn.apply(written, x, training=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    np.testing.assert_allclose(after.norm.mean, should.norm.mean, rtol=1e-12)
    np.testing.assert_allclose(after.norm.variance, should.norm.variance, rtol=1e-12)
    assert not np.allclose(after.norm.mean, rolled.norm.mean)
    np.testing.assert_array_equal(rolled(x), written(x))


@pytest.mark.parametrize("compiled", [False, True])
def test_the_gradient_through_such_a_loop_is_that_of_the_loop_written_out(compiled):
    rolled, written, x = walks()

    def loss(model, x):
        output, after = nn.apply(model, x, training=True)
        return np.sum(output**3) + np.sum(after.norm.variance)

    slope = ad.grad(loss, argnums=(0, 1))
    (found, along), (wanted, should) = (
        (ad.jit(slope) if compiled else slope)(rolled, x),
        slope(written, x),
    )
    np.testing.assert_allclose(found.norm.scale, wanted.norm.scale, rtol=1e-9)
    np.testing.assert_allclose(along, should, rtol=1e-9, atol=1e-12)


def test_dropout_inside_a_loop_drops_others_at_every_step():
    model, x = Drop(nn.Dropout(0.5)), np.ones((2, 40, 6))
    output, _ = nn.apply(model, x, training=True, key=3)
    again, _ = nn.apply(model, x, training=True, key=3)
    np.testing.assert_array_equal(output, again)
    assert len({step.tobytes() for step in output}) > 35
    assert 0.4 < np.mean(output == 0) < 0.6
    np.testing.assert_array_equal(model(x), 1)


def test_a_loop_in_a_loop_draws_its_own_keys_too():
    layer = nn.Dropout(0.5)

    class Nested(nn.Module):
        layer: nn.Dropout

        def __call__(self, x):
            def inner(none, row):
                return none, self.layer(row)

            return ad.scan(lambda none, rows: (none, ad.scan(inner, (), rows)[1]), (), x)[1]

    output, _ = nn.apply(Nested(layer), np.ones((5, 6, 20)), training=True, key=0)
    assert len({row.tobytes() for row in output.reshape(30, 20)}) == 30


def test_such_a_model_trains_and_keeps_its_statistics():
    rolled, _, x = walks()
    result = ad.fit(
        rolled, (x, np.zeros((5, 4, 3))), loss=lambda y, t: np.mean(y**2), epochs=3, batch_size=5
    )
    assert np.isfinite(result.history[-1].loss)
    assert not np.allclose(result.model.norm.mean, 0)


class Repeated(nn.Module):
    """Batch normalisation and dropout in code that is recorded apart, or written out."""

    norm: nn.BatchNorm
    drop: nn.Dropout
    kind: str = nn.static()

    def block(self, x):
        return np.tanh(self.drop(self.norm(x))) + 0.1 * x

    def __call__(self, x):
        if self.kind == "while_loop":
            # The count depends on x: so it is not known while recording.
            first = (x, np.sum(x[:1, 0] * 0))
            return ad.while_loop(lambda c: c[1] < 3, lambda c: (self.block(c[0]), c[1] + 1), first)[
                0
            ]
        if self.kind == "cond":
            x = ad.cond(np.sum(x**2) > 0, self.block, lambda x: 2 * x, x)
            return ad.cond(np.sum(x**2) < 0, self.block, self.block, x)
        if self.kind == "checkpoint":
            return ad.checkpoint(self.block)(ad.checkpoint(self.block)(x))
        for _ in range(3 if self.kind == "three" else 2):
            x = self.block(x)
        return x


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", ["while_loop", "cond", "checkpoint"])
def test_state_in_loops_branches_and_checkpoints_is_that_of_the_code_written_out(kind, compiled):
    rng = np.random.default_rng(0)
    norm = nn.BatchNorm(3).replace(scale=rng.normal(size=3), shift=rng.normal(size=3))
    x = rng.normal(size=(5, 3))
    found = Repeated(norm, nn.Dropout(0.0), kind)
    written = Repeated(norm, nn.Dropout(0.0), "three" if kind == "while_loop" else "two")

    def loss(model, x):
        output, after = nn.apply(model, x, training=True)
        return np.sum(output**3) + np.sum(after.norm.mean * after.norm.variance), after

    slopes = ad.grad(loss, argnums=(0, 1), has_aux=True)
    (by_model, by_x), after = (ad.jit(slopes) if compiled else slopes)(found, x)
    (wanted, should), afterwards = slopes(written, x)
    np.testing.assert_allclose(after.norm.mean, afterwards.norm.mean, rtol=1e-12)
    np.testing.assert_allclose(after.norm.variance, afterwards.norm.variance, rtol=1e-12)
    np.testing.assert_allclose(by_model.norm.scale, wanted.norm.scale, rtol=1e-9)
    np.testing.assert_allclose(by_x, should, rtol=1e-9, atol=1e-12)


def test_the_branch_not_taken_leaves_the_state():
    class Half(nn.Module):
        norm: nn.BatchNorm

        def __call__(self, x):
            return ad.cond(np.sum(x) > 0, self.norm, lambda x: x, x)

    run = ad.jit(lambda model, x: nn.apply(model, x, training=True)[1])
    x = np.arange(6.0).reshape(2, 3)
    model = Half(nn.BatchNorm(3))
    np.testing.assert_array_equal(run(model, -x).norm.mean, 0)
    np.testing.assert_allclose(run(model, x).norm.mean, 0.1 * x.mean(0))


@pytest.mark.parametrize("kind", ["while_loop", "checkpoint"])
def test_dropout_alone_inside_them_draws_its_own_keys(kind):
    model = Repeated(nn.BatchNorm(50), nn.Dropout(0.5), kind)
    run = ad.jit(lambda x, key: nn.apply(model, x, training=True, key=key)[0])
    x = np.random.default_rng(0).normal(size=(4, 50))
    a, b = run(x, nn.random.key(1)), run(x, nn.random.key(2))
    np.testing.assert_array_equal(a, run(x, nn.random.key(1)))
    assert not np.array_equal(a, b)

    class Alone(nn.Module):
        drop: nn.Dropout

        def __call__(self, x):
            def body(c):
                return c[0], c[1] + 1, c[2] + (self.drop(x) == 0)

            return ad.while_loop(lambda c: c[1] < 20, body, (x, np.sum(x * 0), np.zeros_like(x)))[2]

    dropped = ad.jit(lambda x: nn.apply(Alone(nn.Dropout(0.5)), x, training=True, key=0)[0])(x)
    assert 8 < dropped.mean() < 12
    assert len(np.unique(dropped)) > 5  # not the same places each time


def test_state_out_of_vmap_is_refused():
    class Mapped(nn.Module):
        norm: nn.BatchNorm

        def __call__(self, x):
            return ad.vmap(self.norm)(x)

    with pytest.raises(StructureError, match=r"BatchNorm\.mean of a call inside"):
        nn.apply(Mapped(nn.BatchNorm(3)), np.ones((2, 4, 3)), training=True)
