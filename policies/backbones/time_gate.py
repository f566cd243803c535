"""The time-gated skip from the noisy chunk to the output, shared by every backbone."""

import torch
from torch import Tensor, nn

from policies.backbones.shape import NetworkShape
from policies.backbones.zeroed import zeroed

TIME_DIM = 64
"""Number of time features."""
GATE_GAIN = 10.0
"""Multiplies the gate's parameters, so that Adam moves the gate ten times as fast as the rest."""


class TimeGate(nn.Linear):
    """Adds ``gate(time) * noisy_actions`` to a network's output, one gate per action dimension.

    A chunk often has more numbers than the network is wide (16 actions of 20 numbers against 256),
    and noise cannot be carried through a narrower layer. Targets that contain it (velocity,
    epsilon) need the skip. It is always there, so that every objective and prediction trains
    literally the same network: a clean-chunk prediction learns a gate that is 0 until ``x_t`` is
    nearly clean, behaviour cloning feeds it zeros. The gate starts at 0.

    A network whose outputs are not a chunk (a mixture's means and weights) has no skip: the gate
    is then empty.

    Args:
        shape: Of the network.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(TIME_DIM, shape.act_dim if shape.output_dim == shape.act_dim else 0)

    def reset_parameters(self) -> None:
        """Begin closed."""
        zeroed(self)

    def add_skip(self, output: Tensor, noisy_actions: Tensor, time_features: Tensor) -> Tensor:
        """Return ``output + gate * noisy_actions``.

        Args:
            output: ``(B, pred_horizon, act_dim)``.
            noisy_actions: Like `output`.
            time_features: ``(B, TIME_DIM)``.

        Returns:
            Like `output`.
        """
        if not self.out_features:
            return output
        gate: Tensor = GATE_GAIN * self(time_features)
        return torch.addcmul(output, gate[:, None, :], noisy_actions)
