"""Conditional flow matching along straight paths from noise to the action chunk."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from policies.objectives.base import Network, Noise, Objective, normal_like
from policies.objectives.flow_times import draw_times
from policies.objectives.pairing import optimal_transport
from policies.samplers import ODE_SAMPLERS
from policies.samplers.ode import Field, SampleField, VelocityField


class Flow(Objective):
    """Flow matching (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023, arXiv 2209.03003).

    Time 0 is noise, time 1 is data. The network predicts the clean chunk, from which the velocity
    follows, or the velocity itself. The loss is the plain error of what is predicted. Training
    times and the pairing of noise with chunks are options, as in `policies.objectives.flow_times`
    and `policies.objectives.pairing`.
    """

    predictions = ("sample", "velocity")
    limits = {name: sampler.limits for name, sampler in ODE_SAMPLERS.items()}  # noqa: RUF012
    default_sampler = "euler"
    planned = ("euler",)
    reads = ("time_sampling", "pairing")

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the flow-matching loss at one random time per chunk; see `Objective.loss`."""
        noise = normal_like(actions, generator)
        if self.options.pairing == "optimal_transport":
            noise = optimal_transport(noise, actions)
        t = draw_times(self.options.time_sampling, actions, generator)
        # Lipman et al. 2023, eq. 22 with sigma_min = 0: x_t = (1 - t) noise + t actions
        x_t = torch.lerp(noise, actions, t[:, None, None])
        # eq. 23: the target velocity is actions - noise
        target = actions if self.prediction == "sample" else actions - noise
        return F.mse_loss(network(x_t, t, condition), target)

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Carry noise to t = 1 along the learnt field; see `Objective.sample`."""
        self.check_sampler(sampler, steps)

        def predict(x_t: Tensor, t: float) -> Tensor:
            return network(x_t, x_t.new_full((len(x_t),), t), condition)

        field: Field = (SampleField if self.prediction == "sample" else VelocityField)(predict)
        return ODE_SAMPLERS[sampler].solve(field, noise(), steps)
