"""A task's hash changes with the behaviour of its code."""

import pytest

from tests.envs.hashing.edits import Edit, change, hash_after, present_hash

LIFT_CUBE: dict[str, Edit] = {
    "a constant": change("REACH_TOLERANCE_M = 0.03", "REACH_TOLERANCE_M = 0.031", "lift_cube.py"),
    "a constant's kind": change("FUNNEL_SLOPE = 4.0", "FUNNEL_SLOPE = 4"),
    "two constants' values": change(
        "SQUEEZE_M, OPENING_M = 0.012, 0.020", "SQUEEZE_M, OPENING_M = 0.020, 0.012"
    ),
    "a default argument": change("thumb_up: float = 0.0", "thumb_up: float = 0.1"),
    "a default argument that is a constant": change(
        "finger_step: float = FINGER_STEP_RAD",
        "finger_step: float = WRIST_STEP_RAD",
        "experts/carry.py",
    ),
    "a string": change('object_name = "cube"', 'object_name = "box"', "lift_cube.py"),
    "a removed statement": change("        draw_palm(self, qpos, rng)\n", "", "lift_cube.py"),
    "a removed call of a base method": change(
        "        super().__init__(world)\n        self.grasp", "        self.grasp", "carry.py"
    ),
    "a branch": change("armature=0.2 if is_slide", "armature=0.2 if not is_slide"),
    "the order of statements": change(
        "    add_look(spec)\n    spec.add_material(", "    spec.add_material(", "scene.py"
    ),
    "a model element": change("friction=[1.5 if is_tip", "friction=[1.4 if is_tip"),
    "a removed model element": change("    _add_thumb(spec, palm)\n", ""),
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
    "an initial state": change(
        "CUBE_AREA_M = ((-0.05, 0.09)", "CUBE_AREA_M = ((-0.05, 0.08)", "lift_cube.py"
    ),
    "the order of draws": change("x, y = (rng", "y, x = (rng", "lift_cube.py"),
    "a score": change("(0.3 + 0.5 * near)", "(0.3 + 0.4 * near)", "lift_cube.py"),
    "success": change("distance(achieved, desired) < self", "distance(achieved, desired) <= self"),
    "a score of the cameras": change(
        "0.2 * np.exp(", "len(self.cameras) * np.exp(", "lift_cube.py"
    ),
    "the hold steps": change("hold_steps = 10", "hold_steps = 9", "lift_cube.py"),
    "the class's horizon": change("horizon = 150", "horizon = 151", "lift_cube.py"),
    "a phase's condition": change("(gap < ALIGNED_M)", "(gap > ALIGNED_M)", "carry.py"),
    "a time-out": change("CLOSE = 1, 14", "CLOSE = 1, 15", "carry.py"),
    "a removed time-out": change("CLOSE = 1, 14", "CLOSE = 1", "carry.py"),
    "two phases' numbers": change(
        "APPROACH = 0, 60\n    CLOSE = 1, 14", "APPROACH = 1, 60\n    CLOSE = 0, 14", "carry.py"
    ),
    "an added phase": change("CARRY = 2, 100", "CARRY = 2, 100\n    REST = 3", "carry.py"),
    "the method of a phase": change(
        "CarryPhase.CLOSE: self.close", "CarryPhase.CLOSE: self.approach", "carry.py"
    ),
    "the next phase": change(
        "(CarryPhase.CLOSE, is_late, CarryPhase.CARRY)",
        "(CarryPhase.CLOSE, is_late, CarryPhase.APPROACH)",
    ),
    "an infinite time-out": change("time_out: float = np.inf", "time_out: float = 1e6"),
    "another function of the same shape": change(
        "self.grasp = cube_grasp(", "self.grasp = level_grasp(", "carry.py"
    ),
    "a library's function": change(
        "0.2 * np.exp(-10.0 * grasp)", "0.2 * np.cos(-10.0 * grasp)", "lift_cube.py"
    ),
    "two parameters": change("x: float, y: float, yaw", "y: float, x: float, yaw", "cube_parts.py"),
    "two arguments passed by name": change(
        "open=_posture(half_size_m, -OPENING_M, touch),\n        squeeze=_posture(half_size_m, SQ",
        "squeeze=_posture(half_size_m, -OPENING_M, touch),\n        open=_posture(half_size_m, SQ",
    ),
    "two attributes": change(
        "yaw, self.postures(rows, view).open", "yaw, self.postures(rows, view).squeeze", "carry.py"
    ),
    "two fields": change(
        "    qpos: FloatArray\n    memory: dict[str, FloatArray] = field(default_factory=dict)\n",
        "    memory: dict[str, FloatArray] = field(default_factory=dict)\n    qpos: FloatArray\n",
    ),
    "the engine": change("held >= self.task.hold_steps", "held > self.task.hold_steps"),
    "the engine's time step": change("SUBSTEP_S = 0.004", "SUBSTEP_S = 0.005"),
    "the engine's substeps": change("SUBSTEPS = 10", "SUBSTEPS = 9"),
    "an unstable row's reward": change("np.where(unstable, 0.0, v)", "np.where(unstable, v, 0.0)"),
    "a negation": change("~terminated & (steps", "terminated & (steps", "world.py"),
    "an assignment's operator": change("names += task.reads", "names -= task.reads", "world.py"),
    "a property": change("    @property\n    def act_dim", "    def act_dim", "task.py"),
    "every expert's speed": change("rng.uniform(0.8, 1.2)", "rng.uniform(0.8, 1.3)"),
    "the episodes' streams": change(
        'rng = episode_generator(self.task, seed, "expert")',
        'rng = episode_generator(self.task, seed, "act")',
    ),
    "the base class": change("class LiftCube(PositionGoalTask)", "class LiftCube(GoalTask)"),
    "an override": change(
        "    def mocap(",
        "    def resting_command(self, view):\n        return 0\n\n    def mocap(",
        "lift_cube.py",
    ),
    "a table that is changed later": change(
        "THUMB_BASE_M = (", 'FINGER_SCALE["index"] = 0.9\nTHUMB_BASE_M = ('
    ),
    "a table that a function changes": change(
        "THUMB_BASE_M = (",
        "def _scale(table):\n    table['index'] = 0.9\n\n\n_scale(FINGER_SCALE)\nTHUMB_BASE_M = (",
    ),
    "a table that another module changes": change(
        "REACH_TOLERANCE_M = 0.03\n",
        "REACH_TOLERANCE_M = 0.03\nfrom envs.hand.hand import FINGER_SCALE\n"
        'FINGER_SCALE["index"] = 0.9\n',
        "lift_cube.py",
    ),
    "a class that is changed later": change(
        "class CarryExpert(Expert):", "setattr(CarryPhase, 'x', 1)\nclass CarryExpert(Expert):"
    ),
}
OTHERS: dict[str, tuple[str, Edit]] = {
    "a tolerance": ("AdroitPen", change("= 0.075, 0.95", "= 0.075, 0.96", "pen_task.py")),
    "a model file": ("AdroitPen", change('"adroit_pen.xml"', '"adroit_door.xml"')),
    "a slice": ("AdroitPen", change("view.qvel[:, -6:]", "view.qvel[:, -5:]", "pen_task.py")),
    "an axis": ("AdroitPen", change("desired[..., :3], axis=-1)", "desired[..., :3], axis=0)")),
    "the duration of a movement": ("AdroitPen", change("MOVE_STEPS = 90", "MOVE_STEPS = 91")),
    "a stored variable": (
        "AdroitPen",
        change('{"turned": np.maximum(view', '{"turned": np.minimum(view', "pen_task.py"),
    ),
    "a memory's size": ("AdroitPen", change('"goal_wxyz": 4', '"goal_wxyz": 3', "pen_task.py")),
    "a cached function": ("AdroitPen", change("@lru_cache(maxsize=1)\ndef mov", "def mov")),
    "the observation of a twin": (
        "AdroitHammerPublished",
        change('    twin_of = "AdroitHammer"\n    is_full = False', '    twin_of = "AdroitHammer"'),
    ),
    "a posture's argument": ("AdroitHammer", change("spread=0.06)", "spread=0.07)")),
    "a sign": ("AdroitHammer", change("[0.0, 0.0, -1.0])\nNORMAL", "[0.0, 0.0, 1.0])\nNORMAL")),
    "the order of rules": (
        "AdroitHammer",
        change(
            "            (HammerPhase.LIFT, is_lost, HammerPhase.HOVER),\n"
            "            (HammerPhase.LIFT, is_up | is_late, HammerPhase.AIM),\n",
            "            (HammerPhase.LIFT, is_up | is_late, HammerPhase.AIM),\n"
            "            (HammerPhase.LIFT, is_lost, HammerPhase.HOVER),\n",
        ),
    ),
    "an unpacked value": (
        "AdroitHammer",
        change("face, axis = self._face(view)", "axis, face = self._face(view)"),
    ),
    "two phases' methods": (
        "HandOver",
        change(
            "HandOverPhase.GRASP: self.close,\n            HandOverPhase.BRING: self.bring",
            "HandOverPhase.GRASP: self.bring,\n            HandOverPhase.BRING: self.close",
        ),
    ),
    "a comparison of phases": (
        "HandOver",
        change("(picks == HandOverPhase.TAKE)", "(picks != HandOverPhase.TAKE)"),
    ),
    "the other hand": ("HandOver", change("LEAVE = 8, 30", "LEAVE = 8, 31", "hand_over.py")),
}


@pytest.mark.parametrize("edit", LIFT_CUBE.values(), ids=LIFT_CUBE)
def test_the_hash_changes(edit: Edit) -> None:
    assert hash_after(edit) != present_hash("LiftCube")


@pytest.mark.parametrize(("task", "edit"), OTHERS.values(), ids=OTHERS)
def test_the_hash_of_another_task_changes(task: str, edit: Edit) -> None:
    assert hash_after(edit, task) != present_hash(task)
