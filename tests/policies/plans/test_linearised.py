"""Vector-Jacobian products of planned networks are those of autograd."""

from functools import partial

import pytest
import torch
from torch import Tensor

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.catalogue import BACKBONES
from policies.guidance import linearise
from policies.plans.planner import PlannedNetwork

CASES = [(b, c) for b, entry in BACKBONES.items() for c in entry.conditionings]


def random_policy(backbone: str, conditioning: str) -> ChunkPolicy:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(
            ChunkPolicyConfig(
                *(6, 5, 2, 8, "flow"),
                backbone=backbone,
                width=64,
                depth=2,
                conditioning=conditioning,
            )
        )
        for parameter in policy.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return policy.eval()


@pytest.mark.parametrize(("backbone", "conditioning"), CASES)
@pytest.mark.parametrize("batch", [1, 7])
def test_products_are_those_of_autograd(backbone: str, conditioning: str, batch: int) -> None:
    policy, draws = random_policy(backbone, conditioning), torch.Generator().manual_seed(1)
    x, gradient = (torch.randn(batch, 8, 5, generator=draws) for _ in range(2))
    times = [torch.full((batch,), t) for t in (0.0, 0.25, 0.5)]
    for _ in range(2):  # decisions
        check(policy, x, gradient, times, policy.encode(torch.randn(batch, 2, 6, generator=draws)))


def check(
    policy: ChunkPolicy, x: Tensor, gradient: Tensor, times: list[Tensor], condition: Tensor
) -> None:
    """Compare the products of one decision with those of autograd."""
    with torch.inference_mode():
        sampling = partial(policy.objective.sample, sampler="euler", steps=4)
        planned = policy._planner.prepare(policy.network, condition, ("euler", 4), sampling, (8, 5))
        assert isinstance(planned, PlannedNetwork)
        found = []
        for time in times:
            output, pull_back = linearise(planned, x, time, condition)
            found.append((output.clone(), pull_back(gradient).clone()))
    for time, (output, pulled) in zip(times, found, strict=True):
        given = x.clone().requires_grad_()
        expected: Tensor = policy.network(given, time, condition)
        (product,) = torch.autograd.grad(expected, given, gradient)
        assert torch.allclose(output, expected, atol=2e-5)
        assert torch.allclose(pulled, product, atol=2e-5)
    assert all(weight.requires_grad for weight in policy.network.parameters())


def test_a_planned_mlp_needs_no_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.autograd, "grad", pytest.fail)
    for conditioning in BACKBONES["mlp"].conditionings:
        policy = random_policy("mlp", conditioning)
        with torch.inference_mode():
            condition = policy.encode(torch.zeros(1, 2, 6))
            sampling = partial(policy.objective.sample, sampler="euler", steps=4)
            planned = policy._planner.prepare(
                policy.network, condition, ("euler", 4), sampling, (8, 5)
            )
            _, pull_back = linearise(planned, torch.ones(1, 8, 5), torch.zeros(1), condition)
            assert pull_back(torch.ones(1, 8, 5)).abs().sum() > 0


def test_a_plan_that_is_not_used_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = random_policy("unet", "film")
    with torch.inference_mode():
        condition = policy.encode(torch.zeros(1, 2, 6))
        sampling = partial(policy.objective.sample, sampler="euler", steps=4)
        planned = policy._planner.prepare(policy.network, condition, ("euler", 4), sampling, (8, 5))
        assert isinstance(planned, PlannedNetwork)
        computed = []
        monkeypatch.setattr(type(planned._plan), "set_condition", lambda *_: computed.append(1))
        linearise(planned, torch.ones(1, 8, 5), torch.zeros(1), condition)
        assert not computed
        for time in (0.25, 0.5):
            planned(torch.ones(1, 8, 5), torch.full((1,), time), condition)
        assert computed == [1]
