"""An attached hand is its model: mass, ranges, gains, contact options and free motion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from envs.hand.attach import MOST_IMPRATIO, PREFIX, add_described_hand, attach
from envs.hand.catalogue import find_hand
from envs.hand.controls import Controls, read_controls
from envs.hand.description import MOUNTS
from envs.hand.loading import hand_spec, load_hand
from envs.scene import make_scene
from tests.envs.hand.described import claw, every_hand

FIELDS = {
    "body": ("mass", "inertia", "ipos", "iquat", "pos", "quat", "gravcomp"),
    "jnt": ("type", "range", "limited", "axis", "pos", "stiffness", "actfrcrange", "solref"),
    "geom": ("type", "size", "contype", "conaffinity", "condim", "friction", "solref", "solimp"),
    "actuator": ("gainprm", "biasprm", "ctrlrange", "forcerange", "gear", "trntype"),
}
OF_JOINTS = ("dof_damping", "dof_armature", "dof_frictionloss")
ROOT = ("pos", "quat", "gravcomp")  # the mount's: the root's place, and weight is compensated


def scene_with(name: str, mount: Any) -> mujoco.MjModel:
    scene = make_scene("hands")
    add_described_hand(scene, find_hand(name), mount, (0.0, 0.0, 0.4))
    return scene.compile()


def hand_controls(model: mujoco.MjModel, name: str) -> Controls:
    names = load_hand(find_hand(name)).names
    return read_controls(model, [model.actuator(PREFIX + each).id for each in names])


@every_hand
def test_attached_parts_equal_those_of_the_model_alone(name: str) -> None:
    alone, scene = load_hand(find_hand(name)).model, scene_with(name, "wrist")
    numbers = (alone.nbody - 1, alone.njnt, alone.ngeom, alone.nu)
    for (kind, fields), number in zip(FIELDS.items(), numbers, strict=True):
        for field in fields:
            ours, theirs = (getattr(model, f"{kind}_{field}") for model in (scene, alone))
            # The hand comes last in the scene, and its parts keep their order.
            skipped = 1 if kind == "body" and field in ROOT else 0
            kept = number - skipped if field != "gravcomp" else 0
            assert np.array_equal(ours[len(ours) - kept :], theirs[len(theirs) - kept :]), field
    for field in OF_JOINTS:
        ours, theirs = getattr(scene, field), getattr(alone, field)
        assert np.array_equal(ours[-alone.nv :], theirs), field
    assert scene.nexclude == alone.nexclude
    assert np.array_equal(scene.tendon_range, alone.tendon_range)
    assert np.array_equal(scene.eq_data, alone.eq_data)
    assert scene.actuator(scene.nu - 1).name == PREFIX + alone.actuator(alone.nu - 1).name
    root = int(scene.body(PREFIX + alone.body(1).name).id)
    assert scene.body_subtreemass[root] == pytest.approx(alone.body_subtreemass[1], rel=1e-12)


@every_hand
def test_the_scene_takes_over_the_contact_options_of_the_hand(name: str) -> None:
    alone, scene = hand_spec(find_hand(name)).compile(), scene_with(name, "palm_down")
    bare = make_scene("bare").compile()
    assert scene.opt.cone == alone.opt.cone
    assert scene.opt.impratio == min(alone.opt.impratio, MOST_IMPRATIO)
    assert (scene.opt.timestep, scene.opt.integrator) == (bare.opt.timestep, bare.opt.integrator)


@pytest.fixture
def warnings_of_mujoco(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file into which MuJoCo writes warnings during a test."""
    monkeypatch.chdir(tmp_path)
    config = mujoco.MjLogConfig.get()
    before, config.logto_file = config.logto_file, True
    config.set()
    yield tmp_path / "MUJOCO_LOG.TXT"
    config.logto_file = before
    config.set()


@every_hand
def test_attaching_warns_of_nothing(name: str, warnings_of_mujoco: Path) -> None:
    scene_with(name, "wrist")
    assert not warnings_of_mujoco.exists()


def test_attaching_a_hand_with_other_options_warns_of_nothing(
    tmp_path: Path, warnings_of_mujoco: Path
) -> None:
    hand = claw(tmp_path, 'impratio="5"', 'impratio="5" timestep="0.001" integrator="RK4"')
    scene = make_scene("claw")
    add_described_hand(scene, hand, "palm_down")
    assert not warnings_of_mujoco.exists()
    assert (scene.compile().opt.timestep, scene.option.impratio) == (0.004, 5.0)
    scene.attach(hand_spec(hand), prefix="another_", frame=scene.worldbody.add_frame())
    assert "timestep" in warnings_of_mujoco.read_text()  # what MuJoCo does by itself


@every_hand
def test_free_motion_of_the_attached_hand_equals_that_of_the_model_alone(name: str) -> None:
    loaded = load_hand(find_hand(name))
    alone, child = hand_spec(loaded.hand), hand_spec(loaded.hand)
    scene = mujoco.MjSpec()
    scene.option = alone.option
    attach(scene, child, scene.worldbody.add_frame())
    alone.option.impratio = scene.option.impratio
    models = [alone.compile(), scene.compile()]
    rng, states = np.random.default_rng(0), [mujoco.MjData(model) for model in models]
    for state in states:
        state.qpos[loaded.controls.qpos] = loaded.controls.angles(loaded.neutral)
    low, high = loaded.controls.low, loaded.controls.high
    for step in range(600):
        if step % 20 == 0:
            targets = loaded.neutral + 0.3 * rng.uniform(-1, 1, len(low)) * (high - low)
        for model, state in zip(models, states, strict=True):
            state.ctrl = np.clip(targets, low, high)
            mujoco.mj_step(model, state)
        assert np.array_equal(states[0].qpos, states[1].qpos), step
        assert np.array_equal(states[0].qvel, states[1].qvel), step
    assert np.abs(states[0].qpos - models[0].qpos0).max() > 0.2


@every_hand
@pytest.mark.parametrize("mount", MOUNTS)
def test_a_mounted_hand_is_where_it_should_be_and_stays_there(name: str, mount: Any) -> None:
    model, loaded = scene_with(name, mount), load_hand(find_hand(name))
    data, controls = mujoco.MjData(model), hand_controls(model, name)
    data.qpos[controls.qpos] = controls.angles(loaded.neutral)
    data.ctrl[controls.actuators] = loaded.neutral
    palm = model.site(f"{PREFIX}palm_frame").id
    mujoco.mj_forward(model, data)
    up = -1.0 if mount == "palm_up" else 1.0
    assert data.site_xpos[palm] == pytest.approx([0.0, 0.0, 0.4], abs=1e-9)
    assert data.site_xmat[palm] == pytest.approx([1, 0, 0, 0, up, 0, 0, 0, up], abs=1e-9)
    mujoco.mj_step(model, data, nstep=250)  # 1 s: weight is compensated
    assert data.site_xpos[palm] == pytest.approx([0.0, 0.0, 0.4], abs=1e-4)
    assert controls.measured(data.qpos[controls.qpos]) == pytest.approx(loaded.neutral, abs=2e-3)


@every_hand
def test_servos_bring_free_joints_where_the_controls_say(name: str) -> None:
    model, loaded = scene_with(name, "palm_down"), load_hand(find_hand(name))
    controls, data = hand_controls(model, name), mujoco.MjData(model)
    assert np.array_equal(controls.matrix, loaded.controls.matrix)
    for part in (0.5, 0.2):
        targets = loaded.neutral + part * (loaded.pregrasp - loaded.neutral)
        data.ctrl[controls.actuators] = targets
        mujoco.mj_step(model, data, nstep=500)
        assert controls.measured(data.qpos[controls.qpos]) == pytest.approx(targets, abs=5e-3)
        assert data.qpos[controls.qpos] == pytest.approx(controls.angles(targets), abs=5e-3)


def test_a_mount_that_the_hand_is_not_made_for(tmp_path: Path) -> None:
    hand = claw(tmp_path, mounts=("palm_down",))
    with pytest.raises(ValueError, match=r"unknown mount of hand claw 'wrist'.*known: palm_down"):
        add_described_hand(make_scene("claw"), hand, "wrist")
