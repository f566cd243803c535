"""Options of a flow: the distribution of its times, and the pairing of its noise."""

import itertools

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from policies.catalogue import OPTIONS
from policies.objectives.flow import Flow
from policies.objectives.flow_times import TIME_SAMPLINGS, draw_times
from policies.objectives.options import ObjectiveOptions
from policies.objectives.pairing import optimal_transport
from tests.policies.two_modes import SHAPE, build, errors_to_modes, train

MANY = torch.zeros(100_000, 1, 1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_default_draws_noise_then_uniform_times_and_nothing_else() -> None:
    actions, condition = torch.randn(30, *SHAPE, generator=generator(1)), torch.zeros(30, 2)
    seen: list[tuple[Tensor, Tensor]] = []

    def spy(x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        seen.append((x_t, t))
        return x_t

    used, expected = generator(), generator()
    Flow("sample", SHAPE).loss(spy, actions, condition, used)
    noise = torch.randn(30, *SHAPE, generator=expected)
    t = torch.rand(30, generator=expected)
    assert torch.equal(seen[0][1], t)
    assert torch.equal(seen[0][0], torch.lerp(noise, actions, t[:, None, None]))
    assert torch.equal(used.get_state(), expected.get_state())


def test_times_are_exact_functions_of_their_draws() -> None:
    uniform, normal = (
        torch.rand(100_000, generator=generator()),
        torch.randn(100_000, generator=generator()),
    )
    assert torch.equal(draw_times("uniform", MANY, generator()), uniform)
    logit = draw_times("logit_normal", MANY, generator()).logit()
    torch.testing.assert_close(logit, normal, atol=1e-4, rtol=1e-4)
    # Beta(1.5, 1) of pi0 has the distribution function x^1.5, at x = (s - t) / s.
    x = 1 - draw_times("beta", MANY, generator()) / 0.999
    torch.testing.assert_close(x**1.5, uniform, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("sampling", "mean", "distribution"),
    [
        ("uniform", 0.5, stats.uniform.cdf),
        ("logit_normal", 0.5, lambda t: stats.norm.cdf(stats.logistic.ppf(t))),
        ("beta", 0.999 * 0.4, lambda t: 1 - stats.beta.cdf(1 - t / 0.999, 1.5, 1)),
    ],
)
def test_times_have_their_mean_and_quantiles(
    sampling: str, mean: float, distribution: object
) -> None:
    times = draw_times(sampling, MANY, generator(3))
    assert times.shape == (100_000,)
    assert times.min() >= 0
    assert times.max() <= (0.999 if sampling == "beta" else 1)
    assert times.mean() == pytest.approx(mean, abs=0.003)
    assert stats.kstest(times.numpy(), distribution).statistic < 0.005


def test_every_time_sampling_can_be_drawn() -> None:
    assert tuple(TIME_SAMPLINGS) == OPTIONS["time_sampling"]
    with pytest.raises(ValueError, match="did you mean logit_normal"):
        draw_times("logitnormal", MANY, generator())


def test_scalars_are_paired_in_sorted_order() -> None:
    noise, actions = torch.randn(2, 64, 1, 1, generator=generator())
    paired = optimal_transport(noise, actions)
    assert torch.equal(paired.flatten().argsort(), actions.flatten().argsort())
    assert torch.equal(paired.flatten().sort().values, noise.flatten().sort().values)


def cost(noise: Tensor, actions: Tensor) -> float:
    return float((noise - actions).double().square().sum())


@pytest.mark.parametrize("seed", range(5))
def test_the_pairing_is_the_optimal_permutation(seed: int) -> None:
    noise, actions = torch.randn(2, 6, *SHAPE, generator=generator(seed))
    best = min(cost(noise[list(order)], actions) for order in itertools.permutations(range(6)))
    assert cost(optimal_transport(noise, actions), actions) == pytest.approx(best)
    more_noise, more_actions = torch.randn(2, 100, *SHAPE, generator=generator(seed))
    paired = optimal_transport(more_noise, more_actions)
    assert cost(paired, more_actions) < cost(more_noise, more_actions)
    assert sorted(paired[:, 0, 0].tolist()) == sorted(more_noise[:, 0, 0].tolist())


def test_chunks_stay_with_their_observations() -> None:
    flow = Flow("sample", SHAPE, ObjectiveOptions(pairing="optimal_transport"))
    actions = torch.randn(50, *SHAPE, generator=generator())
    seen = {"x_t": actions}

    def perfect(x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        seen["x_t"] = x_t
        return condition.reshape(x_t.shape)

    assert flow.loss(perfect, actions, actions.flatten(1), generator(1)) == 0
    paired = cost(seen["x_t"], actions)
    Flow("sample", SHAPE).loss(perfect, actions, actions.flatten(1), generator(1))
    assert paired < cost(seen["x_t"], actions)


def trained(options: ObjectiveOptions, updates: int = 300) -> nn.Module:
    network = build(width=32)
    train(network, "flow", "velocity", updates, options=options)
    return network


def bend(network: nn.Module, steps: int = 20) -> float:
    """Mean of |velocity - chord|^2 along sampled paths (Liu et al. 2023, eq. 3): 0 if straight."""
    condition = torch.linspace(-1, 1, 200)[:, None]
    x, velocities = torch.randn(200, *SHAPE, generator=generator(2)), []
    with torch.no_grad():
        for step in range(steps):
            velocities.append(network(x, torch.full((200,), step / steps), condition))
            x = x + velocities[-1] / steps
    along = torch.stack(velocities)
    return float((along - along.mean(0)).square().mean())


@pytest.mark.thorough
def test_optimal_transport_straightens_paths() -> None:
    independent, paired = (bend(trained(ObjectiveOptions(pairing=p))) for p in OPTIONS["pairing"])
    assert paired < 0.7 * independent


@pytest.mark.parametrize("times", ["logit_normal", "beta"])
def test_other_times_train_a_flow_to_both_modes(times: str) -> None:
    network = trained(ObjectiveOptions(time_sampling=times))
    nearest = errors_to_modes(network, "flow", "velocity", "euler", 10).min(dim=1)
    assert nearest.values.median() < 0.1
    assert 0.4 < nearest.indices.float().mean() < 0.6
