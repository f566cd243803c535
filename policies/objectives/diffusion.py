"""Denoising diffusion of the action chunk."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import DIFFUSION_STEPS, POLICIES
from policies.objectives.base import Network, Noise, Objective, normal_like
from policies.objectives.options import ObjectiveOptions
from policies.samplers import MakeProcess, ReverseProcess, load_sampler
from policies.schedules import (
    SCHEDULES,
    alphas_cumprod,
    v_from_sample,
)


def network_time(k: int | Tensor) -> float | Tensor:
    """Map a diffusion step k to the network's time: 0 at pure noise (k = K - 1), as in a flow."""
    return 1 - (k + 1) / DIFFUSION_STEPS


class Diffusion(Objective, entry=POLICIES["diffusion"]):
    """DDPM (Ho et al. 2020, arXiv 2006.11239) with 100 training steps.

    The schedule is an option: cosine (Nichol & Dhariwal 2021) or Ho et al.'s linear one.
    Sampled by DDPM through all of them, or by DDIM or DPM-Solver++ through any number. As in
    Diffusion Policy (Chi et al. 2023) the predicted chunk is clipped to [-1, 1] at every step of a
    sampler.
    """

    alpha: Tensor
    sigma: Tensor

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__(prediction, chunk_shape, options)
        self._alphas_cumprod = alphas_cumprod(SCHEDULES[options.schedule](DIFFUSION_STEPS))
        self._processes: dict[tuple[str, int], ReverseProcess] = {}
        # Functions of the schedule, not of the data: they move with the policy but are not saved.
        alpha, sigma = self._alphas_cumprod.sqrt(), (1 - self._alphas_cumprod).sqrt()
        self.register_buffer("alpha", alpha.float(), persistent=False)
        self.register_buffer("sigma", sigma.float(), persistent=False)

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the denoising loss at one random step per chunk; see `Objective.loss`."""
        noise = normal_like(actions, generator)
        k = torch.randint(
            DIFFUSION_STEPS, (len(actions),), generator=generator, device=generator.device
        ).to(actions.device)
        alpha, sigma = self.alpha[k][:, None, None], self.sigma[k][:, None, None]
        # Ho et al. 2020, eq. 4: q(x_k | actions) = N(alpha actions, sigma^2)
        x_t = alpha * actions + sigma * noise
        if self.prediction == "sample":
            target = actions
        elif self.prediction == "epsilon":
            target = noise  # eq. 14
        else:
            target = v_from_sample(actions, x_t, alpha, sigma)
        time = torch.as_tensor(network_time(k), dtype=actions.dtype)
        return F.mse_loss(network(x_t, time, condition), target)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Run the reverse process; see `Objective.sample`."""
        self.check_sampler(sampler, steps)
        key = (sampler, steps)
        if key not in self._processes:
            make: MakeProcess = load_sampler(sampler)
            self._processes[key] = make(self._alphas_cumprod, self.prediction, steps)

        def predict(x_t: Tensor, k: int) -> Tensor:
            return network(x_t, x_t.new_full((len(x_t),), float(network_time(k))), condition)

        return self._processes[key].run(predict, noise)
