"""Grid files: which runs they stand for, and what is rejected."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest

from envs.registry import TASKS, suite
from fmbench.cli.task_names import choose_tasks
from fmbench.paper import GRIDS, grid_names
from fmbench.runs.grid.folder import grid_facts
from fmbench.runs.grid.grid_file import read_grid
from fmbench.runs.grid.jobs import plan_jobs
from fmbench.storage.grid_folder import read_grid_facts, write_grid_facts
from tests.fmbench.runs.grid.small_grid import TEXT, rejected, small_grid

COMMON = "[common]\npreset = 'smoke'\ntask = ['PressEither', 'ReachPose']\n"


def test_a_list_stands_for_one_run_each_and_tasks_come_first(tmp_path: Path) -> None:
    text = f"{COMMON}[sections.main]\ndraw = 'settings'\nnfe = [1, 2]\n"
    text += "demos = [4, 6]\nbackbone = ['mlp', 'unet']\n"
    (section,) = small_grid(tmp_path, text).sections
    words = ("demos4-mlp", "demos4-unet", "demos6-mlp", "demos6-unet")
    assert [run.name for run in section.runs] == [
        f"{task}-{word}" for task in ("PressEither", "ReachPose") for word in words
    ]
    assert {run.config.nfe for run in section.runs} == {(1, 2)}
    assert [run.config.demos for run in section.runs] == [4, 4, 6, 6] * 2
    assert all(run.config.task == (run.name.partition("-")[0],) for run in section.runs)


def test_sections_override_what_is_common_and_a_number_may_be_whole(tmp_path: Path) -> None:
    text = (
        f"{COMMON}noise = 0\nseeds = 2\n[sections.a]\n[sections.b]\nseeds = 3\ntask = 'ReachPose'\n"
    )
    a, b = small_grid(tmp_path, text).sections
    assert [run.config.seeds for run in (*a.runs, *b.runs)] == [2, 2, 3]
    assert a.runs[0].config.noise == 0.0
    assert isinstance(a.runs[0].config.noise, float)


def test_variants_are_runs_with_several_values(tmp_path: Path) -> None:
    text = COMMON + (
        "[sections.main]\ndraw = 'settings'\npolicy = ['flow', 'diffusion']\n"
        "variants = [{prediction = 'sample'}, {prediction = 'velocity', policy = ['flow']}]\n"
    )
    (section,) = small_grid(tmp_path, text).sections
    assert [(run.name, run.config.policy) for run in section.runs[:2]] == [
        ("PressEither-sample", ("flow", "diffusion")),
        ("PressEither-velocity", ("flow",)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sections.main]\ndemo = 3", "unknown key in sections.main 'demo'; did you mean demos"),
        ("[comon]\n[sections.main]", "unknown key 'comon'; did you mean common"),
        ("title = 3\n[sections.main]", "title is 3; give one line of text"),
        ("title = 'x'", "has no section; add a table, e.g. [sections.main]"),
        ("sections = 3", "sections is 3; give a table, [sections]"),
        ("[sections]\nmain = 3", "sections.main is 3; give a table"),
        ("[sections.Main]", "section Main: give a name of a-z, 0-9 and single -"),
        ("[sections.jobs]", "section jobs: give a name of a-z, 0-9 and single -, other than jobs"),
        ("[sections.main]\ndemos = [4, 6]\n", "runs differ in demos, which draw = 'matrix' does n"),
        (
            "[sections.main]\ndraw = 'curve'\nnoise = [0, 1]",
            "runs differ in noise, which draw = 'c",
        ),
        ("[sections.main]\ndemos = 'many'", "section main: demos is 'many'; give a whole number"),
        ("[sections.main]\ndemos = true", "section main: demos is True; give a whole number"),
        ("[sections.main]\ndemos = []", "section main: demos is an empty list; give at least one"),
        ("[sections.main]\ndemos = [4, 4]", "section main has two runs PressEither-demos4; give"),
        ("[sections.main]\ntask = 'PressEihter'", "section main: unknown task 'PressEihter'; did"),
        (
            "[sections.main]\npolicy = 'flo'",
            "section main: unknown policy 'flo'; did you mean flow",
        ),
        ("[sections.main]\nseeds = 0", "section main: --seeds is 0; give a whole number"),
        (
            "[sections.main]\ndraw = 'curve'\n"
            "variants = [{ demos = 10, nfe = 2 }, { demos = 50 }]\nnfe = [1, 4]",
            "section main: a curve is drawn at the largest nfe, which is 2 in PressEither-demos10 "
            "and 4 in PressEither-demos50; let it be the same",
        ),
        ("[sections.main]\ndraw = 'curves'", "section main: unknown drawing 'curves'; did you"),
        ("[sections.main]\nlatency = 1", "section main: latency is 1; give true or false"),
        ("[sections.main]\ncpu = 'yes'", "section main: cpu is 'yes'; give true or false"),
        (
            "[sections.main]\ndraw = 'delay'\ndelay = ['0', 'measured']",
            "section main: delay is measured, but decisions are not timed; add latency = true",
        ),
        (
            "[sections.main]\ndraw = 'deployment'\ndelay = ['2']",
            "draw = 'deployment' needs the delay of a latency; add delay = ['measured']",
        ),
        ("[sections.main]\nrecord = -1", "section main: record is -1; give a whole number from 0"),
        ("[sections.main]\noutside = 'x'", "outside is 'x'; give a list of different names"),
        ("[sections.main]\noutside = ['x', 'x']", "give a list of different names"),
        ("[sections.main]\noutside = ['../x']", "outside has '../x'; give the name of a folder"),
        (
            "[sections.main]\noutside = ['PressEither']",
            "section main: outside has 'PressEither', a run of its own; rename it",
        ),
        (
            "[sections.main]\ndraw = 'curve'\noutside = ['x']",
            "outside is given with draw = 'curve'; policies from outside can be drawn by 'matrix'",
        ),
        ("[sections.main]\nvariants = 3", "section main: variants is 3; give a list of tables"),
        ("[sections.main]\nvariants = [3]", "section main: a variant is 3; give a table"),
        ("[sections.main]\nvariants = [{demos = [1]}]", "demos of a variant is [1]; give one"),
        (
            "[sections.main]\ndevice = 'cuda'",
            "sections.main.device is not an option of a grid; give",
        ),
        (
            "[sections.main]\noptional = true\nperturb = ['mass=2']",
            "section main: optional is given with perturb; which disturbances a task has is known",
        ),
        ("[sections.main]\nfrom_run = 'x'", "from_run is not an option of a grid; leave it out"),
        ("[sections.main", "is not TOML: "),
    ],
)
def test_what_a_grid_cannot_be_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    common = "" if text.startswith(("[comon", "title", "sections")) else COMMON
    error = rejected(lambda: small_grid(tmp_path, f"{common}{text}\n"))
    assert message in error
    assert str(tmp_path / "grid.toml") in error


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    error = rejected(lambda: read_grid(path, choose_tasks, tuple(TASKS)))
    assert error == f"{path} cannot be read: No such file or directory"


def test_the_grids_of_fmbench_can_be_read() -> None:
    assert grid_names() == ["laptop", "paper"]
    for name in grid_names():
        grid = read_grid(GRIDS / f"{name}.toml", _without_hands, tuple(TASKS))
        assert len(grid.sections) >= 5
        assert len(grid.runs) == len({(run.section, run.name) for run in grid.runs})


def _without_hands(
    names: Sequence[str], hand: str | None, are_played: bool = True
) -> tuple[str, ...]:
    """Resolve tasks on a machine without the models of real hands."""
    return choose_tasks(names, hand, are_played and hand in (None, "fmbench"))


def test_sections_that_are_not_done_here_need_no_extras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "grid.toml"
    path.write_text(
        '[sections.all]\ntask = "all"\n[sections.door]\ntask = "AdroitDoor"\n'
        '[sections.leap]\nhand = "leap"\n[sections.cube]\ntask = "LiftCube"\n'
    )
    grid = read_grid(path, choose_tasks, tuple(TASKS), only=["cube"])
    assert [len(section.runs) for section in grid.sections] == [len(suite()), 1, 1, 1]
    assert capsys.readouterr().err == "", "all is not done here, so nothing is skipped"
    error = rejected(lambda: read_grid(path, choose_tasks, tuple(TASKS), only=["door"]))
    assert "section door" in error
    assert "fmbench[adroit]" in error


def test_an_optional_section_is_left_out_where_its_extra_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(
        f"{COMMON}[sections.door]\ntask = 'AdroitDoor'\noptional = true\n"
        "[sections.main]\noptional = true\n"
    )
    with monkeypatch.context() as patched:
        patched.setattr(importlib.util, "find_spec", lambda name: None)
        door, main = read_grid(path, choose_tasks, tuple(TASKS)).sections
        error = rejected(lambda: read_grid(path, choose_tasks, tuple(TASKS), only=["door"]))
    assert door.left_out.startswith("AdroitDoor needs the extra 'adroit', which is not installed")
    assert main.left_out == ""
    assert len(door.runs) == 1, "it stays a part of the grid"
    assert f"{path}: section door: {door.left_out}" == error
    text = path.read_text().replace("optional = true", "optional = 1")
    path.write_text(text)
    error = rejected(lambda: read_grid(path, choose_tasks, tuple(TASKS)))
    assert "section door: optional is 1; give true or false" in error


def test_a_section_may_be_done_on_the_cpu_and_decide_its_delays_by_their_latency(
    tmp_path: Path,
) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(
        f"{COMMON}[sections.main]\n[sections.deployment]\ndraw = 'deployment'\ncpu = true\n"
        "latency = true\ndelay = ['measured']\n"
    )
    main, deployment = read_grid(path, choose_tasks, tuple(TASKS), "cuda").sections
    assert {run.config.device for run in main.runs} == {"cuda"}
    assert {(run.config.device, run.latency) for run in deployment.runs} == {("cpu", True)}


def test_the_hands_of_a_section_are_those_that_the_file_names(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(
        f"{COMMON}[sections.none]\n[sections.one]\nhand = 'leap'\n"
        "[sections.two]\nhand = ['fmbench', 'leap']\nvariants = [{}]\n"
        "[sections.varied]\nvariants = [{hand = 'leap'}, {hand = 'shadow'}]\n"
    )
    grid = read_grid(path, _without_hands, tuple(TASKS))
    hands = {section.name: section.hands for section in grid.sections}
    assert hands == {
        "none": (), "one": ("leap",), "two": ("fmbench", "leap"), "varied": ("leap", "shadow")
    }  # fmt: skip
    facts = grid_facts(grid, "python -m fmbench.paper")
    write_grid_facts(tmp_path, facts)
    assert read_grid_facts(tmp_path) == facts


def test_the_paper_asks_whether_the_order_of_policies_holds_on_other_hands() -> None:
    grid = read_grid(GRIDS / "paper.toml", _without_hands, tuple(TASKS))
    (section,) = (section for section in grid.sections if section.name == "hands")
    assert section.hands == ("fmbench", "shadow", "allegro", "leap")
    tasks = ("PressEither", "TurnDial", "LiftCube", "InsertPeg")
    names = {f"{task}{hand}" for task in tasks for hand in ("", "Shadow", "Allegro", "Leap")}
    assert {run.name for run in section.runs} == names <= set(TASKS)
    for run in section.runs:
        assert (run.config.seeds, run.config.episodes, run.config.demos) == (3, 100, 200)
        assert set(run.config.policy) == {"flow", "diffusion", "bc", "shortcut", "drift"}


def test_the_paper_evaluates_fewer_demonstrations_at_the_headline_only() -> None:
    grid = read_grid(GRIDS / "paper.toml", _without_hands, tuple(TASKS))
    runs = {s.name: s.runs for s in grid.sections}
    evaluations = {(run.config.demos, run.config.nfe) for run in runs["demonstrations"]}
    assert evaluations == {(10, (16,)), (50, (16,)), (200, (1, 2, 4, 8, 16))}
    chosen = [*runs["main"], *runs["demonstrations"]]
    plan = plan_jobs(chosen)
    of_main = set(plan.of_sections(["main"]).jobs)
    shared = [job for job in plan.of_sections(["demonstrations"]).jobs if job.config.demos == 200]
    assert len(shared) == 4 * 21
    assert set(shared) <= of_main


def test_the_paper_has_its_policies_from_outside_beside_trainings_of_the_main_section() -> None:
    grid = read_grid(GRIDS / "paper.toml", _without_hands, tuple(TASKS))
    sections = {section.name: section for section in grid.sections}
    plan = plan_jobs(grid.runs)
    of_main = set(plan.of_sections(["main"]).jobs)
    lerobot = {"lerobot-act", "lerobot-diffusion", "lerobot-diffusion-sample"}
    for name, kinds in (
        ("anchors", lerobot),
        ("anchors-time", lerobot),
        ("agents", {"sb3-ppo", "sb3-sac-her", "sb3-sac-her-demos"}),
    ):
        section = sections[name]
        assert set(plan.of_sections([name]).jobs) <= of_main
        tasks = [run.name for run in section.runs]
        assert {tuple(outside.split("-", 1)) for outside in section.outside} == {
            (task, kind) for task in tasks for kind in kinds
        }


def test_the_text_of_the_file_is_kept(tmp_path: Path) -> None:
    assert small_grid(tmp_path).text == TEXT
