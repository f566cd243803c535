"""Reflow: flow matching on couplings simulated from a trained flow."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from policies.catalogue import POLICIES
from policies.objectives.base import normal_like
from policies.objectives.flow import Flow
from policies.objectives.options import ObjectiveOptions
from policies.samplers.ode import euler

TEACHER_STEPS = 10
"""Euler steps that carry a batch's noise to the teacher's chunks: a flow's default sampler.

On PressEither twice as many bring a chunk hardly nearer to where 100 lead (0.008 against 0.010 in
actions of [-1, 1], whose spread is 0.08); an update costs about four of the flow's."""


class Reflow(Flow, entry=POLICIES["reflow"]):
    """The 2-rectified flow (Liu et al. 2023, arXiv 2209.03003).

    The flow loss, between noise and the chunk to which a trained flow, the teacher, carries that
    noise under the same condition. Such paths cross less than those of independent pairs, so that
    the learnt ones are straighter and need fewer steps. The pairs are simulated anew for every
    batch: there are as many as there is noise, and no second data set. The chunks of the
    demonstrations are not looked at.

    A policy starts from the teacher's weights (`policies.teaching`). The teacher serves the
    loss alone: it is no part of the policy's parameters, of its state or of its copies.
    """

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__(prediction, chunk_shape, options)
        self._teachers: list[nn.Module] = []  # one at most; a list hides it from `parameters()`

    def learn_from(self, network: nn.Module) -> None:
        """Keep a frozen copy of a trained flow's network; see `Objective.learn_from`."""
        self._teachers = [copy.deepcopy(network).eval().requires_grad_(requires_grad=False)]

    @torch.no_grad()
    def coupling(
        self, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return noise and the teacher's chunks, like `actions`, whose values are not read.

        Raises:
            ValueError: There is no teacher.
        """
        if not self._teachers:
            raise ValueError("Reflow is trained by a flow: give it one with `learn_from`.")
        noise = normal_like(actions, generator)
        # Liu et al. 2023, Algorithm 1 (reflow): (Z_0, Z_1) of the first flow, dZ_t = v(Z_t, t) dt
        return noise, euler(self.field(self._teachers[0], condition), noise, TEACHER_STEPS)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Reflow":
        """Move the teacher along, in `to`, `cuda` or `double`."""
        for teacher in self._teachers:
            teacher._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Leave the teacher out of copies: an average or an actor's policy only acts."""
        return {**self.__dict__, "_teachers": []}
