"""Consistency distillation: its teacher's steps, its targets, its sampler, and what it learns."""

import copy
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from policies.catalogue import DIFFUSION_STEPS
from policies.objectives.consistency import SEGMENT, Consistency
from policies.objectives.diffusion import network_time
from policies.samplers.ddim import Ddim
from tests.policies.two_modes import SHAPE, build, errors_to_modes, train, two_modes

B = 16
GENERATOR = torch.Generator().manual_seed(0)
ACTIONS = torch.rand(B, *SHAPE, generator=GENERATOR) * 2 - 1
NOISE = torch.randn(B, *SHAPE, generator=GENERATOR)
CONDITION = torch.rand(B, 1, generator=GENERATOR) * 2 - 1


def steps(k: int) -> Tensor:
    return torch.full((B,), k)


def taught(network: nn.Module, average: nn.Module | None = None) -> Consistency:
    objective = Consistency("sample", SHAPE)
    objective.learn_from(network)
    objective.follow(network if average is None else average)
    return objective


def test_the_teachers_step_is_that_of_ddim() -> None:
    network = build()
    objective = taught(network)
    ddim = Ddim(objective._alphas_cumprod, "sample", DIFFUSION_STEPS // SEGMENT)
    for place, k in enumerate(ddim.timesteps):
        time = torch.full((B,), float(network_time(k)))
        with torch.no_grad():
            expected = ddim.step(place, network(NOISE, time, CONDITION), NOISE)
            step = objective.teacher_step(NOISE, steps(k), CONDITION)
        torch.testing.assert_close(step, expected, atol=1e-5, rtol=1e-5)


def test_the_target_is_the_averages_chunk_and_at_the_end_the_teachers() -> None:
    teacher, average = build(width=32), build(width=48)
    objective = taught(teacher, average)
    with torch.no_grad():
        earlier = objective.teacher_step(NOISE, steps(49), CONDITION)
        time = torch.full((B,), float(network_time(44)))
        expected = average(earlier, time, CONDITION)
        torch.testing.assert_close(objective.target(average, NOISE, steps(49), CONDITION), expected)
        last = objective.teacher_step(NOISE, steps(SEGMENT - 1), CONDITION)
        end = objective.target(average, NOISE, steps(SEGMENT - 1), CONDITION)
        torch.testing.assert_close(end, last)


def test_the_loss_is_zero_where_the_points_agree() -> None:
    """A network whose chunk does not depend on the point is consistent with itself."""
    network = nn.Module()
    network.forward = lambda x, time, condition: ACTIONS  # type: ignore[method-assign]
    objective = taught(network)
    loss = objective.loss(network, ACTIONS, CONDITION, torch.Generator().manual_seed(1))
    assert float(loss) == pytest.approx(0.0, abs=1e-6)


def test_teacher_and_average_have_no_gradient_and_are_no_parameters() -> None:
    network, average = build(), build()
    objective = taught(network, average)
    objective.loss(network, ACTIONS, CONDITION, torch.Generator().manual_seed(1)).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in network.parameters())
    assert all(p.grad is None for p in average.parameters())
    assert not list(objective.parameters())
    with pytest.raises(ValueError, match="Consistency has no teacher; give it a trained diffu"):
        copy.deepcopy(objective).taught_by()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_sampling_takes_as_many_evaluations_and_noises_between_them(count: int) -> None:
    times: list[float] = []

    def network(x_k: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        times.append(float(time[0]))
        return 3.0 * ACTIONS

    drawn: list[Tensor] = []

    def noise() -> Tensor:
        drawn.append(NOISE)
        return NOISE

    chunk = Consistency("sample", SHAPE).sample(network, CONDITION, noise, "consistency", count)
    assert torch.equal(chunk, (3.0 * ACTIONS).clamp(-1, 1))
    assert len(times) == len(drawn) == count
    assert times == sorted(times)
    assert times[0] == pytest.approx(0.0)


@cache
def distilled() -> tuple[nn.Module, nn.Module]:
    teacher = build(width=64)
    train(teacher, "diffusion", updates=900)
    student = copy.deepcopy(teacher)
    train(student, "consistency", updates=300, teacher=teacher)
    return teacher, student


@pytest.mark.slow
@pytest.mark.thorough
def test_two_points_of_one_path_of_the_teacher_lead_to_one_chunk() -> None:
    teacher, student = distilled()
    objective = taught(teacher)
    generator = torch.Generator().manual_seed(3)
    condition = torch.rand(200, 1, generator=generator) * 2 - 1
    mode = torch.randint(2, (200, 1), generator=generator) * 2.0 - 1
    actions = two_modes(condition, mode)
    noise = torch.randn(200, *SHAPE, generator=generator)
    gaps = {}
    for name, network in (("teacher", teacher), ("student", student)):
        squares = []
        for k in (99, 79, 59, 39):
            at = torch.full((200,), k)
            x_k = objective._scale(objective.alpha, at) * actions
            x_k = x_k + objective._scale(objective.sigma, at) * noise
            with torch.no_grad():
                earlier = objective.teacher_step(x_k, at, condition)
                there = objective._chunk(network, x_k, at, condition)
                later = objective._chunk(network, earlier, at - SEGMENT, condition)
            squares.append((there - later).square().mean())
        gaps[name] = float(torch.stack(squares).mean().sqrt())
    assert gaps["student"] < 0.1
    assert gaps["student"] < gaps["teacher"]


@pytest.mark.slow
@pytest.mark.thorough
def test_one_evaluation_is_nearer_to_a_way_than_the_teachers() -> None:
    teacher, student = distilled()
    one = errors_to_modes(student, "consistency", "sample", "consistency", 1)
    ddim = errors_to_modes(teacher, "diffusion", "sample", "ddim", 1)
    assert one.amin(1).median() < ddim.amin(1).median() / 2
    assert 0.3 < (one[:, 0] < one[:, 1]).float().mean() < 0.7
