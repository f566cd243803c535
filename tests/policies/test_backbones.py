"""The common interface, initialisation and invariants of all backbones."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from policies import ChunkActor, ChunkPolicy, ChunkPolicyConfig
from policies.actor import INFERENCE_ROWS
from policies.backbones import make_backbone
from policies.backbones.context import ContextEmbedding, PlainContext
from policies.backbones.shape import NetworkShape
from policies.catalogue import BACKBONES, CONDITIONINGS
from tests.policies.test_actor import windows

NAMES = pytest.mark.parametrize("name", list(BACKBONES))
KINDS = pytest.mark.parametrize(
    "kind", [f"{name} {how}" for name in BACKBONES for how in CONDITIONINGS]
)


def make(kind: str, width: int = 16, depth: int = 2, pred_horizon: int = 7) -> nn.Module:
    name, _, conditioning = kind.partition(" ")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make_backbone(name, NetworkShape(5, pred_horizon, 3, width, depth, conditioning))


def inputs(rows: int = 3, pred_horizon: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy actions, times and conditions."""
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(rows, pred_horizon, 5, generator=generator),
        torch.rand(rows, generator=generator),
        torch.randn(rows, 3, generator=generator),
    )


def learn(network: nn.Module, updates: int) -> nn.Module:
    """Take a few updates towards random chunks."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    arguments = inputs()
    target = torch.randn(arguments[0].shape, generator=torch.Generator().manual_seed(2))
    for _ in range(updates):
        optimizer.zero_grad()
        torch.autograd.backward((network(*arguments) - target).square().mean())
        optimizer.step()
    return network


@KINDS
@pytest.mark.parametrize("pred_horizon", [1, 2, 4, 7, 16])
def test_output_is_a_chunk_that_starts_at_zero(kind: str, pred_horizon: int) -> None:
    output = make(kind, pred_horizon=pred_horizon)(*inputs(3, pred_horizon))
    assert output.shape == (3, pred_horizon, 5)
    assert not output.any()


@NAMES
@pytest.mark.parametrize(("width", "depth"), [(1, 1), (31, 1), (33, 3), (100, 2)])
def test_every_width_and_depth_can_be_built_and_trained(name: str, width: int, depth: int) -> None:
    output = learn(make(name, width, depth), 3)(*inputs())
    assert output.isfinite().all()
    assert output.any()


@KINDS
def test_gradient_reaches_every_parameter(kind: str) -> None:
    network = learn(make(kind), 2)  # consecutive zeroed layers get gradients one after another
    arguments = inputs()
    torch.autograd.backward((network(*arguments) - 1).square().mean())
    missing = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


@KINDS
def test_output_depends_on_every_input(kind: str) -> None:
    network = learn(make(kind), 5)
    x, time, condition = inputs()
    base = network(x, time, condition)
    assert not torch.allclose(network(x + 0.05, time, condition), base)
    assert not torch.allclose(network(x, time + 0.05, condition), base)
    assert not torch.allclose(network(x, time, condition + 0.05), base)


@KINDS
def test_every_action_sees_every_other(kind: str) -> None:
    network = learn(make(kind), 5)
    x, time, condition = inputs()
    base = network(x, time, condition)
    for moved in range(7):
        nudge = torch.zeros_like(x)
        nudge[:, moved] = 1.0
        changed = (network(x + nudge, time, condition) - base).abs().amax((0, 2))
        assert (changed > 1e-6).all(), moved


@KINDS
def test_rows_are_independent(kind: str) -> None:
    network = learn(make(kind, width=64), 5)
    arguments = inputs(INFERENCE_ROWS)
    with torch.inference_mode():
        expected = network(*arguments)
        order = torch.randperm(INFERENCE_ROWS, generator=torch.Generator().manual_seed(3))
        assert torch.equal(network(*(tensor[order] for tensor in arguments)), expected[order])
        others = [torch.cat((tensor[:1], 2 * tensor[1:])) for tensor in arguments]
        assert torch.equal(network(*others)[0], expected[0])


@NAMES
def test_width_and_depth_make_a_network_larger(name: str) -> None:
    def size(width: int, depth: int) -> int:
        return sum(parameter.numel() for parameter in make(name, width, depth).parameters())

    assert size(16, 1) < size(16, 2) < size(16, 3)
    assert 2 * size(32, 2) < size(64, 2) < 5 * size(32, 2)


@KINDS
def test_the_condition_either_modulates_or_joins_the_inputs(kind: str) -> None:
    (context,) = (m for m in make(kind).modules() if isinstance(m, ContextEmbedding | PlainContext))
    time_features, condition = torch.ones(2, 64), torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    modulation, joined = context(time_features, condition)
    if kind.endswith("film"):
        assert not torch.equal(modulation[0], modulation[1])
        assert joined.shape == (2, 0)
    else:
        assert torch.equal(modulation[0], modulation[1])
        assert torch.equal(joined[:, :3], condition)


@NAMES
def test_conditioning_has_a_default_and_must_be_known(name: str) -> None:
    default = make(f"{name} {BACKBONES[name].conditioning}").state_dict()
    assert all(torch.equal(default[key], value) for key, value in make(name).state_dict().items())
    with pytest.raises(ValueError, match="did you mean concat"):
        make(f"{name} concta")


def make_policy(name: str, seed: int = 0) -> ChunkPolicy:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        policy = ChunkPolicy(ChunkPolicyConfig(4, 5, 2, 7, backbone=name, width=48, depth=2))
        for parameter in policy.parameters():
            nn.init.normal_(parameter, std=0.05)
    return policy


@NAMES
def test_actor_gives_the_same_bits_alone_and_in_a_batch(name: str) -> None:
    count = INFERENCE_ROWS + 6
    observations, seeds = windows(count), np.arange(count) + 1000
    together = ChunkActor(make_policy(name), 2, 3, "euler", 3)
    together.reset(np.arange(count), seeds)
    expected = together.act(np.arange(count), observations).actions
    for episode in (0, 5, 63, count - 1):
        alone = ChunkActor(make_policy(name), 2, 3, "euler", 3)
        alone.reset(np.array([7]), seeds[[episode]])
        actions = alone.act(np.array([7]), observations[[episode]]).actions
        assert np.array_equal(actions[0], expected[episode])


@NAMES
def test_state_dict_contains_the_complete_network(name: str) -> None:
    policy, other = make_policy(name), make_policy(name, seed=1)
    arguments = inputs()[0], inputs()[1], torch.ones(3, 8)
    assert not torch.equal(other.network(*arguments), policy.network(*arguments))
    other.load_state_dict(policy.state_dict())
    assert torch.equal(other.network(*arguments), policy.network(*arguments))
