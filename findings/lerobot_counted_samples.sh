#!/usr/bin/env bash
# Guess: what LeRobot's training logs as samples are the items that its policy has learnt from, N updates with batches of B are N x B
# of them, and after one epoch each frame was drawn once.
# Seen with LeRobot 0.6.1: the last batch of each pass over the data has what is left, and is counted as a whole one. The frames at the
# end of episodes from which DiffusionPolicy starts no window (7 by its horizons here) are never drawn, but an epoch is
# counted in all frames. So two exact passes are logged as 1.92 epochs, and a comparison at equal samples with a loader
# whose batches are all whole differs by up to a batch in each pass. Four episodes of 50 frames, 12 updates with batches of 32; output seen:
#   lerobot 0.6.1
#   logged: 384 samples, 1.92 epochs
#   batches of a pass: 32 32 32 32 32 12; items in 12 updates: 344
#   frames drawn: 172 of 200, each 2 times
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
import sys
from collections import Counter
from importlib.metadata import version

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.scripts import lerobot_train

TWO = {"dtype": "float32", "shape": (2,), "names": None}
SIDES = {name: TWO for name in ("observation.state", "observation.environment_state", "action")}
writer = LeRobotDataset.create("own/line", fps=25, root="line", use_videos=False, features=SIDES)
for _ in range(4):
    for value in np.linspace(0, 1, 50, dtype=np.float32):
        writer.add_frame({name: np.full(2, value) for name in SIDES} | {"task": "go on"})
    writer.save_episode()
writer.finalize()

sizes, frames, trackers = [], Counter(), []
update = lerobot_train.update_policy


def watched(tracker, policy, batch, *arguments, **options):
    rows = batch["index"].flatten().tolist()
    sizes.append(len(rows))
    frames.update(rows)
    trackers[:] = [tracker]
    return update(tracker, policy, batch, *arguments, **options)


lerobot_train.update_policy = watched
sys.argv = [
    *("lerobot-train", "--dataset.repo_id=own/line", "--dataset.root=line", "--output_dir=trained"),
    *("--policy.type=diffusion", "--policy.device=cpu", "--policy.push_to_hub=false", "--policy.horizon=16"),
    *("--policy.n_action_steps=8", "--policy.down_dims=[8,16]", "--policy.n_groups=4", "--wandb.enable=false"),
    *("--batch_size=32", "--steps=12", "--num_workers=0", "--seed=0", "--save_checkpoint=false"),
]
lerobot_train.main()
(tracker,) = trackers
times = sorted(set(frames.values()))
print("lerobot", version("lerobot"))
print(f"logged: {tracker.samples} samples, {tracker.epochs:.2f} epochs")
print("batches of a pass:", *sizes[:6], end=f"; items in {len(sizes)} updates: {sum(sizes)}\n")
print(f"frames drawn: {len(frames)} of 200, each {' or '.join(map(str, times))} times")
PY
) || { tail -5 errors >&2; exit 1; }
seen=$(grep -v '^WARNING\|^INFO' <<< "$seen")
echo "$seen"
expected="lerobot 0.6.1
logged: 384 samples, 1.92 epochs
batches of a pass: 32 32 32 32 32 12; items in 12 updates: 344
frames drawn: 172 of 200, each 2 times"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
