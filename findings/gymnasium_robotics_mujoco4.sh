#!/usr/bin/env bash
# Guess: gymnasium-robotics, which asks for mujoco 2.2.0 or later, can make its environments with the mujoco that pip installs for it.
# Seen with gymnasium-robotics 1.4.2 and mujoco 4.0.0: those of Fetch, of the Shadow hand and the kitchen cannot be made, those of Adroit and
# the mazes can. A type that is read from a model equals the enumeration's member, but not the other way round, and so it is not in a
# tuple with it, which those environments check. Output seen:
#   gymnasium-robotics 1.4.2, mujoco 4.0.0
#   model.jnt_type[0] == mjJNT_HINGE: True; mjJNT_HINGE == model.jnt_type[0]: False; model.jnt_type[0] in (mjJNT_HINGE,): False
#   int(model.jnt_type[0]) in (mjJNT_HINGE,): True
#   FetchReach-v4 AssertionError, HandReach-v3 AssertionError, HandManipulateBlock-v1 AssertionError, FrankaKitchen-v1 AssertionError
#   AdroitHandPen-v1 made, PointMaze_UMaze-v3 made, AntMaze_UMaze-v5 made
# What follows: pin an earlier mujoco for the first four; in code of one's own turn types into `int` before `in`, a dictionary or a set.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gymnasium-robotics==1.4.2 gymnasium==1.4.0 mujoco==4.0.0 numpy==2.4.6
cd "$folder"
seen=$(MUJOCO_GL=disable "$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
from importlib.metadata import version

import gymnasium
import gymnasium_robotics
import mujoco

gymnasium.register_envs(gymnasium_robotics)
print(f"gymnasium-robotics {version('gymnasium-robotics')}, mujoco {mujoco.__version__}")
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><body><joint type='hinge'/><geom size='.1'/></body></worldbody></mujoco>"
)
kind, HINGE = model.jnt_type[0], mujoco.mjtJoint.mjJNT_HINGE
print(
    f"model.jnt_type[0] == mjJNT_HINGE: {bool(kind == HINGE)}; mjJNT_HINGE == model.jnt_type[0]: {bool(HINGE == kind)}; "
    f"model.jnt_type[0] in (mjJNT_HINGE,): {kind in (HINGE,)}"
)
print(f"int(model.jnt_type[0]) in (mjJNT_HINGE,): {int(kind) in (HINGE,)}")


def made(name):
    try:
        gymnasium.make(name)
    except AssertionError:
        return f"{name} AssertionError"
    return f"{name} made"


print(", ".join(map(made, ("FetchReach-v4", "HandReach-v3", "HandManipulateBlock-v1", "FrankaKitchen-v1"))))
print(", ".join(map(made, ("AdroitHandPen-v1", "PointMaze_UMaze-v3", "AntMaze_UMaze-v5"))))
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="gymnasium-robotics 1.4.2, mujoco 4.0.0
model.jnt_type[0] == mjJNT_HINGE: True; mjJNT_HINGE == model.jnt_type[0]: False; model.jnt_type[0] in (mjJNT_HINGE,): False
int(model.jnt_type[0]) in (mjJNT_HINGE,): True
FetchReach-v4 AssertionError, HandReach-v3 AssertionError, HandManipulateBlock-v1 AssertionError, FrankaKitchen-v1 AssertionError
AdroitHandPen-v1 made, PointMaze_UMaze-v3 made, AntMaze_UMaze-v5 made"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
