"""The text of a paper: numbers from tables, errors that name their line, and LaTeX."""

from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.report.paper.draw import draw_paper
from fmbench.report.paper.latex import latex_of
from fmbench.report.paper.tables import Tables
from fmbench.report.paper.words import (
    number,
    percent,
    points,
    rate,
    signed,
    span,
    spelled,
    starting,
    verdicts,
)
from fmbench.storage.files import write_json_atomic

MATRIX = """\
task,policy,steps,success_rate,low,high,verdict
Lift,flow,4,0.974,0.9149,0.996,ahead
Lift,bc,1,0.5,0.31,0.69,undecided
Turn,flow,4,0.004,0,0.04,undecided
"""
HEADLINE = "# Title\n\n| Task | flow |\n| :-- | --: |\n| Lift | 97.4 (91–100) |\n\nIn percent.\n"


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "matrix.csv").write_text(MATRIX, encoding="utf-8")
    (tmp_path / "main" / "headline.md").write_text(HEADLINE, encoding="utf-8")
    (tmp_path / "main" / "headline.tex").write_text("% a table\n", encoding="utf-8")
    for task, updates in (("Lift", 4500), ("Turn", 900)):
        config = {"demos": 200, "updates": updates}
        write_json_atomic(tmp_path / "main" / task / "run.json", {"config": config})
    return tmp_path


def drawn(grid: Path, text: str) -> tuple[str, str]:
    (grid / "text.md").write_text(text, encoding="utf-8")
    markdown, latex = draw_paper(grid)
    return markdown.read_text(encoding="utf-8"), latex.read_text(encoding="utf-8")


def test_a_grid_without_a_text_has_no_paper(grid: Path) -> None:
    assert draw_paper(grid) == []
    assert not (grid / "paper.md").exists()


def test_numbers_come_from_the_tables(grid: Path) -> None:
    markdown, _ = drawn(
        grid,
        '{{ line("main/matrix.csv", task="Lift", steps=4)|rate }}; '
        '{{ lines("main/matrix.csv")|verdicts }}; '
        '{{ lines("main/matrix.csv", policy="flow")|column("task")|listed }}; '
        '{{ lines("main/matrix.csv", task="None")|length }}\n',
    )
    assert markdown == "97 % (91 to 100); ahead in 1, undecided in 2; Lift and Turn; 0\n"


def test_a_value_that_all_runs_share_comes_from_them(grid: Path) -> None:
    assert drawn(grid, 'from {{ setting("main", "demos") }}\n')[0] == "from 200\n"


def test_the_table_of_a_section_is_included(grid: Path) -> None:
    markdown, latex = drawn(grid, '# Paper\n\n{{ headline("main") }}\n')
    assert markdown == f"# Paper\n\n{HEADLINE.partition(chr(10) * 2)[2]}"
    assert "\\input{main/headline.tex}" in latex


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('\n{{ line("main/matrix.csv", task="Lift") }}', r"line 2: main/matrix.csv has 2 lines wi"),
        ('{{ line("main/matrx.csv") }}', r"line 1: unknown table 'main/matrx.csv'.*main/matrix.cs"),
        ('{{ lines("main/matrix.csv", tsk=1) }}', r"line 1: .*unknown column 'tsk'.*did you mean"),
        ('{{ line("main/matrix.csv", policy="bc").x }}', r"line 1: .*line 3: unknown column 'x'"),
        ("a\n{{ nothing }}", r"line 2: 'nothing' is undefined"),
        ("{{ 1|per cent }}", r"line 1: "),
        ("a\n{{ 1|rate }}", r"line 2: AttributeError\(\"'int' object has no attribute 'low'"),
        ("{{ 1 / 0 }}", r"line 1: ZeroDivisionError"),
        ('{{ headline("mian") }}', r"line 1: unknown section with a table 'mian'"),
        ('{{ setting("mian", "demos") }}', r"line 1: unknown section with runs 'mian'"),
        ('{{ setting("main", "demo") }}', r"line 1: unknown value .*'demo'.*did you mean"),
        ('{{ setting("main", "updates") }}', r"line 1: updates is 4500, 900 in the runs of main"),
        ("{{ 1.5|spelled }}", r"line 1: 1.5 is no number of things"),
        ('{{ lines("main/matrix.csv")|span("task") }}', r"line 1: no line has a number in the c"),
        ("{{ ().__class__.__bases__ }}", r"line 1: .*unsafe"),
    ],
)
def test_what_cannot_be_filled_is_named_with_its_line(grid: Path, text: str, message: str) -> None:
    with pytest.raises(FmbenchError, match=message):
        drawn(grid, text)


def test_an_earlier_paper_stays_if_the_text_is_wrong(grid: Path) -> None:
    drawn(grid, "first\n")
    with pytest.raises(FmbenchError):
        drawn(grid, "{{ wrong }}")
    assert (grid / "paper.md").read_text(encoding="utf-8") == "first\n"


def test_words_of_numbers(grid: Path) -> None:
    turn = Tables(grid).line("main/matrix.csv", task="Turn")
    assert (percent(0.004), percent(-0.001), percent(0.1234, 1)) == ("0 %", "0 %", "12.3 %")
    assert (signed(-3.21), signed(3.21)) == ("−3.2", "+3.2")
    assert rate(turn) == "0 % (0 to 4)"
    assert points(turn, "success_rate") == "+0.4 points (+0.0 to +4.0)"
    assert number(turn, "success_rate") == "0.00 (0.00 to 0.04)"
    assert verdicts([]) == "none"
    assert [spelled(count) for count in (0, 1, 5.0, 13, 14, 2500)] == [
        *("no", "one", "five", "thirteen", "14", "2,500")
    ]
    rows = Tables(grid).lines("main/matrix.csv")
    assert span(rows, "success_rate", 0.01) == "0.4 to 97.4"
    assert span(rows[:1], "steps", digits=0) == "4"
    assert starting(["Lift", "LiftTwo", "Turn"], "Lift") == ["Lift", "LiftTwo"]
    with pytest.raises(FmbenchError, match="'undecided', which is no number"):
        rate(turn, "verdict")


def test_markdown_as_latex() -> None:
    text = (
        "# A & B\n\n## Method\n\nA **b** *c* `d_e` [50 %](https://x.org/a#b).\n\n- one\n- two\n\n"
        "| Task | % |\n| :-- | --: |\n| Lift_it | 97 |\n\n![Two ways](main/ways.png)\n\n"
        "```{=latex}\n\\input{t}\n```\n"
    )
    body = latex_of(text).partition("\\begin{document}\n")[2]
    assert body == (
        "\\title{A \\& B}\n\\author{}\n\\date{}\n\\maketitle\n\n\\section*{Method}\n\n"
        "A \\textbf{b} \\emph{c} \\texttt{d\\_e} \\href{https://x.org/a\\#b}{50 \\%}.\n\n"
        "\\begin{itemize}\n\\item one\n\\item two\n\\end{itemize}\n\n"
        "\\begin{center}\n\\begin{tabular}{lr}\n\\toprule\nTask & \\% \\\\\n\\midrule\n"
        "Lift\\_it & 97 \\\\\n\\bottomrule\n\\end{tabular}\n\\end{center}\n\n"
        "\\begin{figure}[htbp]\n\\centering\n\\includegraphics[width=\\linewidth,height=0.55\\textheight,keepaspectratio]{main/ways}\n"
        "\\caption{Two ways}\n\\end{figure}\n\n\\input{t}\n\\end{document}\n"
    )


def test_what_a_paper_cannot_have_is_named() -> None:
    with pytest.raises(FmbenchError, match=r"a paper cannot have hr \(line 3\)"):
        latex_of("text\n\n---\n")
