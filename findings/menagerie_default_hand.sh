#!/usr/bin/env bash
# Guess: asked for a hand without saying which, the package of MuJoCo Menagerie gives the right one, as most papers use.
# Seen with mujoco-menagerie 2026.10.4: of five hands with a left and a right model the default is the left one of four,
# Shadow, Allegro and LEAP among them, and the right one of one. Everything works on a left hand, mirrored. Output seen:
#   mujoco-menagerie 2026.10.4
#   with left and right models: leap_hand left_hand, shadow_hand left_hand, sharpa_wave left_hand, tetheria_aero_hand_open right_hand, wonik_allegro left_hand
# What follows: name the file, right_hand.
# Fails if that changes. Nothing but the package's list is read; no model is downloaded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mujoco-menagerie==2026.10.4
cd "$folder"
seen=$("$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import mujoco_menagerie as menagerie

print("mujoco-menagerie", version("mujoco-menagerie"))
hands = []
for name in sorted(menagerie.names()):
    robot = menagerie.get(name)
    if {"left_hand", "right_hand"} <= set(robot.entry_names):
        hands.append(f"{name} {robot.default_model}")
print("with left and right models:", ", ".join(hands))
PY
)
echo "$seen"
expected="mujoco-menagerie 2026.10.4
with left and right models: leap_hand left_hand, shadow_hand left_hand, sharpa_wave left_hand, tetheria_aero_hand_open right_hand, wonik_allegro left_hand"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
