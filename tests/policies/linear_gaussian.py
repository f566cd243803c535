"""Normally distributed data, whose velocity field and flow are known in closed form.

Actions ~ N(m, S) and noise ~ N(0, I) are independent, so that x_t = (1 - t) noise + t actions is
N(t m, C(t)) with C(t) = (1 - t)^2 I + t^2 S. Actions and x_t have covariance t S, noise and x_t
(1 - t) I. A normal conditional mean is linear, hence

    E[actions | x_t] = m + t S C(t)^-1 (x_t - t m),
    v(x_t, t) = E[actions - noise | x_t] = m + (t S - (1 - t) I) C(t)^-1 (x_t - t m).

All matrices are functions of S and commute, and t S - (1 - t) I = C'(t) / 2, so that the flow of v
is x(t) = t m + C(t)^(1/2) x(0): it carries N(0, I) to N(m, S) by x(1) = m + S^(1/2) x(0).
"""

import torch
from torch import Tensor

MEAN = torch.tensor([0.3, -0.5, 0.1], dtype=torch.float64)
COVARIANCE = torch.tensor(
    [[0.5, 0.2, -0.1], [0.2, 0.3, 0.05], [-0.1, 0.05, 0.2]], dtype=torch.float64
)
IDENTITY = torch.eye(3, dtype=torch.float64)
POINTS = torch.cat((torch.zeros(1, 3), torch.eye(3))).double()[:, None]
"""Four points (4, 1, 3) that determine an affine map."""


def optimal_sample(x_t: Tensor, alpha: Tensor | float, sigma: Tensor | float) -> Tensor:
    """E[actions | x_t] on any path, (B, 1, 3); amplitudes are numbers or (B, 1, 1)."""
    total = alpha**2 * COVARIANCE + sigma**2 * IDENTITY
    gain = alpha * COVARIANCE @ torch.linalg.inv(total)
    return MEAN + (x_t - alpha * MEAN) @ gain.mT


def optimal_velocity(x_t: Tensor, t: Tensor | float) -> Tensor:
    """v(x_t, t), finite at both ends."""
    total = t**2 * COVARIANCE + (1 - t) ** 2 * IDENTITY
    gain = (t * COVARIANCE - (1 - t) * IDENTITY) @ torch.linalg.inv(total)
    return MEAN + (x_t - t * MEAN) @ gain.mT


def exact_flow(x: Tensor) -> Tensor:
    """x(1) from x(0)."""
    values, vectors = torch.linalg.eigh(COVARIANCE)
    return MEAN + x @ (vectors * values.sqrt()) @ vectors.T


def moments(mapped: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of a standard normal under an affine map, from the mapped `POINTS`."""
    mean, matrix = mapped[0, 0], (mapped[1:, 0] - mapped[0, 0]).T
    return mean, matrix @ matrix.T
