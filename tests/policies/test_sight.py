"""Policies that see: pictures or stored features beside the agent's numbers, every objective."""

from typing import Any

import pytest
import torch
from torch import Tensor

from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig

AGENT, SIZE, RAW = 5, 32, 12
PIXELS = 2 * SIZE * SIZE * 3
KINDS: dict[str, dict[str, Any]] = {
    "pictures": {"encoder": "resnet18", "seen_dim": PIXELS, "obs_dim": AGENT + PIXELS},
    "features": {"encoder": "random", "seen_dim": RAW, "obs_dim": AGENT + RAW, "groups": 2},
}
TRAINED = sorted(name for name in POLICIES if POLICIES[name].trains and not POLICIES[name].teacher)
PAIRS = [(name, "features") for name in TRAINED]
PAIRS += [(name, "pictures") for name in ("bc", "flow", "meanflow")]
"""Objectives with what they see; end-to-end training is slow here."""


def config(kind: str, objective: str = "bc", **changes: Any) -> ChunkPolicyConfig:
    sizes = {"act_dim": 2, "cameras": 2, "image_size": SIZE, "features": 3, "pred_horizon": 4}
    values = {**KINDS[kind], **sizes, "width": 16, "depth": 1, "objective": objective, **changes}
    prediction = POLICIES[objective].predictions[0]
    return ChunkPolicyConfig(**{"prediction": prediction, **values})


def observations(kind: str, count: int = 3, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    agent = torch.randn(count, 2, AGENT, generator=generator)
    dim = KINDS[kind]["seen_dim"]
    seen = torch.randint(0, 256, (count, 2, dim), generator=generator).float()
    return torch.cat((agent, seen), dim=-1)


def make(kind: str, objective: str = "bc") -> ChunkPolicy:
    torch.manual_seed(0)
    policy = ChunkPolicy(config(kind, objective))
    policy.fit_normalizers(torch.randn(50, AGENT), torch.rand(50, 2) * 2 - 1)
    if kind == "features":
        policy.fit_features([torch.rand(30, RAW) * 255, torch.rand(20, RAW) * 255])
    return policy


@pytest.mark.parametrize(("objective", "kind"), PAIRS)
def test_every_objective_trains_its_eyes_and_samples(objective: str, kind: str) -> None:
    policy = make(kind, objective)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.1)
    for _ in range(2):  # the last layer of some networks starts at zero
        optimizer.zero_grad()
        actions = torch.rand(3, 4, 2, generator=generator) * 2 - 1
        policy.loss(observations(kind), actions, generator).backward()
        optimizer.step()
    gradients = [p.grad for p in policy.encoder.parameters()]
    assert all(gradient is not None for gradient in gradients)
    assert any(bool(gradient.any()) for gradient in gradients if gradient is not None)
    sample = policy.eval().sample(
        observations(kind), lambda: torch.randn(3, 4, 2, generator=generator)
    )
    assert sample.actions.shape == (3, 4, 2)
    assert sample.actions.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_action_depends_on_every_part(kind: str) -> None:
    policy, window = make(kind).eval(), observations(kind, 1)
    dim = KINDS[kind]["seen_dim"]
    with torch.no_grad():
        policy.network.apply(
            lambda module: (
                torch.nn.init.normal_(module.weight, std=0.5)
                if isinstance(module, torch.nn.Linear)
                else None
            )
        )
        base = policy.sample(window, lambda: torch.zeros(1, 4, 2)).actions
        for step in (0, 1):
            for part in (slice(0, AGENT), slice(AGENT, AGENT + dim // 2), slice(-dim // 2, None)):
                changed = window.clone()
                changed[0, step, part] = changed[0, step, part].flip(0)
                other = policy.sample(changed, lambda: torch.zeros(1, 4, 2)).actions
                assert not torch.equal(base, other), (step, part)


@pytest.mark.parametrize("kind", KINDS)
def test_the_configuration_is_stored_and_read_again(kind: str) -> None:
    stored = config(kind).to_json()
    assert ChunkPolicyConfig.from_json(stored) == config(kind)
    policy, again = make(kind), ChunkPolicy(ChunkPolicyConfig.from_json(stored))
    again.load_state_dict(policy.state_dict())
    window = observations(kind)
    chunks = [
        p.eval().sample(window, lambda: torch.zeros(3, 4, 2)).actions for p in (policy, again)
    ]
    assert torch.equal(*chunks)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("pictures", {"seen_dim": PIXELS - 1}, "the pixels of 2 cameras are"),
        ("pictures", {"encoder": "resnet19"}, "unknown encoder 'resnet19'; did you mean resnet18"),
        ("pictures", {"image_size": 0}, "height is 0"),
        ("features", {"seen_dim": 0}, "seen_dim is 0"),
        ("features", {"objective": "knn", "prediction": "sample"}, "knn compares states"),
    ],
)
def test_what_does_not_fit_is_rejected(kind: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(kind, **changes)
