#!/usr/bin/env bash
# Guess: the state that PushT observes (agent, block, angle of the block) is what `reset` takes back as
# `options={"reset_to_state": state}`, so that a recorded start can be repeated, by another policy or in another process.
# Seen with gym-pusht 0.1.8: the agent and the angle come back, the block is elsewhere, unless its angle is 0: it is moved first and
# turned afterwards, about its centre of gravity, while the position is that of another point of it. In the first start shown each
# reset to what was observed moves it further, and at last out of the workspace of 512. Output seen:
#   gym-pusht 0.1.8
#   block after 0, 1, 2 and 3 resets to what was observed, its angle 3.40 rad: (242, 269), (230, 357), (219, 446), (207, 534)
#   20 starts, each reset to what was observed: agent and angle equal in 20, block in 0, moved by 4 to 90 of 512
#   angle 0: block moved by 0
# What follows: a start is repeated with `reset(seed=...)`, which is exact, or with the state that was asked for. One that was observed,
# as data sets have it, cannot be passed back to `reset` as it is.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gym-pusht==0.1.8 gymnasium==1.4.0 numpy==2.4.6 pymunk==6.11.1
cd "$folder"
seen=$("$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
from importlib.metadata import version

import gym_pusht  # noqa: F401, registers the environment
import gymnasium
import numpy as np

STARTS = 20


def to_state(state):
    return env.reset(options={"reset_to_state": state})[0]


env = gymnasium.make("gym_pusht/PushT-v0", obs_type="state")
print("gym-pusht", version("gym-pusht"))
states = [env.reset(seed=0)[0]]
assert np.array_equal(states[0], env.reset(seed=0)[0])
for _ in range(3):
    states.append(to_state(states[-1]))
places = ", ".join(f"({x:.0f}, {y:.0f})" for x, y in (state[2:4] for state in states))
print(
    "block after 0, 1, 2 and 3 resets to what was observed, its angle "
    f"{states[0][4]:.2f} rad: {places}"
)
agents = blocks = 0
moved = []
for seed in range(STARTS):
    before = env.reset(seed=seed)[0]
    after = to_state(before)
    agents += bool(np.allclose(before[[0, 1, 4]], after[[0, 1, 4]], atol=1e-6))
    moved.append(np.linalg.norm(after[2:4] - before[2:4]))
    blocks += bool(moved[-1] < 1)
print(
    f"{STARTS} starts, each reset to what was observed: agent and angle equal in {agents}, block in "
    f"{blocks}, moved by {min(moved):.0f} to {max(moved):.0f} of 512"
)
straight = np.array([100.0, 200.0, 300.0, 250.0, 0.0])
print(f"angle 0: block moved by {np.linalg.norm(to_state(straight)[2:4] - straight[2:4]):.0f}")
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="gym-pusht 0.1.8
block after 0, 1, 2 and 3 resets to what was observed, its angle 3.40 rad: (242, 269), (230, 357), (219, 446), (207, 534)
20 starts, each reset to what was observed: agent and angle equal in 20, block in 0, moved by 4 to 90 of 512
angle 0: block moved by 0"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
