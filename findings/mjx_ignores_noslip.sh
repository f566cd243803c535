#!/usr/bin/env bash
# Guess: `mjx.put_model` refuses a model with an option that MJX does not have, as it refuses the solver PGS and the integrator
# "implicit" with NotImplementedError. So a grasp that is kept from creeping by `noslip_iterations` either is so there, too, or
# is an error.
# Seen with mujoco-mjx 3.17.0 (mujoco 3.17.0, jax on a CPU): noslip_iterations is accepted and does nothing, without a warning. A box
# that is pushed sideways by less than friction holds creeps in MJX with the option just as without it, ten times as far as in
# MuJoCo with it. Millimetres in one second; output seen:
#   mujoco-mjx 3.17.0, mujoco 3.17.0
#   solver=PGS: NotImplementedError
#   integrator=implicit: NotImplementedError
#   noslip_iterations=0: MuJoCo 1.09, MJX 1.07
#   noslip_iterations=10: MuJoCo 0.08, MJX 1.07
# What follows: a policy for grasping that was trained in MJX on such a model meets another simulation in MuJoCo: compare both
# over some seconds of holding, or leave noslip out of both. MuJoCo Warp 4.0.0 has the option and agrees with MuJoCo.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mujoco-mjx==3.17.0 mujoco==3.17.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cd "$folder"
seen=$(JAX_PLATFORMS=cpu MUJOCO_GL=disable "$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
import contextlib
from importlib.metadata import version

import jax
import mujoco

with contextlib.redirect_stdout(None):  # what it says of the missing MuJoCo Warp
    from mujoco import mjx

STEPS = 500
XML = """
<mujoco>
  <option timestep="0.002" gravity="2 0 -9" {option}/>
  <worldbody>
    <geom type="plane" size="1 1 .1"/>
    <body pos="0 0 .05">
      <freejoint/>
      <geom type="box" size=".05 .05 .05" mass=".1"/>
    </body>
  </worldbody>
</mujoco>
"""


def creep_mujoco(model):
    data = mujoco.MjData(model)
    for _ in range(STEPS):
        mujoco.mj_step(model, data)
    return 1000 * float(data.qpos[0])


def creep_mjx(model):
    on_device = mjx.put_model(model)
    run = jax.jit(lambda data: jax.lax.fori_loop(0, STEPS, lambda _, data: mjx.step(on_device, data), data))
    return 1000 * float(run(mjx.make_data(on_device)).qpos[0])


print(f"mujoco-mjx {version('mujoco-mjx')}, mujoco {mujoco.__version__}")
for option in ('solver="PGS"', 'integrator="implicit"'):
    try:
        mjx.put_model(mujoco.MjModel.from_xml_string(XML.format(option=option)))
        print(option.replace('"', ""), "accepted")
    except NotImplementedError as error:
        print(option.replace('"', "") + ":", type(error).__name__)
for iterations in (0, 10):
    model = mujoco.MjModel.from_xml_string(XML.format(option=f'noslip_iterations="{iterations}"'))
    print(f"noslip_iterations={iterations}: MuJoCo {creep_mujoco(model):.2f}, MJX {creep_mjx(model):.2f}")
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="mujoco-mjx 3.17.0, mujoco 3.17.0
solver=PGS: NotImplementedError
integrator=implicit: NotImplementedError
noslip_iterations=0: MuJoCo 1.09, MJX 1.07
noslip_iterations=10: MuJoCo 0.08, MJX 1.07"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
