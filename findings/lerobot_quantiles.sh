#!/usr/bin/env bash
# Guess: the quantiles among the statistics of a LeRobot data set are those of all of its values, so that 98 % lie from `q01`
# to `q99`, and the normalisation by quantiles, which pi0.5's configuration chooses, brings these to [-1, 1].
# Seen with LeRobot 0.6.1: each episode's quantiles are computed, and their mean is stored, weighted by length, while
# minimum, maximum, mean and standard deviation are those of all values. Where episodes differ more than their steps
# (goals, places, objects), the stored range is as narrow as one episode. Four episodes, each from its start, 0, 10, 20
# or 30, to 1 more; output seen:
#   lerobot 0.6.1
#   stored min 0.0, max 31.0, mean 15.5, std 11.2
#   q01 stored 15.0, of the values 0.0
#   q10 stored 15.1, of the values 0.4
#   q50 stored 15.5, of the values 15.5
#   q90 stored 15.9, of the values 30.6
#   q99 stored 16.0, of the values 31.0
#   between q01 and q99: 0% of the values; normalised by them: -31.6 to 31.6
# What follows: compute quantiles over the data set before they normalise anything, as fmbench's export does.
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
cat > quantiles.py <<'PY'
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.processor import NormalizerProcessorStep

QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
root = Path("data").absolute()
features = {"action": {"dtype": "float32", "shape": (1,), "names": None}}
made = LeRobotDataset.create("some/data", fps=10, features=features, root=root, use_videos=False)
values = np.concatenate([np.linspace(low, low + 1, 101) for low in (0, 10, 20, 30)])
for episode in values.astype(np.float32).reshape(4, 101, 1):
    for action in episode:
        made.add_frame({"action": action, "task": "count"})
    made.save_episode()
made.finalize()

print("lerobot", version("lerobot"))
stats = LeRobotDataset("some/data", root=root).meta.stats
stored = {name: float(value[0]) for name, value in stats["action"].items()}
print(f"stored min {stored['min']:.1f}, max {stored['max']:.1f}, mean {stored['mean']:.1f}, std {stored['std']:.1f}")
for name, share in QUANTILES.items():
    print(f"{name} stored {stored[name]:.1f}, of the values {np.quantile(values, share):.1f}")
inside = np.mean((values >= stored["q01"]) & (values <= stored["q99"]))
normaliser = NormalizerProcessorStep(
    features={"action": PolicyFeature(FeatureType.ACTION, (1,))},
    norm_map={FeatureType.ACTION: NormalizationMode.QUANTILES},
    stats=stats,
)
ends = torch.tensor([[values.min()], [values.max()]], dtype=torch.float32)
low, high = normaliser._normalize_action(ends, inverse=False).flatten().tolist()
print(f"between q01 and q99: {inside:.0%} of the values; normalised by them: {low:.1f} to {high:.1f}")
PY
seen=$("$folder/venv/bin/python" quantiles.py 2> log) || { cat log >&2; exit 1; }
echo "$seen"
expected="lerobot 0.6.1
stored min 0.0, max 31.0, mean 15.5, std 11.2
q01 stored 15.0, of the values 0.0
q10 stored 15.1, of the values 0.4
q50 stored 15.5, of the values 15.5
q90 stored 15.9, of the values 30.6
q99 stored 16.0, of the values 31.0
between q01 and q99: 0% of the values; normalised by them: -31.6 to 31.6"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
