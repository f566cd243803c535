"""Offline diagnostics of sampled action chunks."""

import torch
from torch import Tensor

from fmbench.evaluation.cells import Cell
from fmbench.evaluation.held_out import spread
from fmbench.storage.rows import DiagnosticRow
from fmbench.training.windows import Windows
from policies.actor import INFERENCE_ROWS
from policies.chunk_policy import ChunkPolicy
from policies.graph_sampler import make_sampling
from policies.straightness import has_paths, straightness
from policies.threads import one_thread

SAMPLES = 4
"""Number of chunks sampled for each held-out window."""
SEED = 0


def diagnose(cell: Cell, policy: ChunkPolicy, windows: Windows) -> DiagnosticRow:
    """Compare sampled chunks with the expert's, and measure the straightness of their paths.

    The distance of two chunks is the root mean square difference of their numbers, in actions of
    [-1, 1]. Where several modes are equally good, a sample of another mode than the expert's has a
    large distance, but the nearest of a window's samples has a small one.

    Args:
        cell: The sampler and its steps.
        policy: The trained policy, on the device of the windows.
        windows: Held-out windows with the expert's commands, of which `spread` chooses some.
    """
    observations, actions = windows.gather(spread(windows).to(windows.actions.device))
    with one_thread(), torch.inference_mode():
        distances = _distances(cell, policy.eval(), observations, actions)
        bend = _straightness(policy, observations) if has_paths(policy) else None
    return DiagnosticRow(
        **cell.cell,
        windows=len(actions),
        samples=SAMPLES,
        chunk_distance=float(distances.mean()),
        nearest_chunk_distance=float(distances.amin(1).mean()),
        straightness=bend,
    )


def _distances(
    cell: Cell, policy: ChunkPolicy, observations: Tensor, actions: Tensor
) -> Tensor:  # (windows, SAMPLES)
    """Return the distance of every sampled chunk to the expert's chunk."""
    sampling = make_sampling(policy, cell.sampler, cell.steps, INFERENCE_ROWS)
    generator = torch.Generator().manual_seed(SEED)
    shape = (INFERENCE_ROWS, *policy.objective.chunk_shape)

    def noise() -> Tensor:
        return torch.randn(shape, generator=generator).to(actions.device)

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
    generator = torch.Generator().manual_seed(SEED)
    shape = (len(observations), *policy.objective.chunk_shape)
    return straightness(
        policy,
        observations,
        lambda: torch.randn(shape, generator=generator).to(observations.device),
    )
