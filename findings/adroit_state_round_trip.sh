#!/usr/bin/env bash
# Guess: an Adroit environment is put back by `set_env_state(get_env_state())`, and goes on as before.
# Seen with gymnasium-robotics 1.4.2: so it is for the door and the pen. For the hammer and the ball `set_env_state` rejects
# what `get_env_state` returned, because it has more keys than are accepted; with those removed the hammer goes on as
# before. The ball does not: `obj_pos` is where the ball is, but is written to where its joints count from, and
# `qpos` has its displacement as well. So every restoring moves the ball by its displacement once more: pushed by 10 cm it
# is put back 10 cm further, and another 10 cm by the next restoring. At the start of an episode, where nothing has moved, it is
# right. Output seen:
#   AdroitHandDoor-v1: accepted True, goes on as before True
#   AdroitHandHammer-v1: accepted False (target_pos), goes on as before True
#   AdroitHandPen-v1: accepted True, goes on as before True
#   AdroitHandRelocate-v1: accepted False (hand_qpos palm_pos), goes on as before False
#   ball pushed by 0.10 m; put back 0.10 m further, then 0.20 m
# What follows: to branch episodes of Relocate, keep `qpos`, `qvel` and the body's own position, not `obj_pos`.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gymnasium-robotics==1.4.2 gymnasium==1.4.0 mujoco==4.0.0 numpy==2.4.6
cd "$folder"
seen=$("$folder/venv/bin/python" - 2>/dev/null <<'PY'
import gymnasium
import gymnasium_robotics
import numpy as np

gymnasium.register_envs(gymnasium_robotics)
ACCEPTED = {
    "Door": ["door_body_pos", "qpos", "qvel"],
    "Hammer": ["board_pos", "qpos", "qvel"],
    "Pen": ["desired_orien", "qpos", "qvel"],
    "Relocate": ["obj_pos", "qpos", "qvel", "target_pos"],
}


def restorable(env, task):
    state = env.get_env_state()
    return {key: np.copy(state[key]) for key in ACCEPTED[task]}


for task, keys in ACCEPTED.items():
    env = gymnasium.make(f"AdroitHand{task}-v1").unwrapped
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(50)]
    for action in actions[:30]:
        env.step(action)
    state, kept = env.get_env_state(), restorable(env, task)
    first = np.array([env.step(action)[0] for action in actions[30:]])
    try:
        env.set_env_state(state)
        accepted, extra = True, ""
    except AssertionError:
        accepted, extra = False, f" ({' '.join(sorted(set(state) - set(keys)))})"
        env.set_env_state(kept)
    second = np.array([env.step(action)[0] for action in actions[30:]])
    same = np.array_equal(first, second)
    print(f"AdroitHand{task}-v1: accepted {accepted}{extra}, goes on as before {same}")

env = gymnasium.make("AdroitHandRelocate-v1").unwrapped
env.reset(seed=0)
pushed = restorable(env, "Relocate")
pushed["qpos"][env.model.joint("OBJTx").qposadr[0]] += 0.1
env.set_env_state(pushed)
start = env.get_env_state()["obj_pos"][0]
moved = []
for _ in range(2):
    env.set_env_state(restorable(env, "Relocate"))
    moved.append(env.get_env_state()["obj_pos"][0] - start)
print("ball pushed by 0.10 m; put back {:.2f} m further, then {:.2f} m".format(*moved))
PY
)
echo "$seen"
expected="AdroitHandDoor-v1: accepted True, goes on as before True
AdroitHandHammer-v1: accepted False (target_pos), goes on as before True
AdroitHandPen-v1: accepted True, goes on as before True
AdroitHandRelocate-v1: accepted False (hand_qpos palm_pos), goes on as before False
ball pushed by 0.10 m; put back 0.10 m further, then 0.20 m"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
