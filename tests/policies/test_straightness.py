"""Straightness: 0 for straight paths, closed forms for curved ones, smaller after a reflow."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.objectives import make_objective
from policies.objectives.flow import Flow
from policies.samplers.ode import SampleField, VelocityField
from policies.straightness import field_straightness, straightness
from tests.policies.two_modes import SHAPE, build, train
from tests.thorough import thoroughly

START = torch.randn(6, 5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CONFIG = ChunkPolicyConfig(4, 3, 2, 5, "flow", width=16, depth=1)


def measure(velocity: Callable[[Tensor, float], Tensor], steps: int) -> float:
    return field_straightness(VelocityField(velocity), START, steps)


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_constant_fields_are_straight(steps: int) -> None:
    assert measure(lambda x, t: torch.full_like(x, 0.7), steps) < 1e-28
    # Every path is a straight line to its goal, at constant speed.
    goal = START.flip(0)
    assert field_straightness(SampleField(lambda x, t: goal), START, steps) < 1e-28
    assert math.isnan(measure(lambda x, t: torch.zeros_like(x), steps))


@pytest.mark.parametrize("steps", [2, 3, 50])
def test_a_growing_speed_equals_its_closed_form(steps: int) -> None:
    # v = 2 t c along N steps: v_k = 2 c k / N, so S / |x_1 - x_0|^2 = (N + 1) / (3 (N - 1)).
    measured = measure(lambda x, t: 2 * t * torch.ones_like(x), steps)
    assert measured == pytest.approx((steps + 1) / (3 * (steps - 1)), rel=1e-12)


@pytest.mark.parametrize("angle", [0.5, 1.0, 3.0])
def test_a_rotation_converges_to_its_closed_form(angle: float) -> None:
    # |v| = angle |x| and |x_1 - x_0|^2 = 2 (1 - cos angle) |x|^2 on a circle.
    exact = angle**2 / (2 * (1 - math.cos(angle))) - 1
    rotation = torch.tensor([[0.0, angle], [-angle, 0.0]], dtype=torch.float64)
    assert measure(lambda x, t: x @ rotation, 400) == pytest.approx(exact, rel=1e-3)


def test_the_length_of_paths_does_not_matter_and_the_start_is_unchanged() -> None:
    before = START.clone()
    bent = [measure(lambda x, t, c=c: c * (t - 0.2) * torch.ones_like(x), 20) for c in (0.1, 30.0)]
    assert bent[0] == pytest.approx(bent[1], rel=1e-9)
    assert torch.equal(before, START)


def test_policies_are_measured_in_normalised_actions() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(CONFIG)
        torch.nn.init.normal_(policy.network.output.weight)
    observations, noise = (
        torch.randn(2, 8, 2, 4, generator=torch.Generator().manual_seed(1))[0],
        (torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(2))),
    )
    policy.fit_normalizers(observations * 3 + 1, noise)
    measured = straightness(policy, observations, lambda: noise, 7)
    condition = policy.observation_normalizer.normalize(observations).flatten(1)
    assert isinstance(policy.objective, Flow)
    field = policy.objective.field(policy.network, condition)
    assert measured == field_straightness(field, noise, 7) > 0


def test_policies_without_paths_are_rejected() -> None:
    for objective in ("diffusion", "bc"):
        policy = ChunkPolicy(replace(CONFIG, objective=objective))
        with pytest.raises(ValueError, match=f"objective is '{objective}'; it has no velocity"):
            straightness(policy, torch.zeros(1, 2, 4), lambda: torch.zeros(1, 5, 3))
    with pytest.raises(ValueError, match="steps is 0; it must be at least 1"):
        measure(lambda x, t: x, 0)


@pytest.mark.parametrize("prediction", thoroughly(["sample", "velocity"], always=["velocity"]))
def test_paths_of_reflow_are_straighter_than_those_of_its_flow(prediction: str) -> None:
    teacher, student = build(), build()
    train(teacher, "flow", prediction, updates=250, batch=64)
    student.load_state_dict(teacher.state_dict())
    train(student, "reflow", prediction, updates=120, batch=64, teacher=teacher)
    generator = torch.Generator().manual_seed(4)
    condition = torch.rand(300, 1, generator=generator) * 2 - 1
    noise = torch.randn(300, *SHAPE, generator=generator)
    learner = make_objective("flow", prediction, SHAPE)
    assert isinstance(learner, Flow)
    bends, misses = [], []
    for network in (teacher, student):
        bends.append(field_straightness(learner.field(network, condition), noise, 30))
        with torch.no_grad():
            one, many = (
                learner.sample(network, condition, lambda: noise, "euler", steps)
                for steps in (1, 30)
            )
        misses.append(float((one - many).square().mean().sqrt()))
    assert bends[1] < 0.6 * bends[0]
    assert misses[1] < 0.6 * misses[0], "one step must be closer to the result of many"
