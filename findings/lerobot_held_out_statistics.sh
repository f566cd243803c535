#!/usr/bin/env bash
# Guess: a LeRobot training that leaves episodes out (`dataset.eval_split`, or a list in `dataset.episodes`) normalises by the
# statistics of the episodes that it learns from, so that held-out ones are as new to it as those of the test.
# Seen with LeRobot 0.6.1: the statistics are those of the whole data set, as stored, whatever is left out. So the loss on held-out
# episodes is computed in their own scale, and one broken episode that was left out for that reason still decides the
# range: with MIN_MAX, which DiffusionPolicy uses, the others are squeezed into a part of it. Three episodes of actions from 0 to
# 99, and a fourth, left out, of 0 to 9900; output seen:
#   lerobot 0.6.1
#   eval_split=0.25: learns from [0, 1, 2], held out [3]; largest action learnt from 99.0, in the statistics 9900.0
#   episodes=[0, 1, 2]: largest action learnt from 99.0, in the statistics 9900.0
#   normalised by MIN_MAX, actions learnt from are between -1.00 and -0.98
# What follows: store a data set without the episodes that are not to count, and its statistics with it.
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
import torch
from lerobot.configs.default import DatasetConfig
from lerobot.configs.train import TrainPipelineConfig
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.datasets.factory import make_train_eval_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.processor import NormalizerProcessorStep
from lerobot.processor.converters import policy_action_to_transition

ONE = {"dtype": "float32", "shape": (1,), "names": None}
writer = LeRobotDataset.create(
    "own/line", fps=25, root="line", use_videos=False, features={"observation.state": ONE, "action": ONE}
)
for largest in (99, 99, 99, 9900):
    for value in np.linspace(0, largest, 100, dtype=np.float32):
        frame = np.array([value], np.float32)
        writer.add_frame({"observation.state": frame, "action": frame, "task": "go on"})
    writer.save_episode()
writer.finalize()


def largest(dataset):
    stored = float(dataset.meta.stats["action"]["max"][0])
    return f"{float(max(dataset.hf_dataset['action'])):.1f}, in the statistics {stored}"


config = TrainPipelineConfig(
    dataset=DatasetConfig(repo_id="own/line", root="line", eval_split=0.25),
    policy=DiffusionConfig(push_to_hub=False, device="cpu"),
)
learnt, held_out = make_train_eval_datasets(config)
print("lerobot", version("lerobot"))
print(
    f"eval_split=0.25: learns from {learnt.episodes}, held out {held_out.episodes}; "
    f"largest action learnt from {largest(learnt)}"
)
listed = LeRobotDataset("own/line", root="line", episodes=[0, 1, 2])
print(f"episodes=[0, 1, 2]: largest action learnt from {largest(listed)}")
step = NormalizerProcessorStep(
    features={"action": PolicyFeature(FeatureType.ACTION, (1,))},
    norm_map={FeatureType.ACTION: NormalizationMode.MIN_MAX},
    stats=learnt.meta.stats,
)
actions = torch.tensor([learnt[k]["action"].flatten()[0] for k in range(len(learnt))])
scaled = step(policy_action_to_transition(actions[:, None]))["action"]
print(f"normalised by MIN_MAX, actions learnt from are between {scaled.min():.2f} and {scaled.max():.2f}")
PY
) || { tail -5 errors >&2; exit 1; }
echo "$seen"
expected="lerobot 0.6.1
eval_split=0.25: learns from [0, 1, 2], held out [3]; largest action learnt from 99.0, in the statistics 9900.0
episodes=[0, 1, 2]: largest action learnt from 99.0, in the statistics 9900.0
normalised by MIN_MAX, actions learnt from are between -1.00 and -0.98"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
