#!/usr/bin/env bash
# Guess: with `Batch.expand("body_mass")` each simulation has a mass of its own from its next step on. A free body
# whose mass is doubled falls as before (gravity does not ask for the mass), and half as fast under a push.
# Seen with mujoco 4.0.0: the force of gravity is that of the new mass, but the mass matrix of a free joint is made of
# constants of the compiled model. The body falls at twice g, and a push moves it as before, until `Batch.set_const()`
# is called; the moments of inertia of a free body have no effect at all until then. A body on a hinge obeys at once.
# Output seen:
#   mujoco 4.0.0, mass doubled: falls at 2.0 g, a push of 1 N gives 1.0 m/s^2
#   after set_const: falls at 1.0 g, a push of 1 N gives 0.5 m/s^2
#   on a hinge, before set_const: swings at 1.0 times the acceleration
# What follows: after a change of masses, inertias or sizes call `set_const`, or heavier objects are measured as bodies
# in a stronger field of gravity.
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
from mujoco.batch import Batch

FREE = """<mujoco><option gravity="0 0 {g}"/><worldbody><body name="ball"><freejoint/>
<geom size=".1" mass="1"/></body></worldbody></mujoco>"""
HINGE = """<mujoco><option gravity="0 0 -9.81"/><worldbody><body name="ball"><joint axis="0 1 0"/>
<geom size=".1" pos=".5 0 0" mass="1"/></body></worldbody></mujoco>"""


def accelerations(text: str, factor: float, calls_set_const: bool, push: float = 0.0) -> np.ndarray:
    """Velocities after one step, over its length."""
    model = mujoco.MjModel.from_xml_string(text)
    body = model.body("ball").id
    batch = Batch(model, 1, nthread=1, persistent=True)
    mass, inertia = batch.expand("body_mass"), batch.expand("body_inertia")
    mass[0, body] *= factor
    inertia[0, body] *= factor
    if calls_set_const:
        batch.set_const()
    batch.bind("xfrc_applied")[0, body, 0] = push
    batch.step()
    return batch.bind("qvel")[0] / model.opt.timestep


seen = []
for called in (False, True):
    fall = accelerations(FREE.format(g=-9.81), 2.0, called)[2] / -9.81
    pushed = accelerations(FREE.format(g=0), 2.0, called, push=1.0)[0]
    seen += [round(float(fall), 3), round(float(pushed), 3)]
swings = [accelerations(HINGE, factor, False)[0] for factor in (2.0, 1.0)]
ratio = float(swings[0] / swings[1])
print(f"mujoco {mujoco.__version__}, mass doubled: falls at {seen[0]} g, a push of 1 N gives {seen[1]} m/s^2")
print(f"after set_const: falls at {seen[2]} g, a push of 1 N gives {seen[3]} m/s^2")
print(f"on a hinge, before set_const: swings at {ratio:.1f} times the acceleration")
assert seen == [2.0, 1.0, 1.0, 0.5], "the behaviour has changed"
assert abs(ratio - 1) < 1e-6, "the behaviour has changed"
PY
