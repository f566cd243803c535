"""Average velocities of meanflow and shortcut, against a problem with a known solution."""

import pytest
import torch
from torch import Tensor

from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.catalogue import BACKBONES, OPTIONS, SAMPLERS
from policies.embeddings import HIGHEST_SLOW_FREQUENCY, SinusoidalTimeEmbedding
from policies.objectives import make_objective
from policies.objectives.average import LARGEST_ACTION
from policies.objectives.base import Network
from policies.objectives.meanflow import MeanFlow
from policies.objectives.options import ObjectiveOptions
from policies.objectives.shortcut import Shortcut
from policies.samplers import load_sampler
from policies.samplers.average import SHORTCUT_STEPS, average, shortcut
from policies.samplers.ode import VelocityField, euler
from policies.samplers.steps import StepLimits

SHAPE = (3, 2)
PREDICTIONS = ("sample", "velocity")
OBJECTIVES = ("meanflow", "shortcut")
MEAN = torch.tensor([0.3, -0.5], dtype=torch.float64)
VARIANCE = torch.tensor([0.25, 0.01], dtype=torch.float64)
CONDITION = torch.zeros(6, 1, dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def exact(prediction: str, x: Tensor, time: Tensor) -> Tensor:
    """The average velocity of independent normal actions over h from t, or the chunk it leads to.

    The flow carries x_t to x_r = mean r + (x_t - mean t) std(r) / std(t), whose std(t) squared is
    (1 - t)^2 + t^2 variance; (x_r - x_t) / h is written so that h = 0 needs no limit.
    """
    t, h = time[:, 0, None, None], time[:, 1, None, None]
    now, then = (((1 - at) ** 2 + at**2 * VARIANCE).sqrt() for at in (t, t + h))
    gain = ((2 * t + h) * (1 + VARIANCE) - 2) / ((now + then) * now)
    u = MEAN + gain * (x - MEAN * t)
    return u if prediction == "velocity" else x + (1 - t) * u


@pytest.mark.parametrize("target", OPTIONS["meanflow"])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_meanflow_target_of_the_exact_network_is_its_output(
    prediction: str, target: str
) -> None:
    t = torch.tensor([0.0, 0.0, 0.3, 0.7, 0.999999, 1.0], dtype=torch.float64)
    h = torch.tensor([0.0, 1.0, 0.5, 0.3, 0.000001, 0.0], dtype=torch.float64)
    x, time = normal(6, *SHAPE), torch.stack((t, h), dim=1)
    assert exact("sample", x, time).abs().max() < LARGEST_ACTION
    velocity = exact("velocity", x, torch.stack((t, torch.zeros_like(h)), dim=1))
    learner = MeanFlow(prediction, SHAPE, ObjectiveOptions(meanflow=target))
    output, expected = learner.output_and_target(
        lambda x, time, _: exact(prediction, x, time), x, time, velocity, CONDITION
    )
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("target", OPTIONS["meanflow"])
def test_only_the_improved_target_has_no_noise_of_the_path_in_its_derivative(target: str) -> None:
    """It moves one for one with `actions - noise`; the original one also through the network."""
    time = torch.tensor([[0.2, 0.5]] * 6, dtype=torch.float64)
    x, velocity, change = (normal(6, *SHAPE, seed=seed) for seed in range(3))
    learner = MeanFlow("velocity", SHAPE, ObjectiveOptions(meanflow=target))
    before, after = (
        learner.output_and_target(
            lambda x, time, _: exact("velocity", x, time), x, time, v, CONDITION
        )[1]
        for v in (velocity, velocity + change)
    )
    error = (after - before - change).abs().max()
    assert (error < 1e-12) == (target == "improved")


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_at_zero_length_meanflow_is_the_flow_for_any_network(
    prediction: str,
) -> None:
    network = make_backbone("mlp", NetworkShape(2, 3, 1, 16, 1)).double()
    actions, noise, t = normal(6, *SHAPE), normal(6, *SHAPE, seed=1), torch.linspace(0, 1, 6)
    time = torch.stack((t, torch.zeros(6)), dim=1).double()
    x_t = torch.lerp(noise, actions, time[:, :1, None])
    learner = MeanFlow(prediction, SHAPE)
    _, target = learner.output_and_target(network, x_t, time, actions - noise, CONDITION)
    expected = actions if prediction == "sample" else actions - noise
    torch.testing.assert_close(target, expected, rtol=0, atol=1e-12)
    assert torch.equal(learner.flow_target(actions, actions - noise), expected)
    assert not target.requires_grad


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("length", [1, 1 / 2, 1 / 4, 1 / 16])
def test_two_shortcut_steps_of_the_exact_network_equal_one_of_twice_the_length(
    length: float, prediction: str
) -> None:
    h = torch.full((6, 1, 1), length, dtype=torch.float64)
    t = torch.linspace(0, 1 - length, 6, dtype=torch.float64)[:, None, None]
    x, time = normal(6, *SHAPE), torch.cat((t, h), dim=1)[:, :, 0]
    target = Shortcut(prediction, SHAPE).two_steps(
        lambda x, time, _: exact(prediction, x, time), x, t, h, CONDITION
    )
    torch.testing.assert_close(target, exact(prediction, x, time), rtol=0, atol=1e-12)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_self_generated_targets_of_shortcut_lead_to_bounded_chunks(prediction: str) -> None:
    learner = Shortcut(prediction, SHAPE)
    h = torch.full((6, 1, 1), 1 / 4, dtype=torch.float64)
    t = torch.linspace(0, 3 / 4, 6, dtype=torch.float64)[:, None, None]

    def lead(network: Network, x: Tensor) -> Tensor:
        output = learner.two_steps(learner.bounded(network), x, t, h, CONDITION)
        return output if prediction == "sample" else x + (1 - t) * output

    wild = lead(lambda x, time, _: 100 * x, normal(6, *SHAPE))
    assert wild.abs().max() <= LARGEST_ACTION + 1e-12
    assert wild.abs().min() > 0
    x, time = normal(6, *SHAPE), torch.cat((t, h), dim=1)[:, :, 0]
    true = lead(lambda x, time, _: exact(prediction, x, time), x)
    torch.testing.assert_close(true, exact("sample", x, time), rtol=0, atol=1e-12)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize(
    ("name", "steps"),
    [("meanflow", n) for n in (1, 2, 3, 7, 50)] + [("shortcut", 2**n) for n in range(6)],
)
def test_any_number_of_exact_steps_ends_at_the_end_of_the_path(
    name: str, steps: int, prediction: str
) -> None:
    noise = normal(6, *SHAPE)
    learner = make_objective(name, prediction, SHAPE)
    chunk = learner.sample(
        lambda x, time, _: exact(prediction, x, time),
        CONDITION,
        lambda: noise,
        *(learner.resolve_sampler(None, steps)),
    )
    torch.testing.assert_close(chunk, MEAN + VARIANCE.sqrt() * noise, rtol=0, atol=1e-12)


def test_the_shortest_shortcut_step_is_an_euler_step_of_the_velocity() -> None:
    noise, lengths = normal(6, *SHAPE), set[float]()

    def velocity(x: Tensor, t: float, h: float = 0.0) -> Tensor:
        lengths.add(h)
        return exact("velocity", x, torch.tensor([[t, h]], dtype=torch.float64))

    last = shortcut(velocity, "velocity", noise, SHORTCUT_STEPS)
    assert lengths == {0}
    torch.testing.assert_close(last, euler(VelocityField(velocity), noise, SHORTCUT_STEPS))
    shortcut(velocity, "velocity", noise, SHORTCUT_STEPS // 2)
    assert lengths == {0, 2 / SHORTCUT_STEPS}


@pytest.mark.parametrize("solve", [load_sampler(name) for name in ("average", "shortcut")])
@pytest.mark.parametrize("steps", [1, 2, 16, 64])
def test_constant_outputs_are_exact_in_any_number_of_steps(solve: type, steps: int) -> None:
    x, chunk = normal(2, *SHAPE), normal(2, *SHAPE, seed=1)
    before = x.clone()
    assert torch.equal(solve(lambda x_t, t, h: chunk, "sample", x, steps), chunk)
    moved = solve(lambda x_t, t, h: torch.full_like(x_t, 0.75), "velocity", x, steps)
    torch.testing.assert_close(moved, x + 0.75, rtol=0, atol=1e-14)
    assert torch.equal(x, before)


def test_average_steps_fill_the_unit_interval() -> None:
    seen: list[tuple[float, float]] = []

    def output(x_t: Tensor, t: float, h: float) -> Tensor:
        seen.append((t, h))
        return x_t

    average(output, "sample", normal(1, *SHAPE), 5)
    assert [t for t, _ in seen] == [0, 0.2, 0.4, 0.6, 0.8]
    assert [h for _, h in seen] == pytest.approx([0.2] * 5)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_exact_network_of_a_single_chunk_has_zero_loss(name: str, prediction: str) -> None:
    chunk = normal(1, *SHAPE).clamp(-1, 1)

    def perfect(x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        if prediction == "sample":
            return chunk + 0 * x_t
        return (chunk - x_t) / (1 - time[:, 0, None, None])

    learner = make_objective(name, prediction, SHAPE)
    actions, generator = chunk.expand(200, -1, -1), torch.Generator().manual_seed(0)
    assert learner.loss(perfect, actions, torch.zeros(200, 1), generator) < 1e-16


@pytest.mark.parametrize("name", OBJECTIVES)
def test_training_steps_end_by_t_1_and_most_rows_have_zero_length(name: str) -> None:
    seen: list[Tensor] = []

    def spy(x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        seen.append(time.detach())
        return 0.5 * x_t

    actions, generator = normal(4000, *SHAPE), torch.Generator().manual_seed(0)
    make_objective(name, "sample", SHAPE).loss(spy, actions, torch.zeros(4000, 1), generator)
    t, h = torch.cat(seen[::-1] if name == "meanflow" else seen[-1:]).unbind(dim=1)
    assert (h[:3000] == 0).all()
    steps = h > 0
    assert (t >= 0).all()
    assert (t + h).max() <= 1
    assert steps.sum() == 1000
    if name == "shortcut":
        lengths, counts = h[steps].unique(return_counts=True)
        assert lengths.tolist() == [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]
        assert counts.min() > 120  # of 167
        assert (t[steps] % h[steps] == 0).all()


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_read_no_values_on_the_host(name: str, backbone: str) -> None:
    # Tensors on "meta" have no values: reading one, or a data-dependent shape, raises.
    network = make_backbone(backbone, NetworkShape(2, 3, 1, 16, 1)).to("meta")
    actions, condition = (torch.zeros(8, *shape, device="meta") for shape in (SHAPE, (1,)))
    learner = make_objective(name, "sample", SHAPE)
    loss = learner.loss(network, actions, condition, torch.Generator())
    torch.autograd.backward(loss)
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_only_the_generator_decides_the_loss(name: str, rows: int) -> None:
    network = make_backbone("mlp", NetworkShape(2, 3, 1, 16, 1)).double()
    learner, actions = make_objective(name, "sample", SHAPE), normal(rows, *SHAPE)

    def loss() -> Tensor:
        generator = torch.Generator().manual_seed(3)
        return learner.loss(network, actions, CONDITION[:1].expand(rows, -1), generator)

    with torch.random.fork_rng():
        torch.manual_seed(1)
        state, first = torch.get_rng_state(), loss()
        assert torch.equal(torch.get_rng_state(), state)
        torch.manual_seed(2)
        assert torch.equal(first, loss())
    assert first > 0


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_row_is_sampled_the_same_in_any_batch(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = make_backbone("mlp", NetworkShape(2, 3, 1, 16, 1)).double()
        torch.nn.init.normal_(network.get_parameter("output.weight"))
    noise, learner = normal(6, *SHAPE), make_objective(name, "sample", SHAPE)
    sampler, steps = learner.resolve_sampler(None, 4)
    whole = learner.sample(network, CONDITION, lambda: noise, sampler, steps)
    alone = learner.sample(network, CONDITION[2:3], lambda: noise[2:3], sampler, steps)
    torch.testing.assert_close(alone, whole[2:3], rtol=0, atol=1e-12)


def test_powers_of_two_are_listed() -> None:
    limits = SAMPLERS["shortcut"].limits
    assert [n for n in range(-2, 200) if limits.allow(n)] == [1, 2, 4, 8, 16, 32, 64]
    assert [limits.steps_at(nfe) for nfe in (0, 1, 3, 4, 64, 128)] == [None, 1, None, 4, 64, None]
    assert limits.possible_nfe == "1, 2, 4, 8, 16, 32 or 64 network evaluations"
    doubled = StepLimits(2, lowest=2, highest=9, evaluations=2, powers_of_two=True)
    assert str(doubled) == "2, 4 or 8 steps"
    assert doubled.possible_nfe == "4, 8 or 16 network evaluations"
    assert [doubled.steps_at(nfe) for nfe in (2, 4, 6, 8, 16)] == [None, 2, None, 4, 8]


def test_features_of_several_times_are_slow_and_distinguish_them() -> None:
    embed = SinusoidalTimeEmbedding(64).double()
    time = torch.tensor([[0.0, 0.0], [0.25, 0.0], [0.0, 0.25]], dtype=torch.float64)
    features = embed(time)
    assert features.shape == (3, 64)
    assert torch.cdist(features, features).fill_diagonal_(9).min() > 0.5
    _, slope = torch.func.jvp(embed, (time,), (torch.ones_like(time),))
    assert slope.abs().max() <= HIGHEST_SLOW_FREQUENCY
