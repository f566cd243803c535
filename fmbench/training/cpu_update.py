"""One training update on a CPU, which two threads share where there are processors for both."""

from functools import partial

import torch
from torch import Tensor

from fmbench.training.ema import EVERY
from fmbench.training.halved_mlp import HalvedMLP
from fmbench.training.second_thread import SecondThread
from fmbench.training.shared_products import SharedProducts
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.update import EagerUpdate
from fmbench.training.windows import Windows

CLIP_OFFSET = 1e-6
"""What torch adds to a norm before it divides by it."""
LEAST_SHARED = 2**18
"""Parameters of the smallest policy whose batches and optimizer's step are shared; those of others
are soon made."""


class CpuUpdate(EagerUpdate):
    """Updates like those of `EagerUpdate`, to the same bytes whichever thread does what.

    The second thread computes half of both passes of a residual MLP, or of each large product in
    the forward pass of another network, then gradients of weights, the next batch, and half of the
    optimizer's step, which treats each number of a parameter by itself.

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
        self._is_shared = bool(sizes) and sum(sizes) >= LEAST_SHARED
        middle = _middle(sizes) if self._is_shared else 0
        self._shares = [slice(0, middle), slice(middle, len(sizes))]
        self._ahead: tuple[Tensor, Tensor] | None = None
        self._before = state.generator.get_state()

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Make one update; see `Update`."""
        state = self.state
        self.prepare()
        with self._halved, self._products:  # networks may compute again in the backward pass
            loss = self.loss()
            if self._is_shared:
                self._thread.give(self._draw_ahead)
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
        elif self._is_shared:
            own, other = self._shares
            self._thread.give(partial(self._step, other))
            self._step(own)
            self._thread.finish()
        else:
            self._step(EVERY)
        return loss.detach(), norm

    def wait(self) -> None:
        """Forget the batch that was drawn ahead, as if it had not been; see `Update`."""
        if self._ahead is not None:
            self._ahead = None
            self.state.generator.set_state(self._before)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return the batch that was drawn ahead, or draw one."""
        ahead, self._ahead = self._ahead, None
        return super().batch() if ahead is None else ahead

    def _draw_ahead(self) -> None:
        """Draw the next batch, while the backward pass draws nothing."""
        self._before = self.state.generator.get_state()
        self._ahead = super().batch()

    @torch.no_grad()
    def _step(self, share: slice) -> None:
        """Make AdamW's step and the average's, for some parameters."""
        chosen = self.parameters[share]
        ids, optimizer = set(map(id, chosen)), self.state.optimizer
        for group in optimizer.param_groups:
            parameters = [p for p in group["params"] if id(p) in ids and p.grad is not None]
            if not parameters:
                continue
            moments = [optimizer.state[p] for p in parameters]
            steps = [each["step"] for each in moments]
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                parameters,
                [p.grad for p in parameters if p.grad is not None],
                [each["exp_avg"] for each in moments],
                [each["exp_avg_sq"] for each in moments],
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
        self.state.ema.update(self.state.update, share)


def _middle(sizes: list[int]) -> int:
    """Return the index that divides sizes into two parts with the most equal sums."""
    return min(range(len(sizes)), key=lambda k: abs(sum(sizes[:k]) - sum(sizes[k:])))
