"""Conditional flow matching on straight paths from noise to the action chunk."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective, RowNetwork, normal_like
from policies.objectives.flow_times import draw_times
from policies.objectives.pairing import optimal_transport
from policies.samplers import AdaptiveSolver, OdeSolver, load_sampler
from policies.samplers.dormand_prince import RowField
from policies.samplers.ode import Field, SampleField, VelocityField
from policies.schedules import velocity_from_sample


class Flow(Objective, entry=POLICIES["flow"]):
    """Flow matching (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023, arXiv 2209.03003).

    With `noise ~ N(0, I)` and a random time t in [0, 1], 0 = noise and 1 = data, the path and its
    velocity are (Lipman et al., eqs. 22 and 23, with sigma_min = 0)

        x_t = (1 - t) * noise + t * actions,    velocity = actions - noise.

    The network predicts the velocity ("velocity"), or the clean chunk ("sample"), from which the
    velocity follows as `(chunk - x_t) / (1 - t)`. The loss is the unweighted mean squared error of
    that prediction. Chunks are `(B, pred_horizon, act_dim)`, normalised to [-1, 1]. Sampling
    integrates `dx/dt = velocity(x, t)` from t = 0 to 1 with an ODE solver.

    Options: `time_sampling`, the distribution of t (`policies.objectives.flow_times`), and
    `pairing` of noise with chunks (`policies.objectives.pairing`).
    """

    def coupling(
        self, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return noise, and the chunk at the end of each noise's path, both like `actions`."""
        del condition
        noise = normal_like(actions, generator)
        if self.options.pairing == "optimal_transport":
            noise = optimal_transport(noise, actions)
        return noise, actions

    @property
    def capturable(self) -> bool:
        """See `Objective.capturable`; optimal transport is solved on the host."""
        return self.options.pairing != "optimal_transport"

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the flow-matching loss at one random time t per chunk; see `Objective.loss`."""
        noise, actions = self.coupling(actions, condition, generator)
        t = draw_times(self.options.time_sampling, actions, generator)
        # Lipman et al. 2023, eq. 22 with sigma_min = 0: x_t = (1 - t) noise + t actions
        x_t = torch.lerp(noise, actions, t[:, None, None])
        # eq. 23: the target velocity is actions - noise
        target = actions if self.prediction == "sample" else actions - noise
        return F.mse_loss(network(x_t, t, condition), target)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Integrate the learnt velocity field from noise to t = 1; see `Objective.sample`."""
        self.check_sampler(sampler, steps)
        parsed = self.parse_sampler(sampler)
        if self.limits[parsed.name].adaptive:
            solve_rows: AdaptiveSolver = load_sampler(parsed.name)
            row_field = self._row_field(network, condition)
            singular_end = self.prediction == "sample"
            return solve_rows(row_field, noise(), parsed.rtol, parsed.atol, singular_end)
        solve: OdeSolver = load_sampler(parsed.name)
        return solve(self.field(network, condition), noise(), steps, parsed.grid)

    def levels(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `Denoiser.levels`: t and 1 - t."""
        return time, 1.0 - time

    def clean_chunk(self, output: Tensor, noisy_actions: Tensor, time: Tensor) -> Tensor:
        """See `Denoiser.clean_chunk`."""
        if self.prediction == "sample":
            return output
        return noisy_actions + (1.0 - time[:, None, None]) * output

    def output_change(self, change: Tensor, time: Tensor) -> Tensor:
        """See `Denoiser.output_change`."""
        if self.prediction == "sample":
            return change
        return change / (1.0 - time[:, None, None]).clamp_min(1e-6)  # the change is 0 at t = 1

    def field(self, network: Network, condition: Tensor) -> Field:
        """Return the velocity field of a network, given the condition `(B, C)` of each chunk."""
        rows = condition.shape[:1]

        def predict(x_t: Tensor, t: float) -> Tensor:
            return network(x_t, x_t.new_full(rows, t), condition)

        return (SampleField if self.prediction == "sample" else VelocityField)(predict)

    def _row_field(self, network: Network, condition: Tensor) -> RowField:
        """Return the learnt velocity field for rows with different times."""

        def velocity(x_t: Tensor, t: Tensor, active: Tensor) -> Tensor:
            time = t.to(x_t.dtype)
            if isinstance(network, RowNetwork):
                output = network(x_t, time, condition, active)
            else:
                output = network(x_t, time, condition)
            if self.prediction == "velocity":
                return output
            return velocity_from_sample(output, x_t, t[:, None, None]).to(x_t.dtype)

        return velocity
