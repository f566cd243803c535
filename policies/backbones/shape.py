"""The shape of a network: what a backbone is built from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkShape:
    """The sizes of a network, and how observations reach it.

    Attributes:
        act_dim: Numbers in one action.
        pred_horizon: Actions in a chunk.
        condition_dim: Length of the condition vector.
        width: Width of the hidden layers; each backbone says what it is there.
        depth: Number of blocks.
        conditioning: "film", observations modulate every block, or "concat", they are appended to
            the inputs; empty is the backbone's own way.
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
