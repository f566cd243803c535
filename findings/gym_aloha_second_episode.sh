#!/usr/bin/env bash
# Guess: after `reset(seed=1)` of an ALOHA environment the following calls of `reset()` give the same episodes in each run:
# Gymnasium keeps the seeded generator for them, and vector environments, which reset finished episodes by themselves, rely on it.
# Seen with gym-aloha 0.1.5 (mujoco 3.8.1): only the first episode is that of the seed. Without a seed each reset draws from a new
# generator, so the second episode is another one every time. PushT by the same authors (gym-pusht 0.1.8) keeps its generator.
# `reset(seed=1)`, then `reset()`, eight times; different starts of the first and the second episode, output seen:
#   gym-aloha 0.1.5: AlohaTransferCube-v0 1 and 8, AlohaInsertion-v0 1 and 8
#   gym-pusht 0.1.8: PushT-v0 1 and 1
# What follows: an evaluation that seeds its vector environment once repeats the first episode of each environment only. For episodes
# that two policies share, each needs a `reset` with a seed of its own.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gym-aloha==0.1.5 gym-pusht==0.1.8 gymnasium==1.4.0 numpy==2.4.6 mujoco==3.8.1 \
  dm_control==1.0.41 pymunk==6.11.1
cd "$folder"
seen=$(MUJOCO_GL=${MUJOCO_GL:-egl} "$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
from importlib.metadata import version

import gym_aloha  # noqa: F401, registers the environments
import gym_pusht  # noqa: F401, the same
import gymnasium

REPEATS = 8
SMALL = {"obs_type": "pixels_agent_pos", "observation_width": 32, "observation_height": 24}


def of_aloha(env):
    return env.unwrapped._env.physics.data.qpos.tobytes()


def of_pusht(env):
    body = env.unwrapped.block
    return (tuple(body.position), body.angle, tuple(env.unwrapped.agent.position))


def different(name, start_of, **options):
    env = gymnasium.make(name, **options)
    first, second = set(), set()
    for _ in range(REPEATS):
        env.reset(seed=1)
        first.add(start_of(env))
        env.reset()
        second.add(start_of(env))
    return f"{name.partition('/')[2]} {len(first)} and {len(second)}"


names = ("AlohaTransferCube-v0", "AlohaInsertion-v0")
found = ", ".join(different(f"gym_aloha/{name}", of_aloha, **SMALL) for name in names)
print(f"gym-aloha {version('gym-aloha')}: {found}")
print(f"gym-pusht {version('gym-pusht')}:", different("gym_pusht/PushT-v0", of_pusht))
PY
) || { cat errors >&2; exit 1; }
echo "$seen"
expected="gym-aloha 0.1.5: AlohaTransferCube-v0 1 and 8, AlohaInsertion-v0 1 and 8
gym-pusht 0.1.8: PushT-v0 1 and 1"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
