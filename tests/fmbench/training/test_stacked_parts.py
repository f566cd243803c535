"""Rows of numbers, layers as matrices, and recorded draws, of which stacks are made."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from fmbench.training.draws import Playing, Recording
from fmbench.training.layout import ALIGNMENT, Layout, biases_of
from fmbench.training.stacked_gradients import KEPT, Gradients
from fmbench.training.stacked_linear import FewerOperations
from policies.backbones.joined_linear import JoinedLinear

PLACES = 3


def test_tensors_of_a_row_are_aligned_views_with_the_values_that_it_was_made_of() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {"a": (3, 2), "none": (0, 5), "b": (), "c": (4,), "d": (1, 5, 3)}
    tensors = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    layout = Layout(tensors, {})
    row = layout.row(tensors)
    views = layout.views(row)
    assert row.shape == (layout.size,)
    assert layout.size % ALIGNMENT == 0
    for name, tensor in tensors.items():
        assert torch.equal(views[name], tensor)
        assert not tensor.numel() or views[name].storage_offset() % ALIGNMENT == 0
    row.zero_()
    assert not any(view.any() for view in views.values())


class Small(nn.Module):
    """Joined inputs, a layer that is used twice, one without bias, and a gain."""

    def __init__(self) -> None:
        super().__init__()
        self.joined, self.twice = JoinedLinear(7, 6), nn.Linear(6, 6)
        self.plain, self.scale = nn.Linear(6, 2, bias=False), nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor, more: Tensor) -> Tensor:
        hidden = self.twice(torch.tanh(self.twice(self.joined(x, more))))
        output: Tensor = self.plain(torch.addcmul(hidden, hidden, self.scale.expand_as(hidden)))
        return output


def stacked(module: nn.Module) -> tuple[Layout, Tensor, Tensor, Gradients, dict[str, Tensor]]:
    named = dict(module.named_parameters())
    layout = Layout(named, biases_of(module, named))
    generator = torch.Generator().manual_seed(1)
    rows = torch.stack(
        [
            layout.row({k: torch.randn(p.shape, generator=generator) for k, p in named.items()})
            for _ in range(PLACES)
        ]
    )
    of_rows = torch.full_like(rows, 7.0)
    trained = {name: leaf.requires_grad_() for name, leaf in layout.stored(rows).items()}
    return layout, rows, of_rows, Gradients(trained, layout.stored(of_rows)), trained


def test_weight_and_bias_of_a_layer_are_one_matrix_with_aligned_rows() -> None:
    module = Small()
    layout, rows, *_, trained = stacked(module)
    assert trained.keys() == {"joined.weight", "twice.weight", "plain.weight", "scale"}
    assert trained["joined.weight"].shape == (PLACES, 6, 8)
    assert trained["plain.weight"].shape == (PLACES, 2, 6)
    views = layout.views(rows[1].detach())
    assert views.keys() == dict(module.named_parameters()).keys()
    for name, view in views.items():
        assert view.shape == module.get_parameter(name).shape
    matrix = trained["twice.weight"][1].detach()
    assert torch.equal(matrix[:, :6], views["twice.weight"])
    assert torch.equal(matrix[:, 6], views["twice.bias"])
    assert not matrix[:, 7:].any()


def test_gradients_of_matrices_are_those_of_the_layers() -> None:
    module = Small()
    layout, rows, of_rows, gradients, trained = stacked(module)
    x, more = (
        torch.randn(PLACES, 5, n, generator=torch.Generator().manual_seed(n)) for n in (4, 3)
    )

    def of_one(weights: dict[str, Tensor], x: Tensor, more: Tensor) -> Tensor:
        with FewerOperations(module, gradients):
            output: Tensor = functional_call(module, weights, (x, more))
        return output.square().sum()

    for _ in range(2):  # nothing is left of an earlier update
        gradients.begin()
        losses = torch.vmap(of_one)(trained, x, more)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        gradients.finish()
    for place in range(PLACES):
        alone = {
            k: v.clone().requires_grad_() for k, v in layout.views(rows[place].detach()).items()
        }
        loss = functional_call(module, alone, (x[place], more[place])).square().sum()
        assert torch.allclose(losses[place], loss, rtol=1e-5)
        expected = torch.autograd.grad(loss, list(alone.values()))
        found = layout.views(of_rows[place])
        for (name, gradient), own in zip(found.items(), expected, strict=True):
            assert torch.allclose(gradient, own, rtol=1e-4, atol=1e-4), name
        assert not layout.stored(of_rows)["twice.weight"][place, :, 7:].any()
    assert "forward" not in module.joined.__dict__


def test_only_the_latest_inputs_are_kept() -> None:
    gradients = Gradients({}, {})
    parts = [torch.full((PLACES, 2, 3), float(k)) for k in range(KEPT + 1)]
    widened = [gradients.widened([part], 4) for part in parts]
    for part, inputs in zip(parts, widened, strict=True):
        assert torch.equal(inputs[..., :3], part)
        assert (inputs[..., 3] == 1).all()
    assert gradients.widened([parts[-1]], 4) is widened[-1]
    assert gradients.widened([parts[0]], 4) is not widened[0]
    parts[-1].add_(1)
    assert torch.equal(gradients.widened([parts[-1]], 4)[..., :3], parts[-1])


def test_a_weight_without_a_gradient_is_an_error() -> None:
    module = Small()
    _, _, _, gradients, trained = stacked(module)
    gradients.begin()
    trained["scale"].sum().backward()  # type: ignore[no-untyped-call]
    with pytest.raises(RuntimeError, match=r"joined\.weight has no gradient"):
        gradients.finish()


def test_layers_whose_weights_are_their_own_stay_as_they_are() -> None:
    module, gradients = nn.Linear(4, 2), Gradients({}, {})
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    with FewerOperations(module, gradients):
        inside = module(x)
    assert torch.equal(inside, module(x))


def test_played_draws_are_those_of_the_generator_and_no_others() -> None:
    def loss(size: int, generator: torch.Generator) -> list[torch.Tensor]:
        return [
            torch.randn((size, 2), generator=generator),
            torch.randint(3, (size,), generator=generator),
            torch.rand(size, generator=generator),
        ]

    with Recording() as recording:
        loss(20, torch.Generator())
    generator, rooms = torch.Generator().manual_seed(5), []
    for draw in recording.draws:
        room = draw.room(2)
        draw.into(room[1], generator)
        rooms.append(room[1])
    with Playing(recording.draws, rooms):
        played = loss(20, torch.Generator())
    assert all(map(torch.equal, played, loss(20, torch.Generator().manual_seed(5))))
    with Playing(recording.draws, rooms), pytest.raises(RuntimeError, match="other numbers"):
        loss(21, torch.Generator())
    with Playing([], []), pytest.raises(RuntimeError, match="other numbers"):
        loss(20, torch.Generator())
