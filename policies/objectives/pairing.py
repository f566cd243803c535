"""Pairing of the noise of a batch with its chunks."""

import torch
from torch import Tensor


def optimal_transport(noise: Tensor, actions: Tensor) -> Tensor:
    """Permute noise to minimise the sum of squared distances to the chunks.

    Minibatch optimal transport (Tong et al. 2024, arXiv 2302.00482) by exact assignment: the paths
    of a batch do not cross, and a flow trained on them is straighter.

    In a conditional flow this couples noise and condition: a chunk is paired with noise near it,
    chosen from the noise of all conditions in the batch, whereas in sampling the noise is
    independent of the condition. The flow is therefore slightly biased, more so with large batches.
    Cheng & Schwing 2025 (arXiv 2503.10636) correct for it; this is the uncorrected method.

    The assignment is solved on the CPU, in time cubic in the batch size.

    Args:
        noise: `(B, pred_horizon, act_dim)`.
        actions: Clean chunks, like `noise`.

    Returns:
        The same noise, in the order of the chunks.
    """
    from scipy.optimize import linear_sum_assignment  # takes half a second

    # Tong et al. 2024, minibatch OT: the permutation p with least sum_i |noise_p(i) - actions_i|^2.
    # The sums of squares are the same for every permutation, so only the products matter.
    products = actions.flatten(1).double() @ noise.flatten(1).double().T
    _, order = linear_sum_assignment(products.cpu().numpy(), maximize=True)
    return noise[torch.from_numpy(order).to(noise.device)]
