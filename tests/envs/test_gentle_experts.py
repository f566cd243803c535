"""Every expert touches what it moves without sinking into it."""

import numpy as np
import pytest

from envs.registry import has_extra, make_expert, suite
from envs.world import World
from fmbench.rollout import rollout
from fmbench.seeds import TUNING
from tests.contacts import DEEPEST_M, DepthSensors, DepthWatch

SEEDS = list(range(TUNING, TUNING + 8))
# Where an earlier version of the expert pressed deepest.
HARD_SEEDS = {
    "OpenDoor": [400138, 410531, 411731],
    "AdroitDoor": [100445, 100856, 102662, 102910, 103720],
    "AdroitHammerWide": [78, 163, 258, 312, 393],
}
TOUCHES_NOTHING = ("ReachPose",)


@pytest.mark.parametrize("name", suite())
def test_no_contact_of_the_hand_is_deeper_than_3_mm(name: str) -> None:
    if not has_extra(name):
        pytest.skip("needs the extra")
    seeds = np.array(SEEDS + HARD_SEEDS.get(name, []))
    sensors = DepthSensors(name)
    world = World(sensors.task, len(seeds), 1)
    watch = DepthWatch(world, make_expert(world), sensors)
    episodes = rollout(world, watch, seeds)
    assert all(episode.success for episode in episodes)
    assert watch.deepest_m < DEEPEST_M
    assert (watch.deepest_m > 0.0005) == (name not in TOUCHES_NOTHING)
