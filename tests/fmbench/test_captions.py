"""Every number in a caption of the documentation is that of what it shows."""

import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from envs.registry import suite
from fmbench.evaluation.contact_sheets import FRAMES
from fmbench.report.paper.words import SPELLED
from fmbench.storage.grid_folder import read_grid_facts
from fmbench.storage.rows import REFERENCES
from fmbench.storage.run_facts import read_run_facts

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
NUMBER = re.compile(rf"\b(?:\d[\d,.]*|{'|'.join(SPELLED[2:])})\b", re.IGNORECASE)


def counted(text: str) -> list[str]:
    """Return the numbers in a text: digits, and words from two."""
    return NUMBER.findall(text)


@cache
def tasks_over(folder: str) -> int:
    (count,) = pd.read_csv(ROOT / "results" / folder / "across_tasks.csv")["tasks"].unique()
    return int(count)


def policies_of(folder: str) -> int:
    return len({*pd.read_csv(ROOT / "results" / folder / "matrix.csv")["policy"]} - {*REFERENCES})


KNOWN: dict[str, Callable[[], list[int]]] = {
    r"results/tasks\.png": lambda: [len(suite())],
    r"results/tasks/\w+\.png": lambda: [FRAMES],
    r"results/reference/figures/across_tasks\.png": lambda: [tasks_over("reference")],
    r"results/paper/main/across_tasks\.png": lambda: [tasks_over("paper/main")],
    r"results/paper/main/matrix\.png": lambda: [policies_of("paper/main")],
}
"""Which numbers the caption of a picture has, in order, found in what it is drawn from."""

CAPTIONS = [
    (page.relative_to(ROOT).as_posix(), picture, caption)
    for page in PAGES
    for caption, address in PICTURE.findall(page.read_text(encoding="utf-8"))
    for picture in [(page.parent / address).resolve().relative_to(ROOT).as_posix()]
    if counted(caption)
]


def test_there_are_captions_with_numbers_and_each_rule_has_one() -> None:
    assert {page for page, *_ in CAPTIONS} >= {"README.md", "docs/results.md", "docs/tasks.md"}
    for rule in KNOWN:
        assert any(re.fullmatch(rule, picture) for _, picture, _ in CAPTIONS), rule


@pytest.mark.parametrize(("page", "picture", "caption"), CAPTIONS)
def test_a_number_in_a_caption_is_found_again(page: str, picture: str, caption: str) -> None:
    (rule,) = (rule for rule in KNOWN if re.fullmatch(rule, picture))
    expected = KNOWN[rule]()
    found = [
        SPELLED.index(text.lower()) if text.lower() in SPELLED else int(text)
        for text in counted(caption)
    ]
    assert found == expected


def test_the_captions_of_the_paper_have_numbers_of_its_tables_only() -> None:
    text = (ROOT / "results" / "paper" / "text.md").read_text(encoding="utf-8")
    captions = PICTURE.findall(re.sub(r"\{\{.*?\}\}", "FILLED", text))
    assert len(captions) == 4
    for caption, _ in captions:
        assert "FILLED" in caption
        assert counted(caption) == []


def test_the_titles_of_sections_count_what_they_have() -> None:
    """They stand above tables, and in the grid file; those of the committed paper are recorded."""
    grid = tomllib.loads((ROOT / "fmbench/grids/paper.toml").read_text(encoding="utf-8"))
    titles = {name: str(section["title"]) for name, section in grid["sections"].items()}
    facts = read_grid_facts(ROOT / "results" / "paper")
    assert {section.name: section.title for section in facts.sections} == titles
    with_numbers = {name: counted(title) for name, title in titles.items() if counted(title)}
    policies = [SPELLED[policies_of("paper/main")].capitalize()]
    networks = {
        run.rpartition("-")[2] for s in facts.sections if s.name == "networks" for run in s.runs
    }
    assert with_numbers == {"main": policies, "networks": [SPELLED[len(networks)].capitalize()]}


def test_headings_of_results_count_what_stands_below_them() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    headings = [line.lstrip("# ") for line in page.splitlines() if line.startswith("##")]
    facts = {section.name: section for section in read_grid_facts(ROOT / "results/paper").sections}
    networks = {run.rpartition("-")[2] for run in facts["networks"].runs}
    reference = read_run_facts(ROOT / "results" / "reference")
    cores, seconds = reference.machine["cores"], reference.seconds or 0.0
    policies, of_networks = SPELLED[policies_of("paper/main")], SPELLED[len(networks)]
    assert [heading for heading in headings if counted(heading)] == [
        f"{SPELLED[tasks_over('reference')].capitalize()} tasks, {SPELLED[int(cores)]} cores, "
        f"{seconds / 60:.0f} minutes",
        f"{policies.capitalize()} policies and {of_networks} networks",
        f"{of_networks.capitalize()} networks",
        f"{SPELLED[len(facts['hands'].hands)].capitalize()} hands",
    ]
