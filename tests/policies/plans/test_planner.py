"""When a policy samples with a plan and when with its network, with the same result."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.catalogue import BACKBONES
from policies.objectives.base import Network, Noise
from policies.plans.planner import PlannedNetwork, Planner

SAMPLINGS = [
    ("flow", "euler", 4),
    ("flow", "heun", 2),
    ("flow", "rk4", 2),
    ("diffusion", "ddpm", 100),
    ("diffusion", "dpmpp_2m", 4),
    ("bc", "direct", 1),
]


def make_policy(objective: str = "flow", backbone: str = "mlp") -> ChunkPolicy:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ChunkPolicyConfig(4, 5, 2, 7, objective, backbone=backbone, width=24, depth=2)
        policy = ChunkPolicy(config).eval()
        for parameter in policy.parameters():
            nn.init.normal_(parameter, std=0.05)
    return policy


def noise_of(rows: int) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(1)
    return lambda: torch.randn(rows, 7, 5, generator=generator)


def sample(policy: ChunkPolicy, rows: int, *sampling: object, fast: bool = True) -> Tensor:
    observations = torch.randn(rows, 2, 4, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode(fast), torch.no_grad():
        return policy.sample(observations, noise_of(rows), *sampling).actions  # type: ignore[arg-type]


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each decision since the start of the test was planned."""
    decisions: list[bool] = []
    prepare = Planner.prepare

    def spy(self: Planner, *arguments: object) -> Network:
        network = prepare(self, *arguments)  # type: ignore[arg-type]
        decisions.append(isinstance(network, PlannedNetwork))
        return network

    monkeypatch.setattr(Planner, "prepare", spy)
    return decisions


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(("objective", "sampler", "steps"), SAMPLINGS)
def test_every_sampler_is_planned_and_samples_the_same(
    objective: str, sampler: str, steps: int, backbone: str, planned: list[bool]
) -> None:
    policy = make_policy(objective, backbone)
    for rows in (1, 3):
        expected = sample(policy, rows, sampler, steps, fast=False)
        torch.testing.assert_close(
            sample(policy, rows, sampler, steps), expected, atol=1e-5, rtol=0
        )
    assert planned == [False, True, False, True]


def test_the_first_decision_has_the_same_bits_as_later_ones() -> None:
    policy = make_policy()
    first = sample(policy, 2, "euler", 3)
    sample(policy, 2, "midpoint", 3)
    assert torch.equal(sample(policy, 2, "euler", 3), first)


def test_evaluations_are_counted_and_all_are_planned() -> None:
    policy, calls = make_policy(), []
    hook = policy.network.register_forward_hook(lambda *_: calls.append(1))
    observations = torch.zeros(1, 2, 4)
    with torch.inference_mode():
        counts = [policy.sample(observations, noise_of(1), "heun", 3).nfe for _ in range(3)]
    hook.remove()
    assert counts == [6, 6, 6]
    assert len(calls) == 1, "recording the times evaluates the network once"


@pytest.mark.parametrize("how", ["in place", "loaded", "assigned", "data"])
def test_changed_weights_are_detected(how: str) -> None:
    policy, other = make_policy(), make_policy()
    for parameter in other.parameters():
        parameter.data.mul_(-1.5)
    before = sample(policy, 1, "euler", 3)
    if how == "in place":
        with torch.no_grad():
            for mine, theirs in zip(policy.parameters(), other.parameters(), strict=True):
                mine.copy_(theirs)
    elif how == "data":
        for mine, theirs in zip(policy.parameters(), other.parameters(), strict=True):
            mine.data = theirs.data
    else:
        policy.load_state_dict(other.state_dict(), assign=how == "assigned")
    after = sample(policy, 1, "euler", 3)
    assert torch.equal(after, sample(other, 1, "euler", 3))
    assert not torch.equal(after, before)


def test_a_copy_makes_its_own_plans() -> None:
    policy = make_policy()
    before = sample(policy, 1, "euler", 3)
    copied = copy.deepcopy(policy)
    with torch.no_grad():
        copied.network.input.weight.add_(1.0)  # type: ignore[union-attr,operator]
    assert not torch.equal(sample(copied, 1, "euler", 3), before)
    assert torch.equal(sample(policy, 1, "euler", 3), before)


def test_gradients_and_training_use_the_network(planned: list[bool]) -> None:
    policy = make_policy()
    sample(policy, 1, "euler", 3)
    torch.autograd.backward(policy.sample(torch.zeros(1, 2, 4), noise_of(1)).actions.sum())
    assert policy.network.input.weight.grad is not None  # type: ignore[union-attr]
    assert planned == [True, False]


def test_a_sampler_that_evaluates_only_some_rows_is_not_planned() -> None:
    network, condition = make_policy().network, torch.zeros(2, 8)

    def adaptive(network: Network, condition: Tensor, noise: Noise) -> Tensor:
        x, time = noise(), condition.new_zeros(len(condition))
        return network(x, time, condition, active=time == 0)  # type: ignore[call-arg]

    with torch.inference_mode():
        assert Planner().prepare(network, condition, ("rk45",), adaptive, (7, 5)) is network


def test_an_unplanned_call_uses_the_network() -> None:
    network, condition, x = make_policy().network, torch.ones(2, 8), torch.ones(2, 7, 5)

    def sampling(network: Network, condition: Tensor, noise: Noise) -> Tensor:
        return network(noise(), condition.new_full((len(condition),), 0.5), condition)

    with torch.inference_mode():
        planner = Planner()
        for time in (torch.tensor([0.5, 0.75]), torch.tensor([0.25, 0.25])):
            planned = planner.prepare(network, condition, (), sampling, (7, 5))
            assert planned is not network
            assert torch.equal(planned(x, time, condition), network(x, time, condition))
        half = torch.full((2,), 0.5)
        planned = planner.prepare(network, condition, (), sampling, (7, 5))
        others = 2 * condition
        assert torch.equal(planned(x, half, others), network(x, half, others))
        assert torch.equal(planned(x, half, condition), network(x, half, condition)), "one too many"
