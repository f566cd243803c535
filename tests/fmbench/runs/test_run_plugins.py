"""Runs with a user's task and policy: remembered, opened with `--plugin`, and without it."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fmbench import evaluate, figures, matrix, run
from fmbench.cli.plugin_files import load_plugin
from fmbench.config import config_hash
from fmbench.errors import FmbenchError
from fmbench.runs.run_plugins import (
    Used,
    loadable_part,
    plugin_differences,
    used_names,
    used_plugins,
)
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from fmbench.storage.run_facts import Plugin, RunFacts
from policies.catalogue import POLICIES
from tests.fmbench.registered import POLICY, TASK, registrations
from tests.fmbench.small_run import SMALL, call, files_of
from tests.reseal import change_run

PLUGINS = ("--plugin", "my_policy.py", "--plugin", "my_task.py")
NAMES = ("--task", "PressEither", "PressMine", "--policy", "flow", "l1")
WORDS = (*SMALL, *NAMES, "--no-latency", "--out", "run")
HEUN = ("run", "--sampler", "heun", "--nfe", "2")
SKIPPED = (
    "skipped the task PressMine of my_task.py and the policy l1 of my_policy.py; to include them, "
    "add --plugin my_task.py --plugin my_policy.py"
)

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def finished(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a user's files and their finished run; copy it before a change."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copytree(demonstrations_folder.parent, folder / "data")
    (folder / "my_policy.py").write_text(POLICY)
    (folder / "my_task.py").write_text(TASK)
    with pytest.MonkeyPatch.context() as patch, registrations():
        patch.chdir(folder)
        patch.setenv("MUJOCO_GL", "disabled")
        assert call(run.main, *PLUGINS, *WORDS) == 0
    return folder


@pytest.fixture(autouse=True)
def folder(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy as the working directory, in a process that has loaded nothing."""
    copy = Path(shutil.copytree(finished, tmp_path / "user"))
    monkeypatch.chdir(copy)
    monkeypatch.setenv("MUJOCO_GL", "disabled")
    with registrations():
        yield copy


def rejection(
    capsys: pytest.CaptureFixture[str], command: ModuleType, *words: object, code: int = 2
) -> str:
    """Run a command that must fail in one line, besides those of its progress; return it."""
    capsys.readouterr()
    assert call(command.main, *words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error: ") == 1
    lines = [line for line in err.splitlines() if not line.startswith("skipped --nfe")]
    assert code == 1 or len(lines) == 1
    return err.splitlines()[-1].removeprefix("error: ")


def change(path: str, text: str = "# a comment\n") -> tuple[str, str]:
    """Append to a file; return the first digits of its hash before and after."""
    before = sha256_file(Path(path))
    Path(path).write_text(Path(path).read_text() + text)
    return before[:8], sha256_file(Path(path))[:8]


def cells(run_folder: str) -> set[tuple[str, str]]:
    return {(r.task, r.policy) for r in read_rows(Path(run_folder) / "episodes.csv", EpisodeRow)}


def test_a_run_remembers_the_files_that_registered_its_names() -> None:
    assert read_json(Path("run/run.json"))["plugins"] == [
        {"kind": kind, "name": name, "file": file, "sha256": sha256_file(Path(file)), "others": {}}
        for kind, name, file in (
            ("task", "PressMine", "my_task.py"),
            ("policy", "l1", "my_policy.py"),
        )
    ]


def test_what_is_built_in_is_scored_without_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    marker = "\nimport pathlib\npathlib.Path('loaded').touch()\n"
    for file in ("my_policy.py", "my_task.py"):
        change(file, marker)  # a file that is not given is neither loaded nor compared
    assert call(evaluate.main, *HEUN, "--out", "heun") == 0
    assert SKIPPED in capsys.readouterr().err.splitlines()
    assert cells("heun") == {("PressEither", policy) for policy in ("expert", "random", "flow")}
    facts = read_json(Path("heun/run.json"))
    assert facts["rescores"]["config_hash"] == config_hash(
        read_json(Path("run/run.json"))["config"]
    )
    assert facts["plugins"] == []
    message = rejection(capsys, evaluate, "run", "--sampler", "direct")
    assert message.startswith("--sampler is direct, which no policy of run takes; known: flow: ")
    assert message.endswith(f"; {SKIPPED}")
    words = (*SMALL, "--task", "PressEither", "--policy", "reflow", "--from", "run")
    assert call(run.main, *words, "--no-latency", "--out", "reflow") == 0
    assert not Path("loaded").exists()


def test_a_run_is_scored_with_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(evaluate.main, "run", "--sampler", "direct", *PLUGINS, "--out", "direct") == 0
    assert "skipped" not in capsys.readouterr().err
    assert cells("direct") == {
        (task, policy)
        for task in ("PressEither", "PressMine")
        for policy in ("expert", "random", "l1")
    }
    assert [plugin["name"] for plugin in read_json(Path("direct/run.json"))["plugins"]] == [
        "PressMine",
        "l1",
    ]
    before = files_of(Path("run"))
    assert call(run.main, *PLUGINS, *WORDS) == 0
    assert "run is complete" in capsys.readouterr().err
    assert files_of(Path("run")) == before


def test_a_changed_file_is_rejected_with_both_hashes(capsys: pytest.CaptureFixture[str]) -> None:
    was, is_now = change("my_task.py")
    difference = f"(my_task.py: sha256 {was} there, {is_now} now); give --plugin the file that it "
    for command, words in ((evaluate, HEUN), (run, WORDS)):
        message = rejection(capsys, command, *words, *PLUGINS)
        assert message.startswith(f"run was made with other code {difference}was made with, or ")
    words = (*SMALL, *NAMES[:3], "--policy", "reflow", "--from", "run", "--out", "reflow")
    assert difference in rejection(capsys, run, *words, *PLUGINS)
    assert not Path("reflow").exists()


def test_missing_files_are_named_with_their_flags(capsys: pytest.CaptureFixture[str]) -> None:
    both = (
        "run uses the task PressMine of my_task.py and the policy l1 of my_policy.py, which are "
        "not loaded; add --plugin my_task.py --plugin my_policy.py"
    )
    assert rejection(capsys, run, *WORDS) == both
    one = "run uses the policy l1 of my_policy.py, which is not loaded; add --plugin my_policy.py"
    with registrations():
        assert rejection(capsys, run, *WORDS, "--plugin", "my_task.py") == one
    words = (*SMALL, "--task", "PressMine", "--policy", "reflow", "--from", "run")
    assert rejection(capsys, run, *words).startswith("run uses the task PressMine of my_task.py, ")
    facts = read_json(Path("run/run.json"))
    for name, value in (("policy", ["l1"]), ("task", ["PressMine"])):
        change_run(Path("run"), config={**facts["config"], name: value})
        message = rejection(capsys, evaluate, *HEUN)
        assert message.startswith("run uses the task PressMine of")
        assert message.endswith("not loaded; add --plugin my_task.py --plugin my_policy.py") or (
            message.endswith("is not loaded; add --plugin my_task.py")
        )
    change_run(Path("run"), config=facts["config"], plugins=[])
    assert rejection(capsys, evaluate, *HEUN).endswith("; a name of your own needs --plugin FILE")


def test_missing_files_of_the_default_folder_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = read_json(Path("run/run.json"))["config"]
    default = Path(f"runs/PressEither-PressMine-flow-l1-smoke-{config_hash(config)}")
    shutil.copytree("run", default)
    message = rejection(capsys, run, *WORDS[:-2])
    assert message.startswith(f"{default} uses the task PressMine of my_task.py and the policy l1")


def test_tables_and_figures_are_redrawn_without_the_files() -> None:
    Path("my_policy.py").unlink()
    Path("my_task.py").unlink()
    drawn = files_of(Path("run"))
    for path in [*Path("run").glob("summary.*"), *Path("run/figures").glob("[!c]*")]:
        path.unlink()
    assert call(figures.main, "run") == 0
    assert files_of(Path("run")) == drawn
    assert call(matrix.main, "run", "--out", "matrix") == 0
    shown = Path("matrix/matrix.md").read_text()
    assert "L1 regression, mlp" in shown
    assert "PressMine" in shown


FAILING = POLICY.replace(
    "        return functional.l1_loss(predicted, actions)",
    "        raise KeyError('weight\\nof my loss')",
)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "mine.py",
            FAILING,
            "PressEither l1 failed at mine.py, line 14: KeyError: 'weight\\nof ",
        ),
        (
            "mine.py",
            POLICY.replace("return functional.l1_loss(", "return (").replace("predicted,", "0,"),
            "PressEither l1 failed at ",
        ),
        (
            "task.py",
            TASK.replace('= "PressMine"', '= "PressMine"\n    def score(self, view): [1, 2][3]'),
            "PressMine failed at task.py, line 8: IndexError: list index out of range",
        ),
        (
            "task.py",
            TASK.replace('= "PressMine"', '= "PressMine"\n    def build_scene(self): open("none")'),
            "PressMine failed at task.py, line 8: FileNotFoundError: [Errno 2] No such file or dir",
        ),
    ],
)
def test_an_exception_of_the_users_code_is_one_line(
    file: str, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(text)
    names = ("--policy", "l1") if file == "mine.py" else ("--policy", "bc", "--task", "PressMine")
    words = ("--plugin", file, *SMALL, *names, "--no-latency", "--out", "failed")
    shown = rejection(capsys, run, *words, code=1)
    assert shown.startswith(message)
    assert shown.endswith("(--debug shows the traceback)")
    assert call(run.main, *words, "--debug") == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith(f"error: {message}")


def test_files_are_compared_by_their_content() -> None:
    load_plugin("my_policy.py")
    (now,) = used_plugins({"policy": ["l1", "flow"]})
    names = {"policy": ["l1"]}
    old = dataclasses.replace(now, sha256="0123456789")
    moved = dataclasses.replace(now, file="/elsewhere/his.py")
    more = dataclasses.replace(now, others={"base.py": "0123456789"})
    assert plugin_differences([now, moved], names) == []
    assert plugin_differences([old], {"policy": ["flow"]}) == []
    assert plugin_differences([old, old], names) == [
        f"my_policy.py: sha256 01234567 there, {now.sha256[:8]} now"
    ]
    assert plugin_differences([more], names) == ["base.py: sha256 01234567 there, of no file now"]
    POLICIES["l1"] = POLICIES["bc"]
    assert plugin_differences([now], names) == [
        f"my_policy.py: sha256 {now.sha256[:8]} there, of no file now"
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "policy", "name": "l1", "file": "my.py", "sha256": 3, "others": {}},
        {"kind": "policy", "name": "l1", "file": "my.py", "sha256": "3", "others": {"a": 1}},
        {"kind": "policy", "name": "l1", "file": "my.py", "sha256": "3", "others": []},
        {"kind": "policy", "name": "l1", "file": "my.py", "others": {}},
        *("l1", None, []),
    ],
)
def test_malformed_memories_are_rejected(value: object) -> None:
    with pytest.raises(FmbenchError, match=r"run.json: plugins\.0(\.\w+)* is "):
        RunFacts.from_json({"plugins": [value]}, Path("run.json"))
    good = Plugin("policy", "l1", "my.py", "3", {"base.py": "4"})
    facts = RunFacts(plugins=(good,))
    assert RunFacts.from_json(json.loads(json.dumps(facts.to_json())), Path("run.json")) == facts


def test_an_axis_of_ones_own_is_remembered_and_left_out_where_it_is_missing() -> None:
    config = {"task": ["PressEither"], "policy": ["bc"], "perturb": ["mass=2", "wind=1", "wind=2"]}
    axes = [used for used in used_names(config) if used.kind == "axis"]
    assert axes == [Used("axis", "mass"), Used("axis", "wind")]
    facts = RunFacts(config=config, plugins=(Plugin("axis", "wind", "wind.py", "0" * 64),))
    values, line = loadable_part(Path("run"), facts)
    assert values == {**config, "perturb": ["mass=2"]}
    assert line == "skipped the axis wind of wind.py; to include it, add --plugin wind.py"
    alone = dataclasses.replace(facts, config={**config, "perturb": ["wind=1"]})
    assert "perturb" not in loadable_part(Path("run"), alone)[0]
