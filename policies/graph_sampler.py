"""Sampling on a CUDA device by replaying one captured graph of the complete sampler."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from policies.chunk_policy import ChunkPolicy, Sample
from policies.graph_capture import capture
from policies.objectives.base import Noise

Sampling: TypeAlias = Callable[[Tensor, Noise], Sample]
"""`(observations (rows, obs_horizon, obs_dim), noise) -> sample`."""

WARM_UP_CALLS = 2
"""Eager calls before the capture, in which torch chooses kernels and workspaces."""


def make_sampling(policy: ChunkPolicy, sampler: str, steps: int, rows: int) -> Sampling:
    """Return the fastest way to sample `rows` chunks at a time on the policy's device.

    Args:
        policy: The policy, in evaluation mode.
        sampler: One of the objective's samplers.
        steps: Its steps.
        rows: Windows of observations per call.
    """
    limits = policy.objective.limits[policy.objective.parse_sampler(sampler).name]
    needs_host = limits.adaptive or not policy.objective.trains  # chooses steps, or searches
    if next(policy.buffers()).is_cuda and not needs_host:
        return GraphSampler(policy, sampler, steps, rows)
    return lambda observations, noise: policy.sample(observations, noise, sampler, steps)


class GraphSampler:
    """One CUDA graph of the encoder, every sampler step and the normalisers, for one batch size.

    A step of a small network is bound by kernel launches, which the graph reduces to one launch.
    The noise is drawn outside of the graph, as often and in the order as the sampler requests it,
    so that the chunks are those of `ChunkPolicy.sample`.

    Args:
        policy: The policy, on a CUDA device, in evaluation mode; its weights stay in place.
        sampler: One of the objective's samplers.
        steps: Its steps.
        rows: Windows of observations per call.
    """

    def __init__(self, policy: ChunkPolicy, sampler: str, steps: int, rows: int) -> None:
        self.policy, self.sampler, self.steps = policy, sampler, steps
        config, device = policy.config, next(policy.buffers()).device
        self._shape = (rows, *policy.objective.chunk_shape)
        self._observations = torch.zeros(rows, config.obs_horizon, config.obs_dim, device=device)
        self._host = torch.zeros(self._shape, pin_memory=True)
        self._noise: list[Tensor] = []
        self._graph = torch.cuda.CUDAGraph()
        with torch.inference_mode():
            self._sample = self._capture()

    def __call__(self, observations: Tensor, noise: Noise) -> Sample:
        """Sample one chunk per window; see `ChunkPolicy.sample`.

        The actions are on the host, in a buffer that the next call overwrites.
        """
        with torch.inference_mode():
            self._observations.copy_(observations, non_blocking=True)
            for drawn in self._noise:
                drawn.copy_(noise(), non_blocking=True)
            self._graph.replay()
        torch.cuda.current_stream(self._observations.device).synchronize()
        return self._sample

    def _capture(self) -> Sample:
        """Count the draws of the sampler, then capture it with one noise buffer per draw."""
        device = self._observations.device
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                self._noise.clear()
                self._run(self._add_buffer)
        torch.cuda.current_stream(device).wait_stream(stream)
        buffers = iter(self._noise)
        with capture(self._graph):
            sample = self._run(lambda: next(buffers))
            self._host.copy_(sample.actions, non_blocking=True)
        return Sample(self._host, sample.nfe)

    def _run(self, noise: Noise) -> Sample:
        return self.policy.sample(self._observations, noise, self.sampler, self.steps)

    def _add_buffer(self) -> Tensor:
        self._noise.append(torch.zeros(self._shape, device=self._observations.device))
        return self._noise[-1]
