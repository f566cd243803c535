#!/usr/bin/env bash
# Guess: `timm.create_model(..., pretrained=True, pretrained_cfg_overlay={"file": ...})` raises if the file has the
# weights of another architecture: `pretrained=True` asks for pretrained weights.
# Seen with timm 1.0.31 (torch 2.14.1, torchvision 0.29.1): it warns in the log and returns. A ResNet18 from the file
# of a vision transformer keeps all of its random weights, a transformer of two blocks from a file of one block those
# of its second block. Output seen:
#   timm 1.0.31
#   resnet18 from the file of a vision transformer: no error, 120 of 120 tensors as without a file
#   two blocks from the file of one: no error, 22 of 30 tensors as without a file
# What follows: compare the names of the file's tensors with the model's before loading. Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q timm==1.0.31 torch==2.14.1 torchvision==0.29.1
cd "$folder"
"$folder/env/bin/python" - 2> "$folder/log" <<'PY' || { cat "$folder/log" >&2; exit 1; }
import timm
import torch
from safetensors.torch import save_file

VIT = "vit_tiny_patch16_224"


def make(name, **options):
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=0, **options)


torch.manual_seed(1)
save_file(timm.create_model(VIT, num_classes=0, depth=1).state_dict(), "one.safetensors")
print("timm", timm.__version__)
counts = []
for text, name, options in (
    ("resnet18 from the file of a vision transformer", "resnet18", {}),
    ("two blocks from the file of one", VIT, {"depth": 2}),
):
    overlay = {"pretrained": True, "pretrained_cfg_overlay": {"file": "one.safetensors"}}
    start, loaded = make(name, **options), make(name, **options, **overlay)
    pairs = list(zip(start.state_dict().values(), loaded.state_dict().values(), strict=True))
    same = sum(torch.equal(a, b) for a, b in pairs)
    print(f"{text}: no error, {same} of {len(pairs)} tensors as without a file")
    counts.append((same, len(pairs)))
assert counts == [(120, 120), (22, 30)], "the behaviour has changed"
PY
