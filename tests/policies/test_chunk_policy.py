"""ChunkPolicy: configuration, shapes, counted evaluations, randomness."""

import json

import numpy as np
import pytest
import torch

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.catalogue import POLICIES
from policies.counting_network import CountingNetwork
from policies.embeddings import SinusoidalTimeEmbedding
from policies.objectives.base import Noise


def build(objective: str = "flow") -> ChunkPolicy:
    config = ChunkPolicyConfig(
        obs_dim=4, act_dim=5, pred_horizon=7, objective=objective, width=32, depth=2
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(config)
        for parameter in policy.parameters():  # the last layers start at zero
            torch.nn.init.normal_(parameter, std=0.1)
    generator = torch.Generator().manual_seed(0)
    actions = torch.rand(20, 5, generator=generator) - 0.5
    policy.fit_normalizers(torch.randn(20, 4, generator=generator), actions)
    return policy


def noise(batch: int = 3, seed: int = 0) -> Noise:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(batch, 7, 5, generator=generator)


OBSERVATIONS = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))
RUNS = [
    ("flow", "euler", 1, 1),
    ("flow", "euler", 7, 7),
    ("flow", None, None, 10),
    ("diffusion", "ddim", 3, 3),
    ("diffusion", "ddpm", None, 100),
    ("diffusion", None, None, 100),
    ("mip", "two_step", 2, 2),
    ("mip", None, None, 2),
    ("gmm", "mixture", 1, 1),
    ("bc", "direct", 1, 1),
    ("bc", None, None, 1),
]


@pytest.mark.parametrize(("objective", "sampler", "steps", "nfe"), RUNS)
def test_nfe_is_the_number_of_network_calls(
    objective: str, sampler: str | None, steps: int | None, nfe: int
) -> None:
    policy = build(objective)
    calls: list[int] = []
    policy.network.register_forward_hook(lambda *args: calls.append(1))
    sample = policy.sample(OBSERVATIONS, noise(), sampler, steps)
    assert sample.nfe.tolist() == [len(calls)] * 3 == [nfe] * 3
    assert sample.actions.shape == (3, 7, 5)
    assert sample.actions.abs().max() <= 1


def test_evaluations_are_counted_per_active_row() -> None:
    counting = CountingNetwork(build().network)
    inputs = (noise()(), torch.zeros(3), torch.zeros(3, 8))
    outputs = [
        counting(*inputs, active=None if active is None else torch.tensor(active))
        for active in (None, [True, False, False], [True, False, True], None)
    ]
    assert counting.nfe(3).tolist() == [4, 2, 3]
    assert counting.nfe(3).dtype == np.int64
    assert all(torch.equal(output, outputs[0]) for output in outputs), "every row is evaluated"


@pytest.mark.parametrize("objective", [name for name, entry in POLICIES.items() if entry.trains])
def test_global_randomness_is_neither_read_nor_changed(objective: str) -> None:
    policy = build(objective)
    if policy.objective.teacher:
        policy.objective.learn_from(policy.network)
    policy.objective.follow(policy.network)
    results = []
    with torch.random.fork_rng():
        for seed in (1, 2):
            torch.manual_seed(seed)
            before = torch.get_rng_state()
            generator = torch.Generator().manual_seed(0)
            loss = policy.loss(OBSERVATIONS, OBSERVATIONS.new_zeros(3, 7, 5), generator)
            results.append((loss, policy.sample(OBSERVATIONS, noise()).actions))
            assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_loss_reaches_every_parameter() -> None:
    policy = build()
    loss = policy.loss(OBSERVATIONS, noise()(), torch.Generator().manual_seed(0))
    torch.autograd.backward(loss)
    missing = [name for name, p in policy.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


def test_actions_are_in_the_units_of_the_data() -> None:
    policy = build("bc")
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.zero_()
    low_high = torch.tensor([[0.2, -0.9, 0.5, 0.0, -3.0], [0.4, -0.3, 0.5, 0.1, -2.0]])
    policy.fit_normalizers(OBSERVATIONS, low_high)
    middle = torch.tensor([0.3, -0.6, 0.5, 0.05, -1.0])  # the last is clamped
    actions = policy.sample(OBSERVATIONS, noise()).actions
    torch.testing.assert_close(actions, middle.expand(3, 7, 5))


def test_state_dict_contains_weights_and_normalizers() -> None:
    policy, other = build("diffusion"), build("diffusion")
    other.fit_normalizers(np.ones((6, 4)), np.ones((6, 5)))
    other.load_state_dict(policy.state_dict())
    expected = policy.sample(OBSERVATIONS, noise(), "ddim", 4).actions
    assert torch.equal(other.sample(OBSERVATIONS, noise(), "ddim", 4).actions, expected)


def test_config_round_trips_through_json() -> None:
    config = ChunkPolicyConfig(4, 5, 3, 7, "diffusion", "epsilon", "mlp", 31, 1)
    assert ChunkPolicyConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"obs_dim": 0}, "obs_dim is 0; give a positive integer"),
        ({"width": 2.5}, "width is 2.5; give a positive integer"),
        ({"backbone": "mpl"}, "unknown backbone 'mpl'; did you mean mlp"),
        ({"objective": "flw"}, "did you mean flow"),
        ({"objective": "bc", "prediction": "epsilon"}, "BehaviourCloning 'epsilon'; known: sample"),
        ({"pred_horizn": 8}, "did you mean pred_horizon"),
    ],
)
def test_bad_configurations_are_rejected(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChunkPolicyConfig.from_json({"obs_dim": 4, "act_dim": 5, **values})


def test_missing_sizes_are_listed() -> None:
    with pytest.raises(ValueError, match="act_dim missing; give obs_dim and act_dim"):
        ChunkPolicyConfig.from_json({"obs_dim": 4})


def test_wrong_shapes_are_rejected_with_the_expected_shape() -> None:
    policy = build()
    with pytest.raises(ValueError, match=r"observations are \(3, 4\); expected \(B, 2, 4\)"):
        policy.sample(OBSERVATIONS[:, 0], noise())
    with pytest.raises(ValueError, match=r"actions are \(3, 8, 5\); expected \(3, 7, 5\)"):
        policy.loss(OBSERVATIONS, torch.zeros(3, 8, 5), torch.Generator())


def test_time_embedding_distinguishes_diffusion_steps() -> None:
    features = SinusoidalTimeEmbedding(64)(torch.arange(100) / 100)
    assert features.shape == (100, 64)
    assert torch.cdist(features, features).fill_diagonal_(9).min() > 0.5
    with pytest.raises(ValueError, match="even dim"):
        SinusoidalTimeEmbedding(7)
