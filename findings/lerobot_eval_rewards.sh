#!/usr/bin/env bash
# Guess: `sum_rewards` of `lerobot-eval` is the return of the episode, the sum of its rewards up to its end.
# Seen with LeRobot 0.6.1 (gymnasium 1.4.0): its vector environments start the next episode in the step that ends one, and
# its mask keeps the steps up to the end and one more, which is the first of the next episode. So an episode that ends
# before the longest of its batch has one reward too many, and the same episode alone has not: what a policy is said
# to earn depends on `eval.batch_size`. `max_rewards` and successes are taken with the same mask. Episodes of 3 and 6 steps,
# whose rewards are 100, 10, 1 and then 0; output seen:
#   lerobot 0.6.1
#   batches of 1: 100+10+1+0+0+0 counted as 111, 100+10+1 as 111
#   batches of 2: 100+10+1+0+0+0 counted as 111, 100+10+1 as 211
# What follows: compare returns of `lerobot-eval` at batches of 1, or successes. Environments that stand still after their end,
# as those of a suite of tasks do that LeRobot runs in processes of their own, add 0. Fails if that changes. Needs Python 3.12.
set -euo pipefail
python=""
for found in python3 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python; do
  if "$found" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2> /dev/null; then
    python=$found
    break
  fi
done
[ -n "$python" ] || { echo "no Python 3.12 here" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv"
pip="$folder/venv/bin/pip install -q --no-compile"
$pip torch==2.13.0 numpy==2.4.6 gymnasium==1.4.0 accelerate==1.15.0 av==15.1.0 datasets==5.2.0 draccus==0.11.6 \
  einops==0.8.2 huggingface-hub==1.33.0 importlib_metadata==10.2.0 opencv-python-headless==5.0.0.93 \
  pillow==13.0.0 regex==2026.11.15 requests==2.34.2 termcolor==3.3.0
$pip --no-deps lerobot==0.6.1 diffusers==0.35.2 torchvision==0.28.0 # their requirements name another torch
cd "$folder"
cat > count.py <<'PY'
from dataclasses import dataclass
from importlib.metadata import version

import gymnasium
import numpy as np
import torch
from lerobot.envs.configs import EnvConfig
from lerobot.envs.factory import make_env
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.pretrained import PreTrainedPolicy
from lerobot.processor import PolicyProcessorPipeline
from lerobot.scripts.lerobot_eval import eval_policy

REWARDS, LENGTHS = (100, 10, 1, 0, 0, 0), (6, 3)
SEEN = np.zeros(1, np.float32)


class Countdown(gymnasium.Env):
    """The first rewards of REWARDS: six of an even seed, three of an odd one and of none."""

    observation_space = gymnasium.spaces.Dict({"agent_pos": gymnasium.spaces.Box(-1, 1, (1,))})
    action_space = gymnasium.spaces.Box(-1, 1, (1,))
    task = task_description = "count"

    def reset(self, seed=None, options=None):
        self.step_count, self.length = 0, LENGTHS[1 if seed is None else seed % 2]
        return {"agent_pos": SEEN}, {}

    def step(self, action):
        self.step_count += 1
        reward = float(REWARDS[self.step_count - 1])
        return {"agent_pos": SEEN}, reward, self.step_count == self.length, False, {}


@EnvConfig.register_subclass("countdown")
@dataclass
class CountdownConfig(EnvConfig):
    task: str | None = "Countdown-v0"
    gym_id = "Countdown-v0"
    gym_kwargs = {}


class Still(PreTrainedPolicy):
    """A policy whose action is always 0."""

    config_class, name = ACTConfig, "still"

    def select_action(self, batch, **kwargs):
        return torch.zeros(len(batch["observation.state"]), 1)

    def reset(self):
        pass

    get_optim_params = forward = predict_action_chunk = reset


print("lerobot", version("lerobot"))
gymnasium.register("Countdown-v0", Countdown, max_episode_steps=6)
same = PolicyProcessorPipeline(steps=[], to_transition=lambda x: x, to_output=lambda x: x)
for count in (1, 2):
    envs = make_env(CountdownConfig(), n_envs=count)["countdown"][0]
    found = eval_policy(envs, Still(ACTConfig()), *[same] * 4, n_episodes=2, start_seed=0)
    even, odd = (f"{episode['sum_reward']:.0f}" for episode in found["per_episode"])
    sums = ["+".join(map(str, REWARDS[:length])) for length in LENGTHS]
    print(f"batches of {count}: {sums[0]} counted as {even}, {sums[1]} as {odd}")
PY
seen=$("$folder/venv/bin/python" count.py 2> log) || { cat log >&2; exit 1; }
echo "$seen"
expected="lerobot 0.6.1
batches of 1: 100+10+1+0+0+0 counted as 111, 100+10+1 as 111
batches of 2: 100+10+1+0+0+0 counted as 111, 100+10+1 as 211"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
