"""Objectives: what they learn, what they count, what they refuse."""

import pytest
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.backbones.mlp import ResidualMLP
from policies.objectives import OBJECTIVES, make_objective
from policies.objectives.diffusion import Diffusion, network_time

SHAPE = (7, 5)


def two_modes(condition: Tensor, mode: Tensor) -> Tensor:
    """Chunks ``(B, 7, 5)``: one of two opposite slopes, scaled by the condition ``(B, 1)``."""
    ramp = torch.linspace(0.2, 0.8, 35).view(SHAPE)
    return (mode * (0.6 + 0.4 * condition))[:, :, None] * ramp


def train(
    objective: str, prediction: str = "sample", updates: int = 600
) -> tuple[ResidualMLP, float]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResidualMLP(5, 7, 1, width=64, depth=2)
    learner = make_objective(objective, prediction, SHAPE)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    last = 0.0
    for _ in range(updates):
        condition = torch.rand(256, 1, generator=generator) * 2 - 1
        mode = torch.randint(2, (256, 1), generator=generator) * 2.0 - 1
        loss = learner.loss(network, two_modes(condition, mode), condition, generator)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        last = loss.item()
    return network, last


def errors_to_modes(
    objective: str, prediction: str, network: ResidualMLP, sampler: str, steps: int
) -> Tensor:
    """Root mean square distance of 400 samples to each mode, ``(400, 2)``."""
    generator = torch.Generator().manual_seed(2)
    condition = torch.rand(400, 1, generator=generator) * 2 - 1
    learner = make_objective(objective, prediction, SHAPE)
    with torch.no_grad():
        chunk = learner.sample(
            network,
            condition,
            lambda: torch.randn(400, *SHAPE, generator=generator),
            sampler,
            steps,
        )
    modes = [two_modes(condition, torch.full((400, 1), sign)) for sign in (1.0, -1.0)]
    return torch.stack([(chunk - mode).square().mean((1, 2)).sqrt() for mode in modes], dim=1)


@pytest.mark.parametrize(
    ("objective", "prediction", "samplers"),
    [
        ("flow", "sample", [("euler", 10)]),
        ("flow", "velocity", [("euler", 10)]),
        ("diffusion", "sample", [("ddim", 10), ("ddpm", 100)]),
        ("diffusion", "epsilon", [("ddim", 10), ("ddpm", 100)]),
        ("diffusion", "v_prediction", [("ddim", 10), ("ddpm", 100)]),
    ],
)
def test_generative_objectives_learn_both_modes(
    objective: str, prediction: str, samplers: list[tuple[str, int]]
) -> None:
    network, _ = train(objective, prediction)
    for sampler, steps in samplers:
        errors = errors_to_modes(objective, prediction, network, sampler, steps)
        nearest = errors.min(dim=1)
        assert nearest.values.median() < 0.06  # the modes are 0.3 to 1.0 apart from their mean
        assert 0.3 < nearest.indices.float().mean() < 0.7


def test_behaviour_cloning_learns_the_mean_of_the_modes() -> None:
    network, _ = train("bc")
    errors = errors_to_modes("bc", "sample", network, "direct", 1)
    torch.testing.assert_close(errors[:, 0], errors[:, 1], atol=0.15, rtol=0)
    assert errors.min() > 0.05


@pytest.mark.parametrize(
    ("objective", "prediction"), [("flow", "velocity"), ("diffusion", "epsilon")]
)
def test_noise_passes_a_network_narrower_than_the_chunk(objective: str, prediction: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResidualMLP(8, 16, 1, width=16, depth=1)
    learner = make_objective(objective, prediction, (16, 8))
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    actions, condition = torch.zeros(256, 16, 8), torch.zeros(256, 1)
    for _ in range(500):
        loss = learner.loss(network, actions, condition, generator)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    # Of 128 unit variances, 16 hidden units leave 112 unexplained: 0.875 without the skip.
    assert loss.item() < 0.1


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_network_sees_times_in_the_unit_interval(name: str) -> None:
    seen: list[Tensor] = []

    def spy(noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        assert time.shape == (noisy_actions.shape[0],)
        seen.append(time)
        return noisy_actions * 0.5

    objective = make_objective(name, "sample", SHAPE)
    generator = torch.Generator().manual_seed(0)
    actions, condition = torch.zeros(300, *SHAPE), torch.zeros(300, 2)
    objective.loss(spy, actions, condition, generator)
    for sampler, limits in objective.limits.items():
        objective.sample(spy, condition, lambda: actions, sampler, limits.default)
    times = torch.cat(seen)
    assert times.min() == 0  # every sampler starts at pure noise
    assert times.max() <= 1
    assert (times == 0).all() == (name == "bc")


def test_diffusion_time_runs_from_noise_to_data_as_in_a_flow() -> None:
    assert network_time(99) == 0
    assert network_time(0) == pytest.approx(0.99)


@pytest.mark.parametrize("prediction", ["sample", "epsilon", "v_prediction"])
def test_diffusion_loss_is_zero_for_a_perfect_network(prediction: str) -> None:
    objective = Diffusion(prediction, SHAPE)
    actions = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def perfect(x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        k = (100 * (1 - time) - 1).round().long()
        alpha, sigma = objective.alpha[k][:, None, None], objective.sigma[k][:, None, None]
        noise = (x_t - alpha * actions) / sigma
        v = alpha * noise - sigma * actions
        return {"sample": actions, "epsilon": noise, "v_prediction": v}[prediction]

    loss = objective.loss(perfect, actions, actions[:, 0], torch.Generator().manual_seed(1))
    assert loss < 1e-8


@pytest.mark.parametrize(
    ("objective", "sampler", "steps", "says"),
    [
        ("bc", "direct", 2, "'direct' takes exactly 1 step"),
        ("bc", "euler", 1, "Known: 'direct'"),
        ("flow", "euler", 0, "'euler' takes 1 or more steps"),
        ("flow", "eular", 5, "Did you mean 'euler'"),
        ("diffusion", "ddpm", 10, "'ddpm' takes exactly 100 steps; 'ddim' takes 1 to 100 steps"),
        ("diffusion", "ddim", 101, "'ddim' takes 1 to 100 steps"),
    ],
)
def test_impossible_samplers_are_refused_with_what_is_possible(
    objective: str, sampler: str, steps: int, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        make_objective(objective, "sample", SHAPE).check_sampler(sampler, steps)


def test_unknown_objectives_and_predictions_are_refused_with_near_matches() -> None:
    with pytest.raises(ValueError, match=r"Did you mean 'diffusion'.*'flow', 'diffusion', 'bc'"):
        make_objective("difusion", "sample", SHAPE)
    with pytest.raises(ValueError, match=r"prediction for Flow 'epsilon'.*'sample', 'velocity'"):
        make_objective("flow", "epsilon", SHAPE)


def test_all_objectives_have_literally_the_same_network() -> None:
    weights = []
    for name in OBJECTIVES:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            policy = ChunkPolicy(ChunkPolicyConfig(4, 5, objective=name, width=32))
        assert [key for key, _ in policy.named_parameters()] == [
            f"network.{key}" for key, _ in policy.network.named_parameters()
        ]
        weights.append(parameters_to_vector(policy.parameters()))
    assert all(torch.equal(weights[0], other) for other in weights)


def test_runs_evaluate_the_planned_samplers() -> None:
    assert OBJECTIVES["flow"].planned == ("euler",)
    assert OBJECTIVES["diffusion"].planned == ("ddpm", "ddim")
    assert OBJECTIVES["bc"].planned is None
