"""The table of objectives: ways to learn from demonstrations, most with one and the same network.

To add one, subclass `policies.objectives.base.Objective` and enter it here.
"""

from policies.objectives.base import Objective
from policies.objectives.bc import BehaviourCloning
from policies.objectives.diffusion import Diffusion
from policies.objectives.flow import Flow
from policies.objectives.gmm import MixtureDensity
from policies.objectives.knn import NearestNeighbour
from policies.objectives.meanflow import MeanFlow
from policies.objectives.mip import MinimalIterativePolicy
from policies.objectives.options import ObjectiveOptions
from policies.objectives.reflow import Reflow
from policies.objectives.shortcut import Shortcut
from policies.registry import lookup

OBJECTIVES: dict[str, type[Objective]] = {
    "flow": Flow,
    "reflow": Reflow,
    "meanflow": MeanFlow,
    "shortcut": Shortcut,
    "diffusion": Diffusion,
    "mip": MinimalIterativePolicy,
    "bc": BehaviourCloning,
    "gmm": MixtureDensity,
    "knn": NearestNeighbour,
}


def make_objective(
    name: str,
    prediction: str,
    chunk_shape: tuple[int, int],
    options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
) -> Objective:
    """Build the objective called `name`.

    Args:
        name: A key of `OBJECTIVES`.
        prediction: What the network predicts, one of the objective's `predictions`.
        chunk_shape: ``(pred_horizon, act_dim)``.
        options: Choices inside the objective.

    Raises:
        ValueError: The name or the prediction is unknown.
    """
    return lookup("objective", name, OBJECTIVES)(prediction, chunk_shape, options)
