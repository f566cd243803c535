"""IMLE: only the nearest sample learns, rejected ones do not count, and what it learns."""

import torch
from torch import Tensor

from policies.objectives.imle import REJECTED, Imle
from policies.objectives.options import ObjectiveOptions
from tests.policies.two_modes import SHAPE

G, B = 4, 3
ACTIONS = torch.rand(B, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
CONDITION = torch.arange(float(B))[:, None]


class Spy:
    """A network that maps the noise of sample g of a window to its chunk plus an offset."""

    def __init__(self, offsets: Tensor) -> None:
        self.offsets = offsets.requires_grad_()  # (G, B)
        self.noise = torch.empty(0)
        self.calls: list[tuple[int, bool]] = []

    def __call__(self, noise: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        assert torch.equal(time, torch.zeros(len(noise)))
        self.calls.append((len(noise), torch.is_grad_enabled()))
        window = condition[:, 0].long()
        if len(noise) == G * B:
            self.noise = noise.reshape(G, B, *SHAPE)
        matches = (noise[None] == self.noise[:, window]).flatten(2).all(-1)  # (G, rows)
        sample = matches.float().argmax(0)
        return ACTIONS[window] + self.offsets[sample, window, None, None]


def test_the_loss_is_the_distance_of_the_nearest_sample_and_only_that_one_learns() -> None:
    spy = Spy(torch.tensor([[0.5, 0.2, 0.9], [0.1, 0.3, 0.8], [0.4, 0.6, 0.7], [0.9, 0.9, 1.0]]))
    objective = Imle("sample", SHAPE, ObjectiveOptions(training_samples=G))
    loss = objective.loss(spy, ACTIONS, CONDITION, torch.Generator().manual_seed(1))
    numbers = SHAPE[0] * SHAPE[1]
    torch.testing.assert_close(loss, torch.tensor((0.1 + 0.2 + 0.7) / B * numbers**0.5))
    assert spy.calls == [(G * B, False), (B, True)]
    (gradient,) = torch.autograd.grad(loss, spy.offsets)
    learns = torch.zeros(G, B)
    learns[[1, 0, 2], [0, 1, 2]] = numbers**0.5 / B
    torch.testing.assert_close(gradient, learns)


def test_rejected_samples_and_windows_without_others_do_not_count() -> None:
    near = 0.5 * REJECTED / (SHAPE[0] * SHAPE[1]) ** 0.5
    offsets = torch.full((G, B), near)
    offsets[2, 0] = 0.4  # the only sample of the first window that is not rejected
    spy = Spy(offsets)
    objective = Imle("sample", SHAPE, ObjectiveOptions(training_samples=G))
    loss = objective.loss(spy, ACTIONS, CONDITION, torch.Generator().manual_seed(1))
    torch.testing.assert_close(loss, torch.tensor(0.4 * (SHAPE[0] * SHAPE[1]) ** 0.5))
    (gradient,) = torch.autograd.grad(loss, spy.offsets)
    assert (gradient != 0).nonzero().tolist() == [[2, 0]]


def test_where_every_sample_is_rejected_the_loss_is_zero_with_finite_gradients() -> None:
    spy = Spy(torch.zeros(G, B))
    objective = Imle("sample", SHAPE, ObjectiveOptions(training_samples=G))
    loss = objective.loss(spy, ACTIONS, CONDITION, torch.Generator().manual_seed(1))
    assert loss == 0
    (gradient,) = torch.autograd.grad(loss, spy.offsets)
    assert torch.equal(gradient, torch.zeros(G, B))
