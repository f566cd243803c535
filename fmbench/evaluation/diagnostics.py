"""Offline diagnostics of sampled action chunks."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from fmbench.evaluation.ambiguous_starts import AmbiguousStarts
from fmbench.evaluation.bridges import Bridges, measure_bridges
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.held_out import spread
from fmbench.storage.rows import DiagnosticRow
from fmbench.training.windows import Windows
from policies.actor import INFERENCE_ROWS
from policies.chunk_policy import ChunkPolicy
from policies.graph_sampler import Sampling, make_sampling
from policies.objectives.base import Noise
from policies.straightness import has_paths, straightness
from policies.threads import one_thread

SAMPLES = 4
"""Number of chunks sampled for each held-out window."""
SEED = 0
NOT_COMPARED: dict[str, Any] = {
    "windows": 0,
    "samples": 0,
    "chunk_distance": None,
    "nearest_chunk_distance": None,
    "straightness": None,
}
"""The values of a row that is not compared with the expert's chunks."""


def diagnose(
    cell: Cell, policy: ChunkPolicy, windows: Windows | None, starts: AmbiguousStarts | None
) -> DiagnosticRow:
    """Compare sampled chunks with the expert's, and measure the straightness of their paths.

    The distance of two chunks is the root mean square difference of their numbers, in actions of
    [-1, 1]. Where several modes are equally good, a sample of another mode than the expert's has a
    large distance, but the nearest of a window's samples has a small one. There the bridge rate
    tells whether samples are of either mode, or between them (`fmbench.evaluation.bridges`).

    Args:
        cell: The sampler and its steps.
        policy: The trained policy, on the device of the windows.
        windows: Held-out windows with the expert's commands, of which `spread` chooses some; None
            to compare with no expert.
        starts: Starts from which the expert goes on in several ways; None without bridge rate.
    """
    with one_thread(), torch.inference_mode():
        sampling = make_sampling(policy.eval(), cell.sampler, cell.steps, INFERENCE_ROWS)
        compared = {} if windows is None else _compare(sampling, policy, windows)
        bridges = None if starts is None else _bridges(sampling, policy, starts)
    return DiagnosticRow(
        **cell.cell,
        **{**NOT_COMPARED, **compared},
        **({} if bridges is None else dataclasses.asdict(bridges)),
    )


def _compare(sampling: Sampling, policy: ChunkPolicy, windows: Windows) -> dict[str, Any]:
    """Return the values of a row that compare with the expert's chunks."""
    observations, actions = windows.gather(spread(windows).to(windows.actions.device))
    distances = _distances(sampling, policy, observations, actions)
    return {
        "windows": len(actions),
        "samples": SAMPLES,
        "chunk_distance": float(distances.mean()),
        "nearest_chunk_distance": float(distances.amin(1).mean()),
        "straightness": _straightness(policy, observations) if has_paths(policy) else None,
    }


def _bridges(sampling: Sampling, policy: ChunkPolicy, starts: AmbiguousStarts) -> Bridges:
    """Measure the bridges of a policy; its noise is the same with every sampler."""
    device = next(policy.buffers()).device
    noise = _noise(policy, INFERENCE_ROWS, device)

    def sample(observations: Tensor) -> Tensor:
        return sampling(observations.to(device), noise).actions

    return measure_bridges(starts, sample)


def _distances(
    sampling: Sampling, policy: ChunkPolicy, observations: Tensor, actions: Tensor
) -> Tensor:  # (windows, SAMPLES)
    """Return the distance of every sampled chunk to the expert's chunk."""
    noise = _noise(policy, INFERENCE_ROWS, actions.device)
    blocks = []
    for start in range(0, len(actions), INFERENCE_ROWS):
        rows = torch.arange(start, start + INFERENCE_ROWS).clamp(max=len(actions) - 1)
        block = observations[rows.to(actions.device)]
        count = min(INFERENCE_ROWS, len(actions) - start)
        expert = actions[start : start + count].cpu()
        distances = [
            (sampling(block, noise).actions[:count].cpu() - expert).square().mean((1, 2)).sqrt()
            for _ in range(SAMPLES)
        ]
        blocks.append(torch.stack(distances, 1))
    return torch.cat(blocks).cpu()


def _straightness(policy: ChunkPolicy, observations: Tensor) -> float:
    noise = _noise(policy, len(observations), observations.device)
    return straightness(policy, observations, noise)


def _noise(policy: ChunkPolicy, rows: int, device: torch.device) -> Noise:
    """Return a function that draws standard normal chunks, the same ones in the same order."""
    generator = torch.Generator().manual_seed(SEED)
    shape = (rows, *policy.objective.chunk_shape)
    return lambda: torch.randn(shape, generator=generator).to(device)
