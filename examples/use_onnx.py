"""Step an environment with a policy that onnxruntime runs: the loop needs numpy, and no torch.

    python -m fmbench.export --format onnx --policy runs/smoke --out flow.onnx
    python examples/use_onnx.py flow.onnx

What the loop must know stands in the file. fmbench is imported for its environment alone.
"""

import json
import sys

import gymnasium
import numpy as np
import onnxruntime

import fmbench  # noqa: F401  registers the ids

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
facts = json.loads(session.get_modelmeta().custom_metadata_map["fmbench"])
use, rng, env = facts["use"], np.random.default_rng(0), gymnasium.make(facts["task"]["id"])
observation = env.reset(seed=3_000_000)[0]
window = np.stack([observation] * use["obs_horizon"])  # (obs_horizon, obs_dim)
steps, ended = 0, False
while not ended:
    given = {"observations": window[None]}
    if use["noise"]:
        given["noise"] = rng.standard_normal((1, *use["noise"]), dtype=np.float32)
    (chunk,) = session.run(None, given)
    for action in chunk[0, : use["exec_horizon"]]:
        observation, _, terminated, truncated, info = env.step(action)
        window = np.concatenate((window[1:], observation[None]))
        steps, ended = steps + 1, terminated or truncated
        if ended:
            break
outcome = "success" if info["success"] else "failure"
print(f"{facts['task']['id']}: {outcome} after {steps} step{'s' * (steps != 1)}")
