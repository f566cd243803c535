#!/usr/bin/env bash
# Guess: LeRobot fits the learning rate's schedule into the training, so that a short one, too, reaches the policy's learning rate and ends
# at its smallest; its scheduler of Pi0 says so in its own words, and all schedulers are given the number of updates.
# Seen with LeRobot 0.6.1: that of DiffusionPolicy does not. Its rate rises for 500 updates whatever their number: a training of 75
# ends, without a word, at 15 % of the rate that was asked for, and its first update, at 0, changes no weight. That of Pi0, given the
# same numbers, has its peak after the first of 75 updates and its smallest rate at the end. Output seen:
#   lerobot 0.6.1
#   DiffusionPolicy, 75 updates of 0.0001: 0, 2e-07, 4e-07 ... 1.48e-05; largest 1.48e-05
#   weights after the first update: unchanged
#   schedule of Pi0, 500 of 30,000 updates of warm-up, in 75 updates of 0.0001: largest 0.0001, last 2.54e-06
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
from importlib.metadata import version

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.optim.schedulers import CosineDecayWithWarmupSchedulerConfig
from lerobot.scripts import lerobot_train

UPDATES, PEAK = 75, 1e-4
TWO = {"dtype": "float32", "shape": (2,), "names": None}
SIDES = {name: TWO for name in ("observation.state", "observation.environment_state", "action")}
writer = LeRobotDataset.create("own/line", fps=25, root="line", use_videos=False, features=SIDES)
for _ in range(4):
    for value in np.linspace(0, 1, 50, dtype=np.float32):
        writer.add_frame({name: np.full(2, value) for name in SIDES} | {"task": "go on"})
    writer.save_episode()
writer.finalize()

rates, unchanged = [], []
update = lerobot_train.update_policy


def watched(tracker, policy, batch, optimizer, *arguments, **options):
    before = [weights.detach().clone() for weights in policy.parameters()]
    rates.append(optimizer.param_groups[0]["lr"])
    result = update(tracker, policy, batch, optimizer, *arguments, **options)
    unchanged.append(all(map(torch.equal, before, policy.parameters())))
    return result


lerobot_train.update_policy = watched
sys.argv = [
    *("lerobot-train", "--dataset.repo_id=own/line", "--dataset.root=line", "--output_dir=trained"),
    *("--policy.type=diffusion", "--policy.device=cpu", "--policy.push_to_hub=false", "--policy.horizon=16"),
    *("--policy.n_action_steps=8", "--policy.down_dims=[8,16]", "--policy.n_groups=4", "--wandb.enable=false"),
    *(f"--policy.optimizer_lr={PEAK}", "--batch_size=32", f"--steps={UPDATES}", "--num_workers=0"),
    *("--seed=0", "--save_checkpoint=false"),
]
lerobot_train.main()
print("lerobot", version("lerobot"))
first = ", ".join(f"{rate:.3g}" for rate in rates[:3])
print(f"DiffusionPolicy, {UPDATES} updates of {PEAK:g}: {first} ... {rates[-1]:.3g}; largest {max(rates):.3g}")
print("weights after the first update:", "unchanged" if unchanged[0] else "changed")
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
schedule = CosineDecayWithWarmupSchedulerConfig(
    num_warmup_steps=500, num_decay_steps=30_000, peak_lr=PEAK, decay_lr=PEAK / 40
).build(optimizer, UPDATES)
of_pi0 = []
for _ in range(UPDATES):
    of_pi0.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    schedule.step()
print(
    f"schedule of Pi0, 500 of 30,000 updates of warm-up, in {UPDATES} updates of {PEAK:g}: "
    f"largest {max(of_pi0):.3g}, last {of_pi0[-1]:.3g}"
)
PY
) || { tail -5 errors >&2; exit 1; }
seen=$(grep -v '^WARNING\|^INFO' <<< "$seen")
echo "$seen"
expected="lerobot 0.6.1
DiffusionPolicy, 75 updates of 0.0001: 0, 2e-07, 4e-07 ... 1.48e-05; largest 1.48e-05
weights after the first update: unchanged
schedule of Pi0, 500 of 30,000 updates of warm-up, in 75 updates of 0.0001: largest 0.0001, last 2.54e-06"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
