"""Texts and figure of a search: functions of its rows, with one order of trials."""

import dataclasses
import itertools
import shlex
from pathlib import Path

import pytest

from fmbench.config import make_config
from fmbench.report.tuning import figure
from fmbench.report.tuning.draw import print_search
from fmbench.report.tuning.text import best_command, best_rows, outcome, ranked, search_markdown
from fmbench.storage.row_files import write_rows
from fmbench.storage.run_facts import Plugin
from fmbench.storage.search import SCHEMA, SearchFacts, TrialRow, score, write_search_facts

NAN = "training stopped at update 3: loss nan"
RECIPE = (0.001, 1, 0.0001, 0.999, 2, 312, "concat", 1000)
CONFIG = make_config("default", {"task": ("LiftCube",), "policy": ("flow",)}, ("LiftCube",))
FACTS = SearchFacts(
    schema=SCHEMA,
    search={"seed": 0, "parallel": 1, "optuna": "4.5"},
    config=CONFIG.to_json(),
    task_hashes={},
    hash_kind=2,
    demonstrations={},
    command="python -m fmbench.tune",
    commit="abc",
    versions={},
    made_with=(),
    machine={},
    plugins=(),
    trials=3,
)


def rows_of(*successes: int, failed: tuple[int, ...] = ()) -> list[TrialRow]:
    """Return one row a trial; the trials in `failed` have an error."""
    return [
        TrialRow(k, "LiftCube", "flow", *RECIPE, count, 10, 1.5, NAN if k in failed else "")
        for k, count in enumerate(successes)
    ]


def best_of(rows: list[TrialRow]) -> int:
    return ranked(rows)[0][0].trial


def test_a_trial_that_failed_comes_after_all_others() -> None:
    rows = rows_of(9, 4, 6, 6, failed=(0,))
    assert [own[0].trial for own in ranked(rows)] == [2, 3, 1, 0]
    assert [cells[0] for cells in best_rows(rows)] == ["2", "3", "1", "0"]


def test_trials_of_equally_many_successes_are_equal_in_whichever_cells_they_are() -> None:
    """Under every Python: added in order, 3.11 rounds these two sums otherwise than 3.12."""
    counts = ((99, 1, 98, 93, 100, 97), (99, 5, 99, 91, 99, 95))
    rows = [
        TrialRow(trial, "LiftCube", f"p{k}", *RECIPE, count, 100, 1.5, "")
        for trial, own in enumerate(counts)
        for k, count in enumerate(own)
    ]
    assert [own[0].trial for own in ranked(rows)] == [0, 1]
    assert len({score(own) for cells in ranked(rows) for own in itertools.permutations(cells)}) == 1


@pytest.mark.parametrize("failed", list(itertools.product((False, True), repeat=3)))
def test_line_table_and_figure_name_the_same_best_trial(failed: tuple[bool, ...]) -> None:
    rows = rows_of(9, 4, 6, failed=tuple(k for k in range(3) if failed[k]))
    for count in (1, 2, 3):
        done = rows[:count]
        best = best_of(done)
        line = outcome(done[-1:], done)
        assert line.endswith(f"best {rows[best].successes / 10:.3f} (trial {best})")
        assert (NAN in line) == failed[count - 1]
        drawn = figure._draw(done).axes[0].lines
        assert drawn[0].get_ydata()[-1] == rows[best].successes / 10
        assert list(drawn[2].get_xdata()) == [best]


def test_a_search_in_which_every_trial_failed_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for failed in ((0, 1), (0,)):
        rows = rows_of(0, 2, failed=failed)
        write_rows(tmp_path / TrialRow.file_name, rows, TrialRow)
        write_search_facts(tmp_path, FACTS)
        print_search(tmp_path)
        sentence = f"Something failed in every trial, in the best one: {NAN}"
        assert (sentence in capsys.readouterr().out) == (len(failed) == 2)
        assert (f"> **{sentence}**" in search_markdown(rows, FACTS)) == (len(failed) == 2)


def test_the_command_has_the_users_files_and_the_data_of_the_search() -> None:
    plain = best_command(rows_of(1), FACTS)
    assert "--plugin" not in plain
    assert "--data" not in plain
    of_one_file = [Plugin(kind, "own", "my files/own.py", "ab") for kind in ("task", "policy")]
    plugins = (*of_one_file, Plugin("backbone", "net", "net.py", "cd", {"base.py": "ef"}))
    facts = dataclasses.replace(FACTS, plugins=plugins, data="far away")
    words = shlex.split(best_command(rows_of(1), facts))
    start = ["python", "-m", "fmbench.run", "--plugin", "my files/own.py", "--plugin", "net.py"]
    assert words[:8] == [*start, "--task"]
    assert words[words.index("--data") + 1] == "far away"
    rest = words[:3] + words[7:]
    del rest[rest.index("--data") : rest.index("--data") + 2]
    assert rest == shlex.split(plain)


@pytest.mark.parametrize("noise", [0.0123456789, 1e-7, 0.5])
def test_the_command_has_every_digit_of_the_search(noise: float) -> None:
    facts = dataclasses.replace(FACTS, config={**CONFIG.to_json(), "noise": noise})
    words = shlex.split(best_command(rows_of(1), facts))
    assert float(words[words.index("--noise") + 1]) == noise


def test_a_file_that_has_moved_does_not_make_another_search() -> None:
    there, moved, changed = (
        dataclasses.replace(FACTS, plugins=(Plugin("policy", "own", file, sha256),)).identity
        for file, sha256 in (("own.py", "ab"), ("far/own.py", "ab"), ("own.py", "cd"))
    )
    assert there == moved != changed
