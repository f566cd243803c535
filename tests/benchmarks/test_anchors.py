"""LeRobot's policies are trained as the paper says, on the items of LeRobot's own data set."""

import argparse
import dataclasses
import tomllib
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from fmbench.config import RunConfig
from policies.catalogue import RECIPE
from tests.benchmarks.anchors import __main__ as command
from tests.benchmarks.anchors import recipes
from tests.benchmarks.anchors import train as trainings
from tests.benchmarks.anchors.our_network import OurNetwork
from tests.benchmarks.anchors.windows import Windows

ROOT = Path(__file__).parents[2]
PAGE, GRID = ROOT / "docs" / "paper.md", ROOT / "fmbench" / "grids" / "paper.toml"
LENGTHS = (3, 5)
BATCH = 4
START_UP_S = 7.0
"""Duration of the first update of a training that is only played."""
TIMED = recipes.Anchor("anchors-time", "PressEither", "lerobot-act", 0)


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


class Trainings:
    """In place of LeRobot: attempts whose updates take given times, the last one from then on."""

    def __init__(self, *paces: float) -> None:
        self.paces, self.updates = paces, list[int]()

    def run(self, anchor: object, data: Path, out: Path, updates: int, device: str) -> list[float]:
        pace = self.paces[min(len(self.updates), len(self.paces) - 1)]
        self.updates.append(updates)
        out.mkdir(exist_ok=True)
        (out / "updates").write_text(str(updates))
        return [100 + START_UP_S + k * pace for k in range(updates)]


def play(monkeypatch: pytest.MonkeyPatch, *paces: float) -> Trainings:
    played = Trainings(*paces)
    monkeypatch.setattr(trainings, "_run", played.run)
    monkeypatch.setattr(trainings, "_LASTED", {})
    return played


@pytest.mark.parametrize(
    ("paces", "updates", "line"),
    [
        ([0.05], [60, 80], "80 updates in 4.0 s of 4.0 s, attempt 2"),
        ([0.07], [60], "60 updates in 4.2 s of 4.0 s, attempt 1"),
        ([0.2, 0.05], [60, 20, 80], "80 updates in 4.0 s of 4.0 s, attempt 3"),
        ([0.05, 0.08, 0.05], [60, 80, 50, 80], "80 updates in 4.0 s of 4.0 s, attempt 4"),
        ([0.05, 0.054], [60, 80], "80 updates in 4.3 s of 4.0 s, attempt 2"),
        ([1.0], [60, 4], "4 updates in 4.0 s of 4.0 s, attempt 2"),
    ],
)
def test_a_training_that_is_not_at_equal_time_is_repeated_with_other_updates(
    paces: list[float],
    updates: list[int],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = play(monkeypatch, *paces)
    assert trainings.train(TIMED, tmp_path, tmp_path, "cpu", 9, 4.0) == f"{TIMED.name}: {line}"
    assert played.updates == updates
    assert [folder.name for folder in tmp_path.iterdir()] == [TIMED.name]
    assert (tmp_path / TIMED.name / "updates").read_text() == str(updates[-1])
    assert "found" in trainings.train(TIMED, tmp_path, tmp_path, "cpu", 9, 4.0)
    assert played.updates == updates


@pytest.mark.parametrize(
    ("paces", "attempts"),
    [
        ([0.1, 0.2] * 3, "60 updates in 6.0 s, 40 updates in 8.0 s, 20 updates in 2.0 s, 40 up"),
        ([3.0], "60 updates in 180.0 s, 2 updates in 6.0 s, 2 updates in 6.0 s, 2 updates"),
    ],
)
def test_a_training_that_is_never_at_equal_time_is_not_kept(
    paces: list[float], attempts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(monkeypatch, *paces)
    with pytest.raises(RuntimeError, match=r"no attempt lasted 4\.0 s within 10%: ") as error:
        trainings.train(TIMED, tmp_path, tmp_path, "cpu", 9, 4.0)
    assert attempts in str(error.value)
    assert len(played.updates) == trainings.ATTEMPTS
    assert not (tmp_path / TIMED.name).exists()


def test_the_next_seed_begins_with_the_updates_that_lasted_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(monkeypatch, 0.05)
    other = dataclasses.replace(TIMED, policy="lerobot-diffusion")
    for anchor in (TIMED, dataclasses.replace(TIMED, seed=1), other):
        trainings.train(anchor, tmp_path, tmp_path, "cpu", 9, 4.0)
    assert played.updates == [60, 80, 80, 60, 80]


@pytest.mark.parametrize(("updates", "shown"), [(9, "9 updates in 0.9 s"), (1, "1 updates in 0")])
def test_a_training_by_number_is_done_once_however_long_it_takes(
    updates: int, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(monkeypatch, 0.1)
    anchor = recipes.Anchor("anchors", "PressEither", "lerobot-act", 0)
    assert shown in trainings.train(anchor, tmp_path, tmp_path, "cpu", updates, None)
    assert played.updates == [updates]


@pytest.mark.parametrize("failed", [0, 2, None])
def test_a_run_is_evaluated_if_all_of_its_trainings_succeeded(
    failed: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    called: list[tuple[object, ...]] = []
    monkeypatch.setattr(command, "_call", lambda *words: bool(called.append(words)) or True)
    seeds = [dataclasses.replace(TIMED, seed=seed) for seed in range(recipes.SEEDS)]
    trained = {seed: Future[str]() for seed in seeds}
    for seed in seeds:
        if seed.seed == failed:
            trained[seed].set_exception(RuntimeError("no attempt lasted 4.0 s"))
        else:
            trained[seed].set_result("trained")
    options = argparse.Namespace(folder=tmp_path, out=tmp_path, device="cpu")
    assert command._evaluate(seeds, trained, options) == (failed is None) == bool(called)
    err = capsys.readouterr().err
    assert ("no attempt lasted 4.0 s" in err) == (failed is not None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--section", "anchors-why", "--policy", "lerobot-act"], "--policy is lerobot-act; known"),
        (["--section", "anchors-rate", "--task", "HandOver"], "--task is HandOver; known: Press"),
    ],
)
def test_what_is_not_in_a_section_is_refused(
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["anchors", *words])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert message in capsys.readouterr().err


def test_our_network_is_called_as_lerobots() -> None:
    config = SimpleNamespace(
        action_feature=SimpleNamespace(shape=(5,)), horizon=16, num_train_timesteps=100
    )
    network = OurNetwork(config, 37)
    times: list[torch.Tensor] = []
    network.network.register_forward_pre_hook(lambda _, inputs: times.append(inputs[1]))
    chunk = torch.randn(3, 16, 5)
    out = network(chunk, torch.tensor([0, 50, 99]), global_cond=torch.randn(3, 37))
    assert out.shape == chunk.shape
    assert times[0].tolist() == pytest.approx([0.99, 0.49, 0.0])
