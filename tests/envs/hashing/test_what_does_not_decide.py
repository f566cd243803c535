"""A task's hash does not depend on names, locations and formatting."""

import subprocess
import sys
from pathlib import Path

import pytest

from envs.registry import TASKS
from tests.envs.hashing.edits import (
    Edit,
    change,
    hash_after,
    hash_of,
    present_hash,
    rename,
    rewrite,
    text_edit,
    texts,
)
from tests.envs.hashing.transforms import (
    NoAnnotations,
    libraries_by_other_names,
    make_package,
    methods_turned_round,
    move_function,
    move_module,
    move_phases,
    ours_by_module,
    retold,
    turned_round,
)

RENAMES: dict[str, Edit] = {
    "a module's name and package": move_module,
    "the module of a function": move_function,
    "the module of phases": move_phases,
    "a module as a package": make_package,
    "a local": rename("half_splay", "half_angle"),
    "a parameter and its arguments": rename("inset", "how_deep"),
    "a parameter passed by name": rename("num_threads", "num_workers"),
    "a method": rename("next_phase", "following_phase"),
    "a phase's method": rename("approach", "come_down"),
    "a property": rename("control_period_s", "period_s"),
    "an attribute": rename("held_yaw", "heading_when_closed"),
    "a class's attribute": rename("hold_steps", "steps_to_hold"),
    "a dataclass's field": rename("reward_terms", "terms_of_reward"),
    "a function": rename("step_towards", "nearer_point"),
    "a private function": rename("_add_phalanx", "_bone"),
    "a class": rename("HandIndex", "HandPlaces"),
    "a base class": rename("CarryExpert", "Carrier"),
    "an enumeration": rename("CarryPhase", "CarryStage"),
    "the base of enumerations": rename("Phase", "Stage"),
    "a constant": rename("FUNNEL_SLOPE", "CONE"),
    "how libraries are imported": text_edit(libraries_by_other_names),
}
LOOKS: dict[str, Edit] = {
    "how first-party modules are imported": ours_by_module,
    "the order of definitions and of imports": rewrite(turned_round),
    "the order of methods": rewrite(methods_turned_round),
    "comments": text_edit(lambda text: f"# First.\n{text}\n# Last.\n"),
    "docstrings": rewrite(retold),
    "annotations": rewrite(NoAnnotations().visit),
    "formatting": rewrite(lambda tree: tree),
    "how a number is written": change("FUNNEL_SLOPE = 4.0", "FUNNEL_SLOPE = 0.4e1"),
    "line endings": text_edit(lambda text: text.replace("\n", "\r\n")),
    "postponed annotations": text_edit(
        lambda text: text.replace(
            "import numpy", "from __future__ import annotations\nimport numpy", 1
        )
    ),
    "marks for type checkers": text_edit(
        lambda text: text.replace(
            "import numpy", "from typing import override\nimport numpy", 1
        ).replace("    def command(", "    @override\n    def command(")
    ),
    "two assignments in one": change(
        "TIP_RADIUS_M, THUMB_TIP_RADIUS_M = 0.0085, 0.009",
        "THUMB_TIP_RADIUS_M = 0.009\nTIP_RADIUS_M = 0.0085",
    ),
    "the order of a class's attributes": change(
        "    horizon = 150\n    hold_steps = 10\n",
        "    hold_steps = 10\n    horizon = 150\n",
        "lift_cube.py",
    ),
    "an unused function": change(
        "def lifted_share(", "def unused():\n    return 1\n\n\ndef lifted_share("
    ),
    "an unused constant": change("FUNNEL_SLOPE = 4.0", "MORE = 1\nFUNNEL_SLOPE = 4.0"),
    "an unused method": change(
        "    def site_position(",
        "    def unused(self):\n        return 1\n\n    def site_position(",
    ),
    "the cameras of every task": change("azimuth=135.0", "azimuth=130.0", "task.py"),
    "the cameras of this task": change(
        "    description = ",
        "    cameras = {'side': Camera((0.0, 0.0, 0.1), 0.5, 90.0, -10.0)}\n    description = ",
        "lift_cube.py",
    ),
    "how cameras are placed": change("a - self.distance * b", "a - 2.0 * self.distance * b"),
    "another task": change("class PressEither(Task):", "class PressEither(Task):\n    more = 1\n"),
    "another expert's phases": change(
        "DESCEND = 1, 40\n    CLOSE = 2, 18", "DESCEND = 1, 41\n    CLOSE = 2, 18"
    ),
}
OTHERS: dict[str, tuple[str, Edit]] = {
    "a function of Adroit": ("AdroitPen", rename("movement_at", "posture_after")),
    "a constant of Adroit": ("AdroitPen", rename("LEAST_COSINE", "NEAR_COSINE")),
    "an attribute of Adroit": ("AdroitPen", rename("pen_site", "middle_of_the_pen")),
    "a private method of Adroit": ("AdroitHammer", rename("_strike", "_hit")),
    "phases of Adroit": ("AdroitHammer", rename("HammerPhase", "Hammering")),
    "a class of Adroit": ("AdroitHammer", rename("Posture", "FingerPosture")),
    "the order of methods of Adroit": ("AdroitHammer", rewrite(methods_turned_round)),
    "a local of two hands": ("HandOver", rename("picks", "who_takes")),
    "a method of two hands": ("HandOver", rename("_resting", "_idle_place")),
    "a dataclass's property": ("HandOver", rename("is_aligned", "is_over_it")),
}  # fmt: skip


@pytest.mark.parametrize("edit", (RENAMES | LOOKS).values(), ids=RENAMES | LOOKS)
def test_the_hash_does_not_change(edit: Edit) -> None:
    assert hash_after(edit) == present_hash("LiftCube")


@pytest.mark.parametrize(("task", "edit"), OTHERS.values(), ids=OTHERS)
def test_the_hash_of_another_task_does_not_change(task: str, edit: Edit) -> None:
    assert hash_after(edit, task) == present_hash(task)


def test_classes_can_be_renamed_with_their_entries() -> None:
    files = texts()
    rename("LiftCubeExpert", "Lifter")(files)
    place = TASKS["LiftCube"].expert.replace("LiftCubeExpert", "Lifter")
    assert hash_of(files, expert=place) == present_hash("LiftCube")


def test_a_renamed_package_runs_with_the_same_hash(tmp_path: Path) -> None:
    files = texts()
    for edit in RENAMES.values():
        edit(files)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    program = "\n".join(
        [
            "import envs, sys",
            "from envs.registry import make_expert, make_task",
            "from envs.task_hash import task_hash",
            "from envs.world import World",
            "world = World(make_task('LiftCube'), 1, 1)",
            "make_expert(world)",
            "print(envs.__file__, task_hash('LiftCube'))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    expected = [str(tmp_path / "envs/__init__.py"), present_hash("LiftCube")]
    assert done.stdout.split() == expected, done.stderr
