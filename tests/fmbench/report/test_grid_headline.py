"""The headline table of a section: which row is the headline, references, LaTeX."""

import csv
from pathlib import Path

import pytest

from fmbench.report.grid.headline import (
    LINE_NAMES,
    POLICIES_PER_TABLE,
    escape_latex,
    headline,
    latex,
    write_headline,
)
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.storage.run_facts import RunFacts
from policies.catalogue import POLICIES

NAMES = LINE_NAMES["matrix"]


def row(policy: str, steps: int, rate: float, **values: str) -> dict[str, str]:
    sampler = POLICIES[policy].default_sampler if policy in POLICIES else ""
    return {
        "task": "LiftCube", "backbone": "mlp" if sampler else "", "policy": policy,
        "sampler": sampler, "steps": str(steps), "success_rate": str(rate),
        "low": str(rate - 0.1), "high": str(rate + 0.05), **values,
    }  # fmt: skip


ROWS = [
    row("expert", 0, 0.9),
    row("flow", 10, 0.5),
    row("flow", 2, 0.25),
    row("diffusion", 100, 0.75, sampler="ddpm"),
    row("diffusion", 10, 0.625, caveat="broken"),
    row("bc", 1, 0.5, backbone="dit"),
]


def test_a_headline_is_the_default_sampler_with_the_most_steps() -> None:
    expected = POLICIES["diffusion"].default_sampler
    table = headline("Title", ROWS, NAMES, OF_CATALOGUE)
    assert table.names == ("Task", "Network")
    assert table.policies == ("expert", "flow", "diffusion", "bc")
    diffusion = {"ddpm": "75.0 (65–80)", "ddim": "62.5 (52–68)*"}[expected]
    assert table.lines == (
        (("LiftCube", "mlp"), ("90.0 (80–95)", "50.0 (40–55)", diffusion, "")),
        (("LiftCube", "dit"), ("90.0 (80–95)", "", "", "50.0 (40–55)")),
    )


def test_policies_from_outside_stand_in_the_line_of_ours() -> None:
    other = {"backbone": "their-net", "sampler": "direct"}
    rows = [*ROWS[:2], row("theirs", 1, 0.25, **other), row("theirs", 1, 0.5, task="Y", **other)]
    look = {"label": "Theirs", "colour": "#112233", "place": 1000}
    looks = Looks(RunFacts(policies={"theirs": look}, outside={"library": "theirs 1"}))
    table = headline("Title", rows, NAMES, looks)
    assert table.policies == ("expert", "flow", "Theirs")
    assert table.lines == (
        (("LiftCube", "mlp"), ("90.0 (80–95)", "50.0 (40–55)", "25.0 (15–30)")),
        (("Y", "their-net"), ("", "", "50.0 (40–55)")),
    )
    assert table.meaning.endswith("have networks of their own.")
    # A policy of a plug-in that is not loaded here is one of ours.
    (line, _) = headline("Title", rows, NAMES, OF_CATALOGUE).lines[0:2]
    assert line[1] == ("90.0 (80–95)", "50.0 (40–55)", "")


def test_the_three_files_have_the_same_cells(tmp_path: Path) -> None:
    rows = [*ROWS[:3], *(row(name, 1, 0.5) for name in POLICIES if name not in ("flow", "bc"))]
    table = headline("50 % & more", rows, NAMES, OF_CATALOGUE)
    paths = {path.suffix: path for path in write_headline(tmp_path, table)}
    with paths[".csv"].open(encoding="utf-8", newline="") as file:
        header, *body = csv.reader(file)
    assert header == ["task", "network", *table.policies]
    assert body == [[*names, *cells] for names, cells in table.lines]
    markdown = paths[".md"].read_text(encoding="utf-8")
    assert all(f"| {cell} |" in markdown for cell in body[0])
    text = paths[".tex"].read_text(encoding="utf-8")
    tables = text.count("\\begin{tabular}")
    assert tables == text.count("\\end{tabular}") == text.count("\\toprule")
    assert tables == -(-len(table.policies) // POLICIES_PER_TABLE) > 1
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert line.count(" & ") <= POLICIES_PER_TABLE + 1
    assert text.splitlines()[0].startswith("% 50 % & more.")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a_b & 5 %", r"a\_b \& 5 \%"), ("x^2{", r"x\textasciicircum{}2\{"), ("1–2", "1--2")],
)
def test_latex_prints_every_character(text: str, escaped: str) -> None:
    assert escape_latex(text) == escaped


def test_a_table_of_one_policy_is_latex() -> None:
    table = headline("One", ROWS[:2], NAMES, OF_CATALOGUE)
    assert latex(table).splitlines()[1:] == [
        "\\begin{tabular}{llrr}",
        "\\toprule",
        r"Task & Network & expert & flow \\",
        "\\midrule",
        r"LiftCube & mlp & 90.0 (80--95) & 50.0 (40--55) \\",
        "\\bottomrule",
        "\\end{tabular}",
    ]
