"""Consistency distillation: every point of a diffusion's path leads to the same chunk."""

import torch
from torch import Tensor

from policies.catalogue import DIFFUSION_STEPS, POLICIES
from policies.objectives.base import Network, Noise, normal_like
from policies.objectives.diffusion import Diffusion, network_time
from policies.samplers.ddim import trailing_timesteps

SEGMENT = 5
"""Diffusion steps between two points of a path that are compared: one step of the teacher."""
HUBER = 0.00054
"""Width of the pseudo-Huber distance, per number of a chunk (Song & Dhariwal 2023, arXiv
2310.14189, section 3.3)."""
TARGET_DECAY = 0.9
"""Decay of the averaged weights: with 0.99, 600 updates of a toy problem do not suffice."""


class Consistency(Diffusion, entry=POLICIES["consistency"]):
    """Consistency policies (Prasad et al. 2024, arXiv 2405.07503), distilled from a diffusion.

    The network predicts the clean chunk f(x_k, k). From a point x_k of a demonstrated chunk, the
    trained diffusion, the teacher, takes one DDIM step of `SEGMENT` diffusion steps, to x_k'. Both
    points lie on one path of the teacher, and must lead to the same chunk,

        loss = d(f(x_k, k), stopgrad f_average(x_k', k')),

    where f is x_k' itself at the end of the path, and d is the pseudo-Huber distance per number,
    `sqrt(mean square + c^2) - c` (their eq. 4; Song et al. 2023, arXiv 2303.01469, eq. 7). What
    is learnt at the end of a path reaches its beginning over `DIFFUSION_STEPS / SEGMENT` targets,
    so the average must be short, and it acts, too. A policy starts from the teacher's weights
    (`policies.teaching`). Sampling (`consistency`) takes 1 to K evaluations: the predicted chunk
    is noised again, up to the next of evenly spaced diffusion steps. Chunks are
    `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    Differences from the paper: the teacher is this project's `diffusion` with its K steps instead
    of an EDM with continuous noise levels; a point is mapped to the end of the path, not to any
    point of it; the target comes from averaged weights; and the loss of a diffusion is not added
    (their eq. 5), because the same output would then also be pulled to the mean of all chunks.
    """

    largest_average_decay = TARGET_DECAY

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the consistency loss at one random point per chunk; see `Objective.loss`."""
        noise = normal_like(actions, generator)
        segments = DIFFUSION_STEPS // SEGMENT
        k = torch.randint(
            1, segments + 1, (len(actions),), generator=generator, device=generator.device
        ).to(actions.device)
        k = SEGMENT * k - 1
        x_k = self._scale(self.alpha, k) * actions + self._scale(self.sigma, k) * noise
        with torch.no_grad():
            target = self.target(self.averaged(network), x_k, k, condition)
        difference = self._chunk(network, x_k, k, condition) - target
        squares = difference.float().square().mean((1, 2))
        return ((squares + HUBER**2).sqrt() - HUBER).mean()

    def target(self, average: Network, x_k: Tensor, k: Tensor, condition: Tensor) -> Tensor:
        """Return the chunk that averaged weights predict after one step of the teacher.

        Args:
            average: The network with averaged weights.
            x_k: Points of paths `(B, pred_horizon, act_dim)`.
            k: Their diffusion steps, `(B,)`, at least `SEGMENT - 1`.
            condition: Encoded observations `(B, C)`.

        Returns:
            Chunks, like `x_k`.
        """
        earlier = self.teacher_step(x_k, k, condition)
        end = (k - SEGMENT)[:, None, None]
        before = (k - SEGMENT).clamp(min=0)
        return torch.where(end < 0, earlier, self._chunk(average, earlier, before, condition))

    def teacher_step(self, x_k: Tensor, k: Tensor, condition: Tensor) -> Tensor:
        """Return the points, like `x_k`, to which one DDIM step leads; see `target`."""
        chunk = self._chunk(self.taught_by(), x_k, k, condition)
        epsilon = (x_k - self._scale(self.alpha, k) * chunk) / self._scale(self.sigma, k)
        before, is_end = (k - SEGMENT).clamp(min=0), (k < SEGMENT)[:, None, None]
        # Song et al. 2021 (arXiv 2010.02502), eq. 12 with sigma = 0; clipped as in samplers
        chunk = chunk.clamp(-1.0, 1.0)
        there = self._scale(self.alpha, before) * chunk + self._scale(self.sigma, before) * epsilon
        return torch.where(is_end, chunk, there)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Predict the chunk from noise, and again from noised predictions; see `Objective`."""
        self.check_sampler(sampler, steps)
        chunk = x_k = noise()
        for place, k in enumerate(trailing_timesteps(DIFFUSION_STEPS, steps)):
            if place:
                x_k = self.alpha[k] * chunk + self.sigma[k] * noise()
            time = x_k.new_full((x_k.shape[0],), float(network_time(k)))
            chunk = network(x_k, time, condition).clamp(-1.0, 1.0)
        return chunk

    def _chunk(self, network: Network, x_k: Tensor, k: Tensor, condition: Tensor) -> Tensor:
        """Return the clean chunk that a network predicts."""
        return network(x_k, torch.as_tensor(network_time(k), dtype=x_k.dtype), condition)

    def _scale(self, table: Tensor, k: Tensor) -> Tensor:
        return table[k][:, None, None]
