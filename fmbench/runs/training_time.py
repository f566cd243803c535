"""An estimate of the time that training an encoder takes on a CPU, before it is begun."""

import time

import torch

from fmbench.config import PIXELS, RunConfig
from fmbench.errors import FmbenchError
from fmbench.sight.opening import Sights
from policies.encoders.base import PictureEncoder

LONGEST_S = 3600.0
"""Training that takes longer needs the user's consent."""
TIMED_ROWS, TIMED_PASSES = 8, 3


def check_time(config: RunConfig, sights: Sights) -> None:
    """Reject training of an encoder on a CPU that would take more than an hour.

    Raises:
        FmbenchError: It would; the message has the estimate and what to do.
    """
    if config.observation != PIXELS or config.device != "cpu":
        return
    seconds = 0.0
    for task in config.task:
        sight = sights.of(task)
        assert sight is not None
        rows = config.updates * config.batch_size * config.obs_horizon
        seconds += rows * seconds_per_row(sight.encoder) * len(config.policy) * config.seeds
    if seconds > LONGEST_S:
        raise FmbenchError(
            f"--encoder is {config.encoder}, which would take about {seconds / 3600:.0f} hours to "
            "train on this CPU; give --device cuda, or --observation features --encoder random, or "
            "lower --updates and --batch-size, or add --yes-slow"
        )


def seconds_per_row(encoder: PictureEncoder) -> float:
    """Return the time of one training pass per control step, the shortest of a few [s]."""
    pictures = torch.zeros((TIMED_ROWS, *encoder.shape.dims), dtype=torch.uint8)
    times = []
    for _ in range(TIMED_PASSES):
        started = time.perf_counter()
        encoder(pictures).sum().backward()
        times.append(time.perf_counter() - started)
    encoder.zero_grad()
    return min(times) / TIMED_ROWS
