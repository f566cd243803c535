#!/usr/bin/env bash
# Guess: `NormalizeReward` divides rewards by the spread of the discounted returns of episodes: each episode's return starts at 0,
# however the one before ended.
# Seen with gymnasium 1.4.0: it starts again only after an episode that was terminated. Where episodes are cut by a time limit,
# as those of most tasks of manipulation are, the return runs on over all of them; and where they are terminated, the last
# reward of one is the first of the next. For vector environments it depends on their autoreset mode: with NEXT_STEP as for a
# single one, with SAME_STEP the return starts anew after both kinds of end, and the last reward is left out. Episodes of three
# steps with rewards of 1, no discount; output seen:
#   gymnasium 1.4.0
#   return after each step, as it should be: 1 2 3 1 2 3 1 2 3
#   single, truncated: 1 2 3 4 5 6 7 8 9
#   single, terminated: 1 2 1 2 3 1 2 3 1
#   vector NEXT_STEP, truncated: 1 2 3 4 5 6 7 8 9
#   vector NEXT_STEP, terminated: 1 2 1 2 3 1 2 3 1
#   vector SAME_STEP, truncated: 1 2 0 1 2 0 1 2 0
#   vector SAME_STEP, terminated: 1 2 0 1 2 0 1 2 0
#   after 200 episodes of 50 steps with discount 0.99, a reward of 1 is passed on as 0.09 if they were terminated, as 0.14 if truncated
# What follows: the size of rewards, and with it the learning rate, depends on how episodes end. stable-baselines3's VecNormalize
# starts at 0 after both kinds of end.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gymnasium==1.4.0 numpy==2.4.6
cd "$folder"
seen=$("$folder/venv/bin/python" -W ignore - <<'PY'
import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import NormalizeReward
from gymnasium.wrappers.vector import NormalizeReward as VectorNormalizeReward


class Counting(gymnasium.Env):
    """Episodes of some steps, each of which earns 1."""

    observation_space = Box(-1, 1, (1,))
    action_space = Box(-1, 1, (1,))

    def __init__(self, is_terminated, length=3):
        self.is_terminated, self.length = is_terminated, length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.step_index = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.step_index += 1
        ended = self.step_index == self.length
        return np.zeros(1, np.float32), 1.0, ended and self.is_terminated, ended and not self.is_terminated, {}


ACTION = np.zeros(1, np.float32)


def single(is_terminated):
    env, seen = NormalizeReward(Counting(is_terminated), gamma=1.0), []
    for _ in range(3):
        env.reset()
        for _ in range(3):
            env.step(ACTION)
            seen.append(env.discounted_reward.item())
    return seen


def vector(mode, is_terminated):
    env = VectorNormalizeReward(SyncVectorEnv([lambda: Counting(is_terminated)], autoreset_mode=mode), gamma=1.0)
    env.reset()
    seen, was_ended = [], False
    for _ in range(12):
        _, _, terminated, truncated, _ = env.step(ACTION[None])
        if not (was_ended and mode is AutoresetMode.NEXT_STEP):  # that step starts an episode and earns nothing
            seen.append(float(env.accumulated_reward[0]))
        was_ended = terminated[0] or truncated[0]
    return seen[:9]


def scale(is_terminated):
    env = NormalizeReward(Counting(is_terminated, length=50), gamma=0.99)
    for _ in range(200):
        env.reset()
        for _ in range(50):
            reward = env.step(ACTION)[1]
    return np.ravel(reward)[0]


def words(values):
    return " ".join(str(round(value)) for value in values)


print("gymnasium", gymnasium.__version__)
print("return after each step, as it should be: 1 2 3 1 2 3 1 2 3")
for is_terminated in (False, True):
    print(f"single, {'terminated' if is_terminated else 'truncated'}: {words(single(is_terminated))}")
for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
    for is_terminated in (False, True):
        end = "terminated" if is_terminated else "truncated"
        print(f"vector {mode.name}, {end}: {words(vector(mode, is_terminated))}")
print(
    "after 200 episodes of 50 steps with discount 0.99, a reward of 1 is passed on as "
    f"{scale(True):.2f} if they were terminated, as {scale(False):.2f} if truncated"
)
PY
)
echo "$seen"
expected="gymnasium 1.4.0
return after each step, as it should be: 1 2 3 1 2 3 1 2 3
single, truncated: 1 2 3 4 5 6 7 8 9
single, terminated: 1 2 1 2 3 1 2 3 1
vector NEXT_STEP, truncated: 1 2 3 4 5 6 7 8 9
vector NEXT_STEP, terminated: 1 2 1 2 3 1 2 3 1
vector SAME_STEP, truncated: 1 2 0 1 2 0 1 2 0
vector SAME_STEP, terminated: 1 2 0 1 2 0 1 2 0
after 200 episodes of 50 steps with discount 0.99, a reward of 1 is passed on as 0.09 if they were terminated, as 0.14 if truncated"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
