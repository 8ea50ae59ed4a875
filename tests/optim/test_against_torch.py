"""Trajectories beside PyTorch's, step by step."""

import numpy as np
import pytest

from adjoint import optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

STEPS = 40
RNG = np.random.default_rng(0)
START = {"w": RNG.standard_normal((4, 3)), "b": RNG.standard_normal(3)}
CURVATURE = {"w": RNG.uniform(0.1, 3.0, (4, 3)), "b": RNG.uniform(0.1, 3.0, 3)}


def _gradients(parameters, step):
    # A quartic with noise that depends on the step alone: signs turn and magnitudes vary.
    noise = np.random.default_rng(step)
    return {
        name: CURVATURE[name] * p + 0.3 * p**3 + 0.2 * noise.standard_normal(p.shape)
        for name, p in parameters.items()
    }


def _ours(method, dtype=np.float64):
    parameters = {name: p.astype(dtype) for name, p in START.items()}
    state = method.init(parameters)
    path = []
    for step in range(STEPS):
        gradients = {n: g.astype(dtype) for n, g in _gradients(parameters, step).items()}
        parameters, state = method.update(gradients, state, parameters)
        path.append(parameters)
    assert all(p.dtype == dtype for p in parameters.values())
    assert int(state["step"]) == STEPS if "step" in state else True
    return path


def _theirs(make, schedule=None):
    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in START.items()}
    method = make(list(tensors.values()))
    planned = schedule(method) if schedule else None
    path = []
    for step in range(STEPS):
        now = {name: t.detach().numpy().copy() for name, t in tensors.items()}
        for name, g in _gradients(now, step).items():
            tensors[name].grad = torch.tensor(g)
        method.step()
        if planned is not None:
            planned.step()
        path.append({name: t.detach().numpy().copy() for name, t in tensors.items()})
    return path


PAIRS = {
    "sgd": (optim.sgd(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    "momentum": (optim.momentum(0.05), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    "dampened": (
        optim.momentum(0.05, 0.8, dampening=0.3),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, dampening=0.3),
    ),
    "nesterov": (
        optim.nesterov(0.05, 0.7),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.7, nesterov=True),
    ),
    "adagrad": (optim.adagrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1)),
    "adagrad started": (
        optim.adagrad(0.1, start=0.2),
        lambda p: torch.optim.Adagrad(p, 0.1, initial_accumulator_value=0.2),
    ),
    "adadelta": (optim.adadelta(), lambda p: torch.optim.Adadelta(p)),
    "rmsprop": (optim.rmsprop(0.02), lambda p: torch.optim.RMSprop(p, 0.02)),
    "rmsprop centred": (
        optim.rmsprop(0.02, 0.9, mass=0.5, centered=True),
        lambda p: torch.optim.RMSprop(p, 0.02, 0.9, momentum=0.5, centered=True),
    ),
    "rprop": (optim.rprop(0.02), lambda p: torch.optim.Rprop(p, 0.02)),
    "adam": (optim.adam(0.02), lambda p: torch.optim.Adam(p, 0.02)),
    "adam short": (
        optim.adam(0.02, 0.5, 0.7, 1e-3),
        lambda p: torch.optim.Adam(p, 0.02, (0.5, 0.7), 1e-3),
    ),
    "adamw": (
        optim.adamw(0.02, decay=0.3),
        lambda p: torch.optim.AdamW(p, 0.02, weight_decay=0.3),
    ),
    "amsgrad": (optim.amsgrad(0.02), lambda p: torch.optim.Adam(p, 0.02, amsgrad=True)),
    "nadam": (optim.nadam(0.02), lambda p: torch.optim.NAdam(p, 0.02)),
    "adadelta short": (
        optim.adadelta(0.7, 0.6, 1e-3),
        lambda p: torch.optim.Adadelta(p, 0.7, 0.6, 1e-3),
    ),
    "adagrad slowing": (
        optim.adagrad(optim.inverse_time(0.1, 1 / 0.05), eps=1e-3),
        lambda p: torch.optim.Adagrad(p, 0.1, lr_decay=0.05, eps=1e-3),
    ),
    "rmsprop heavy": (
        optim.rmsprop(0.02, 0.7, 1e-3, mass=0.8),
        lambda p: torch.optim.RMSprop(p, 0.02, 0.7, 1e-3, momentum=0.8),
    ),
    "rprop bounded": (
        optim.rprop(0.02, 1.5, 0.3, 0.01, 0.03),
        lambda p: torch.optim.Rprop(p, 0.02, (0.3, 1.5), (0.01, 0.03)),
    ),
    "nadam short": (
        optim.nadam(0.02, 0.6, 0.8, 1e-3, 0.02),
        lambda p: torch.optim.NAdam(p, 0.02, (0.6, 0.8), 1e-3, momentum_decay=0.02),
    ),
    "amsgrad with decay": (
        optim.adamw(0.02, decay=0.3, amsgrad=True),
        lambda p: torch.optim.AdamW(p, 0.02, weight_decay=0.3, amsgrad=True),
    ),
    "adam with l2": (
        optim.weight_decay(optim.adam(0.02), l2=0.3, only=("*",)),
        lambda p: torch.optim.Adam(p, 0.02, weight_decay=0.3),
    ),
    "nesterov with l2": (
        optim.weight_decay(optim.nesterov(0.05), l2=0.2, only=("*",)),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.2),
    ),
    "l2": (
        optim.weight_decay(optim.sgd(0.05), l2=0.4, only=("*",)),
        lambda p: torch.optim.SGD(p, 0.05, weight_decay=0.4),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_trajectory_is_that_of_pytorch(name):
    method, make = PAIRS[name]
    # PyTorch keeps the product of NAdam's memories in float32.
    rtol = 1e-5 if name.startswith("nadam") else 1e-11
    for ours, theirs in zip(_ours(method), _theirs(make), strict=True):
        for key in START:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("name", PAIRS)
def test_float32_parameters_stay_float32(name):
    for wide, narrow in zip(_ours(PAIRS[name][0]), _ours(PAIRS[name][0], np.float32), strict=True):
        for key in START:
            np.testing.assert_allclose(narrow[key], wide[key], rtol=2e-3, atol=2e-3)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon")
def test_muon_follows_pytorch_as_far_as_its_bfloat16_allows():
    # PyTorch orthogonalises in bfloat16, 8 bits; so only one step, loosely.
    gradient = RNG.standard_normal((6, 4))
    p = torch.zeros((6, 4), dtype=torch.float32, requires_grad=True)
    p.grad = torch.tensor(gradient, dtype=torch.float32)
    torch.optim.Muon([p], 0.1, weight_decay=0.0).step()
    method = optim.Muon(0.1)
    # Ours has [in, out] where PyTorch has [out, in].
    mine = {"w": np.zeros((4, 6))}
    mine, _ = method.update({"w": gradient.T}, method.init(mine), mine)
    np.testing.assert_allclose(mine["w"].T, p.detach().numpy(), atol=0.004)


def _clipped(method, make):
    def build(p):
        inner = make(p)
        step = inner.step

        def clipped():
            torch.nn.utils.clip_grad_norm_(p, 0.9)
            step()

        inner.step = clipped
        return inner

    return method, build


def test_clipping_is_that_of_pytorch():
    method, build = _clipped(
        optim.clip_by_norm(optim.adam(0.02), 0.9), lambda p: torch.optim.Adam(p, 0.02)
    )
    for ours, theirs in zip(_ours(method), _theirs(build), strict=True):
        for key in START:
            # PyTorch divides by the norm plus 1e-6.
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-5)


SCHEDULES = {
    "step": (
        optim.step_decay(0.1, every=7, factor=0.5),
        lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5),
    ),
    "exponential": (
        optim.exponential(0.1, 0.9),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
    ),
    "cosine": (
        optim.cosine(0.1, STEPS, end=0.01),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, 0.01),
    ),
    "restarts": (
        optim.cosine(0.1, 9, restarts=True),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 9),
    ),
    "one cycle": (
        optim.one_cycle(0.1, STEPS),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, 0.1, total_steps=STEPS, cycle_momentum=False
        ),
    ),
    "polynomial": (
        optim.polynomial(0.1, 20, power=2.0),
        lambda o: torch.optim.lr_scheduler.PolynomialLR(o, 20, 2.0),
    ),
    "piecewise": (
        optim.piecewise((5, 15), (0.1, 0.03, 0.009)),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [5, 15], 0.3),
    ),
    "warm-up": (
        optim.warmup(10, 0.1, start=0.25),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.25, 1.0, 10),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
# PyTorch warns about the order of step() calls, which the cyclic ones make themselves.
@pytest.mark.filterwarnings("ignore")
def test_schedule_is_that_of_pytorch(name):
    ours, make = SCHEDULES[name]
    method = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    planned = make(method)
    for step in range(STEPS):
        assert float(ours(step)) == pytest.approx(method.param_groups[0]["lr"], rel=1e-9, abs=1e-15)
        assert float(ours(np.int64(step))) == float(ours(np.array(step)))
        method.step()
        planned.step()


def test_plateau_is_that_of_pytorch():
    losses = [1.0, 0.9, 0.9, 0.91, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7]
    method = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    planned = torch.optim.lr_scheduler.ReduceLROnPlateau(method, factor=0.5, patience=2)
    ours = optim.on_plateau(optim.sgd(0.1), factor=0.5, patience=2)
    parameters = {"w": np.ones(2)}
    state = ours.init(parameters)
    for loss in losses:
        planned.step(loss)
        state = ours.observe(state, loss)
        after, _ = ours.update({"w": np.ones(2)}, state, parameters)
        np.testing.assert_allclose(1 - after["w"], method.param_groups[0]["lr"])
