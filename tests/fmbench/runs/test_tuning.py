"""Searches for a recipe: resumed as if uninterrupted, on validation seeds, with exact flags."""

import dataclasses
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from envs.task import IntArray
from envs.world import World
from fmbench import run as run_command
from fmbench.cli.flags import given_config
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.config import RunConfig, make_config
from fmbench.errors import FmbenchError
from fmbench.harness.seeds import RANGE_SIZE, VALIDATION
from fmbench.report.tuning.text import best_command, ranked
from fmbench.runs.demonstrating import demonstrate
from fmbench.runs.same_origin import differences
from fmbench.runs.training_data import prepare
from fmbench.runs.tuning.search import Search, SearchOptions
from fmbench.runs.tuning.space import Fraction, Point, clipped, search_space
from fmbench.runs.tuning.trials import Trials, configured
from fmbench.storage.critical import Interrupted
from fmbench.storage.row_files import read_rows
from fmbench.storage.search import TrialRow, by_trial, read_search_facts, score
from fmbench.storage.stamps import present_stamp
from tests.fmbench.runs.small_experiment import Log

optuna = pytest.importorskip("optuna")
from fmbench.runs.tuning.suggestions import suggest  # noqa: E402 - imports optuna

pytestmark = pytest.mark.usefixtures("torch_threads")

CONFIG = make_config(
    "smoke",
    {
        "task": ("PressEither",),
        "policy": ("flow", "bc"),
        "episodes": 2,
        "demos": 4,
        "updates": 6,
        "nfe": (2,),
    },
    ("PressEither",),
)


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


def search(
    out: Path, data: Path, trials: int = 4, stop_in: str = "never", **more: Any
) -> list[TrialRow]:
    """Search in this process; return the rows without times."""
    interrupts = Interrupts()
    session = Session(Log(interrupts, stop_in), interrupts)
    config = dataclasses.replace(CONFIG, **more.pop("config", {}))
    options = SearchOptions(trials, parallel=2, **more)
    Search(config, options, out, data, session).run()
    return timeless(read_rows(out / TrialRow.file_name, TrialRow))


def timeless(rows: list[TrialRow]) -> list[TrialRow]:
    return [dataclasses.replace(row, seconds=0.0) for row in rows]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search of four trials, two of which know the same ones; only read it."""
    out = tmp_path_factory.mktemp("whole") / "search"
    search(out, data)
    return out


@pytest.mark.thorough
def test_a_search_is_resumed_as_if_it_had_not_been_interrupted(
    whole: Path, data: Path, tmp_path: Path
) -> None:
    expected = timeless(read_rows(whole / TrialRow.file_name, TrialRow))
    out = tmp_path / "search"
    for stop_in, done in (("trial 0 training", 0), ("trial 1 episodes", 1), ("trial 2", 2)):
        with pytest.raises(Interrupted):
            search(out, data, stop_in=stop_in)
        rows = read_rows(out / TrialRow.file_name, TrialRow) if done else []
        assert timeless(rows) == expected[: 2 * done]
        assert not read_search_facts(out).complete
    assert search(out, data, trials=3) == expected[:6]
    facts = read_search_facts(out)
    with pytest.raises(FmbenchError, match=r"^--trials is 2, but .* has 3 trials; give --trials 3"):
        search(out, data, trials=2)
    assert read_search_facts(out) == facts
    assert read_search_facts(out).complete
    with pytest.raises(Interrupted):
        search(out, data, stop_in="trial 3")
    assert not read_search_facts(out).complete
    assert search(out, data) == expected
    assert read_search_facts(out).complete
    before = (out / TrialRow.file_name).read_bytes()
    search(out, data)
    assert (out / TrialRow.file_name).read_bytes() == before


def test_the_first_trial_is_the_recipe_of_the_backbone(whole: Path) -> None:
    rows = read_rows(whole / TrialRow.file_name, TrialRow)
    first = rows[0]
    recipe = clipped({**dataclasses.asdict(CONFIG), "conditioning": "concat"}, SPACE)
    assert {name: getattr(first, name) for name in SPACE} == recipe
    assert (first.learning_rate, first.weight_decay, first.ema_decay) == (1e-3, 1e-4, 0.999)
    assert {row.trial: row.episodes for row in rows} == dict.fromkeys(range(4), 2)


def test_no_test_seed_is_touched(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []
    reset = World.reset

    def watched(self: World, rows: IntArray, episode_seeds: IntArray) -> None:
        seeds.extend(episode_seeds.tolist())
        reset(self, rows, episode_seeds)

    monkeypatch.setattr(World, "reset", watched)
    search(tmp_path / "search", data, trials=1)
    assert {seed // RANGE_SIZE for seed in seeds} == {VALIDATION // RANGE_SIZE}
    assert sorted(seeds) == [VALIDATION, VALIDATION, VALIDATION + 1, VALIDATION + 1]


def test_the_printed_command_is_that_of_the_best_recipe(whole: Path, data: Path) -> None:
    rows, facts = read_rows(whole / TrialRow.file_name, TrialRow), read_search_facts(whole)
    line = best_command(rows, facts)
    assert f"```sh\n{line}\n```" in (whole / "trials.md").read_text()
    python, m, command, *words = shlex.split(line)
    assert (python, m, command) == ("python", "-m", "fmbench.run")
    best = ranked(rows)[0][0]
    point = {name: getattr(best, name) for name in SPACE}
    expected = dataclasses.replace(configured(CONFIG, point), episodes=5)
    options = run_command._parser().parse_args(words)
    assert given_config(options) == expected
    assert options.data == data


def test_a_recipe_that_fails_scores_nothing_and_the_others_go_on(data: Path) -> None:
    session = Session(Log(Interrupts()), Interrupts())
    folder = demonstrate(CONFIG, "PressEither", data, session)
    windows, _ = prepare(CONFIG, folder, None, "PressEither", session)
    trials = Trials(CONFIG, {"PressEither": windows}, session)
    good = clipped({**dataclasses.asdict(CONFIG), "conditioning": "concat"}, SPACE)
    points: dict[int, Point] = {0: {**good, "learning_rate": 1e35}, 1: good}
    failed, fine = trials.run(points)
    for row in failed:
        assert re.match(r"training stopped at update \d: loss nan", row.error)
        assert row.successes == 0
    assert [row.error for row in fine] == ["", ""]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": {"updates": 7}}, r"holds another search \(.*updates: 6 there, 7 now"),
        ({"seed": 1}, r"holds another search \(seed: 0 there, 1 now\); give another --out"),
    ],
)
def test_a_folder_holds_one_search(
    change: dict[str, Any], message: str, whole: Path, data: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "search"))
    with pytest.raises(FmbenchError, match=message):
        search(out, data, **change)


def test_a_message_shows_the_start_of_a_hash() -> None:
    there, now = {"task": "0123456789ab" + "c" * 52}, {"task": "e" * 64}
    assert differences(there, now) == ["task: 0123456789ab... there, eeeeeeeeeeee... now"]


def test_a_search_that_other_code_has_started_is_continued_only_on_request(
    whole: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "search"))
    other = dataclasses.replace(present_stamp(), code_hash="0" * 16)
    monkeypatch.setattr("fmbench.runs.tuning.search.present_stamp", lambda: other)
    with pytest.raises(FmbenchError, match=r"was made with other code \(code_hash: ") as no:
        search(out, data)
    assert "fmbench.figures" not in str(no.value)
    search(out, data, accept_changes=True)
    assert "> **Warning.** Made with several versions" in (out / "trials.md").read_text()


def test_demonstrations_that_a_search_has_not_used_are_not_stated(
    whole: Path, data: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "search")
    search(out, tmp_path / "elsewhere")
    assert read_search_facts(out).data == str(data)
    moved = shutil.copytree(data, tmp_path / "moved")
    search(out, moved, trials=5)
    assert read_search_facts(out).data == str(moved)


def test_changed_files_are_rejected(whole: Path, data: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "search"))
    lines = (out / TrialRow.file_name).read_text().splitlines(keepends=True)
    for kept in (lines[:-1], [lines[0], *lines[3:]]):
        (out / TrialRow.file_name).write_text("".join(kept))
        with pytest.raises(FmbenchError, match="does not hold"):
            search(out, data)
    (out / TrialRow.file_name).write_text("".join(lines[:-2]))
    with pytest.raises(FmbenchError, match="does not hold 4 trials but 3, although the search was"):
        search(out, data)
    first = read_rows(whole / TrialRow.file_name, TrialRow)[0]
    width = f",{first.width},"
    assert width in lines[1]
    (out / TrialRow.file_name).write_text(
        "".join([lines[0], lines[1].replace(width, ",7,"), *lines[2:]])
    )
    with pytest.raises(FmbenchError, match=f"width of trial 0 is 7, but {first.width} follows"):
        search(out, data)
    for old, new, message in (
        (",1,0.0001,", ",6,0.0001,", "warmup_updates of trial 0 is 6, .* (from 0 to 1); restore"),
        ("concat", "own", "conditioning of trial 0 is own, .* (film or concat); restore the file"),
    ):
        (out / TrialRow.file_name).write_text("".join(lines).replace(old, new))
        with pytest.raises(FmbenchError, match=message.replace("(", r"\(").replace(")", r"\)")):
            search(out, data)
    (out / TrialRow.file_name).write_text("".join(lines).replace(",0.999,", ",0.99,", 1))
    with pytest.raises(FmbenchError, match="holds several recipes of trial 0"):
        search(out, data)
    facts = json.loads((out / "search.json").read_text())
    facts["trials"] = 9
    (out / "search.json").write_text(json.dumps(facts))
    with pytest.raises(FmbenchError, match="was changed after it was written"):
        search(out, data)


SPACE = search_space("mlp", CONFIG.updates)


@pytest.mark.parametrize("backbone", ["mlp", "dit", "unet"])
def test_suggestions_lie_in_the_space_and_depend_on_what_they_know_alone(backbone: str) -> None:
    space = search_space(backbone, 4500)
    earlier: list[tuple[Point, float]] = []
    for trial in range(1, 16):
        point = suggest(space, 3, trial, earlier)
        assert clipped(point, space) == point
        assert suggest(space, 3, trial, earlier) == point
        assert suggest(space, 4, trial, earlier) != point
        earlier.append((point, 1 - abs(point["learning_rate"] - 1e-4) / 1e-2))
    for name, range_ in space.items():
        if isinstance(range_, Fraction):
            assert all(float(f"{point[name]:.6g}") == point[name] for point, _ in earlier)
    assert len({point["conditioning"] for point, _ in earlier}) == 2


@pytest.mark.parametrize("backbone", ["mlp", "dit", "unet"])
def test_depth_is_traded_against_width(backbone: str) -> None:
    config = RunConfig(task=("PressEither",), backbone=backbone)
    space = search_space(backbone, config.updates)
    widths = [
        configured(config, {"conditioning": "concat", "depth": depth}).width or 0
        for depth in range(space["depth"].least, space["depth"].most + 1)
    ]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == len(widths)
    if backbone == "mlp":
        assert widths[2] == 256


def test_scores_are_means_over_tasks_and_policies(whole: Path) -> None:
    rows = read_rows(whole / TrialRow.file_name, TrialRow)[:2]
    counted = [dataclasses.replace(rows[0], successes=1), dataclasses.replace(rows[1], episodes=4)]
    assert score(counted) == (0.5 + counted[1].successes / 4) / 2
    assert list(by_trial(counted)) == [0]
