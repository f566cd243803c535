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
    """Map a diffusion step k in [0, K - 1] to the network's time, 0 at noise as in a flow."""
    return 1 - (k + 1) / DIFFUSION_STEPS


class Diffusion(Objective, entry=POLICIES["diffusion"]):
    """Denoising diffusion (DDPM; Ho et al. 2020, arXiv 2006.11239) with K = 100 training steps.

    At a random step k in 0 .. K - 1, where K - 1 is noise, the network sees (eq. 4)

        x_k = alpha * actions + sigma * noise, alpha^2 = alphas_cumprod[k], sigma^2 = 1 - alpha^2,

    and predicts the clean chunk ("sample"), the noise ("epsilon"; eq. 14), or
    `v = alpha * noise - sigma * actions` ("v_prediction"; Salimans & Ho 2022, arXiv 2202.00512).
    The loss is the mean squared error of that prediction. The network's time is
    `1 - (k + 1) / K`, in [0, 1). Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1].

    The option `schedule` gives `alphas_cumprod`: "cosine" (Nichol & Dhariwal 2021, arXiv
    2102.09672) or "linear" (Ho et al.). Samplers: `ddpm` with all K steps, `ddim` and `dpmpp_2m`
    with 1 to K steps. As in Diffusion Policy (Chi et al. 2023, arXiv 2303.04137), the predicted
    chunk is clipped to [-1, 1] at every step of a sampler.
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
        # Determined by the schedule: they move with the policy but are not saved.
        alpha, sigma = self._alphas_cumprod.sqrt(), (1 - self._alphas_cumprod).sqrt()
        self.register_buffer("alpha", alpha.float(), persistent=False)
        self.register_buffer("sigma", sigma.float(), persistent=False)

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the denoising loss at one random step k per chunk; see `Objective.loss`."""
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

    def levels(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `Denoiser.levels`: alpha and sigma."""
        k = ((1.0 - time) * DIFFUSION_STEPS - 1.0).round().long()
        return self.alpha[k], self.sigma[k]

    def clean_chunk(self, output: Tensor, noisy_actions: Tensor, time: Tensor) -> Tensor:
        """See `Denoiser.clean_chunk`."""
        alpha, sigma = (level[:, None, None] for level in self.levels(time))
        if self.prediction == "sample":
            return output
        if self.prediction == "epsilon":
            return (noisy_actions - sigma * output) / alpha
        return alpha * noisy_actions - sigma * output

    def output_change(self, change: Tensor, time: Tensor) -> Tensor:
        """See `Denoiser.output_change`."""
        alpha, sigma = (level[:, None, None] for level in self.levels(time))
        if self.prediction == "sample":
            return change
        return -change * (alpha / sigma if self.prediction == "epsilon" else 1.0 / sigma)

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
            return network(x_t, x_t.new_full((x_t.shape[0],), float(network_time(k))), condition)

        return self._processes[key].run(predict, noise)
