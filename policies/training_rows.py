"""Cost of a training update in rows of the network, counted at the network."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from policies.chunk_policy import ChunkPolicy
from policies.chunk_policy_config import ChunkPolicyConfig
from policies.objectives import make_objective


class RowCounter(nn.Module):
    """Stand-in for a chunk network that counts the rows it is given; its outputs are zeros.

    A row whose derivative is computed in forward mode counts twice, because the derivative costs
    about another evaluation. Gradients are not counted. Copies count together with the original.

    Args:
        outputs: Network outputs per action.

    Attributes:
        rows: The rows so far.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs, self.rows = outputs, 0

    def __deepcopy__(self, memo: dict[int, object]) -> "RowCounter":
        return self

    def forward(self, noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Count the rows of `noisy_actions` `(B, Tp, act_dim)`; return `(B, Tp, outputs)`."""
        del time, condition
        # In forward mode the innermost tensor has the tangent.
        has_tangent = forward_ad.unpack_dual(noisy_actions).tangent is not None  # type: ignore[no-untyped-call]
        self.rows += len(noisy_actions) * (2 if has_tangent else 1)
        return 0 * noisy_actions.mean(-1, keepdim=True).expand(-1, -1, self.outputs)


LEAST_WINDOWS, MOST_WINDOWS = 8, 64
"""Windows with which rows are counted: the shares of a batch in the suite are quarters."""


@cache
def rows_per_window(config: ChunkPolicyConfig, batch_size: int) -> float:
    """Return the rows of the network that an update evaluates, per window of its batch.

    Evaluations of the averaged network and of a teacher count, and those without a gradient, too.
    A flow has 1; the training of a teacher is not included.

    Args:
        config: The policy.
        batch_size: Windows per update.

    Returns:
        The rows per window; 0 without a network.
    """
    objective = make_objective(
        config.objective,
        config.prediction,
        (config.pred_horizon, config.act_dim),
        config.options,
    )
    if not objective.trains:
        return 0.0
    counter = RowCounter(objective.outputs_per_action(config.act_dim))
    with torch.device("meta"):
        condition_dim = ChunkPolicy(config).condition_dim
    windows = min(batch_size, max(LEAST_WINDOWS, 8 * MOST_WINDOWS // config.training_samples))
    windows = min(windows, MOST_WINDOWS)
    objective.follow(counter)
    if objective.teacher is not None:
        objective.learn_from(counter)
    generator = torch.Generator().manual_seed(0)
    actions = torch.rand((windows, *objective.chunk_shape), generator=generator)
    with torch.enable_grad():
        objective.loss(counter, actions, actions.new_zeros(windows, condition_dim), generator)
    return counter.rows / windows
