"""Counting of network evaluations, with networks whose calls are known."""

import pytest
import torch
from torch import Tensor, nn

from fmbench.lerobot_policy.counting import NetworkCalls


class Model(nn.Module):
    """A network that is called `repeats` times, each time with a part of its own."""

    def __init__(self, repeats: int) -> None:
        super().__init__()
        self.repeats = repeats
        self.unet = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
        self.encoder = nn.Linear(1, 1)

    def sample(self, x: Tensor) -> Tensor:
        x = self.encoder(x)
        for _ in range(self.repeats):
            x = self.unet(x)
        return x


class Sampling(nn.Module):
    def __init__(self, repeats: int) -> None:
        super().__init__()
        self.diffusion = Model(repeats)


@pytest.mark.parametrize(("kind", "evaluations"), [("diffusion", 5), ("another", 6)])
def test_calls_of_a_network_count_and_not_those_of_its_parts(kind: str, evaluations: int) -> None:
    policy = Sampling(5)
    calls = NetworkCalls(policy, kind)
    for _ in range(2):
        with calls.counted():
            policy.diffusion.sample(torch.zeros(1))
        assert calls.count == evaluations
    policy.diffusion.sample(torch.zeros(1))
    assert calls.count == evaluations  # outside of it nothing counts


def test_an_error_in_a_network_leaves_no_trace() -> None:
    policy = Sampling(2)
    calls = NetworkCalls(policy, "another")
    with pytest.raises(RuntimeError), calls.counted():
        policy.diffusion.sample(torch.zeros(2, 3))
    with calls.counted():
        policy.diffusion.sample(torch.zeros(1))
    assert calls.count == 3
