"""RotateCube's palm frame and lanes on described hands, and where tips meet the cube."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from envs.experts import rotate_cube
from envs.experts.on_hand.rotate_cube import RotateCubeOnHandExpert
from envs.hand.catalogue import find_hand
from envs.hand.hand import PALM_HALF_SIZE_M
from envs.hand.own import FMBENCH
from envs.hand.reach import fingertips
from envs.tasks.on_hand.open_palm import GRID_M, TIP_UP_M, open_palm
from tests.envs.hand.described import case


@pytest.mark.parametrize("name", [case("shadow"), case("fmbench")])
def test_tips_stay_in_their_lanes_along_the_whole_table(name: str) -> None:
    hand = find_hand(name)
    palm = open_palm(hand)
    assert palm.lanes.mean() == pytest.approx(0.0, abs=1e-3)
    for x, posture in zip(GRID_M, palm.postures, strict=True):
        tips = fingertips(hand, posture)[1:] - palm.origin
        assert tips[:, 0] == pytest.approx(x, abs=2e-3)
        assert -tips[:, 1] == pytest.approx(palm.lanes, abs=2e-3)
        assert -tips[:, 2] == pytest.approx(TIP_UP_M, abs=2e-3)


def test_the_cube_lies_on_what_stands_out_of_the_palm() -> None:
    height = -open_palm(FMBENCH).origin[2]
    assert PALM_HALF_SIZE_M[2] < height < PALM_HALF_SIZE_M[2] + 0.003  # the knuckles are thicker


def test_tips_meet_the_cube_where_they_meet_it_on_the_fmbench_hand() -> None:
    lanes, radius = rotate_cube.LANE_M, rotate_cube.TIP_RADIUS_M
    ours: Any = SimpleNamespace(_lanes=lanes, _radii=np.full(4, radius))
    rng = np.random.default_rng(0)
    yaw, centre = rng.uniform(-3, 3, 300), rng.uniform(-0.02, 0.02, (300, 2))
    expected, arms = rotate_cube.outline(yaw, centre)
    front, found = RotateCubeOnHandExpert.outline(ours, yaw, centre)
    assert front == pytest.approx(expected, abs=3e-4)
    assert found == pytest.approx(arms, abs=3e-3)  # of points 1 mm apart
