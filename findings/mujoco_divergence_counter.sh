#!/usr/bin/env bash
# Guess: `mjData.warning[...].number` counts how often a simulation diverged, so that a simulation that
# diverges in three steps counts 1, 2, 3, and comparing the number before and after a step shows a divergence.
# Seen with mujoco 4.0.0: `mj_step` resets a state that it rejects, and that clears the counters first; the
# number is 1 after every one of the three steps, and comparing before and after misses all but the first.
# The time does start again. Output seen:
#   mujoco 4.0.0
#   diverged in 3 of 3 steps by the time, in 1 of 3 by the counter; counter after each: [1, 1, 1]
# What follows: set the counter to 0 yourself before a step, or look at the time as well.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q mujoco==4.0.0
cd "$folder"
"$folder/env/bin/python" - <<'PY'
import mujoco

config = mujoco.MjLogConfig.get()
config.logto_file = config.logto_console = False
config.set()
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><body><freejoint/><geom size='.1'/></body></worldbody></mujoco>"
)
data = mujoco.MjData(model)
print("mujoco", mujoco.__version__)
by_time, by_counter, counters = 0, 0, []
for _ in range(3):
    before = sum(int(warning.number) for warning in data.warning)
    mujoco.mj_step(model, data)  # a good step
    data.qvel[0] = 1e12  # a velocity that MuJoCo rejects, and says so
    time = data.time
    mujoco.mj_step(model, data)
    after = sum(int(warning.number) for warning in data.warning)
    by_time += data.time <= time
    by_counter += after > before
    counters.append(after)
print(
    f"diverged in {by_time} of 3 steps by the time, in {by_counter} of 3 by the counter; "
    f"counter after each: {counters}"
)
assert (by_time, by_counter, counters) == (3, 1, [1, 1, 1]), "the behaviour has changed"
PY
