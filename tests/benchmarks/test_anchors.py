"""LeRobot's policies are trained as the paper says, on the items of LeRobot's own data set."""

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from fmbench.config import RunConfig
from policies.catalogue import RECIPE
from tests.benchmarks.anchors import recipes
from tests.benchmarks.anchors.windows import Windows

ROOT = Path(__file__).parents[2]
PAGE, GRID = ROOT / "docs" / "paper.md", ROOT / "fmbench" / "grids" / "paper.toml"
LENGTHS = (3, 5)
BATCH = 4


class Table:
    """Columns, as those of a data set in numpy's format."""

    def __init__(self) -> None:
        steps = sum(LENGTHS)
        self.columns = {
            "observation.state": np.arange(2.0 * steps, dtype=np.float32).reshape(steps, 2),
            "action": np.arange(float(steps), dtype=np.float32)[:, None],
            "episode_index": np.repeat(np.arange(len(LENGTHS)), LENGTHS),
        }
        self.column_names = list(self.columns)

    def with_format(self, kind: str) -> "Table":
        assert kind == "numpy"
        return self

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]


class DataSet:
    """Items as LeRobot gives them: windows that repeat the ends of their episode."""

    def __init__(self, offsets: dict[str, list[int]]) -> None:
        self.hf_dataset = Table()
        self.reader = SimpleNamespace(delta_indices=offsets)
        ends = np.cumsum(LENGTHS)
        episodes = {"dataset_from_index": ends - LENGTHS, "dataset_to_index": ends}
        self.meta = SimpleNamespace(episodes=episodes)

    def __getitem__(self, row: int) -> dict[str, Any]:
        columns = self.hf_dataset.columns
        episode = columns["episode_index"][row]
        first, end = (self.meta.episodes[f"dataset_{e}_index"][episode] for e in ("from", "to"))
        item: dict[str, Any] = {"task": "Press a key."}
        for name, values in columns.items():
            offsets = self.reader.delta_indices.get(name)
            if offsets is None:
                item[name] = torch.as_tensor(values[row])
                continue
            places = [min(max(row + k, first), end - 1) for k in offsets]
            item[name] = torch.as_tensor(values[places])
            item[f"{name}_is_pad"] = torch.tensor([not first <= row + k < end for k in offsets])
        return item


class Shifted(DataSet):
    """A data set with other actions than its columns have."""

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**super().__getitem__(row), "action": torch.zeros(2, 1)}


def test_batches_are_those_of_the_data_set_in_the_order_of_the_sampler() -> None:
    data_set = DataSet({"observation.state": [-1, 0], "action": [-1, 0, 1, 2]})
    order = [6, 0, 7, 3, 1, 4]
    batches = list(Windows(data_set, batch_size=BATCH, sampler=order))
    assert [len(batch["task"]) for batch in batches] == [4, 2]
    for batch, rows in zip(batches, (order[:BATCH], order[BATCH:]), strict=True):
        expected = torch.utils.data.default_collate([data_set[row] for row in rows])
        assert batch.keys() == expected.keys()
        assert all(np.array_equal(batch[name], expected[name]) for name in expected)
    assert batches[0]["action_is_pad"].tolist()[1] == [True, False, False, False]


def test_other_items_than_those_of_the_data_set_are_refused() -> None:
    with pytest.raises(ValueError, match="action of the windows is not that of LeRobot"):
        Windows(Shifted({"action": [0, 1]}), batch_size=BATCH, sampler=[0])


@pytest.mark.parametrize("section", recipes.SECTIONS)
def test_the_trainings_are_those_of_the_paper(section: str) -> None:
    named = [anchor.run for anchor in recipes.anchors(section)]
    outside = tomllib.loads(GRID.read_text())["sections"][section]["outside"]
    assert sorted(set(named)) == sorted(outside)
    assert len(named) == recipes.SEEDS * len(set(named))


def test_the_page_has_the_words_of_these_trainings() -> None:
    text = " ".join(PAGE.read_text().replace("\\\n", " ").split())
    for policy, own_size in recipes.POLICIES.values():
        for word in (*policy, *own_size, *recipes.OUR_RATE):
            assert word in text
    (rate,) = (word.partition("=")[2] for word in recipes.OUR_RATE)
    assert float(rate) == RECIPE.learning_rate
    assert (RunConfig.batch_size, RunConfig.updates) == (recipes.BATCH, recipes.UPDATES)
    assert f"--batch_size={recipes.BATCH} --steps={recipes.UPDATES}" in text
