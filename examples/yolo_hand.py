"""Train the design that this project was built from: a hand that sees by features of a YOLO12.

    python examples/yolo_hand.py --weights detector.safetensors

trains a policy on TurnDial and evaluates it. It takes the flags of `python -m fmbench.run`;
`--weights` is `--encoder-weights`, a file that `python -m fmbench.detector` writes.

A frozen YOLO12 gives 128 numbers in all, 64 for each of two cameras: seen by `main` alone, fingers
hide the dial's orange line or its green goal in some postures, which `right` shows. Beside them the
policy observes the positions and velocities of the hand's 14 joints, and nothing of dial and goal.
It sees the present alone, and decides one action of 14 joint positions at a time: a residual MLP,
to which the observation is an input, and ten Euler steps of a flow.
"""

import re
import sys

from fmbench.run import main

DESIGN = """
    --policy flow --task TurnDial --nfe 10
    --observation features --encoder yolo12 --cameras main right --features 64
    --obs-horizon 1 --pred-horizon 1 --exec-horizon 1
    --backbone mlp --conditioning concat
"""

if __name__ == "__main__":
    given = [re.sub("^--weights(?==|$)", "--encoder-weights", word) for word in sys.argv[1:]]
    sys.exit(main([*DESIGN.split(), *given]))
