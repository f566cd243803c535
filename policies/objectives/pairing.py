"""How the noise of a batch is paired with its chunks."""

import torch
from torch import Tensor


def optimal_transport(noise: Tensor, actions: Tensor) -> Tensor:
    """Permute noise so that the squared distances to the chunks sum to the least possible.

    Minibatch optimal transport of Tong et al. 2024 (arXiv 2302.00482), by exact assignment: the
    paths of a batch do not cross, and a flow trained on them is straighter.

    Where observations are conditions, this couples noise and condition: a chunk is given the noise
    near it, chosen among the noise of a whole batch of conditions, whereas at sampling noise is
    independent of the condition. The flow is then slightly biased, more so in large batches (Cheng
    & Schwing 2025, arXiv 2503.10636, who correct for it); this is the plain method.

    The assignment is solved on the CPU and takes time cubic in the batch.

    Args:
        noise: ``(B, pred_horizon, act_dim)``.
        actions: Clean chunks, like `noise`.

    Returns:
        The same noise in the chunks' order.
    """
    from scipy.optimize import linear_sum_assignment  # half a second, for whoever pairs

    # Tong et al. 2024, minibatch OT: the permutation p with least sum_i |noise_p(i) - actions_i|^2.
    # The squares of either are alike in every permutation, so the products decide.
    products = actions.flatten(1).double() @ noise.flatten(1).double().T
    _, order = linear_sum_assignment(products.cpu().numpy(), maximize=True)
    return noise[torch.from_numpy(order).to(noise.device)]
