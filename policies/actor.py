"""Batched acting with a chunk policy: one episode per row, each independent of the others."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.catalogue import HOLD
from policies.chunk_policy import ChunkPolicy
from policies.joins import Join, JoinSetting, make_join
from policies.threads import one_thread

INFERENCE_ROWS = 64
"""Batch size of every inference; fixed, because kernels round differently at other sizes."""
PICTURE_ROWS = 8
"""The same of policies that encode pictures on a CPU, where padding takes most of the time."""


class Decision(NamedTuple):
    """The actions of each requested row for the next `chunk_length` control steps.

    Attributes:
        actions: `(n, chunk_length, act_dim)`, float32, within [-1, 1].
        nfe: `(n,)` int, network evaluations spent on each row's chunk.
    """

    actions: NDArray[np.float32]
    nfe: NDArray[np.int64]


class EpisodeNoise:
    """The sampling noise of one episode: a function of its seeds, the decision and the draw.

    Philox is a counter-based generator. The seeds give its key, the index of the decision is part
    of its counter, and the draws of one decision follow one another.

    Args:
        sampling_seed: Seed of the evaluation, at least 0.
        episode_seed: Seed of the episode, at least 0.
    """

    def __init__(self, sampling_seed: int, episode_seed: int) -> None:
        if sampling_seed < 0 or episode_seed < 0:
            raise ValueError(
                f"sampling_seed is {sampling_seed} and episode_seed is {episode_seed}; "
                "both must be at least 0"
            )
        seeds = np.random.SeedSequence([sampling_seed, episode_seed])
        self._key = seeds.generate_state(2, np.uint64)
        self.decision = 0

    def next_decision(self) -> np.random.Generator:
        """Return the generator of the next decision's draws."""
        counter = np.array([0, 0, self.decision, 0], dtype=np.uint64)
        self.decision += 1
        return np.random.Generator(np.random.Philox(key=self._key, counter=counter))


class ChunkActor:
    """Runs a policy for many episodes at once.

    A decision is a function of the policy, the seeds, its index in the episode and the
    observations. It depends neither on the row, nor on the other rows of the call or their number,
    nor on the number of threads: inference on the CPU uses one thread.

    Args:
        policy: The policy; it is moved to `device`.
        obs_horizon: Observations per window; must equal the policy's.
        exec_horizon: Actions executed of each chunk, at most the policy's `pred_horizon`.
        sampler: One of the objective's samplers; None is its default.
        steps: Steps of the sampler; None is its default.
        device: The device to run on.
        sampling_seed: Seed of all sampling noise, at least 0.
        chunk_length: Actions returned of each chunk; None is `exec_horizon`.
        execution: How a chunk follows the previous one, a key of `policies.catalogue.EXECUTIONS`.
        delay: Control steps from an observation to the first action decided from it; a decision
            begins `max(exec_horizon, delay)` control steps after the previous one.

    Raises:
        ValueError: A horizon does not fit the policy, or the sampler does not fit the objective.
    """

    def __init__(
        self,
        policy: ChunkPolicy,
        obs_horizon: int,
        exec_horizon: int,
        sampler: str | None = None,
        steps: int | None = None,
        device: str | torch.device = "cpu",
        sampling_seed: int = 0,
        chunk_length: int | None = None,
        execution: str = HOLD,
        delay: int = 0,
    ) -> None:
        config = policy.config
        if obs_horizon != config.obs_horizon:
            raise ValueError(
                f"obs_horizon is {obs_horizon}; the policy was built for {config.obs_horizon}"
            )
        if not 1 <= exec_horizon <= config.pred_horizon:
            raise ValueError(
                f"exec_horizon is {exec_horizon}; give 1 to {config.pred_horizon}, the pred_horizon"
            )
        self.chunk_length = exec_horizon if chunk_length is None else chunk_length
        if not exec_horizon <= self.chunk_length <= config.pred_horizon:
            raise ValueError(
                f"chunk_length is {chunk_length}; give {exec_horizon} to {config.pred_horizon}"
            )
        if sampling_seed < 0:
            raise ValueError(f"sampling_seed is {sampling_seed}; it must be at least 0")
        self.sampler, self.steps = policy.objective.resolve_sampler(sampler, steps)
        self.policy = policy.to(device)
        self.obs_horizon, self.exec_horizon = obs_horizon, exec_horizon
        self.device, self.sampling_seed = torch.device(device), sampling_seed
        self._episodes: dict[int, EpisodeNoise] = {}
        encodes_slowly = policy.trained_eyes() and self.device.type == "cpu"
        self._rows = PICTURE_ROWS if encodes_slowly else INFERENCE_ROWS
        self._execution, self._delay = execution, delay
        self._join = self.make_join(self._rows)

    def make_join(self, batch: int) -> Join:
        """Return a new join with the actor's execution, for calls with `batch` rows."""
        interval = max(self.exec_horizon, self._delay)
        setting = JoinSetting(self.policy, self.sampler, self.steps, batch, interval, self._delay)
        return make_join(self._execution, setting)

    def reset(self, rows: NDArray[np.integer], episode_seeds: NDArray[np.integer]) -> None:
        """Start an episode in each of `rows`, at decision 0.

        Args:
            rows: `(n,)` row numbers.
            episode_seeds: `(n,)` seeds of the episodes, at least 0.

        Raises:
            ValueError: The lengths differ, or a seed is negative.
        """
        self._join.begin(int(row) for row in rows)
        for row, seed in zip(rows, episode_seeds, strict=True):
            self._episodes[int(row)] = EpisodeNoise(self.sampling_seed, int(seed))

    def act(self, rows: NDArray[np.integer], observations: NDArray[np.float32]) -> Decision:
        """Decide in each of `rows`.

        Args:
            rows: `(n,)` distinct rows, each with an episode started by `reset`.
            observations: `(n, obs_horizon, obs_dim)`, the current observation last.

        Returns:
            Actions and NFE, in the order of `rows`.

        Raises:
            ValueError: A row has no episode, or the observations' shape is wrong.
        """
        expected = (len(rows), self.obs_horizon, self.policy.config.obs_dim)
        if observations.shape != expected:
            raise ValueError(f"observations are {observations.shape}; expected {expected}")
        idle = [int(row) for row in rows if int(row) not in self._episodes]
        if idle:
            raise ValueError(f"rows {idle} have no episode; call reset first")
        streams = [self._episodes[int(row)].next_decision() for row in rows]
        actions = np.empty(
            (len(rows), self.chunk_length, self.policy.config.act_dim), dtype=np.float32
        )
        nfe = np.empty(len(rows), dtype=np.int64)
        for start in range(0, len(rows), self._rows):
            block = slice(start, min(start + self._rows, len(rows)))
            actions[block], nfe[block] = self._decide(
                rows[block], observations[block], streams[block]
            )
        return Decision(actions, nfe)

    def _decide(
        self,
        rows: NDArray[np.integer],
        observations: NDArray[np.float32],
        streams: Sequence[np.random.Generator],
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Run one block of rows, padded to the fixed batch size by repeating the last one."""
        count = len(streams)
        padded = np.minimum(np.arange(self._rows), count - 1)
        window = torch.from_numpy(np.asarray(observations, dtype=np.float32)[padded])
        noise = block_noise(streams, padded, self.policy.objective.chunk_shape, self.device)
        was_training = self.policy.training
        self.policy.eval()
        try:
            with one_thread(), torch.inference_mode():
                sample = self._join.sample(np.asarray(rows)[padded], window.to(self.device), noise)
        finally:
            self.policy.train(was_training)
        chunk: NDArray[np.float32] = sample.actions[:count, : self.chunk_length].cpu().numpy()
        return chunk, sample.nfe[:count]


def block_noise(
    streams: Sequence[np.random.Generator],
    order: NDArray[np.integer],
    chunk_shape: tuple[int, int],
    device: torch.device,
) -> Callable[[], Tensor]:
    """Return a function that draws one standard normal chunk from each stream at each call.

    Args:
        streams: One generator per row.
        order: `(B,)`, the stream of each row of the result.
        chunk_shape: `(pred_horizon, act_dim)`.
        device: The device of the noise.

    Returns:
        A function returning `(B, pred_horizon, act_dim)` float32.
    """

    def draw() -> Tensor:
        drawn = np.stack([s.standard_normal(chunk_shape, dtype=np.float32) for s in streams])
        return torch.from_numpy(drawn[order]).to(device)

    return draw
