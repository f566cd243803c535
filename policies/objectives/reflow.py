"""Reflow: flow matching on couplings simulated from a trained flow."""

import torch
from torch import Tensor

from policies.catalogue import POLICIES
from policies.objectives.base import normal_like
from policies.objectives.flow import Flow
from policies.samplers.ode import euler

TEACHER_STEPS = 10
"""Euler steps from noise to the teacher's chunks, as in a flow's default sampler.

On PressEither twice as many steps reduce the distance to the result of 100 steps only from 0.010
to 0.008, in actions of [-1, 1] with a spread of 0.08; an update costs about four of the flow's."""


class Reflow(Flow, entry=POLICIES["reflow"]):
    """2-rectified flow (Liu et al. 2023, arXiv 2209.03003, algorithm 1).

    The loss of `Flow`, with `actions` replaced by the chunk to which a trained flow, the teacher,
    carries the noise under the same condition,

        dz/dt = v_teacher(z, t, condition),    z(0) = noise,    actions := z(1).

    Paths between such pairs cross less than those between independent ones, so that the learnt
    paths are straighter and need fewer steps. The pairs are simulated for every batch, by
    `TEACHER_STEPS` Euler steps; the demonstrated chunks are not used. Shapes, ranges, predictions
    and samplers are those of `Flow`.

    A policy starts from the teacher's weights (`policies.teaching`). The teacher is used only in
    the loss: it is not part of the policy's parameters, state or copies.
    """

    @torch.no_grad()
    def coupling(
        self, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return noise and the teacher's chunks, both like `actions`, whose values are not used.

        Raises:
            ValueError: There is no teacher.
        """
        noise = normal_like(actions, generator)
        # Liu et al. 2023, Algorithm 1 (reflow): (Z_0, Z_1) of the first flow, dZ_t = v(Z_t, t) dt
        return noise, euler(self.field(self.taught_by(), condition), noise, TEACHER_STEPS)
