"""Sample chunks on a CUDA device by replaying one captured graph of the whole sampler."""

import itertools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.chunk_policy import ChunkPolicy, Sample
from policies.objectives.base import Noise

Sampling: TypeAlias = Callable[[Tensor, Noise], Sample]
"""``(observations (rows, obs_horizon, obs_dim), noise) -> sample``."""

PART_ROWS = 64
"""Rows that are sampled together; as many as in a block of `policies.actor`."""
WARM_UP_CALLS = 2
"""Calls made one operation at a time before the capture: kernels and workspaces are chosen then."""


def make_sampling(policy: ChunkPolicy, sampler: str, steps: int, rows: int) -> Sampling:
    """Return the fastest way to sample `rows` chunks at a time where the policy is.

    Args:
        policy: The policy, in evaluation mode.
        sampler: One of the objective's samplers.
        steps: Its steps.
        rows: Windows of observations per call.
    """
    limits = policy.objective.limits[policy.objective.parse_sampler(sampler).name]
    if next(policy.buffers()).is_cuda and not limits.adaptive:  # whose steps the host decides
        return GraphSampler(policy, sampler, steps, rows)
    return lambda observations, noise: policy.sample(observations, noise, sampler, steps)


class GraphSampler:
    """Encoder, every step of the sampler and the normalisers as one graph for one batch size.

    A step of a small network is bound by the start of its kernels: the host starts the graph once.
    Rows beyond `PART_ROWS` are parts of their own that run side by side, since the kernels of one
    leave most of a GPU idle. The noise is drawn outside, as many times and in the order the sampler
    asks for it, so that the chunks are those of `ChunkPolicy.sample`.

    Args:
        policy: The policy, on a CUDA device, in evaluation mode; its weights stay in place.
        sampler: One of the objective's samplers.
        steps: Its steps.
        rows: Windows of observations per call.
    """

    def __init__(self, policy: ChunkPolicy, sampler: str, steps: int, rows: int) -> None:
        self.sampler, self.steps = sampler, steps
        config, device = policy.config, next(policy.buffers()).device
        self._shape = (rows, *policy.objective.chunk_shape)
        self._observations = torch.zeros(rows, config.obs_horizon, config.obs_dim, device=device)
        self._host = torch.zeros(self._shape, pin_memory=True)
        self._noise: list[Tensor] = []
        self._parts = [
            _Part(policy.twin(), slice(start, min(start + PART_ROWS, rows)), device)
            for start in range(0, rows, PART_ROWS)
        ]
        self._graph = torch.cuda.CUDAGraph()
        with torch.inference_mode():
            self._sample = self._capture()

    def __call__(self, observations: Tensor, noise: Noise) -> Sample:
        """Sample one chunk per window; see `ChunkPolicy.sample`.

        The actions lie on the host, in a buffer that the next call overwrites.
        """
        with torch.inference_mode():
            self._observations.copy_(observations, non_blocking=True)
            for drawn in self._noise:
                drawn.copy_(noise(), non_blocking=True)
            self._graph.replay()
        torch.cuda.current_stream(self._observations.device).synchronize()
        return self._sample

    def _capture(self) -> Sample:
        """Learn how often the sampler draws, then capture it with as many buffers of noise."""
        for _ in range(WARM_UP_CALLS):
            self._run(grows=True)
        torch.cuda.synchronize(self._observations.device)
        with torch.cuda.graph(self._graph):
            nfe = self._run(grows=False)
        return Sample(self._host, nfe)

    def _run(self, grows: bool) -> NDArray[np.int64]:
        """Sample every part on its stream; return each row's evaluations."""
        now = torch.cuda.current_stream(self._observations.device)
        nfe = []
        for part in self._parts:
            part.stream.wait_stream(now)
            with torch.cuda.stream(part.stream):
                sample = part.policy.sample(
                    self._observations[part.rows],
                    self._draws(part, grows),
                    self.sampler,
                    self.steps,
                )
                self._host[part.rows].copy_(sample.actions, non_blocking=True)
            nfe.append(sample.nfe)
        for part in self._parts:
            now.wait_stream(part.stream)
        return np.concatenate(nfe)

    def _draws(self, part: "_Part", grows: bool) -> Noise:
        """Return what hands a part its rows of one buffer of noise after the other."""
        count = itertools.count()

        def draw() -> Tensor:
            index = next(count)
            if grows and index == len(self._noise):
                self._noise.append(torch.zeros(self._shape, device=self._observations.device))
            return self._noise[index][part.rows]

        return draw


class _Part:
    """Some rows of a batch, with a stream and a twin of the policy that holds their plan."""

    def __init__(self, policy: ChunkPolicy, rows: slice, device: torch.device) -> None:
        self.policy, self.rows = policy, rows
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
