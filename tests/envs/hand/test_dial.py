"""How described hands grasp a dial: where tips touch, which strokes they reach, their forces."""

from pathlib import Path

import numpy as np
import pytest

from envs.experts.on_hand.dial_forces import PRESS_N, TURN_N, _along, _inwards, dial_grasp
from envs.hand import menagerie
from envs.hand.catalogue import find_hand
from envs.hand.hold import hold_of
from envs.hand.reach import fingertips
from envs.on_hands import task_on_hand
from envs.registry import make_task
from envs.tasks.dial_parts import KNOB_HALF_HEIGHT_M, KNOB_RADIUS_M
from envs.tasks.on_hand.base import TaskOnHand
from envs.tasks.on_hand.dial import contact_angles, reached_strokes, rim_places
from envs.tasks.on_hand.pairs import put_on
from envs.tasks.on_hand.rotate_cube import RotateCubeOnHand
from tests.envs.hand.described import case, claw, every_real_hand


@every_real_hand
def test_touching_tips_are_on_the_rim_and_above_the_skirt(name: str) -> None:
    hand = find_hand(name)
    hold, (_, half) = hold_of(hand), reached_strokes(hand)
    for stroke in (-half, 0.0, half):
        posture = dial_grasp(hand).touch(np.array([stroke]))[0]
        tips = dict(zip(hand.fingers, fingertips(hand, posture), strict=True))
        for finger, angle in contact_angles(hand).items():
            x, y, z = hold.axes.T @ (tips[finger] - hold.point)
            radius = hand.fingers[finger].radius_m
            assert np.hypot(x, y) == pytest.approx(KNOB_RADIUS_M + radius, abs=0.004)
            assert np.arctan2(y, x) - angle - stroke == pytest.approx(0.0, abs=0.1) or (
                abs(np.arctan2(y, x) - angle - stroke) == pytest.approx(2 * np.pi, abs=0.1)
            )
            assert z - radius + KNOB_HALF_HEIGHT_M > 0.002  # the skirt begins there


def test_hands_that_do_not_fit_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = claw(tmp_path)
    with pytest.raises(ValueError, match=r"hand claw does not fit the dial: \w+ misses .* mm;"):
        reached_strokes(hand)
    monkeypatch.setattr(menagerie, "LEAP", hand)
    with pytest.raises(ValueError, match="hand claw does not fit the cube: a fingertip misses"):
        put_on(RotateCubeOnHand, "leap")()


@pytest.mark.parametrize("name", [case("shadow")])
def test_a_start_with_contact_in_every_draw_is_an_error(name: str) -> None:
    task = make_task(task_on_hand("TurnDial", name))
    assert isinstance(task, TaskOnHand)
    touching = task.hand_qpos(dial_grasp(task.described).touch(np.zeros(1))[0])
    with pytest.raises(ValueError, match="hand shadow does not fit a thing: it touches something"):
        task.draw_clear("a thing", lambda: touching)


@every_real_hand
def test_strokes_are_as_wide_as_the_hand_can_turn_its_tips(name: str) -> None:
    middle, half = reached_strokes(find_hand(name))
    if name == "shadow":  # its fingers hardly move sideways
        assert 0.15 < half < 0.3
        assert -half - 0.01 <= middle < -0.1
    else:
        assert (middle, half) == (0.0, 0.6)


@every_real_hand
def test_fingers_press_against_the_thumb_and_all_push_along_the_rim(name: str) -> None:
    hand = find_hand(name)
    hold, places = hold_of(hand), rim_places(hand, 0.1, 0.0)
    thumb, *others = places
    press, turn = _inwards(hand, 0.1), _along(hand, 0.1)
    assert np.linalg.norm(press[thumb]) == pytest.approx(PRESS_N)
    assert np.linalg.norm(sum(press[finger] for finger in others)) == pytest.approx(PRESS_N)
    assert sum(np.linalg.norm(turn[finger]) for finger in others) == pytest.approx(TURN_N)
    for finger, place in places.items():
        arm = hold.axes.T @ (place - hold.point) * (1, 1, 0)
        radial, along = hold.axes.T @ press[finger], hold.axes.T @ turn[finger]
        assert np.cross(arm, radial) == pytest.approx(0.0, abs=1e-6)
        assert radial @ arm < 0.0
        assert along @ arm == pytest.approx(0.0, abs=1e-6)
        assert np.cross(arm, along)[2] > 0.0
