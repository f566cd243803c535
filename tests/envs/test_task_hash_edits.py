"""The hash of a task follows what its code does, whatever it is called and wherever it lies."""

import ast
import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envs.hashing.definitions import Definitions
from envs.hashing.sources import sources_in
from envs.registry import TASKS, has_extra
from envs.task_hash import entry_hash

ROOT = Path(__file__).resolve().parents[2]
Edit = Callable[[Path], None]


def copied(folder: Path) -> Path:
    """Copy the package `envs` into a folder, and return the folder."""
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "envs", folder / "envs", ignore=kept)
    return folder


def hash_in(root: Path, task: str = "LiftCube", **places: str) -> str:
    """Return the hash of a task in a copy; `places` replace those of the registry."""
    return entry_hash(dataclasses.replace(TASKS[task], **places), Definitions(sources_in(root)))


def files(root: Path) -> list[Path]:
    return sorted((root / "envs").rglob("*.py"))


def change(old: str, new: str, file: str = "*.py") -> Edit:
    """Return the edit that replaces the one place in the files called `file` where `old` stands."""

    def edit(root: Path) -> None:
        holders = [path for path in (root / "envs").rglob(file) if old in path.read_text()]
        assert [path.read_text().count(old) for path in holders] == [1], (old, holders)
        holders[0].write_text(holders[0].read_text().replace(old, new))

    return edit


def rename(old: str, new: str) -> Edit:
    """Return the edit that replaces a whole word in all files."""

    def edit(root: Path) -> None:
        text = "".join(path.read_text() for path in files(root))
        assert not re.search(rf"\b{new}\b", text), new
        assert re.search(rf"\b{old}\b", text), old
        for path in files(root):
            path.write_text(re.sub(rf"\b{old}\b", new, path.read_text()))

    return edit


def rewrite(transform: Callable[[ast.Module], ast.AST]) -> Edit:
    """Return the edit that changes the syntax tree of every file, which also reformats it."""

    def edit(root: Path) -> None:
        for path in files(root):
            tree = transform(ast.parse(path.read_text()))
            path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n")

    return edit


def text_edit(transform: Callable[[str], str]) -> Edit:
    """Return the edit that changes the text of every file."""

    def edit(root: Path) -> None:
        for path in files(root):
            path.write_bytes(transform(path.read_text()).encode())

    return edit


DECIDES: dict[str, Edit] = {
    "a constant": change("REACH_TOLERANCE_M = 0.03", "REACH_TOLERANCE_M = 0.031", "lift_cube.py"),
    "a constant's kind": change("FUNNEL_SLOPE = 4.0", "FUNNEL_SLOPE = 4"),
    "two constants' values": change(
        "SQUEEZE_M, OPENING_M = 0.012, 0.020", "SQUEEZE_M, OPENING_M = 0.020, 0.012"
    ),
    "a default argument": change(
        "initial: FloatArray,\n    thumb_up: float = 0.0", "initial, thumb_up: float = 0.1"
    ),
    "a string": change('object_name = "cube"', 'object_name = "box"', "lift_cube.py"),
    "a statement less": change("        draw_palm(self, qpos, rng)\n", "", "lift_cube.py"),
    "a branch": change("armature=0.2 if is_slide", "armature=0.2 if not is_slide"),
    "the order of statements": change(
        "    add_look(spec)\n    spec.add_material(", "    spec.add_material(", "scene.py"
    ),
    "a model element": change("friction=[1.5 if is_tip", "friction=[1.4 if is_tip"),
    "a model element less": change("    _add_thumb(spec, palm)\n", ""),
    "a field's size": change('"goal_offset", 3, "m"', '"goal_offset", 2, "m"', "lift_cube.py"),
    "a field's name": change('f"{cube}_axes", 6', 'f"{cube}_axis", 6'),
    "a field's limit": change('n, "rad/s or m/s", 50.0', 'n, "rad/s or m/s", 60.0'),
    "the order of fields": change(
        '(*self.hand_fields(), *cube_fields("cube"), goal)',
        '(*cube_fields("cube"), *self.hand_fields(), goal)',
        "lift_cube.py",
    ),
    "an observed value": change(
        "position - view.site_position(task.hand.palm)",
        "view.site_position(task.hand.palm) - position",
    ),
    "a start": change(
        "CUBE_AREA_M = ((-0.05, 0.09)", "CUBE_AREA_M = ((-0.05, 0.08)", "lift_cube.py"
    ),
    "what is drawn first": change("x, y = (rng", "y, x = (rng", "lift_cube.py"),
    "a score": change("(0.3 + 0.5 * near)", "(0.3 + 0.4 * near)", "lift_cube.py"),
    "success": change("distance(achieved, desired) < self", "distance(achieved, desired) <= self"),
    "how long success holds": change("hold_steps = 10", "hold_steps = 9", "lift_cube.py"),
    "the class's horizon": change("horizon = 150", "horizon = 151", "lift_cube.py"),
    "a phase's condition": change("gap < ALIGNED_M", "gap > ALIGNED_M", "carry.py"),
    "a phase's time-out": change("CLOSE = 1, 14", "CLOSE = 1, 15", "carry.py"),
    "what follows a phase": change(
        "is_late, CarryPhase.CARRY)", "is_late, CarryPhase.APPROACH)", "carry.py"
    ),
    "what a phase commands": change("CLOSE: self.close", "CLOSE: self.carry", "carry.py"),
    "another function of the same shape": change(
        "self.grasp = cube_grasp(", "self.grasp = level_grasp(", "carry.py"
    ),
    "a library's function": change(
        "0.2 * np.exp(-10.0 * grasp)", "0.2 * np.cos(-10.0 * grasp)", "lift_cube.py"
    ),
    "two parameters": change("x: float, y: float, yaw", "y: float, x: float, yaw", "cube_parts.py"),
    "two arguments given by name": change(
        "open=_posture(half_size_m, -OPENING_M, touch),\n        squeeze=_posture(half_size_m, SQ",
        "squeeze=_posture(half_size_m, -OPENING_M, touch),\n        open=_posture(half_size_m, SQ",
    ),
    "an attribute read": change(
        "postures(rows, view).open", "postures(rows, view).squeeze", "carry.py"
    ),
    "two fields": change(
        "    qpos: FloatArray\n    memory: dict[str, FloatArray] = field(default_factory=dict)\n",
        "    memory: dict[str, FloatArray] = field(default_factory=dict)\n    qpos: FloatArray\n",
    ),
    "the engine": change("held >= self.task.hold_steps", "held > self.task.hold_steps"),
    "the engine's time step": change("SUBSTEP_S = 0.004", "SUBSTEP_S = 0.005"),
    "the engine's substeps": change("SUBSTEPS = 10", "SUBSTEPS = 9"),
    "every expert's speed": change("rng.uniform(0.8, 1.2)", "rng.uniform(0.8, 1.3)"),
    "what is inherited": change("class LiftCube(PositionGoalTask)", "class LiftCube(GoalTask)"),
    "a method that overrides": change(
        "    def mocap(",
        "    def resting_command(self, view):\n        return 0\n\n    def mocap(",
        "lift_cube.py",
    ),
    "a table that is changed later": change(
        "THUMB_BASE_M = (", 'FINGER_SCALE["index"] = 0.9\nTHUMB_BASE_M = ('
    ),
}


class NoAnnotations(ast.NodeTransformer):
    """Removes every annotation that nothing reads."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        node.body = [
            ast.Assign([part.target], part.value)
            if isinstance(part, ast.AnnAssign) and part.value
            else part
            for part in node.body
        ]
        return self.generic_visit(node)


def retold(tree: ast.Module) -> ast.Module:
    """Replace every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(
            node
        ):
            node.body[0] = ast.Expr(ast.Constant("Told otherwise."))
    return tree


def turned_round(tree: ast.Module) -> ast.Module:
    """Put a module's functions and imports in the opposite order, each among its own kind."""
    for kind in (ast.FunctionDef, ast.ImportFrom):
        places = [k for k, part in enumerate(tree.body) if isinstance(part, kind)]
        parts = [tree.body[k] for k in reversed(places)]
        for k, part in zip(places, parts, strict=True):
            tree.body[k] = part
    return tree


def libraries_by_other_names(text: str) -> str:
    """Import numpy and mujoco otherwise."""
    text = re.sub(r"\bnp\.", "numpy.", text.replace("import numpy as np\n", "import numpy\n"))
    text = re.sub(r"\bmujoco\.(?=[mM]j)", "engine.", text)
    return text.replace("import mujoco\n", "import mujoco as engine\n")


def move_function(root: Path) -> None:
    """Move the function `lifted_share` to a module of its own, and import it from there."""
    parts = root / "envs/tasks/cube_parts.py"
    text = parts.read_text()
    start = text.index("def lifted_share(")
    end = text.index("def tip_clearance(")
    (root / "envs/heights.py").write_text(
        "import numpy as np\nfrom envs.task import FloatArray\nfrom envs.tasks import cube_parts\n"
        + text[start:end].replace("CUBE_HALF_SIZE_M", "cube_parts.CUBE_HALF_SIZE_M")
    )
    parts.write_text(text[:start] + text[end:])
    for path in files(root):
        old = "    lifted_share,\n"
        new = (
            path.read_text()
            .replace(old, "")
            .replace(
                "import numpy as np\n",
                "import numpy as np\nfrom envs.heights import lifted_share\n",
                1,
            )
        )
        if old in path.read_text():
            path.write_text(new)


def move_module(root: Path) -> None:
    """Put the rotations into a package of their own."""
    (root / "envs/geometry").mkdir()
    (root / "envs/geometry/__init__.py").write_text("")
    (root / "envs/rotations.py").rename(root / "envs/geometry/turning.py")
    for path in files(root):
        path.write_text(path.read_text().replace("envs.rotations", "envs.geometry.turning"))


RENAMES: dict[str, Edit] = {
    "a local": rename("half_splay", "half_angle"),
    "a parameter and who gives it": rename("inset", "how_deep"),
    "a parameter that is given by name": rename("num_threads", "num_workers"),
    "a method": rename("next_phase", "following_phase"),
    "a property": rename("control_period_s", "period_s"),
    "an attribute": rename("held_yaw", "heading_when_closed"),
    "a class's attribute": rename("exec_horizon", "steps_executed"),
    "a phase": rename("APPROACH", "COME_NEAR"),
    "a dataclass's field": rename("reward_terms", "terms_of_reward"),
    "a function": rename("step_towards", "nearer_point"),
    "a private function": rename("_add_phalanx", "_bone"),
    "a class": rename("HandIndex", "HandPlaces"),
    "a base class": rename("CarryExpert", "Carrier"),
    "a constant": rename("FUNNEL_SLOPE", "CONE"),
    "a module's name and place": move_module,
    "where a function lies": move_function,
    "how libraries are imported": text_edit(libraries_by_other_names),
}
INDIFFERENT = RENAMES | {
    "the order of definitions and of imports": rewrite(turned_round),
    "comments": text_edit(lambda text: f"# First.\n{text}\n# Last.\n"),
    "docstrings": rewrite(retold),
    "annotations": rewrite(NoAnnotations().visit),
    "formatting": rewrite(lambda tree: tree),
    "line endings": text_edit(lambda text: text.replace("\n", "\r\n")),
    "annotations that are not evaluated": text_edit(
        lambda text: text.replace(
            "import numpy", "from __future__ import annotations\nimport numpy", 1
        )
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
    "a function that nothing calls": change(
        "def lifted_share(", "def unused():\n    return 1\n\n\ndef lifted_share("
    ),
    "another task": change("class PressEither(Task):", "class PressEither(Task):\n    more = 1\n"),
}


@pytest.fixture(scope="module")
def present() -> str:
    return hash_in(ROOT)


@pytest.mark.parametrize("edit", DECIDES.values(), ids=DECIDES)
def test_the_hash_changes_with_what_decides(edit: Edit, present: str, tmp_path: Path) -> None:
    edit(copied(tmp_path))
    assert hash_in(tmp_path) != present


@pytest.mark.parametrize("edit", INDIFFERENT.values(), ids=INDIFFERENT)
def test_the_hash_stays_with_the_rest(edit: Edit, present: str, tmp_path: Path) -> None:
    edit(copied(tmp_path))
    assert any(
        path.read_bytes() != (tmp_path / path.relative_to(ROOT)).read_bytes()
        for path in files(ROOT)
        if (tmp_path / path.relative_to(ROOT)).is_file()
    )
    assert hash_in(tmp_path) == present


def test_a_renamed_package_still_runs_and_keeps_its_hash(present: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    for edit in RENAMES.values():
        edit(root)
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
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == [str(root / "envs/__init__.py"), present], done.stderr


@pytest.mark.parametrize(
    "facts",
    [{"horizon": 151}, {"version": 1}, {"twin_of": "PlaceCube"}, {"has_goal": False}],
    ids=str,
)
def test_the_hash_changes_with_the_registry(facts: dict[str, object], present: str) -> None:
    entry = dataclasses.replace(TASKS["LiftCube"], **facts)  # type: ignore[arg-type]
    assert entry_hash(entry, Definitions(sources_in(ROOT))) != present


def test_classes_can_be_renamed_with_their_entries(present: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    for path in files(root):
        path.write_text(re.sub(r"\bLiftCubeExpert\b", "Lifter", path.read_text()))
    place = TASKS["LiftCube"].expert.replace("LiftCubeExpert", "Lifter")
    assert hash_in(root, expert=place) == present


@pytest.mark.parametrize("task", ["AdroitPen", "AdroitHammer"])
def test_the_hash_changes_with_the_bytes_of_data_files(task: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    before = hash_in(root, task)
    (table,) = root.rglob("*movements.npz")
    table.write_bytes(table.read_bytes() + b"\x00")
    assert (hash_in(root, task) != before) == (task == "AdroitPen")


def test_no_two_tasks_share_a_hash() -> None:
    definitions = Definitions(sources_in(ROOT))
    names = [name for name in TASKS if has_extra(name)]
    assert len({entry_hash(TASKS[name], definitions) for name in names}) == len(names)
