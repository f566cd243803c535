"""Batches of a LeRobot data set, cut from memory.

LeRobot's loader reads item after item, which takes many times as long as an update.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from torch.utils import data

CHECKED = 32
"""Items that are compared with those of the data set."""


class Windows:
    """A data loader over a `LeRobotDataset` of states, in the order of its sampler.

    Args:
        dataset: The data set.
        batch_size: Items in a batch.
        sampler: Yields the indices of an epoch.
        device: Where the batches are.
        others: What LeRobot tells its loader besides.

    Raises:
        ValueError: An item differs from that of the data set.
    """

    def __init__(
        self, dataset: Any, *, batch_size: int, sampler: Any, device: str = "cpu", **others: Any
    ) -> None:
        self._sampler, self._size = sampler, batch_size
        reader = dataset.reader
        self._offsets = {k: torch.as_tensor(v) for k, v in (reader.delta_indices or {}).items()}
        table = dataset.hf_dataset.with_format("numpy")
        self._columns = {name: _tensor(table[name][:]) for name in table.column_names}
        episodes = self._columns["episode_index"].numpy()
        bounds = (dataset.meta.episodes[f"dataset_{end}_index"] for end in ("from", "to"))
        self._first, self._end = (torch.as_tensor(np.asarray(each)[episodes]) for each in bounds)
        self._task = dataset[0]["task"]
        self._check(dataset)
        groups = self._columns, self._offsets
        self._columns, self._offsets = ({k: v.to(device) for k, v in g.items()} for g in groups)
        self._first, self._end = self._first.to(device), self._end.to(device)

    def __len__(self) -> int:
        return -(-len(self._sampler) // self._size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        order = torch.tensor(list(self._sampler), device=self._first.device)
        for rows in order.split(self._size):
            yield self._cut(rows)

    def _cut(self, rows: Tensor) -> dict[str, Any]:
        """Return the items of some rows; a window repeats the ends of its episode."""
        batch: dict[str, Any] = {"task": [self._task] * len(rows)}
        first, end = self._first[rows, None], self._end[rows, None]
        for name, values in self._columns.items():
            if name not in self._offsets:
                batch[name] = values[rows]
                continue
            places = rows[:, None] + self._offsets[name]
            batch[name] = values[places.clamp(first, end - 1)]
            batch[f"{name}_is_pad"] = (places < first) | (places >= end)
        return batch

    def _check(self, dataset: Any) -> None:
        ends = [0, len(self._first) - 1, int(self._end[0]) - 1]
        drawn = np.random.default_rng(0).integers(len(self._first), size=CHECKED).tolist()
        rows = [*ends, *drawn]
        expected = data.default_collate([dataset[row] for row in rows])
        found = self._cut(torch.tensor(rows))
        for name in expected.keys() | found.keys():
            a, b = expected.get(name), found.get(name)
            if isinstance(a, Tensor) and isinstance(b, Tensor):
                same = a.dtype == b.dtype and torch.equal(a, b)
            else:
                same = a == b
            if not same:
                raise ValueError(f"{name} of the windows is not that of LeRobot's data set")


@contextmanager
def windows_of(device: str) -> Iterator[None]:
    """Give LeRobot such windows where it asks torch for its first data loader."""
    with ExitStack() as patched:

        def make(dataset: Any, **options: Any) -> Windows:
            patched.close()  # others are compared with the class
            return Windows(dataset, device=device, **options)

        patched.enter_context(mock.patch.object(data, "DataLoader", make))
        yield


def _tensor(values: Any) -> Tensor:
    array = np.asarray(values)
    tensor = torch.as_tensor(np.stack(list(array)) if array.dtype == object else array)
    return tensor.float() if tensor.is_floating_point() else tensor
