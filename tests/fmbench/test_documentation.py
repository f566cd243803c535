"""The README and the pages of docs/ are true: their code runs, their numbers are the rows'."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from envs.registry import ON_HAND, TASKS, make_task, suite, task_id
from envs.stages import stages_of
from fmbench.__main__ import COMMANDS, load
from fmbench.evaluation.expert_rows import ExpertRow
from fmbench.storage.row_files import read_rows
from policies.catalogue import POLICIES
from tests.conftest import PROMISED
from tests.fmbench.small_run import call

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
PYTHON = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
FLAG = re.compile(r"--[a-z]+(?:-[a-z]+)*")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)")
SNIPPET = re.compile(r'^--8<-- "([^"]+)"$', flags=re.MULTILINE)  # as pymdownx.snippets includes it
EXAMPLES = [(page, block) for page, text in PAGES.items() for block in PYTHON.findall(text)]


@pytest.mark.parametrize(("page", "block"), EXAMPLES, ids=[page for page, _ in EXAMPLES])
def test_python_examples_run(page: str, block: str, demonstrations_folder: Path) -> None:
    code = f"from pathlib import Path\nFOLDER = Path({str(demonstrations_folder)!r})\n{block}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, (page, done.stderr)


def test_readme_is_short_and_names_every_task() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 180
    assert [name for name in TASKS if task_id(name) not in PAGES["README.md"]] == [
        name for name, entry in TASKS.items() if entry.twin_of or entry.hand
    ]
    on_hands = [name for name, entry in TASKS.items() if entry.hand]
    assert [name for name in TASKS if name not in PAGES["docs/tasks.md"]] == on_hands
    assert [name for name in on_hands if task_id(name) not in PAGES["docs/hands.md"]] == []


@pytest.mark.parametrize("name", ON_HAND)
def test_a_data_sheet_of_a_task_on_hands_is_the_docstring_of_its_class(name: str) -> None:
    module, _, kind = ON_HAND[name].task.partition(":")
    text = inspect.getdoc(getattr(importlib.import_module(module), kind)) or ""
    sheet = re.sub(r"(?m)^([A-Z][a-z ]+): ", r"- **\1**: ", text)
    _, _, section = PAGES["docs/hands.md"].partition(f"\n### {name}\n")
    lines = [line for line in re.split(r"\n##", section)[0].splitlines() if line.strip()]
    assert lines == [line for line in sheet.splitlines() if line.strip()]


@pytest.mark.parametrize("page", ["README.md", "docs/policies.md"])
def test_every_policy_has_a_row_with_what_it_learns(page: str) -> None:
    table = PAGES[page].partition("| name | what is learnt | evaluations per chunk |")[2]
    names = re.findall(r"(?m)^\| `(\w+)` \| \S", table.partition("\n\n")[0])
    assert names == [name for name, entry in POLICIES.items() if not entry.files]


@pytest.mark.parametrize("name", suite())
def test_a_data_sheet_is_the_docstring_of_its_task(name: str) -> None:
    sheet = re.sub(
        r"(?m)^([A-Z][a-z ]+): ", r"- **\1**: ", inspect.getdoc(type(make_task(name))) or ""
    )
    _, _, section = PAGES["docs/tasks.md"].partition(f"\n### {name}\n")
    lines = [line for line in section.partition("\n### ")[0].splitlines() if line.strip()]
    assert lines[1:] == [line for line in sheet.splitlines() if line.strip()]


def test_the_stages_of_every_task_are_documented() -> None:
    table = PAGES["docs/behaviour.md"].partition("| can be dropped |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    documented = {task: rest for tasks, *rest in rows for task in tasks.split(", ")}
    assert sorted(documented) == sorted(suite())
    for name, (names, dropped) in documented.items():
        stages = stages_of(make_task(name))
        assert stages is not None
        assert re.sub(r" \([^)]*\)", "", names).split(", ") == list(stages.names)
        assert (stages.carry is None) == (dropped == "–")


def included(text: str) -> str:
    """Return the text with the files in it that the site's build puts there."""
    return SNIPPET.sub(lambda found: (ROOT / found[1]).read_text(encoding="utf-8"), text)


def test_links_lead_to_files() -> None:
    assert len(included(PAGES["docs/changelog.md"])) > 1000
    missing = {
        (page, link)
        for page, text in PAGES.items()
        for link in LINK.findall(included(text))
        if not link.startswith("http") and not (ROOT / page).parent.joinpath(link).exists()
    }
    assert missing == set()


def test_every_page_is_in_the_navigation() -> None:
    entries = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    in_navigation = sorted(f"docs/{page}" for entry in entries for page in entry.values())
    assert in_navigation == [page for page in PAGES if page != "README.md"]


def test_every_promise_names_tests_that_exist() -> None:
    for place in sorted(PROMISED):
        file, _, name = place.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not name or f"\ndef {name}(" in text, place
    rows = [line for line in PAGES["docs/reliability.md"].splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith(("| promise", "|--"))]
    assert len(promises) > 20
    assert not [row for row in promises if "`tests/" not in row]


def test_every_flag_of_a_run_is_documented_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    flags = {}
    for name in COMMANDS:
        assert call(load(name).main, "--help") == 0
        flags[name] = set(FLAG.findall(capsys.readouterr().out))
    assert len(flags["run"]) > 20
    documented = set(FLAG.findall("".join(PAGES.values())))
    assert flags["run"] - {"--help"} - documented == set()
    quoted = {flag for text in PAGES.values() for flag in re.findall(r"`(--[a-z-]+)", text)}
    assert quoted - set().union(*flags.values()) == set()


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_success_rates_are_those_of_the_rows(page: str) -> None:
    summary = pd.read_csv(ROOT / "results" / "reference" / "summary.csv")
    columns = {"flow": ("euler", 10), "diffusion": ("ddpm", 100), "bc": ("direct", 1)}
    scores = [line for line in PAGES[page].splitlines() if line.startswith("|") and "/100 " in line]
    lines = {line.split("|")[1].strip(): line for line in scores}
    for task in summary["task"].unique():
        rows = summary[summary["task"] == task]
        expected = [
            _score(rows[rows["policy"] == policy], interval=False)
            for policy in ("expert", "random")
        ]
        for policy, (sampler, steps) in columns.items():
            chosen = (rows["policy"] == policy) & (rows["sampler"] == sampler)
            expected.append(_score(rows[chosen & (rows["steps"] == steps)], interval=True))
        assert [cell.strip() for cell in lines[task].split("|")[2:-1]] == expected


def test_successes_at_few_evaluations_are_those_of_the_rows() -> None:
    summary = pd.read_csv(ROOT / "results" / "reference" / "summary.csv")
    successes = summary.set_index(["task", "sampler", "steps"])["successes"].to_dict()
    lines = PAGES["docs/results.md"].splitlines()
    for task in summary["task"].unique():
        pairs = [
            " / ".join(str(successes[task, sampler, steps]) for sampler in ("euler", "ddim"))
            for steps in (1, 2, 4, 10)
        ]
        assert f"| {task} | {' | '.join(pairs)} |" in lines


def _score(rows: pd.DataFrame, interval: bool) -> str:
    (row,) = rows.to_dict("records")
    text = f"{row['successes']}/{row['episodes']}"
    return f"{text} ({row['low']:.3f}–{row['high']:.3f})" if interval else text


def test_experts_are_those_of_the_rows() -> None:
    lines = PAGES["docs/tasks.md"].splitlines()
    for row in read_rows(ROOT / "results" / "experts.csv", ExpertRow):
        (line,) = [line for line in lines if line.startswith(f"| {row.task} | ") and "/500" in line]
        first = 3 if row.noise else 1
        expected = [f"{row.successes}/{row.episodes}", f"{row.low:.3f}–{row.high:.3f}"]
        assert line.split(" | ")[first : first + 2] == expected


def test_the_data_curve_is_that_of_the_rows() -> None:
    curve = (ROOT / "results" / "demonstrations" / "data_curve.md").read_text(encoding="utf-8")
    table = [line for line in curve.splitlines() if line.startswith("|")]
    assert len(table) > 20
    assert [line for line in table if line not in PAGES["docs/tasks.md"].splitlines()] == []
