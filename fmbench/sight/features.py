"""Features of the pictures of stored demonstrations: extracted once, memory-mapped."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from fmbench.data.array_store import ArraySpec, Stored, stored_array
from fmbench.storage.locks import Waiting
from policies.encoders.base import FrozenEncoder

KIND = "features"
ROWS_PER_PART = 512
"""Rows that are extracted at once, a multiple of those of every extraction."""


def feature_spec(pictures: ArraySpec, extractor: FrozenEncoder) -> ArraySpec:
    """Return what the features of pictures are, and everything that decides their bytes.

    Args:
        pictures: What the pictures are.
        extractor: The frozen encoder, on its device.
    """
    return ArraySpec(
        kind=KIND,
        shape=(pictures.shape[0], extractor.raw_dim),
        dtype="float16",
        decides={**pictures.decides, "extractor": extractor.fingerprint()},
    )


def extract_demonstrations(
    folder: Path,
    spec: ArraySpec,
    pictures: Callable[[], NDArray[Any]],
    extractor: FrozenEncoder,
    on_rows: Callable[[int], None],
    waiting: Waiting | None = None,
) -> Stored:
    """Return the features of the pictures of demonstrations, computed if they are new.

    Args:
        folder: Where they are stored.
        spec: What they are.
        pictures: Returns the pictures `(rows, cameras, size, size, 3)` uint8.
        extractor: The frozen encoder.
        on_rows: Called with the number of rows that are done.
        waiting: How to wait while another process computes them.

    Returns:
        The features, `(rows, raw_dim)` float16, memory-mapped.

    Raises:
        FmbenchError: The stored features are damaged or foreign.
        RunFailed: The disk is full.
    """
    device = next(iter(extractor.state_dict().values())).device

    def parts() -> Iterator[NDArray[Any]]:
        rows = pictures()
        for first in range(0, len(rows), ROWS_PER_PART):
            part = torch.from_numpy(rows[first : first + ROWS_PER_PART].copy())
            yield extractor.extract(part.to(device)).cpu().numpy()
            on_rows(min(first + ROWS_PER_PART, len(rows)))

    return stored_array(folder, spec, parts, waiting)
