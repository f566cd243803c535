"""The hash of a task covers the registry, data files and modules next to a user's script."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envs.hashing.definitions import Definitions
from envs.hashing.sources import Source, find_source
from envs.registry import TASKS, has_extra
from envs.task_hash import entry_hash, installed_definitions, task_hash
from fmbench.data.store import DECIDING
from tests.envs.hand.described import can_make
from tests.envs.hashing.edits import ROOT, Edit, change, hash_of, present_hash, texts


@pytest.mark.parametrize(
    "facts",
    [{"horizon": 151}, {"version": 1}, {"twin_of": "PlaceCube"}, {"has_goal": False}],
    ids=str,
)
def test_the_hash_changes_with_the_registry(facts: dict[str, object]) -> None:
    entry = dataclasses.replace(TASKS["LiftCube"], **facts)  # type: ignore[arg-type]
    assert entry_hash(entry, installed_definitions()) != task_hash("LiftCube")


@pytest.mark.parametrize("task", ["AdroitPen", "AdroitHammer"])
def test_the_hash_changes_with_the_bytes_of_data_files(task: str, tmp_path: Path) -> None:
    folder = tmp_path / "envs" / "adroit"
    folder.mkdir(parents=True)
    table = Path(shutil.copy(ROOT / "envs" / "adroit" / "pen_movements.npz", folder))
    assert hash_of(texts(), task, tmp_path) == present_hash(task)
    table.write_bytes(table.read_bytes() + b"\x00")
    assert (hash_of(texts(), task, tmp_path) != present_hash(task)) == (task == "AdroitPen")


def test_no_two_tasks_share_a_hash() -> None:
    names = [name for name in TASKS if can_make(name)]
    assert len({task_hash(name) for name in names}) == len(names)


def test_additional_definitions_change_the_hash() -> None:
    assert len(task_hash("LiftCube")) == 64
    assert task_hash("LiftCube") != task_hash("LiftCube", "envs.scene:SUBSTEPS")
    with pytest.raises(ValueError, match=r"unknown task 'LiftCub'; did you mean LiftCube"):
        task_hash("LiftCub")


CAMERAS = change("azimuth=135.0", "azimuth=130.0", "task.py")


@pytest.mark.parametrize("task", [name for name in TASKS if has_extra(name)])
def test_cameras_do_not_change_the_hash_of_any_task(task: str) -> None:
    files = texts()
    CAMERAS(files)
    assert hash_of(files, task) == present_hash(task)


@pytest.mark.parametrize("reading", ["len(self.cameras)", "getattr(self, f'camera{self.end}')"])
def test_cameras_count_where_the_code_of_episodes_may_read_them(reading: str) -> None:
    files = texts()
    change("0.2 * np.exp(", f"{reading} * np.exp(", "lift_cube.py")(files)
    before = hash_of(files)
    CAMERAS(files)
    assert hash_of(files) != before


def test_cameras_do_not_change_the_key_of_demonstrations() -> None:
    def key(edit: Edit | None) -> str:
        files = texts()
        if edit:
            edit(files)

        def find(module: str) -> Source | None:
            text = files.get(f"{module.replace('.', '/')}.py")
            return Source(text.encode(), ROOT) if text else find_source(module)

        return entry_hash(TASKS["LiftCube"], Definitions(find), *DECIDING)

    present = key(None)
    assert key(CAMERAS) == present
    assert key(change("hold_steps = 10", "hold_steps = 9", "lift_cube.py")) != present


def test_installed_libraries_are_not_first_party() -> None:
    assert find_source("numpy") is None
    assert find_source("json") is None
    assert find_source("no_such_module") is None
    assert find_source("envs.registry") is not None
    assert find_source(__name__) is not None


def run(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SCRIPT = """
from beside import HEIGHT
from envs.registry import add_task
from envs.task_hash import task_hash
class Higher:
    name, version, horizon = "Higher", 0, 10
    height = HEIGHT
class HigherExpert:
    pass
add_task(Higher, HigherExpert)
print(task_hash("Higher"))
"""


def test_the_hash_of_a_script_task_covers_modules_next_to_it(tmp_path: Path) -> None:
    def hash_in(name: str, height: str, text: str = SCRIPT) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        (folder / "beside.py").write_text(f"HEIGHT = {height}\n")
        return run(str(folder / f"{name}.py"))

    first = hash_in("first", "1.0")
    assert (
        hash_in("second", "1.0", SCRIPT.replace("class Higher:", "# comment\nclass Higher:"))
        == first
    )
    assert hash_in("third", "2.0") != first


def test_the_hash_ignores_pythonhashseed_and_imports_no_simulator() -> None:
    program = "import sys; from envs.task_hash import task_hash; print(task_hash('TurnDial'), "
    program += "*[name for name in ('mujoco', 'numpy', 'torch') if name in sys.modules])"
    for seed in ("0", "1"):
        assert run("-c", program, PYTHONHASHSEED=seed) == task_hash("TurnDial")
