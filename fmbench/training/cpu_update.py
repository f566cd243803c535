"""One training update on a CPU, which two threads share where there are processors for both."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from fmbench.training.halved_mlp import HalvedMLP
from fmbench.training.second_thread import SecondThread
from fmbench.training.shared_products import SharedProducts
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.update import EagerUpdate
from fmbench.training.windows import Windows

CLIP_OFFSET = 1e-6
"""What torch adds to a norm before it divides by it."""
LEAST_SHARED = 2**18
"""Parameters of the smallest policy whose optimizer's step is shared; that of others is short."""


class CpuUpdate(EagerUpdate):
    """Updates like those of `EagerUpdate`, to the same bytes whichever thread does what.

    The second thread computes half of both passes of a residual MLP, or of each large product in
    the forward pass of another network, then gradients of weights and half of the optimizer's step,
    which treats each number of a parameter by itself.

    Args:
        state: Changed in place.
        config: The training configuration.
        windows: The training data, on the CPU.
        thread: Shares the work.
    """

    def __init__(
        self, state: TrainingState, config: TrainConfig, windows: Windows, thread: SecondThread
    ) -> None:
        super().__init__(state, config, windows)
        self._thread, self._products = thread, SharedProducts(state.policy.network, thread)
        self._halved = HalvedMLP(state.policy.network, self._products, thread)
        sizes = [parameter.numel() for parameter in self.parameters]
        middle = _middle(sizes) if sum(sizes) >= LEAST_SHARED else len(sizes)
        self._shares = slice(0, middle), slice(middle, len(sizes))

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Make one update; see `Update`."""
        state = self.state
        self.prepare()
        with self._halved, self._products:  # networks may compute again in the backward pass
            loss = self.loss()
            known = self._products.backward(loss)
        norms = [
            known[p] if p in known else torch.linalg.vector_norm(p.grad)
            for p in self.parameters
            if p.grad is not None
        ]
        norm = torch.linalg.vector_norm(torch.stack(norms))
        if not norm + CLIP_OFFSET <= self.config.gradient_clip:  # otherwise it would multiply by 1
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.config.gradient_clip, norm)
        state.update += 1
        if any(p.grad is not None and p not in state.optimizer.state for p in self.parameters):
            state.optimizer.step()  # also creates the moments
            state.ema.update(state.update)
        else:
            own, other = self._shares
            if other.start < other.stop:
                self._thread.give(partial(self._step, other))
            self._step(own)
            self._thread.finish()
        return loss.detach(), norm

    @torch.no_grad()
    def _step(self, share: slice) -> None:
        """Make AdamW's step and the average's, for some parameters."""
        chosen = self.parameters[share]
        ids, optimizer = set(map(id, chosen)), self.state.optimizer
        for group in optimizer.param_groups:
            parameters = [p for p in group["params"] if id(p) in ids and p.grad is not None]
            moments = [optimizer.state[p] for p in parameters]
            adamw(
                parameters,
                _gradients(parameters),
                [each["exp_avg"] for each in moments],
                [each["exp_avg_sq"] for each in moments],
                [],
                [each["step"] for each in moments],
                fused=True,
                amsgrad=False,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )
        self.state.ema.update(self.state.update, share)


def _gradients(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _middle(sizes: list[int]) -> int:
    """Return the index that divides sizes into two parts with the most equal sums."""
    return min(range(len(sizes)), key=lambda k: abs(sum(sizes[:k]) - sum(sizes[k:])))
