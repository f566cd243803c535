"""Drifting: properties of its forces, its loss, and what it learns."""

import pytest
import torch
from torch import Tensor

from policies.objectives.drift import Drift, drift_forces
from policies.objectives.options import ObjectiveOptions
from tests.policies.two_modes import SHAPE

SAMPLES, WINDOWS, NUMBERS = 5, 6, 12
GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.rand(WINDOWS, NUMBERS, generator=GENERATOR, dtype=torch.float64) * 2 - 1
DRAWN = torch.randn(SAMPLES, WINDOWS, NUMBERS, generator=GENERATOR, dtype=torch.float64)


def test_no_force_acts_on_samples_that_equal_the_data() -> None:
    forces, _ = drift_forces(DATA.expand(SAMPLES, WINDOWS, NUMBERS), DATA)
    assert torch.equal(forces, torch.zeros_like(forces))


def test_a_permutation_of_samples_permutes_the_forces() -> None:
    order = torch.randperm(SAMPLES, generator=GENERATOR)
    forces, scale = drift_forces(DRAWN, DATA)
    permuted, same = drift_forces(DRAWN[order], DATA)
    torch.testing.assert_close(permuted, forces[order])
    torch.testing.assert_close(same, scale)


def test_forces_do_not_depend_on_the_origin_nor_on_the_unit() -> None:
    forces, scale = drift_forces(DRAWN, DATA)
    moved, same = drift_forces(DRAWN + 3.0, DATA + 3.0)
    torch.testing.assert_close(moved, forces)
    torch.testing.assert_close(same, scale)
    larger, twice = drift_forces(2.0 * DRAWN, 2.0 * DATA)
    # the least distance, that of a sample to itself, has a unit
    torch.testing.assert_close(larger, forces, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(twice, 2.0 * scale, atol=0, rtol=1e-3)


def test_of_two_samples_each_is_pushed_from_the_other_towards_the_data() -> None:
    forces, _ = drift_forces(DRAWN[:2], DATA)
    for k in range(2):
        # y - x_other, and, by the least affinity to itself, a little of y - x_k
        assert (torch.cosine_similarity(forces[k], DATA - DRAWN[1 - k], dim=-1) > 0.95).all()


def test_every_temperature_contributes_a_normalised_force() -> None:
    forces, _ = drift_forces(DRAWN, DATA)
    assert 0 < forces.square().mean().sqrt() <= 3.0


def test_the_loss_is_the_mean_square_of_the_forces_and_pulls_along_them() -> None:
    objective = Drift("sample", SHAPE, ObjectiveOptions(training_samples=3))
    actions = torch.rand(4, *SHAPE, generator=GENERATOR) * 2 - 1
    seen: list[tuple[Tensor, ...]] = []
    weight = torch.tensor(0.5, requires_grad=True)

    def network(noise: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        seen.append((noise, time, condition))
        return weight * noise

    condition = torch.arange(4.0)[:, None]
    loss = objective.loss(network, actions, condition, torch.Generator().manual_seed(1))
    ((noise, time, rows),) = seen
    assert noise.shape == (12, *SHAPE)
    assert torch.equal(time, torch.zeros(12))
    assert torch.equal(rows, condition.repeat(3, 1)), "every sample has its window's condition"
    samples = (0.5 * noise).reshape(3, 4, -1)
    forces, scale = drift_forces(samples, actions.flatten(1))
    torch.testing.assert_close(loss, forces.square().mean())
    (gradient,) = torch.autograd.grad(loss, weight)
    expected = -2 * (forces * noise.reshape(3, 4, -1) / scale).mean()
    torch.testing.assert_close(gradient, expected)


def test_one_sample_is_rejected_with_the_reason() -> None:
    with pytest.raises(
        ValueError, match="training_samples is 1; Drift needs at least 2: a single "
    ):
        Drift("sample", SHAPE, ObjectiveOptions(training_samples=1))
