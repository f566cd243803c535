"""LeRobot's diffusion policy over states: its size, its chunks, its updates."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from tests.benchmarks.peers.problem import (
    ACT_DIM,
    EXEC_HORIZON,
    OBS_DIM,
    OBS_HORIZON,
    PRED_HORIZON,
    Network,
    describe,
)
from tests.fmbench.lerobot.lerobot_import import import_lerobot

MODELING, TYPES = import_lerobot()
GROUPS = 8
"""LeRobot normalises 8 groups of channels, so channels are multiples of it."""
TOLERANCE = 0.1
PUBLISHED = (512, 1024, 2048)
"""Its default channels, those of Chi et al. 2023."""
STATE, ENVIRONMENT = "observation.state", "observation.environment_state"
STATE_DIM = OBS_DIM // 2
"""A policy without images requires an environment state in addition to the robot state."""
TRAINING_UPDATES = 100_000
"""Length of its learning-rate schedule; it does not affect the time."""


def make_policy(
    down_dims: tuple[int, ...], device: str, scheduler: str = "DDPM", steps: int = 100
) -> Any:
    """Build LeRobot's `DiffusionPolicy` with a sampler."""
    return MODELING.DiffusionPolicy(_config(down_dims, device, scheduler, steps)).to(device)


def _config(down_dims: tuple[int, ...], device: str, scheduler: str, steps: int) -> Any:
    kind = TYPES.FeatureType

    def feature(feature_type: object, size: int) -> Any:
        return TYPES.PolicyFeature(type=feature_type, shape=(size,))

    return MODELING.DiffusionConfig(
        input_features={
            STATE: feature(kind.STATE, STATE_DIM),
            ENVIRONMENT: feature(kind.ENV, OBS_DIM - STATE_DIM),
        },
        output_features={"action": feature(kind.ACTION, ACT_DIM)},
        n_obs_steps=OBS_HORIZON,
        horizon=PRED_HORIZON,
        n_action_steps=EXEC_HORIZON,
        down_dims=down_dims,
        noise_scheduler_type=scheduler,
        num_inference_steps=steps,
        device=device,
    )


def match(parameters: int) -> tuple[int, ...]:
    """Return channels close to LeRobot's (c, 2c, 4c) that give a number of parameters.

    Raises:
        ValueError: No channels give the number of parameters within `TOLERANCE`.
    """
    doubled = [(c, 2 * c, 4 * c) for c in range(GROUPS, 1025, GROUPS)]
    nearest = sorted(doubled, key=lambda dims: abs(count(dims) - parameters))[:2]
    near = [
        (first, second, last)
        for first, second, _ in nearest
        for last in range(3 * first, 5 * first + 1, GROUPS)
        if abs(count((first, second, last)) / parameters - 1) < TOLERANCE
    ]
    if not near:
        raise ValueError(f"parameters is {parameters}; LeRobot has no U-Net of about this size")
    return min(near, key=lambda dims: abs(dims[2] / dims[0] - 4))


@cache
def count(down_dims: tuple[int, ...]) -> int:
    """Return the number of parameters of LeRobot's U-Net, without allocating them."""
    with torch.device("meta"):
        unet = MODELING.DiffusionConditionalUnet1d(
            _config(down_dims, "cpu", "DDPM", 100), OBS_HORIZON * OBS_DIM
        )
    return sum(parameter.numel() for parameter in unet.parameters())


def describe_unet(down_dims: tuple[int, ...]) -> Network:
    """Return the parameters and operations of LeRobot's U-Net."""
    unet = make_policy(down_dims, "cpu").diffusion.unet
    chunk = torch.zeros(1, PRED_HORIZON, ACT_DIM)
    return describe(unet, chunk, torch.zeros(1), torch.zeros(1, OBS_HORIZON * OBS_DIM))


def chunk_sampler(policy: Any, rows: int) -> Callable[[], Tensor]:
    """Return a function that makes a control step with an empty action queue.

    This is the one call of `select_action` in `EXEC_HORIZON` calls that samples a chunk. LeRobot
    normalises observations and actions outside of the policy, which is not counted.
    """
    policy.eval()
    device = policy.config.device
    observations = torch.randn(rows, OBS_DIM, generator=torch.Generator().manual_seed(0))

    def sample() -> Tensor:
        policy._queues["action"].clear()
        with torch.inference_mode():
            action: Tensor = policy.select_action(_observed(observations.to(device)))
        return action.cpu()

    policy.reset()
    return sample


class Updates:
    """LeRobot's training updates, as in its script `lerobot_train`.

    Forward, backward, clipping, Adam and the learning-rate schedule with the presets of the policy,
    then the loss and the gradient norm are fetched. Batches are already on the device: LeRobot's
    data loading is not counted. It does not average weights.

    Args:
        policy: The policy to train.
        batches: Observations `(B, OBS_HORIZON, OBS_DIM)` and actions of each batch, used in turn.
    """

    def __init__(self, policy: Any, batches: list[tuple[Tensor, Tensor]]) -> None:
        self.policy = policy
        preset = policy.config.get_optimizer_preset()
        self.clip = preset.grad_clip_norm
        self.optimizer = preset.build(policy.get_optim_params())
        self.schedule = policy.config.get_scheduler_preset().build(self.optimizer, TRAINING_UPDATES)
        self.batches = [
            {
                **_observed(observations),
                "action": actions,
                "action_is_pad": actions.new_zeros(actions.shape[:2]),
            }
            for observations, actions in batches
        ]
        self.done = 0

    def __call__(self, updates: int) -> None:
        """Make a number of updates."""
        with _as_its_script():
            for _ in range(updates):
                self._update()

    def _update(self) -> tuple[float, float]:
        policy, batch = self.policy, self.batches[self.done % len(self.batches)]
        self.done += 1
        policy.train()
        loss, _ = policy.forward(batch)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        return loss.item(), norm.item()


def _observed(observations: Tensor) -> dict[str, Tensor]:
    return {STATE: observations[..., :STATE_DIM], ENVIRONMENT: observations[..., STATE_DIM:]}


@contextmanager
def _as_its_script() -> Iterator[None]:
    """Use cuDNN benchmarking and TF32 matrix products, as in LeRobot's script."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, matmul.allow_tf32
    cudnn.benchmark, matmul.allow_tf32 = True, True
    try:
        yield
    finally:
        cudnn.benchmark, matmul.allow_tf32 = before
