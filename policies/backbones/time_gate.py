"""The time-gated skip from the noisy chunk to the output, shared by all backbones."""

import torch
from torch import Tensor, nn

from policies.backbones.shape import NetworkShape
from policies.backbones.zeroed import zeroed

TIME_DIM = 64
"""Number of time features."""
GATE_GAIN = 10.0
"""Factor on the gate's output, so that Adam changes the gate ten times as fast as the rest."""


class TimeGate(nn.Linear):
    """Adds `gate(time) * noisy_actions` to a network's output, one gate per action dimension.

    A chunk often has more numbers than the network is wide (16 actions of 20 numbers against a
    width of 256), and noise cannot pass through a narrower layer. Targets that contain noise
    (velocity, epsilon) need the skip. It is always present, so that every objective and prediction
    trains the same network: a clean-chunk prediction learns a gate that is 0 until `x_t` is nearly
    clean, and behaviour cloning multiplies it by zeros. The gate is initially 0.

    A network whose outputs are not a chunk (means and weights of a mixture) has no skip; its gate
    is empty.

    Args:
        shape: Shape of the network.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(TIME_DIM, shape.act_dim if shape.output_dim == shape.act_dim else 0)

    def reset_parameters(self) -> None:
        """Initialise the gate to 0."""
        zeroed(self)

    def add_skip(self, output: Tensor, noisy_actions: Tensor, time_features: Tensor) -> Tensor:
        """Return `output + gate * noisy_actions`.

        Args:
            output: `(B, pred_horizon, act_dim)`.
            noisy_actions: Like `output`.
            time_features: `(B, TIME_DIM)`.

        Returns:
            Like `output`.
        """
        if not self.out_features:
            return output
        gate: Tensor = GATE_GAIN * self(time_features)
        return torch.addcmul(output, gate[:, None, :], noisy_actions)
