#!/usr/bin/env bash
# Guess: `reset(seed=0)` of an OGBench environment gives the same episode each time, as Gymnasium's interface says; at the
# latest if the number of the goal is given as well.
# Seen with ogbench 1.2.2: which of the five goals is set is drawn from NumPy's global generator. With its number given, the
# start in the mazes is displaced at random by that generator, and the observation that shows the goal is taken after random
# actions, from the action space. The action space of the tasks with a manipulator is a new object whenever it is looked at, so
# that `action_space.seed` has no effect, and nothing makes their goal observation repeat; only their start follows from the
# seed. Same seed, 12 resets; output seen:
#   ogbench 1.2.2
#   cube-single-v0: more than one goal; goal 1: starts 1, goal observations 12; all generators seeded: 1, 12
#   puzzle-3x3-v0: more than one goal; goal 1: starts 1, goal observations 12; all generators seeded: 1, 12
#   pointmaze-medium-v0: more than one goal; goal 1: starts 12, goal observations 12; all generators seeded: 1, 1
#   antmaze-medium-v0: more than one goal; goal 1: starts 12, goal observations 12; all generators seeded: 1, 1
#   two samples of a seeded action space are equal: cube-single-v0 False, pointmaze-medium-v0 True
# What follows: two policies are not evaluated on the same episodes because both get the same seeds. A paired comparison needs
# `task_id` in the options of `reset`, and `np.random.seed` and `env.action_space.seed` before it; with a manipulator the goal
# observation has to be kept.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ogbench==1.2.2 mujoco==4.0.0 gymnasium==1.4.0 numpy==2.4.6 dm_control==1.0.50
cd "$folder"
seen=$(MUJOCO_GL=disable "$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
import ogbench  # noqa: F401, registers the environments

RESETS = 12


def different(arrays):
    return len({np.asarray(array).tobytes() for array in arrays})


def resets(env, options, is_seeded):
    seen = []
    for _ in range(RESETS):
        if is_seeded:
            np.random.seed(0)
            env.action_space.seed(0)
        observation, info = env.reset(seed=0, options=options)
        seen.append((observation, info["goal"], env.unwrapped.cur_task_id))
    return [list(part) for part in zip(*seen)]


print("ogbench", version("ogbench"))
for name in ("cube-single-v0", "puzzle-3x3-v0", "pointmaze-medium-v0", "antmaze-medium-v0"):
    env = gymnasium.make(name)
    goals = len(set(resets(env, None, False)[2]))
    starts, goal_observations, _ = (different(part) for part in resets(env, {"task_id": 1}, False))
    again = [different(part) for part in resets(env, {"task_id": 1}, True)[:2]]
    print(
        f"{name}: {'more than one goal' if goals > 1 else 'one goal'}; goal 1: starts {starts}, goal observations "
        f"{goal_observations}; all generators seeded: {again[0]}, {again[1]}"
    )


def repeats(name):
    env, samples = gymnasium.make(name), []
    for _ in range(2):
        env.action_space.seed(0)
        samples.append(env.action_space.sample())
    return np.array_equal(*samples)


names = ("cube-single-v0", "pointmaze-medium-v0")
print("two samples of a seeded action space are equal:", ", ".join(f"{name} {repeats(name)}" for name in names))
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="ogbench 1.2.2
cube-single-v0: more than one goal; goal 1: starts 1, goal observations 12; all generators seeded: 1, 12
puzzle-3x3-v0: more than one goal; goal 1: starts 1, goal observations 12; all generators seeded: 1, 12
pointmaze-medium-v0: more than one goal; goal 1: starts 12, goal observations 12; all generators seeded: 1, 1
antmaze-medium-v0: more than one goal; goal 1: starts 12, goal observations 12; all generators seeded: 1, 1
two samples of a seeded action space are equal: cube-single-v0 False, pointmaze-medium-v0 True"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
