"""Scenes with two hands: mirror symmetry, indices, and contacts between the hands."""

import mujoco
import numpy as np
import pytest

from envs.hand.hand import actuated_joints, index_hand, name_without_side
from envs.hand.scene import add_hand
from envs.hand.two_hands import add_two_hands, mirrored
from envs.scene import make_scene

MOUNT_M = (0.0, -0.2, 0.3)


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    spec = make_scene("two_hands")
    add_two_hands(spec, MOUNT_M)
    return spec.compile()


def one_hand() -> mujoco.MjModel:
    spec = make_scene("one_hand")
    add_hand(spec, "wrist", MOUNT_M)
    return spec.compile()


def both_posed(model: mujoco.MjModel, right: np.ndarray, left: np.ndarray) -> mujoco.MjData:
    sides, data = index_hand(model, "two_wrists").sides, mujoco.MjData(model)
    for hand, values in zip(sides, (right, left), strict=True):
        data.qpos[hand.qpos] = values
    mujoco.mj_forward(model, data)
    return data


def random_joints(model: mujoco.MjModel, seed: int) -> np.ndarray:
    hand = index_hand(model, "two_wrists").sides[0]
    return np.random.default_rng(seed).uniform(hand.low, hand.high)


@pytest.mark.parametrize("seed", range(3))
def test_same_values_give_mirrored_hands(model: mujoco.MjModel, seed: int) -> None:
    values = random_joints(model, seed)
    data, hand = both_posed(model, values, values), index_hand(model, "two_wrists")
    right, left = hand.sides
    for places in (data.site_xpos, data.xipos[1:], data.geom_xpos[1:]):  # without world and table
        by_hand = places.reshape(2, -1, 3)
        np.testing.assert_allclose(by_hand[1], mirrored(by_hand[0]), atol=1e-12)
    np.testing.assert_array_equal(data.site_xpos[hand.tips[5:]], data.site_xpos[left.tips])
    np.testing.assert_array_equal(hand.tips[:5], right.tips)
    masses = model.body_mass[1:].reshape(2, -1)
    np.testing.assert_array_equal(masses[0], masses[1])


def test_right_hand_equals_the_single_hand(model: mujoco.MjModel) -> None:
    alone, values = one_hand(), random_joints(model, 5)
    hand, right = index_hand(alone, "wrist"), index_hand(model, "two_wrists").sides[0]
    data = mujoco.MjData(alone)
    data.qpos[hand.qpos] = values
    mujoco.mj_forward(alone, data)
    tips = both_posed(model, values, values).site_xpos[right.tips]
    np.testing.assert_allclose(tips, data.site_xpos[hand.tips], atol=1e-12)
    assert hand.sides == ()


def test_index_covers_forty_actuators_in_order(model: mujoco.MjModel) -> None:
    hand, names = index_hand(model, "two_wrists"), actuated_joints("two_wrists")
    assert (len(names), model.nu, hand.tips.shape, len(hand.low)) == (40, 40, (10,), 40)
    assert [model.actuator(k).name for k in range(40)] == list(names)
    assert [model.joint(name).qposadr[0] for name in names] == hand.qpos.tolist()
    assert [name_without_side(name) for name in names] == 2 * list(actuated_joints("wrist"))
    assert name_without_side("little_mcp") == "little_mcp"
    right, left = hand.sides
    assert hand.palm == right.palm == model.site("right_palm_center").id
    assert left.palm == model.site("left_palm_center").id


def test_hands_collide_with_each_other_and_not_with_themselves(model: mujoco.MjModel) -> None:
    inwards = np.zeros(20)
    inwards[1] = 0.2  # both palms in the middle
    contacts = both_posed(model, inwards, inwards).contact
    bodies = model.geom_bodyid[contacts.geom]
    names = [[model.body(body).name.partition("_")[0] for body in pair] for pair in bodies]
    assert len(names) > 0
    assert all(set(pair) == {"right", "left"} for pair in names)
    separate = both_posed(model, np.zeros(20), np.zeros(20))
    assert separate.ncon == 0
