"""Drifting: samples of a one-step generator drift towards data and away from each other."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network
from policies.objectives.one_step import OneStep, generate

TEMPERATURES = (0.02, 0.05, 0.2)
"""Widths of the kernel, relative to the mean distance of samples and data."""
LEAST_AFFINITY = 1e-6
"""Least product of the two softmaxes; without it far samples would never be attracted."""
OWN_DISTANCE = 100.0
"""Added to the relative distance of a sample to itself, which does not repel it."""
LEAST_SQUARE, LEAST_SCALE, LEAST_FORCE = 1e-8, 1e-3, 1e-6


class Drift(OneStep, entry=POLICIES["drift"]):
    """Drifting models (2026, arXiv 2602.04770, algorithm 2; as policies: arXiv 2604.03540).

    Of every window, G = `training_samples` chunks are sampled by one evaluation each. A force on
    every sample attracts it to the demonstrated chunk and repels it from the window's other
    samples; the network learns, by regression, where the force carries its samples,

        loss = mean |x / u - stopgrad(x / u + force)|^2,

    with one scale u for the whole batch. Where samples are distributed like data, the forces
    vanish. A chunk is one vector: forces per action would mix the steps of equally good chunks.
    Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    The force of each temperature is divided by its root mean square. The loss is therefore nearly
    constant in training, and says nothing about its progress.
    """

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the regression loss of the drifted samples; see `Objective.loss`."""
        samples = generate(network, self.draw(actions, generator), condition).flatten(2).float()
        with torch.no_grad(), torch.autocast(actions.device.type, enabled=False):
            forces, scale = drift_forces(samples, actions.flatten(1).float())
            target = samples / scale + forces
        return F.mse_loss(samples / scale, target)


def drift_forces(samples: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    """Return the forces on the samples of every window.

    Args:
        samples: G chunks of each window as vectors, `(G, B, D)`.
        data: The demonstrated chunk of each window, `(B, D)`.

    Returns:
        The sum of the normalised forces of all temperatures, like `samples`, and the scale u of the
        whole batch, a scalar: the forces are in units of it.
    """
    x = samples.transpose(0, 1)
    attractors = torch.cat((x, data[:, None]), dim=1)  # y_j: the samples, then the data
    steps = attractors[:, None] - x[:, :, None]  # y_j - x_i, (B, G, G + 1, D)
    distances = steps.square().sum(-1).clamp_min(LEAST_SQUARE).sqrt()
    mean = distances.mean()
    scale = (mean / data.shape[-1] ** 0.5).clamp_min(LEAST_SCALE)
    own = torch.eye(*distances.shape[1:], dtype=x.dtype, device=x.device) * OWN_DISTANCE
    relative = distances / mean.clamp_min(LEAST_SCALE) + own
    total = torch.zeros_like(x)
    for temperature in TEMPERATURES:
        weights = _weights(relative / temperature)
        force = torch.einsum("bij,bijd->bid", weights, steps) / scale
        total = total + force / force.square().mean().sqrt().clamp_min(LEAST_FORCE)
    return total.transpose(0, 1), scale


def _weights(energies: Tensor) -> Tensor:
    """Return the weight of each attractor, `(B, G, G + 1)`: positive for data; they sum to 0.

    Algorithm 2: the kernel is normalised over attractors and over samples. The data's part of a
    sample's kernel weights its repulsion, that of the other samples its attraction.
    """
    products = (-energies).softmax(2) * (-energies).softmax(1)
    affinities = products.clamp_min(LEAST_AFFINITY).sqrt()
    repelling, attracting = affinities[:, :, :-1], affinities[:, :, -1:]
    return torch.cat((-repelling * attracting, attracting * repelling.sum(2, keepdim=True)), dim=2)
