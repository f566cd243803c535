#!/usr/bin/env bash
# Guess: DPM-Solver++ with as many steps as the training had noise levels is the finest that it can do, and as good as any. What
# the network predicts is clipped to [-1, 1] on the way, as DDPM and DDIM do.
# Seen with diffusers 0.42.1 (and 0.35.2): with n = T steps `DPMSolverMultistepScheduler` returns nan, whatever the network
# predicts. Its default spacing rounds T + 1 equally spaced numbers to the T noise levels, so that one level is
# visited twice, and the step between them divides by 0. UniPC does the same; "trailing" spacing is right, and "leading"
# is an IndexError. And neither of them clips: a network that predicts 3 leaves 3, of which DDPM and DDIM make 1. A network
# that predicts one clean value at every level; output seen:
#   diffusers 0.42.1
#   of 100 levels, steps 99 and 100, for the value 0.5:
#   DDPMScheduler: 0.50 0.50
#   DDIMScheduler: 0.50 0.50
#   DPMSolverMultistepScheduler: 0.50 nan
#   DPMSolverMultistepScheduler, trailing: 0.50 0.50
#   DPMSolverMultistepScheduler, leading: 0.50 IndexError
#   UniPCMultistepScheduler: 0.50 nan
#   for the value 3, 10 steps: DDPMScheduler 1.00, DDIMScheduler 1.00, DPMSolverMultistepScheduler 3.00
# What follows: in a sweep over steps the last point is nan, or needs "trailing"; and actions, which DDIM keeps in their
# range, have to be clipped afterwards.
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q diffusers==0.42.1 torch==2.13.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
seen=$("$folder/venv/bin/python" -W ignore - 2> /dev/null <<'PY'
import diffusers
import torch

LEVELS = 100


def sampled(kind, steps, value, **settings):
    scheduler = getattr(diffusers, kind)(
        num_train_timesteps=LEVELS, beta_schedule="squaredcos_cap_v2", prediction_type="sample", **settings
    )
    torch.manual_seed(0)
    try:
        scheduler.set_timesteps(steps)
        x = torch.randn(1, 4, 2)
        for t in scheduler.timesteps:
            x = scheduler.step(torch.full_like(x, value), t, x).prev_sample
    except IndexError:
        return "IndexError"
    assert torch.isnan(x).all() or torch.allclose(x, x[0, 0, 0].expand_as(x))
    return f"{x[0, 0, 0].item():.2f}"


print("diffusers", diffusers.__version__)
print(f"of {LEVELS} levels, steps {LEVELS - 1} and {LEVELS}, for the value 0.5:")
for kind, settings in (
    ("DDPMScheduler", {}),
    ("DDIMScheduler", {}),
    ("DPMSolverMultistepScheduler", {}),
    ("DPMSolverMultistepScheduler", {"timestep_spacing": "trailing"}),
    ("DPMSolverMultistepScheduler", {"timestep_spacing": "leading"}),
    ("UniPCMultistepScheduler", {}),
):
    label = ", ".join([kind, *settings.values()])
    print(f"{label}:", *(sampled(kind, steps, 0.5, **settings) for steps in (LEVELS - 1, LEVELS)))
kinds = ("DDPMScheduler", "DDIMScheduler", "DPMSolverMultistepScheduler")
print("for the value 3, 10 steps:", ", ".join(f"{kind} {sampled(kind, 10, 3.0)}" for kind in kinds))
PY
)
echo "$seen"
expected="diffusers 0.42.1
of 100 levels, steps 99 and 100, for the value 0.5:
DDPMScheduler: 0.50 0.50
DDIMScheduler: 0.50 0.50
DPMSolverMultistepScheduler: 0.50 nan
DPMSolverMultistepScheduler, trailing: 0.50 0.50
DPMSolverMultistepScheduler, leading: 0.50 IndexError
UniPCMultistepScheduler: 0.50 nan
for the value 3, 10 steps: DDPMScheduler 1.00, DDIMScheduler 1.00, DPMSolverMultistepScheduler 3.00"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
