#!/usr/bin/env bash
# Guess: a normaliser of LeRobot that is to scale a feature by mean and standard deviation, and has no statistics of it, refuses
# to work, so that a checkpoint whose file of statistics is empty or of another data set cannot act.
# Seen with LeRobot 0.6.1: it returns the feature as it came, without an error or a warning. A post-processor without
# statistics hands on actions in standard deviations from the mean as if they were actions. Output seen:
#   lerobot 0.6.1
#   with statistics: [2.5, 4.0]
#   without: [0.5, 0.5]
#   of another feature: [0.5, 0.5]
# What follows: check that a checkpoint has the statistics of every feature that its configuration normalises, as
# fmbench.lerobot_policy does, before its success is believed.
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
cat > missing.py <<'PY'
import warnings
from importlib.metadata import version

import torch
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.processor import UnnormalizerProcessorStep
from lerobot.processor.converters import policy_action_to_transition

warnings.simplefilter("error")
known = {"mean": torch.tensor([1.0, 2.0]), "std": torch.tensor([3.0, 4.0])}


def scaled(stats):
    step = UnnormalizerProcessorStep(
        features={"action": PolicyFeature(FeatureType.ACTION, (2,))},
        norm_map={FeatureType.ACTION: NormalizationMode.MEAN_STD},
        stats=stats,
    )
    return step(policy_action_to_transition(torch.tensor([[0.5, 0.5]])))["action"][0].tolist()


print("lerobot", version("lerobot"))
print("with statistics:", scaled({"action": known}))
print("without:", scaled({}))
print("of another feature:", scaled({"observation.state": known}))
assert scaled({"action": known}) == [2.5, 4.0]
assert scaled({}) == scaled({"observation.state": known}) == [0.5, 0.5]
PY
"$folder/venv/bin/python" missing.py
