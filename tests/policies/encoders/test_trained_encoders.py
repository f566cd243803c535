"""ResNet18 and the vision transformer: sizes, normalisation, heads."""

import pytest
import torch

from policies.encoders import EncoderOptions, PictureShape, make_encoder
from policies.encoders.heads import SpatialSoftmaxHead
from policies.encoders.pixels import signed, unit
from policies.encoders.resnet18 import GROUP, GroupNorm
from tests.policies.encoders.scenes import noise


def parameters(name: str, shape: PictureShape, options: EncoderOptions) -> int:
    encoder = make_encoder(name, shape, options)
    return sum(parameter.numel() for parameter in encoder.parameters())


@pytest.mark.parametrize("head", ["flat", "spatial_softmax"])
def test_resnet18_has_its_eleven_million_parameters_per_camera(head: str) -> None:
    one = parameters("resnet18", PictureShape(1), EncoderOptions(head=head))
    # He et al. 2016: 11.69 million, of which the classifier of 1,000 classes has 513,000
    convolutional = 11_176_512
    assert 0 < one - convolutional < 150_000
    assert parameters("resnet18", PictureShape(2), EncoderOptions(head=head)) == 2 * one


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 70), (96, 64)])
def test_resnet18_takes_every_size_of_at_least_32(height: int, width: int) -> None:
    shape = PictureShape(1, height, width)
    for head in ("flat", "spatial_softmax"):
        output = make_encoder("resnet18", shape, EncoderOptions(7, head=head))(noise(1, 0, shape))
        assert output.shape == (1, 7)


@pytest.mark.parametrize("name", ["resnet18", "random"])
def test_smaller_pictures_are_rejected(name: str) -> None:
    with pytest.raises(ValueError, match=r"^the width of the pictures is 31; \w+ takes 32 or more"):
        make_encoder(name, PictureShape(1, 32, 31))


def test_vit_takes_multiples_of_its_patch() -> None:
    shape = PictureShape(1, 24, 40)
    output = make_encoder("vit", shape, EncoderOptions(features=7))(noise(1, 0, shape))
    assert output.shape == (1, 7)
    message = "^the height of the pictures is 84; vit takes multiples of 8, e.g. 80 or 88$"
    with pytest.raises(ValueError, match=message):
        make_encoder("vit", PictureShape(1, 84, 96))
    with pytest.raises(ValueError, match=r"the height of the pictures is 4; .* e\.g\. 8$"):
        make_encoder("vit", PictureShape(1, 4, 96))


def test_group_normalisation_is_that_of_torch_and_keeps_bfloat16() -> None:
    maps = torch.randn(3, 64, 5, 5, generator=torch.Generator().manual_seed(0))
    norm, reference = GroupNorm(64), torch.nn.GroupNorm(64 // GROUP, 64)
    assert torch.equal(norm(maps), reference(maps))
    with torch.autocast("cpu", torch.bfloat16):
        output = norm(maps.bfloat16())
    assert output.dtype == torch.bfloat16
    assert (output.float() - reference(maps)).abs().max() < 0.05


def test_the_spatial_softmax_gives_the_place_of_a_peak() -> None:
    head = SpatialSoftmaxHead(1, 5, 9, features=2)
    maps = torch.zeros(1, 1, 5, 9)
    maps[0, 0, 1, 6] = 100.0
    with torch.no_grad():
        head.reduce.weight.fill_(1.0)
        head.reduce.bias.zero_()
        head.output.weight.zero_()
        head.output.weight[0, 0] = head.output.weight[1, 1] = 1.0  # x and y of the first point
        head.output.bias.zero_()
        x, y = head(maps)[0].tolist()
    assert x == pytest.approx(-1 + 2 * 6 / 8)
    assert y == pytest.approx(-1 + 2 * 1 / 4)


def test_pixels_are_scaled_as_stated() -> None:
    pictures = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    assert signed(pictures).flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])
    assert unit(pictures).flatten().tolist() == pytest.approx([0.0, 0.2, 1.0])
    assert signed(noise(1)[0]).is_contiguous()


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("name", ["resnet18", "vit"])
def test_it_is_compiled_as_one_graph(name: str) -> None:
    shape = PictureShape(2, 32, 32)
    encoder, pictures = make_encoder(name, shape), noise(2, shape=shape)
    compiled = torch.compile(encoder, fullgraph=True, backend="eager")
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(compiled(pictures), encoder(pictures))
