#!/usr/bin/env bash
# Guess: in a goal environment `compute_terminated` takes the same batches of goals as `compute_reward`, and says for each pair
# whether the episode would end there, so that hindsight can relabel both.
# Seen with gymnasium-robotics 1.4.2: in the mazes `compute_reward` answers for each pair, `compute_terminated` takes the same batch
# without an error and gives one answer for all of it: the distance is that of the whole batch as one vector. One pair that
# is missed makes it False for all, and of enough pairs that are all reached it is False as well. Output seen:
#   gymnasium-robotics 1.4.2
#   PointMaze_UMaze-v3: one reached, one missed: rewards [1.0, 0.0], ends False; one by one [True, False]
#   PointMaze_UMaze-v3: four reached, 0.3 m off: rewards [1.0, 1.0, 1.0, 1.0], ends False; one by one [True, True, True, True]
#   AntMaze_UMaze-v5: one reached, one missed: rewards [1.0, 0.0], ends False; one by one [True, False]
#   AntMaze_UMaze-v5: four reached, 0.3 m off: rewards [1.0, 1.0, 1.0, 1.0], ends False; one by one [True, True, True, True]
# What follows: a relabelled batch whose ends are computed so has no ends, and learns values beyond the goal: call it for
# each pair.
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
import numpy as np

gymnasium.register_envs(gymnasium_robotics)
print("gymnasium-robotics", version("gymnasium-robotics"))
for name in ("PointMaze_UMaze-v3", "AntMaze_UMaze-v5"):
    env = gymnasium.make(name, continuing_task=False).unwrapped
    env.reset(seed=0)
    for label, offsets in (("one reached, one missed", [0.0, 5.0]), ("four reached, 0.3 m off", [0.3] * 4)):
        desired = np.zeros((len(offsets), 2))
        achieved = desired + np.array(offsets)[:, None] * [1.0, 0.0]
        rewards = env.compute_reward(achieved, desired, {})
        ends = env.compute_terminated(achieved, desired, {})
        single = [bool(env.compute_terminated(a, d, {})) for a, d in zip(achieved, desired)]
        print(f"{name}: {label}: rewards {np.asarray(rewards).tolist()}, ends {ends}; one by one {single}")
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="gymnasium-robotics 1.4.2
PointMaze_UMaze-v3: one reached, one missed: rewards [1.0, 0.0], ends False; one by one [True, False]
PointMaze_UMaze-v3: four reached, 0.3 m off: rewards [1.0, 1.0, 1.0, 1.0], ends False; one by one [True, True, True, True]
AntMaze_UMaze-v5: one reached, one missed: rewards [1.0, 0.0], ends False; one by one [True, False]
AntMaze_UMaze-v5: four reached, 0.3 m off: rewards [1.0, 1.0, 1.0, 1.0], ends False; one by one [True, True, True, True]"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
