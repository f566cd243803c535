"""The shape of a network, from which a backbone is built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkShape:
    """The sizes of a network, and how observations reach it.

    Attributes:
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Width of the hidden layers; its exact meaning is documented at each backbone.
        depth: Number of blocks.
        conditioning: "film", observations modulate every block, or "concat", they join the inputs;
            empty is the backbone's default.
        outputs: Numbers per action in the output; None is `act_dim`.
    """

    act_dim: int
    pred_horizon: int
    condition_dim: int
    width: int = 256
    depth: int = 3
    conditioning: str = ""
    outputs: int | None = None

    @property
    def output_dim(self) -> int:
        """Numbers per action in the output."""
        return self.act_dim if self.outputs is None else self.outputs
