"""What both kinds of acting share: the noise of a decision, and how networks are evaluated."""

import contextlib
from collections.abc import Iterator

import torch

from envs.task import IntArray
from fmbench.lerobot_policy.loading import LoadedPolicy
from policies.actor import EpisodeNoise
from policies.threads import one_thread


class DecisionSeeds:
    """A seed for each decision of each row: a function of the episode and its decisions so far.

    Args:
        sampling_seed: Seed of all of them.
    """

    def __init__(self, sampling_seed: int) -> None:
        self._sampling_seed = sampling_seed
        self._episodes: dict[int, EpisodeNoise] = {}

    def begin(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Start the episodes `episode_seeds`, `(n,)`, in `rows`, `(n,)`."""
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            self._episodes[row] = EpisodeNoise(self._sampling_seed, seed)

    def take(self, rows: IntArray) -> list[int]:
        """Return the seed of the next decision of each of `rows`."""
        generators = [self._episodes[row].next_decision() for row in rows.tolist()]
        return [int(generator.integers(2**63)) for generator in generators]


@contextlib.contextmanager
def inference(loaded: LoadedPolicy) -> Iterator[None]:
    """Infer as LeRobot's evaluation does, on one thread."""
    mixed = (
        torch.autocast(loaded.device.type)
        if getattr(loaded.config, "use_amp", False)
        else contextlib.nullcontext()
    )
    with one_thread(), torch.inference_mode(), mixed:
        yield
