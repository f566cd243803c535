"""Forward-mode derivatives of all backbones, as required by average-velocity objectives."""

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.func import jvp

from policies.backbones import make_backbone
from policies.backbones.shape import NetworkShape
from policies.catalogue import BACKBONES, CONDITIONINGS

EPSILON = 1e-6


def make(name: str, conditioning: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = make_backbone(name, NetworkShape(5, 7, 3, 24, 2, conditioning)).double()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.05)
    return network


@pytest.mark.parametrize(
    ("name", "conditioning"), list(itertools.product(BACKBONES, CONDITIONINGS))
)
def test_jvp_is_the_derivative_and_can_be_differentiated(name: str, conditioning: str) -> None:
    network, generator = make(name, conditioning), torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator)

    condition, x, time = draw(3, 3), draw(3, 7, 5), draw(3, 2).sigmoid()
    dx, dtime = draw(3, 7, 5), torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand(3, 2)

    def at(x: Tensor, time: Tensor) -> Tensor:
        output: Tensor = network(x, time, condition)
        return output

    output, slope = jvp(at, (x, time), (dx, dtime.contiguous()))
    ahead, behind = (at(x + e * dx, time + e * dtime) for e in (EPSILON, -EPSILON))
    expected = (ahead - behind) / (2 * EPSILON)
    torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(output, at(x, time))
    torch.autograd.backward((output - slope.detach()).square().mean())
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
