#!/usr/bin/env bash
# Guess: a second `learn` of an agent with `HerReplayBuffer` goes on with the buffer; the episode that the first one left
# unfinished ends there, since the second `learn` resets the environments.
# Seen with stable-baselines3 2.9.2: the buffer is not told of the reset. It joins the unfinished episode to the first one
# of the second `learn`, and hindsight takes goals for the one from the other, which no action of the first could have reached. With
# `reset_num_timesteps=False` the environments are not reset, and nothing is mixed. Episodes of 10 steps, 15 steps in each
# of two `learn`; output seen:
#   stable-baselines3 2.9.2
#   learn twice: lengths of episodes in the buffer [10, 15]; goals of hindsight from another episode: 15.5 %, of the steps left unfinished 77 %
#   with reset_num_timesteps=False: lengths [10, 10, 10]; from another episode: 0.0 %
# What follows: call `replay_buffer.truncate_last_trajectory()` before a further `learn`, or continue with
# `reset_num_timesteps=False`. A training in several pieces is otherwise another one than in one piece.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q stable_baselines3==2.9.2 gymnasium==1.4.0 torch==2.13.0 numpy==2.4.6
cd "$folder"
seen=$("$folder/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict
from stable_baselines3 import SAC, HerReplayBuffer

LENGTH = 10
NO_GOAL = -1


class Numbered(gymnasium.Env):
    """What is achieved says which episode it is, and which step: 100 times the episode, and the step."""

    def __init__(self):
        number = Box(-1e4, 1e4, (1,), np.float64)
        names = ("observation", "achieved_goal", "desired_goal")
        self.observation_space = Dict({name: number for name in names})
        self.action_space = Box(-1, 1, (1,))
        self.episode = -1

    def _observe(self):
        here = np.array([100.0 * self.episode + self.step_index])
        return {"observation": here, "achieved_goal": here, "desired_goal": np.array([float(NO_GOAL)])}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.step_index = self.episode + 1, 0
        return self._observe(), {}

    def compute_reward(self, achieved, desired, info):
        return -(np.abs(achieved - desired)[..., 0] > 0.5).astype(np.float64)

    def step(self, action):
        self.step_index += 1
        return self._observe(), -1.0, False, self.step_index == LENGTH, {}


def learn_twice(**second):
    agent = SAC(
        "MultiInputPolicy", Numbered(), replay_buffer_class=HerReplayBuffer, learning_starts=1000, seed=0,
        buffer_size=100, device="cpu",
    )
    agent.learn(15)
    agent.learn(15, **second)
    buffer = agent.replay_buffer
    starts, lengths = buffer.ep_start[:, 0], buffer.ep_length[:, 0]
    episodes = dict(zip(starts[lengths > 0].tolist(), lengths[lengths > 0].tolist()))
    batch = buffer.sample(4000).observations
    here, goal = (batch[name][:, 0].numpy() for name in ("observation", "desired_goal"))
    relabelled = goal != NO_GOAL
    episode, other = here[relabelled] // 100, here[relabelled] // 100 != goal[relabelled] // 100
    return list(episodes.values()), other.mean(), other[episode == 1].mean()


print("stable-baselines3", version("stable_baselines3"))
lengths, share, unfinished = learn_twice()
print(
    f"learn twice: lengths of episodes in the buffer {lengths}; goals of hindsight from another episode: "
    f"{100 * share:.1f} %, of the steps left unfinished {100 * unfinished:.0f} %"
)
assert lengths == [10, 15] and 0.1 < share < 0.2 and 0.7 < unfinished < 0.9, "the behaviour has changed"
lengths, share, _ = learn_twice(reset_num_timesteps=False)
print(f"with reset_num_timesteps=False: lengths {lengths}; from another episode: {100 * share:.1f} %")
assert lengths == [10, 10, 10] and share == 0, "the behaviour has changed"
PY
)
echo "$seen"
