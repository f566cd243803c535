#!/usr/bin/env bash
# Guess: LeRobot's DiffusionPolicy has the horizons of the paper by default, 16 steps predicted and 8 executed, as LeRobot
# 0.4.4 has it; and the last frames of an episode are left out of training as far as the executed steps would be
# padding, which is how LeRobot's comment on `drop_n_last_frames` computes it.
# Seen with LeRobot 0.6.1: 64 are predicted and 32 executed, and `drop_n_last_frames` is still the 7 that belong to 16 and 8;
# the comment's formula gives 31. Padding, the last action repeated, counts in the loss by default. So a quarter of the
# samples of an episode of 100 steps teach the policy to stand still within the steps that it executes. Output seen:
#   lerobot 0.6.1
#   by default: predicted 64, executed 32, left out at the end 7, by the formula 31, padding masked in the loss False
#   100 steps: 93 samples, of which 24 have padding in the executed steps; 0 of 69 with the formula's number
#   with 16 and 8: 93 samples, of which 0 have padding in the executed steps
# What follows: a comparison "with LeRobot's defaults" is another one since this version, open loop for four times as long: give
# `policy.horizon`, `policy.n_action_steps` and `policy.drop_n_last_frames`.
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
$pip torch==2.13.0 numpy==2.4.6 gymnasium==1.4.0 accelerate==1.15.0 av==15.1.0 datasets==5.2.0 draccus==0.11.6 \
  einops==0.8.2 huggingface-hub==1.33.0 importlib_metadata==10.2.0 opencv-python-headless==5.0.0.93 \
  pillow==13.0.0 regex==2026.11.15 requests==2.34.2 termcolor==3.3.0
$pip --no-deps lerobot==0.6.1 diffusers==0.35.2 torchvision==0.28.0 # their requirements name another torch
cd "$folder"
export HF_HUB_OFFLINE=1 HF_HOME="$folder/cache"
seen=$("$folder/venv/bin/python" -W ignore - 2> errors <<'PY'
from importlib.metadata import version

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.sampler import EpisodeAwareSampler
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig

FPS, STEPS = 25, 100
ONE = {"dtype": "float32", "shape": (1,), "names": None}
writer = LeRobotDataset.create(
    "own/line", fps=FPS, root="line", use_videos=False, features={"observation.state": ONE, "action": ONE}
)
for step in range(STEPS):
    value = np.array([step], np.float32)
    writer.add_frame({"observation.state": value, "action": value, "task": "go on"})
writer.save_episode()
writer.finalize()


def padded(config, left_out):
    """Return the number of training samples, and of those with padding in the executed steps."""
    times = {"action": [k / FPS for k in config.action_delta_indices]}
    dataset = LeRobotDataset("own/line", root="line", delta_timestamps=times)
    sampler = EpisodeAwareSampler([0], [STEPS], drop_n_last_frames=left_out)
    first = config.n_obs_steps - 1
    executed = slice(first, first + config.n_action_steps)
    return len(sampler.indices), sum(bool(dataset[k]["action_is_pad"][executed].any()) for k in sampler.indices)


def formula(config):
    return config.horizon - config.n_action_steps - config.n_obs_steps + 1


given = DiffusionConfig(push_to_hub=False, device="cpu")
paper = DiffusionConfig(push_to_hub=False, device="cpu", horizon=16, n_action_steps=8)
print("lerobot", version("lerobot"))
print(
    f"by default: predicted {given.horizon}, executed {given.n_action_steps}, left out at the end "
    f"{given.drop_n_last_frames}, by the formula {formula(given)}, padding masked in the loss "
    f"{given.do_mask_loss_for_padding}"
)
samples, repeats = padded(given, given.drop_n_last_frames)
fewer, none = padded(given, formula(given))
print(
    f"{STEPS} steps: {samples} samples, of which {repeats} have padding in the executed steps; "
    f"{none} of {fewer} with the formula's number"
)
samples, repeats = padded(paper, paper.drop_n_last_frames)
print(f"with 16 and 8: {samples} samples, of which {repeats} have padding in the executed steps")
PY
) || { tail -5 errors >&2; exit 1; }
echo "$seen"
expected="lerobot 0.6.1
by default: predicted 64, executed 32, left out at the end 7, by the formula 31, padding masked in the loss False
100 steps: 93 samples, of which 24 have padding in the executed steps; 0 of 69 with the formula's number
with 16 and 8: 93 samples, of which 0 have padding in the executed steps"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
