"""On a CUDA device, bytes of a stacked training depend neither on the others nor on its place."""

import dataclasses

import pytest
import torch

from fmbench.cli.torch_settings import configure_torch
from fmbench.training.loop import train_together
from fmbench.training.stacked import SIZES, stack
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig
from policies.catalogue import BACKBONES, POLICIES
from tests.fmbench.small_training import make_small_windows, start

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CONFIG = TrainConfig(updates=20, batch_size=64, warmup_updates=3, log_every=4)
TRAINED = [name for name, entry in POLICIES.items() if entry.trains]


def on_device(windows: Windows) -> Windows:
    tensors = {field.name: getattr(windows, field.name) for field in dataclasses.fields(windows)}
    return Windows(**{k: v if v is None else v.cuda() for k, v in tensors.items()})


def started(objective: str, backbone: str, train_seed: int) -> TrainingState:
    windows, teacher = make_small_windows(), None
    if (taught_by := POLICIES[objective].teacher) is not None:
        teacher = start(windows, taught_by, 0, CONFIG, 32, backbone).ema.policy
        for p in teacher.parameters():  # its output was 0, and there was nothing to learn
            torch.nn.init.normal_(p, std=0.1, generator=torch.Generator().manual_seed(0))
    policy = ChunkPolicyConfig(3, 2, 2, 7, objective, backbone=backbone, width=32, depth=1)
    return start_training(policy, CONFIG, on_device(windows), train_seed, "cuda", teacher)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("objective", TRAINED)
def test_bytes_depend_neither_on_the_others_nor_on_the_place(
    objective: str, backbone: str, size: int
) -> None:
    configure_torch("cuda")
    windows = on_device(make_small_windows())

    def trained(seeds: dict[int, int]) -> dict[int, list[torch.Tensor]]:
        members = {place: started(objective, backbone, seed) for place, seed in seeds.items()}
        updates = stack(members, CONFIG, windows, size)
        assert train_together(list(members.values()), CONFIG, windows, updates=updates)
        return {
            seeds[place]: [p.detach().clone() for p in state.policy.parameters()]
            for place, state in members.items()
        }

    alone, among, elsewhere = trained({0: 7}), trained({0: 3, 1: 4, 2: 5, 3: 7}), trained({2: 7})
    assert all(map(torch.equal, alone[7], among[7]))
    assert all(map(torch.equal, alone[7], elsewhere[7]))
    assert not all(map(torch.equal, among[3], among[4]))
