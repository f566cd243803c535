"""A training of a few milliseconds, for tests of training and checkpoints."""

import numpy as np

from fmbench.data.store import Demonstrations
from fmbench.training.loop import train
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.windows import Windows, make_windows
from policies import ChunkPolicyConfig
from policies.catalogue import POLICIES

CONFIG = TrainConfig(updates=11, batch_size=5, warmup_updates=3, log_every=4)
ORIGIN = {
    "task_hash": "77aa",
    "hash_kind": "2",
    "demonstrations": "0123456789abcdef",
    "train_seed": "3",
}


def make_small_windows() -> Windows:
    """Return two episodes of 9 and 5 steps: obs_dim 3, act_dim 2, To=2, Tp=7."""
    rng = np.random.default_rng(0)
    data = Demonstrations(
        observations=rng.standard_normal((16, 3)).astype(np.float32),
        actions=rng.uniform(-1, 1, (14, 2)).astype(np.float32),
        executed=np.zeros((14, 2), np.float32),
        lengths=np.array([9, 5]),
        sha256="",
        manifest={},
    )
    return make_windows(data, 2, 7)


def start(
    windows: Windows,
    objective: str = "flow",
    train_seed: int = 3,
    config: TrainConfig = CONFIG,
    width: int = 8,
    backbone: str = "mlp",
) -> TrainingState:
    policy = ChunkPolicyConfig(3, 2, 2, 7, objective, backbone=backbone, width=width, depth=1)
    teacher = None
    if (taught_by := POLICIES[objective].teacher) is not None:
        trained = start(windows, taught_by, train_seed, CONFIG, width, backbone)
        train(trained, CONFIG, windows)
        teacher = trained.ema.policy
    return start_training(policy, config, windows, train_seed, teacher=teacher)


def all_bytes(state: TrainingState) -> dict[str, bytes]:
    """Return all state that determines further training and evaluation."""
    tensors = {f"policy {k}": v for k, v in state.policy.state_dict().items()}
    tensors |= {f"ema {k}": v for k, v in state.ema.policy.state_dict().items()}
    for index, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer {index} {name}": value for name, value in moments.items()}
    tensors["generator"] = state.generator.get_state()
    buffers = {name: value.numpy(force=True).tobytes() for name, value in tensors.items()}
    return buffers | {"update": bytes([state.update])}
