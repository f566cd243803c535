"""Two multimodal problems for one network, selected by the condition.

With condition (0, 0) a chunk is a point of an eight-mode ring in the plane, held for four actions.
With condition (1, c) it is a path of four actions that veers left or right symmetrically about c/4.
"""

import copy
import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.objectives import load_objective, make_objective
from policies.objectives.base import Objective
from policies.objectives.options import ObjectiveOptions

Problem: TypeAlias = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
SHAPE = (4, 2)
RADIUS, DEVIATION, MODES = 0.8, 0.05, 8
CENTRE, VEER = 0.25, torch.tensor([0.1, 0.25, 0.4, 0.55])
SIZES = {"mlp": (64, 2), "dit": (32, 1), "unet": (64, 1)}
BATCH = 512
RATES = {"mlp": 6e-3, "dit": 6e-3, "unet": 1e-2}


def ring(n: int, generator: torch.Generator) -> Tensor:
    """Draw chunks (n, 4, 2) of the ring."""
    angles = torch.randint(MODES, (n,), generator=generator) * (2 * math.pi / MODES)
    points = RADIUS * torch.stack((angles.cos(), angles.sin()), dim=-1)
    points = points + DEVIATION * torch.randn(n, 2, generator=generator)
    return points[:, None, :].expand(n, *SHAPE)


def veer(c: Tensor, generator: torch.Generator) -> Tensor:
    """Draw chunks (n, 4, 2) with conditions (1, c), for `c` (n,)."""
    side = 2.0 * torch.randint(2, (len(c),), generator=generator) - 1
    noise = DEVIATION * torch.randn(len(c), 2, generator=generator)
    sideways = CENTRE * c[:, None] + side[:, None] * VEER + noise[:, :1]
    return torch.stack((sideways, 0.5 * VEER + noise[:, 1:]), dim=-1)


def draw(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a batch of both problems in random order: chunks (n, 4, 2) and conditions (n, 2)."""
    c = 2 * torch.rand(n, generator=generator) - 1
    problem = torch.randint(2, (n,), generator=generator)
    chunks = torch.where(problem[:, None, None] == 1, veer(c, generator), ring(n, generator))
    return chunks, torch.stack((problem.float(), problem * c), dim=-1)


def answer(condition: Tensor) -> Tensor:
    """Return the only correct chunk (n, 4, 2) of each condition (n, 2) of a third problem."""
    phases = condition[:, None] * torch.linspace(0.5, 2.0, SHAPE[0])[:, None]
    return 0.8 * torch.stack((torch.sin(2 * phases[..., 0]), torch.cos(phases.sum(-1))), dim=-1)


def draw_veers(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a batch of the second problem."""
    c = 2 * torch.rand(n, generator=generator) - 1
    return veer(c, generator), torch.stack((torch.ones(n), c), dim=-1)


def draw_answers(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a batch of the third problem."""
    condition = 2 * torch.rand(n, 2, generator=generator) - 1
    return answer(condition), condition


def train(
    backbone: str,
    objective: str,
    updates: int,
    teacher: nn.Module | None = None,
    problem: Problem = draw,
    rate: float | None = None,
    batch: int = BATCH,
    samples: int = ObjectiveOptions().training_samples,
) -> tuple[nn.Module, Objective]:
    """Train a small network, from its teacher's weights if it has a teacher.

    The network with averaged weights is returned where the objective learns from a short average.
    """
    width, depth = SIZES[backbone]
    outputs = load_objective(objective).outputs_per_action(SHAPE[1])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = make_backbone(backbone, NetworkShape(2, 4, 2, width, depth, "film", outputs))
    options = ObjectiveOptions(training_samples=samples)
    learner = make_objective(objective, "sample", SHAPE, options)
    if teacher is not None:
        network.load_state_dict(teacher.state_dict())
        learner.learn_from(teacher)
    rate_of_average = 1 - learner.largest_average_decay
    average = copy.deepcopy(network) if rate_of_average else network
    learner.follow(average)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate or RATES[backbone], updates, pct_start=0.2, cycle_momentum=False
    )
    for _ in range(updates):
        loss = learner.loss(network, *problem(batch, generator), generator)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if rate_of_average:
            with torch.no_grad():
                for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
                    mean.lerp_(weight, rate_of_average)
    return average, learner


def sample(
    network: nn.Module, objective: Objective, condition: Tensor, sampler: str, steps: int
) -> Tensor:
    """Sample a chunk for each condition (n, 2); n is a multiple of the number of modes.

    The noise is rotated in the plane by the angles between modes, so that a network with the
    symmetry of the ring has exactly the same number of samples at each mode.
    """
    generator = torch.Generator().manual_seed(2)
    angles = torch.arange(MODES) * (2 * math.pi / MODES)
    turns = torch.stack((angles.cos(), -angles.sin(), angles.sin(), angles.cos()), dim=-1)

    def noise() -> Tensor:
        drawn = torch.randn(len(condition) // MODES, 1, *SHAPE, generator=generator)
        return (drawn @ turns.view(MODES, 2, 2)).flatten(0, 1)

    with torch.no_grad():
        return objective.sample(network, condition, noise, sampler, steps)


def sliced_wasserstein(a: Tensor, b: Tensor) -> float:
    """Return the mean 1-Wasserstein distance of the projections on 64 directions."""
    directions = torch.randn(a[0].numel(), 64, generator=torch.Generator().manual_seed(3))
    directions = directions / directions.norm(dim=0)
    projected = [(chunks.flatten(1) @ directions).sort(dim=0).values for chunks in (a, b)]
    return float((projected[0] - projected[1]).abs().mean())


def ring_weights(chunks: Tensor) -> Tensor:
    """Return the share of chunks nearest to each mode, times the number of modes: ideally 1."""
    points = chunks.mean(dim=1)
    angles = torch.atan2(points[:, 1], points[:, 0])
    modes = (angles / (2 * math.pi / MODES)).round().long() % MODES
    return torch.bincount(modes, minlength=MODES) / len(chunks) * MODES
