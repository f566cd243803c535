"""What a trained policy's chunks look like, beside whether they succeed."""

import torch
from torch import Tensor

from fmbench.evaluation.cells import Cell
from fmbench.storage.rows import DiagnosticRow
from fmbench.training.windows import Windows
from policies.actor import INFERENCE_ROWS
from policies.chunk_policy import ChunkPolicy
from policies.graph_sampler import make_sampling
from policies.straightness import has_paths, straightness
from policies.threads import one_thread

WINDOWS, SAMPLES = 256, 4
"""Held-out windows that are sampled, and chunks sampled for each."""
SEED = 0


def diagnose(cell: Cell, policy: ChunkPolicy, windows: Windows) -> DiagnosticRow:
    """Compare sampled chunks with the expert's, and measure the paths they came along.

    The distance of two chunks is the root mean square of the differences of their numbers, in the
    actions' own scale of -1 to 1. Where several ways are equally good, a sample of another way than
    the expert's is far from it: the nearest of a window's samples is not.

    Args:
        cell: The sampler and its steps.
        policy: The trained policy, on the device of the windows.
        windows: Held-out windows with the expert's commands; `WINDOWS` of them, evenly spread.
    """
    chosen = torch.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).long()
    observations, actions = windows.gather(chosen.to(windows.actions.device))
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
    """Return the distance of every sampled chunk to the expert's."""
    sampling = make_sampling(policy, cell.sampler, cell.steps, INFERENCE_ROWS)
    generator = torch.Generator().manual_seed(SEED)
    shape = (INFERENCE_ROWS, *policy.objective.chunk_shape)

    def noise() -> Tensor:
        return torch.randn(shape, generator=generator).to(actions.device)

    found = []
    for start in range(0, len(actions), INFERENCE_ROWS):
        rows = torch.arange(start, start + INFERENCE_ROWS).clamp(max=len(actions) - 1)
        block = observations[rows.to(actions.device)]
        count = min(INFERENCE_ROWS, len(actions) - start)
        wanted = actions[start : start + count].cpu()
        each = [
            (sampling(block, noise).actions[:count].cpu() - wanted).square().mean((1, 2)).sqrt()
            for _ in range(SAMPLES)
        ]
        found.append(torch.stack(each, 1))
    return torch.cat(found).cpu()


def _straightness(policy: ChunkPolicy, observations: Tensor) -> float:
    generator = torch.Generator().manual_seed(SEED)
    shape = (len(observations), *policy.objective.chunk_shape)
    return straightness(
        policy,
        observations,
        lambda: torch.randn(shape, generator=generator).to(observations.device),
    )
