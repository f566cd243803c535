#!/usr/bin/env bash
# Guess: a DDIM schedule with one step asks the network at the largest noise, where sampling begins, so that one step
# gives something like the mean of the data.
# Seen with diffusers 0.42.1: by default (`timestep_spacing="leading"`, `steps_offset=0`) n steps are asked at the
# multiples of T // n from 0, and one step is asked at t = 0: the network is told that 0.01 % of the variance is noise,
# and is given pure noise. A network that is exact for data which is standard normal, and says so at every t, returns the noise
# all but unchanged; "trailing" asks at T - 1 and returns nearly the mean, 0. Output seen:
#   diffusers 0.42.1
#   leading, 1 steps: asked at [0]; share of noise that the network is told 0.0001; of noise 1.0 it keeps 0.99995
#   leading, 2 steps: asked at [500, 0]; share of noise that the network is told 0.9222; of noise 1.0 it keeps 0.28850
#   trailing, 1 steps: asked at [999]; share of noise that the network is told 1.0000; of noise 1.0 it keeps 0.00635
#   trailing, 2 steps: asked at [999, 499]; share of noise that the network is told 1.0000; of noise 1.0 it keeps 0.26959
# What follows: with few steps set "trailing", or a comparison at one evaluation says nothing about diffusion.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
cd "$folder"
seen=$("$folder/venv/bin/python" - 2>/dev/null <<'PY'
import diffusers
import torch
from diffusers import DDIMScheduler

print("diffusers", diffusers.__version__)
for spacing in ("leading", "trailing"):
    for n in (1, 2):
        scheduler = DDIMScheduler(
            num_train_timesteps=1000, timestep_spacing=spacing, clip_sample=False, prediction_type="sample"
        )
        scheduler.set_timesteps(n)
        x = torch.ones(1, dtype=torch.float64)
        for t in scheduler.timesteps:
            clean = scheduler.alphas_cumprod[t].double().sqrt() * x  # the mean of standard normal data, given x
            x = scheduler.step(clean, t, x).prev_sample
        asked = scheduler.timesteps.tolist()
        noise = 1 - float(scheduler.alphas_cumprod[asked[0]])
        print(
            f"{spacing}, {n} steps: asked at {asked}; share of noise that the network is told "
            f"{noise:.4f}; of noise 1.0 it keeps {float(x):.5f}"
        )
PY
)
echo "$seen"
expected="diffusers 0.42.1
leading, 1 steps: asked at [0]; share of noise that the network is told 0.0001; of noise 1.0 it keeps 0.99995
leading, 2 steps: asked at [500, 0]; share of noise that the network is told 0.9222; of noise 1.0 it keeps 0.28850
trailing, 1 steps: asked at [999]; share of noise that the network is told 1.0000; of noise 1.0 it keeps 0.00635
trailing, 2 steps: asked at [999, 499]; share of noise that the network is told 1.0000; of noise 1.0 it keeps 0.26959"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
