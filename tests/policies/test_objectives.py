"""Objectives: learning, network inputs, samplers and errors."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.catalogue import BACKBONES, POLICIES
from policies.objectives import load_objective, make_objective
from policies.objectives.diffusion import Diffusion, network_time
from policies.objectives.options import ObjectiveOptions
from tests.policies.two_modes import SHAPE, build, errors_to_modes, train
from tests.thorough import thoroughly


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "prediction", "samplers"),
    [
        ("flow", "velocity", [("euler", 10)]),
        ("diffusion", "sample", [("ddim", 10), ("ddpm", 100)]),
        pytest.param(
            *("diffusion", "epsilon", [("ddim", 10), ("ddpm", 100)]), marks=pytest.mark.thorough
        ),
        pytest.param(
            *("diffusion", "v_prediction", [("ddim", 10), ("ddpm", 100)]),
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_generative_objectives_learn_both_modes(
    objective: str, prediction: str, samplers: list[tuple[str, int]]
) -> None:
    network = build()
    train(network, objective, prediction)
    for sampler, steps in samplers:
        errors = errors_to_modes(network, objective, prediction, sampler, steps)
        nearest = errors.min(dim=1)
        assert nearest.values.median() < 0.06  # the modes are 0.3 to 1.0 apart from their mean
        assert 0.3 < nearest.indices.float().mean() < 0.7


def test_the_linear_schedule_is_used_in_training_and_sampling() -> None:
    network, linear = build(width=32), ObjectiveOptions(schedule="linear")
    train(network, "diffusion", updates=300, options=linear)
    nearest = errors_to_modes(network, "diffusion", "sample", "ddim", 10, linear).min(dim=1)
    assert nearest.values.median() < 0.1
    assert 0.4 < nearest.indices.float().mean() < 0.6
    policy = make_objective("diffusion", "sample", SHAPE, linear)
    assert isinstance(policy, Diffusion)
    assert 0 < policy.alpha[-1].square() < 1e-4


def test_behaviour_cloning_learns_the_mean_of_the_modes() -> None:
    network = build()
    train(network, "bc")
    errors = errors_to_modes(network, "bc", "sample", "direct", 1)
    torch.testing.assert_close(errors[:, 0], errors[:, 1], atol=0.15, rtol=0)
    assert errors.min() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("backbone", thoroughly(BACKBONES, always=["mlp", "dit"]))
@pytest.mark.parametrize(
    ("objective", "prediction"),
    [
        ("flow", "velocity"),
        pytest.param("diffusion", "epsilon", marks=pytest.mark.thorough),
    ],
)
def test_noise_passes_through_a_network_narrower_than_an_action(
    objective: str, prediction: str, backbone: str
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = make_backbone(backbone, NetworkShape(8, 16, 1, width=4, depth=1))
    learner = make_objective(objective, prediction, (16, 8))
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, fused=True)
    actions, condition = torch.zeros(64, 16, 8), torch.zeros(64, 1)
    for _ in range(300):
        loss = learner.loss(network, actions, condition, generator)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    # Of 8 unit variances per action, 4 hidden units leave 4 unexplained: 0.5 without the skip.
    assert loss.item() < 0.1


@pytest.mark.parametrize("name", [name for name, entry in POLICIES.items() if entry.trains])
def test_network_sees_times_in_the_unit_interval(name: str) -> None:
    seen: list[Tensor] = []
    outputs = load_objective(name).outputs_per_action(SHAPE[1])

    class Spy(nn.Module):
        def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
            rows = noisy_actions.shape[0]
            assert time.shape == (
                (rows, 2) if name in ("meanflow", "shortcut", "maniflow") else (rows,)
            )
            seen.append(time.detach().reshape(rows, -1)[:, 0])
            return torch.cat([noisy_actions * 0.5] * (outputs // SHAPE[1]), dim=-1)

    spy, objective = Spy(), make_objective(name, "sample", SHAPE)
    if objective.teacher:
        objective.learn_from(spy)
    generator = torch.Generator().manual_seed(0)
    actions, condition = torch.zeros(300, *SHAPE), torch.zeros(300, 2)
    objective.loss(spy, actions, condition, generator)
    for sampler, limits in objective.limits.items():
        objective.sample(spy, condition, lambda: actions, sampler, limits.default)
    times = torch.cat(seen)
    assert times.min() == 0  # every sampler starts at pure noise
    assert times.max() <= 1
    assert (times == 0).all() == (name in ("bc", "gmm", "drift", "imle"))


def test_diffusion_time_increases_from_noise_to_data_as_in_a_flow() -> None:
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
    ("objective", "sampler", "steps", "message"),
    [
        ("bc", "direct", 2, "'direct' takes exactly 1 step"),
        ("bc", "euler", 1, "known: direct"),
        ("mip", "two_step", 1, "'two_step' takes exactly 2 steps"),
        ("flow", "euler", 0, "'euler' takes 1 or more steps"),
        ("flow", "eular", 5, "did you mean euler"),
        ("diffusion", "ddpm", 10, "'ddpm' takes exactly 100 steps; 'ddim' takes 1 to 100 steps"),
        ("diffusion", "ddim", 101, "'ddim' takes 1 to 100 steps"),
        ("meanflow", "average", 0, "'average' takes 1 or more steps"),
        ("meanflow", "shortcut", 1, "known: average"),
        ("shortcut", "shortcut", 3, "'shortcut' takes 1, 2, 4, 8, 16, 32 or 64 steps"),
        ("shortcut", "shortcut", 128, "'shortcut' takes 1, 2, 4, 8, 16, 32 or 64 steps"),
    ],
)
def test_invalid_samplers_are_rejected_with_the_valid_ones(
    objective: str, sampler: str, steps: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_objective(objective, "sample", SHAPE).check_sampler(sampler, steps)


def test_unknown_objectives_and_predictions_are_rejected_with_near_matches() -> None:
    known = ", ".join(sorted(POLICIES))
    with pytest.raises(ValueError, match=rf"did you mean diffusion.*known: {known}$"):
        make_objective("difusion", "sample", SHAPE)
    with pytest.raises(ValueError, match=r"prediction for Flow 'epsilon'; known: sample, velocity"):
        make_objective("flow", "epsilon", SHAPE)


def test_all_objectives_that_predict_a_chunk_have_the_same_network() -> None:
    weights = []
    for name, entry in POLICIES.items():
        if not entry.trains or load_objective(name).outputs_per_action(5) != 5:
            continue
        with torch.random.fork_rng():
            torch.manual_seed(0)
            policy = ChunkPolicy(ChunkPolicyConfig(4, 5, objective=name, width=32))
        assert [key for key, _ in policy.named_parameters()] == [
            f"network.{key}" for key, _ in policy.network.named_parameters()
        ]
        weights.append(parameters_to_vector(policy.parameters()))
    assert all(torch.equal(weights[0], other) for other in weights)


def test_runs_evaluate_the_planned_samplers() -> None:
    assert POLICIES["flow"].planned == ("euler",)
    assert POLICIES["diffusion"].planned == ("ddpm", "ddim")
    assert POLICIES["bc"].planned is None
    assert POLICIES["meanflow"].planned == ("average",)
    assert POLICIES["shortcut"].planned == ("shortcut",)
