"""Add your own hand: describe its MJCF, and run a task on it.

    python examples/add_hand.py --policy flow bc --preset smoke

The model `claw.xml` beside this file has position servos, and no free joint at its root. Joints,
limits, gains and meshes are read from it. Put the names of your bodies in the places of those of a
claw with a thumb and a finger; docs/hands.md explains the fields. The flags are `fmbench.run`'s.
"""

import sys
from pathlib import Path

from envs.hand.description import Finger, Hand
from envs.hand.model_files import ModelFile
from fmbench.plugins import register_hand
from fmbench.run import main

CLAW = Hand(
    name="claw",
    source=ModelFile(Path(__file__).with_name("claw.xml")),
    palm="base",
    axes=("x", "y", "z"),  # of the palm's body: along the fingers, to the thumb, out of the back
    fingers={
        "thumb": Finger("t2", radius_m=0.008, tip_m=(0.0, 0.0, -0.04)),
        "index": Finger("f2", radius_m=0.008, tip_m=(0.04, 0.0, 0.0)),
    },
    opposing=(("thumb", "index"),),
    neutral={"*_bend": 0.4, "*_end": 0.4},
    pregrasp={"*_bend": 0.2, "*_end": 0.6},
)
register_hand(CLAW)

if __name__ == "__main__":
    sys.exit(main(["--task", "ReachPose", "--hand", CLAW.name, *sys.argv[1:]]))
