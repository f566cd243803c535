#!/usr/bin/env bash
# Guess: a geom or joint that is added to a body of an attached model gets the default values of that model, as it does when it is
# added before; for that the defaults were taken along, under the prefix.
# Seen with mujoco 4.0.0: it gets those of the model to which was attached. Only bodies with a class of their own (`childclass`) keep
# it. What the attached model itself had is as before, so that two geoms of one link, one from its file and one added later, differ
# in friction without anybody having said so; where the parent has no defaults, the new one has MuJoCo's. Friction of geoms,
# 0.3 by the hand's default, 0.5 by its class for tips, 0.9 by the scene's; output seen:
#   mujoco 4.0.0
#   own geom of the palm 0.3, of the tip 0.5
#   added before attaching: palm 0.3, tip 0.5
#   added afterwards: palm 0.9, tip 0.5
#   added afterwards, default=find_default('hand_main'): palm 0.3
# What follows: add to a hand before it is attached, or give its default by name.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mujoco==4.0.0 numpy==2.4.6
cd "$folder"
seen=$(MUJOCO_GL=disable "$folder/venv/bin/python" - <<'PY'
import mujoco

HAND = """
<mujoco model="hand">
  <default>
    <geom friction="0.3"/>
    <default class="tip"><geom friction="0.5"/></default>
  </default>
  <worldbody>
    <body name="palm">
      <geom name="palm" size="0.1"/>
      <body name="tip" childclass="tip" pos="0.3 0 0"><geom name="tip" size="0.05"/></body>
    </body>
  </worldbody>
</mujoco>
"""
SCENE = """
<mujoco>
  <default><geom friction="0.9"/></default>
  <worldbody><frame name="mount"/></worldbody>
</mujoco>
"""


def scene_with(hand):
    scene = mujoco.MjSpec.from_string(SCENE)
    scene.attach(hand, prefix="hand_", frame="mount")
    return scene


def add(spec, prefix="", **given):
    for name in ("palm", "tip"):
        spec.body(prefix + name).add_geom(name=f"{prefix}{name}_pad", size=[0.02, 0, 0], **given)


def friction(scene, name):
    return round(float(scene.compile().geom(f"hand_{name}").friction[0]), 3)


print("mujoco", mujoco.__version__)
early, late, named = (mujoco.MjSpec.from_string(HAND) for _ in range(3))
add(early)
early = scene_with(early)
late = scene_with(late)
add(late, "hand_")
named = scene_with(named)
add(named, "hand_", default=named.find_default("hand_main"))
print(f"own geom of the palm {friction(late, 'palm')}, of the tip {friction(late, 'tip')}")
print(f"added before attaching: palm {friction(early, 'palm_pad')}, tip {friction(early, 'tip_pad')}")
print(f"added afterwards: palm {friction(late, 'palm_pad')}, tip {friction(late, 'tip_pad')}")
print(f"added afterwards, default=find_default('hand_main'): palm {friction(named, 'palm_pad')}")
PY
)
echo "$seen"
expected="mujoco 4.0.0
own geom of the palm 0.3, of the tip 0.5
added before attaching: palm 0.3, tip 0.5
added afterwards: palm 0.9, tip 0.5
added afterwards, default=find_default('hand_main'): palm 0.3"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
