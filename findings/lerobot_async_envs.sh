#!/usr/bin/env bash
# Guess: `--eval.use_async_envs=true` of `lerobot-eval` puts each environment in a process of its own and gives the same results.
# Seen with LeRobot 0.4.4 (gymnasium 1.4.0): no evaluation begins. Before its first step it looks for the names of tasks in
# `env.envs[0]`, which gymnasium's SyncVectorEnv has and AsyncVectorEnv has not; so the option works with no environment
# that LeRobot makes itself. LeRobot 0.6.1 asks by `get_attr`, and gives [1.0, 1.0] both times. Output seen:
#   lerobot 0.4.4
#   use_async_envs False: [1.0, 1.0]
#   use_async_envs True: AttributeError: 'AsyncVectorEnv' object has no attribute 'envs'
# What follows: environments that are to be stepped together with 0.4.4 are made as one vector environment, as fmbench's are.
# Fails if that changes. Needs Python 3.12.
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
$pip torch==2.13.0 numpy==2.4.6 gymnasium==1.4.0 accelerate==1.15.0 av==15.1.0 datasets==5.2.0 deepdiff==9.1.0 \
  draccus==0.10.0 einops==0.8.2 huggingface-hub==1.33.0 imageio==2.38.1 imageio-ffmpeg==0.6.0 importlib_metadata==10.2.0 \
  opencv-python-headless==5.0.0.93 pillow==13.0.0 pyserial==3.5 regex==2026.11.15 requests==2.34.2 termcolor==3.3.0
$pip --no-deps lerobot==0.4.4 diffusers==0.35.2 torchvision==0.28.0 # their requirements name another torch
cd "$folder"
cat > evaluate.py <<'PY'
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

SEEN = np.zeros(1, np.float32)


class One(gymnasium.Env):
    """Episodes of one step and the reward 1."""

    observation_space = gymnasium.spaces.Dict({"agent_pos": gymnasium.spaces.Box(-1, 1, (1,))})
    action_space = gymnasium.spaces.Box(-1, 1, (1,))
    task = task_description = "one"

    def reset(self, seed=None, options=None):
        return {"agent_pos": SEEN}, {}

    def step(self, action):
        return {"agent_pos": SEEN}, 1.0, True, False, {"is_success": True}


@EnvConfig.register_subclass("one")
@dataclass
class OneConfig(EnvConfig):
    task: str | None = "One-v0"
    gym_id = "One-v0"
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
gymnasium.register("One-v0", One, max_episode_steps=1)
same = PolicyProcessorPipeline(steps=[], to_transition=lambda x: x, to_output=lambda x: x)
for is_async in (False, True):
    envs = make_env(OneConfig(), n_envs=2, use_async_envs=is_async)["one"][0]
    try:
        found = eval_policy(envs, Still(ACTConfig()), *[same] * 4, n_episodes=2, start_seed=0)
        result = [episode["sum_reward"] for episode in found["per_episode"]]
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(f"use_async_envs {is_async}: {result}")
    envs.close()
PY
seen=$("$folder/venv/bin/python" evaluate.py 2> log) || { cat log >&2; exit 1; }
echo "$seen"
expected="lerobot 0.4.4
use_async_envs False: [1.0, 1.0]
use_async_envs True: AttributeError: 'AsyncVectorEnv' object has no attribute 'envs'"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
