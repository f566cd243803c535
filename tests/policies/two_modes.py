"""A toy problem with a known solution: two equally likely chunks for every condition."""

import copy

import torch
from torch import Tensor, nn

from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.objectives import load_objective, make_objective
from policies.objectives.options import ObjectiveOptions

SHAPE = (7, 5)
AVERAGE_DECAY = 0.95


def two_modes(condition: Tensor, mode: Tensor) -> Tensor:
    """Chunks `(B, 7, 5)`: one of two opposite slopes, scaled by the condition `(B, 1)`."""
    ramp = torch.linspace(0.2, 0.8, 35).view(SHAPE)
    return (mode * (0.6 + 0.4 * condition))[:, :, None] * ramp


def build(
    backbone: str = "mlp", width: int = 64, depth: int = 2, objective: str = "flow"
) -> nn.Module:
    outputs = load_objective(objective).outputs_per_action(5)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make_backbone(backbone, NetworkShape(5, 7, 1, width, depth, outputs=outputs))


def train(
    network: nn.Module,
    objective: str,
    prediction: str = "sample",
    updates: int = 600,
    batch: int = 256,
    teacher: nn.Module | None = None,
    options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
) -> None:
    learner = make_objective(objective, prediction, SHAPE, options)
    if teacher is not None:
        learner.learn_from(teacher)
    average = copy.deepcopy(network).requires_grad_(requires_grad=False)
    learner.follow(average)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    for _ in range(updates):
        condition = torch.rand(batch, 1, generator=generator) * 2 - 1
        mode = torch.randint(2, (batch, 1), generator=generator) * 2.0 - 1
        loss = learner.loss(network, two_modes(condition, mode), condition, generator)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for mean, new in zip(average.parameters(), network.parameters(), strict=True):
                mean.lerp_(new, 1 - AVERAGE_DECAY)


def errors_to_modes(
    network: nn.Module,
    objective: str,
    prediction: str,
    sampler: str,
    steps: int,
    options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
) -> Tensor:
    """Root mean square distance of 400 samples to each mode, `(400, 2)`."""
    generator = torch.Generator().manual_seed(2)
    condition = torch.rand(400, 1, generator=generator) * 2 - 1
    learner = make_objective(objective, prediction, SHAPE, options)
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
