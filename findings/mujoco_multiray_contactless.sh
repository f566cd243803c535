#!/usr/bin/env bash
# Guess: `mj_multiRay` gives for each ray what `mj_ray` gives for it alone, only faster.
# Seen with mujoco 4.0.0: it leaves out a geom that collides with nothing (contype and conaffinity 0) if the geom
# belongs to a body whose other geoms do collide, and lies outside of these; `mj_ray` hits it. A body all of whose
# geoms collide with nothing is hit by both. Output seen:
#   mujoco 4.0.0
#   solid: mj_ray solid, mj_multiRay solid
#   ghost beside it, same body: mj_ray ghost, mj_multiRay nothing
#   marker, a body of its own: mj_ray marker, mj_multiRay marker
# What follows: markers and other geoms for show need a body of their own, or rays that are cast one by one.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q mujoco==4.0.0
cd "$folder"
"$folder/env/bin/python" - <<'PY'
import mujoco
import numpy as np

model = mujoco.MjModel.from_xml_string(
    """
    <mujoco>
      <worldbody>
        <body>
          <freejoint/>
          <geom name="solid" size=".1"/>
          <geom name="ghost" size=".1" pos="1 0 0" contype="0" conaffinity="0" mass="0"/>
        </body>
        <body mocap="true" pos="-2 0 0">
          <geom name="marker" size=".1" contype="0" conaffinity="0"/>
        </body>
      </worldbody>
    </mujoco>
    """
)
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
print("mujoco", mujoco.__version__)


def name(geom):
    return model.geom(geom).name if geom >= 0 else "nothing"


seen = []
up = np.array([0.0, 0.0, 1.0])
for text, x in (("solid", 0), ("ghost beside it, same body", 1), ("marker, a body of its own", -2)):
    start = np.array([x, 0.0, -1.0])
    one, many = np.array([-1], np.int32), np.array([-1], np.int32)
    mujoco.mj_ray(model, data, start, up, None, 1, -1, one, None)
    mujoco.mj_multiRay(model, data, start, up, None, 1, -1, many, np.zeros(1), np.zeros(3), 1, 10.0)
    print(f"{text}: mj_ray {name(one[0])}, mj_multiRay {name(many[0])}")
    seen.append((name(one[0]), name(many[0])))
expected = [("solid", "solid"), ("ghost", "nothing"), ("marker", "marker")]
assert seen == expected, "the behaviour has changed"
PY
