"""One training update, eager or as a replayed CUDA graph."""

from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from fmbench.training.pace import Pace
from fmbench.training.replayed import Replayed
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.windows import Windows


class Update(Protocol):
    """Makes one update per call: gather, loss, gradient, clipping, AdamW, average."""

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Return the loss and the gradient norm before clipping, as scalars on the device."""

    def wait(self) -> None:
        """Wait until all started updates are complete."""


class EagerUpdate:
    """Updates without a graph, operation by operation.

    Args:
        state: Changed in place.
        config: The training configuration.
        windows: The training data, on the device of the policy.
    """

    def __init__(self, state: TrainingState, config: TrainConfig, windows: Windows) -> None:
        self.state, self.config, self.windows = state, config, windows
        self.parameters = list(state.policy.parameters())
        device = windows.actions.device
        is_cuda = device.type == "cuda"
        self._pace = Pace(torch.cuda.current_stream(device)) if is_cuda else None

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Make one update; see `Update`."""
        state = self.state
        self.prepare()
        loss, norm = self.gradient()
        state.optimizer.step()
        state.update += 1
        state.ema.update(state.update)
        if self._pace is not None:
            self._pace.started()
        return loss, norm

    def prepare(self) -> None:
        """Set the learning rates of the next update, and forget the gradient of the last one."""
        optimizer = self.state.optimizer
        rate = self.config.learning_rate_at(self.state.update)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        for parameter in self.parameters:
            parameter.grad = None

    def wait(self) -> None:
        """Wait for the device, if it is not the CPU; see `Update`."""
        if self._pace is not None:
            self._pace.wait()

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Draw a batch and store its clipped gradient in the parameters."""
        loss = self.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.config.gradient_clip)
        return loss.detach(), norm.detach()

    def batch(self) -> tuple[Tensor, Tensor]:
        """Draw a batch; see `Windows.gather`."""
        windows, generator = self.windows, self.state.generator
        size, device = (self.config.batch_size,), windows.actions.device
        steps = torch.randint(len(windows), size, generator=generator, device=device)
        return windows.gather(steps, generator)

    def loss(self) -> Tensor:
        """Draw a batch and return its loss."""
        state, (observations, actions) = self.state, self.batch()
        is_bf16 = self.config.precision == "bf16"
        with torch.autocast(actions.device.type, torch.bfloat16, enabled=is_bf16):
            return state.policy.loss(observations, actions, state.generator)


class GraphUpdate:
    """The complete update as one CUDA graph on its own stream, launched by the host.

    Numbers that change from update to update (learning rate, rate of the average) are tensors that
    are filled before each replay. The policy's generator is registered with the graph, so that
    replays draw the same numbers as eager updates. The host is a few updates ahead of the device,
    and the updates of different states overlap there.

    Args:
        state: Changed in place; its policy is on a CUDA device.
        config: The training configuration.
        windows: The training data, on the same device.
    """

    def __init__(self, state: TrainingState, config: TrainConfig, windows: Windows) -> None:
        self.state, self.config = state, config
        self._eager = EagerUpdate(state, config, windows)
        device = windows.actions.device
        self._rates = [torch.zeros((), device=device) for _ in state.optimizer.param_groups]
        self._averaging = torch.zeros((), device=device)
        for group, rate in zip(state.optimizer.param_groups, self._rates, strict=True):
            group["lr"], group["capturable"] = rate, True
        clear = partial(state.optimizer.zero_grad, set_to_none=True)
        self.replayed = Replayed(self._operations, clear, [state.generator], device)

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Start one update; see `Update`."""
        with torch.cuda.stream(self.replayed.stream):
            peak = self.config.learning_rate_at(self.state.update)
            for group, rate in zip(self.state.optimizer.param_groups, self._rates, strict=True):
                rate.fill_(peak * group["share"])
            self._averaging.fill_(self.state.ema.rate_at(self.state.update + 1))
        loss, norm = self.replayed()
        self.state.update += 1
        return loss, norm

    def wait(self) -> None:
        """Wait until all started updates are complete; see `Update`."""
        self.replayed.wait()

    def _operations(self) -> tuple[Tensor, Tensor]:
        loss, norm = self._eager.gradient()
        self.state.optimizer.step()
        self.state.ema.update_by(self._averaging)
        return loss, norm
