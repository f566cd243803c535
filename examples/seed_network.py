"""Add a backbone: a network with all inputs concatenated and one action per decision.

    python examples/seed_network.py --policy flow --task PressEither --preset smoke

trains policies with it and compares them. It takes the flags of `python -m fmbench.run`. For
actions of A numbers, a chunk of T actions, a condition of C numbers, O outputs per action and
width W, the layers are

    time embedding   Linear(2, 64), Mish, Linear(64, 64)
    input            Linear(T A + C + 64, W), LayerNorm(W), Mish
    each of depth    Linear(W, W), LayerNorm(W), Mish
    output           Linear(W, T O)

A network is any module with this constructor and this `forward`. Every objective can train it. A
checkpoint stores its name and its weights, so it must be registered before a checkpoint is loaded.
"""

import sys

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from fmbench.plugins import register_backbone
from fmbench.run import main
from policies.backbones.shape import NetworkShape

TIME_DIM = 64
"""Numbers of the time embedding."""


class SeedNetwork(nn.Module):
    """Noisy actions, condition and embedded time concatenated, through LayerNorm and Mish.

    Args:
        shape: Its width is that of the hidden layers, its depth their number after the input layer.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.output_shape = (shape.pred_horizon, shape.output_dim)
        self.embed_time = nn.Sequential(
            nn.Linear(2, TIME_DIM), nn.Mish(), nn.Linear(TIME_DIM, TIME_DIM)
        )
        size, width = shape.pred_horizon * shape.act_dim + shape.condition_dim, shape.width
        layers: list[nn.Module] = []
        for inputs in (size + TIME_DIM, *[width] * shape.depth):
            layers += [nn.Linear(inputs, width), nn.LayerNorm(width), nn.Mish()]
        self.layers = nn.Sequential(
            *layers, nn.Linear(width, shape.pred_horizon * shape.output_dim)
        )

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Predict a chunk.

        Args:
            noisy_actions: `(B, T, A)`.
            time: `(B,)`, or `(B, 2)` from objectives that also pass the length of a step.
            condition: `(B, C)`.

        Returns:
            `(B, T, O)`.
        """
        times = F.pad(time[:, None], (0, 1)) if time.ndim == 1 else time
        inputs = (noisy_actions.flatten(1), condition, self.embed_time(times))
        output: Tensor = self.layers(torch.cat(inputs, dim=-1))
        return output.reshape(output.shape[0], *self.output_shape)


register_backbone("seed", SeedNetwork)

if __name__ == "__main__":
    one_action = ["--backbone", "seed", "--pred-horizon", "1", "--exec-horizon", "1"]
    sys.exit(main([*one_action, *sys.argv[1:]]))
