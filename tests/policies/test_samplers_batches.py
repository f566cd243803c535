"""Every objective with every sampler on every grid: rows of a batch are independent."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.catalogue import POLICIES
from policies.chunk_policy import Sample
from policies.samplers.grids import GRIDS

ROWS = 64
GENERATOR = torch.Generator().manual_seed(0)
OBSERVATIONS = torch.randn(ROWS, 2, 4, generator=GENERATOR)
DRAWS = torch.randn(101, ROWS, 7, 5, generator=GENERATOR)


def combinations() -> Iterator[Any]:
    """Every objective with each of its predictions and each of its samplers, on each grid.

    Where tests are not thorough, its first prediction.
    """
    for objective, entry in POLICIES.items():
        for prediction in entry.predictions:
            for sampler, limits in entry.limits.items():
                grids = [f"{sampler}:{grid}" for grid in GRIDS] if limits.grids else [sampler]
                tolerances = [f"{sampler}:1e-5,1e-5"] if limits.adaptive else []
                for name in grids + tolerances:
                    is_first = prediction == entry.predictions[0]
                    marks = () if is_first else pytest.mark.thorough
                    yield pytest.param(objective, prediction, name, marks=marks)


def build(objective: str, prediction: str) -> ChunkPolicy:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(ChunkPolicyConfig(4, 5, 2, 7, objective, prediction, width=32))
        for parameter in policy.parameters():
            # Small weights, so that predictions amplify neither x_t nor its rounding errors.
            torch.nn.init.normal_(parameter, std=0.01)
    if not policy.objective.trains:
        steps, generator = torch.arange(ROWS), torch.Generator().manual_seed(1)
        actions = torch.randn(ROWS, 5, generator=generator).clamp(-1, 1)
        chunks = (steps[:, None] + torch.arange(7)).clamp(max=ROWS - 1)
        policy.memorise(OBSERVATIONS[:, 0], actions, torch.stack((steps, steps), dim=1), chunks)
    return policy.eval()


def sample(policy: ChunkPolicy, sampler: str, rows: Tensor) -> Sample:
    """The chunks of `rows`, each from its own noise."""
    draws = iter(DRAWS)
    with torch.inference_mode():
        return policy.sample(OBSERVATIONS[rows], lambda: next(draws)[rows], sampler)


@pytest.mark.parametrize(("objective", "prediction", "sampler"), list(combinations()))
def test_chunks_depend_neither_on_the_batch_nor_the_row_nor_global_randomness(
    objective: str, prediction: str, sampler: str
) -> None:
    policy = build(objective, prediction)
    states = torch.get_rng_state(), np.random.get_state(legacy=False)  # noqa: NPY002
    all_rows = torch.arange(ROWS)
    together = sample(policy, sampler, all_rows)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
    after = torch.get_rng_state(), np.random.get_state(legacy=False)  # noqa: NPY002
    assert torch.equal(states[0], after[0])
    assert np.array_equal(states[1]["state"]["key"], after[1]["state"]["key"])
    with torch.random.fork_rng():
        torch.manual_seed(77)  # reading global randomness would change the result
        for rows in (order, order[:7], order[7:8]):
            subset = sample(policy, sampler, rows)
            torch.testing.assert_close(
                subset.actions, together.actions[rows], atol=1e-5, rtol=0, equal_nan=False
            )
            assert subset.nfe.tolist() == together.nfe[rows.numpy()].tolist()
    assert together.actions.std() > 0.01
