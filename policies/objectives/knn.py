"""Nearest-neighbour retrieval of the action chunk: the baseline without a network."""

import math
from typing import Any

import torch
from torch import Tensor

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective
from policies.objectives.options import ObjectiveOptions

MEMORY = ("observations", "actions", "observation_index", "action_index")
"""Buffers that hold the data, and are saved with a checkpoint."""


class NearestNeighbour(Objective, entry=POLICIES["knn"]):
    """Retrieval of the chunk that followed the nearest window of the demonstrations (VINN, k = 1).

        chunk = actions[argmin_i |window_i - window|^2]

    Windows are `obs_horizon` normalised observations, flattened to `(B, C)`; chunks are
    `(B, pred_horizon, act_dim)`, normalised to [-1, 1]. Among equally near windows the first one is
    used. Nothing is trained, and sampling (`nearest`) needs no network evaluation.

    Pari et al. 2021 (arXiv 2112.01511) average single actions of k neighbours with weights
    `exp(-distance)`, in a learnt representation of images. Here k = 1, because the average of two
    modes belongs to neither, and a complete chunk is retrieved. The data are stored as rows, with
    windows as indices, so that a checkpoint is about as large as the demonstrations.
    """

    observations: Tensor
    actions: Tensor
    observation_index: Tensor
    action_index: Tensor

    def __init__(
        self,
        prediction: str,
        chunk_shape: tuple[int, int],
        options: ObjectiveOptions = ObjectiveOptions(),  # noqa: B008, it is frozen
    ) -> None:
        super().__init__(prediction, chunk_shape, options)
        for name in MEMORY:
            dtype = torch.int32 if name.endswith("index") else torch.float32
            self.register_buffer(name, torch.empty((0, 0), dtype=dtype))

    def loss(
        self, network: Network, actions: Tensor, condition: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Raise `RuntimeError`: nothing is trained. See `Objective.loss`."""
        raise RuntimeError("NearestNeighbour has no network to train; it memorises the data")

    def memorise(
        self,
        observations: Tensor,
        actions: Tensor,
        observation_index: Tensor,
        action_index: Tensor,
    ) -> None:
        """Store the data, replacing earlier data; see `Objective.memorise`."""
        memory = (observations, actions, observation_index, action_index)
        if problem := self._problem(*memory):
            raise ValueError(problem)
        for name, data in zip(MEMORY, memory, strict=True):
            buffer: Tensor = getattr(self, name)
            setattr(self, name, data.detach().to(buffer.device, buffer.dtype, copy=True))

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Return the chunks of the nearest windows; no randomness. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        return self.actions[self.action_index[self.nearest(condition)]]

    def nearest(self, condition: Tensor) -> Tensor:
        """Return the index of the nearest window of each row, `(B,)` int64.

        The search is exact in float64: all windows that are nearest within rounding are measured
        again.

        Args:
            condition: Normalised windows of observations, flattened, `(B, C)`.

        Raises:
            ValueError: No data are stored, or their windows have another size.
        """
        size = self.observation_index.shape[1] * self.observations.shape[1]
        if condition.shape[1] != size or not len(self.observation_index):
            raise ValueError(
                f"condition has {condition.shape[1]} numbers; "
                f"{len(self.observation_index)} windows of {size} numbers are memorised"
            )
        score, slack = self._scores(condition)
        close = ~(score > score.amin(0) + slack)  # also true where a score is NaN
        windows, rows = close.nonzero(as_tuple=True)
        nearest = [self._first_nearest(condition[i], windows[rows == i]) for i in range(len(slack))]
        return torch.stack(nearest)

    def _scores(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(N, B)` squared distances minus `|query|^2`, and `(B,)` twice their error bounds.

        `|window - query|^2 - |query|^2 = sum over its rows of |row|^2 - 2 row . query`, from
        one product per observation. On a GPU, where TF32 would round more, it is computed in
        float64.
        """
        dtype = torch.float64 if condition.is_cuda else torch.float32
        observations, query = self.observations.to(dtype), condition.to(dtype)
        lengths = torch.linalg.vector_norm(observations, dim=1)
        score = query.new_zeros(())
        for part, index in zip(
            query.chunk(self.observation_index.shape[1], dim=1),
            self.observation_index.unbind(dim=1),
            strict=True,
        ):
            of_rows = torch.addmm(lengths.square()[:, None], observations, part.T, alpha=-2.0)
            score = score + of_rows.index_select(0, index)
        # The error of a sum of n products is at most n u sum |x y|, u = eps / 2 (Higham 2002, eq.
        # 3.5); two such errors, doubled to cover the remaining sums.
        longest = lengths.amax() * math.sqrt(self.observation_index.shape[1])
        largest = longest.square() + 2 * longest * torch.linalg.vector_norm(query, dim=1)
        return score, 2 * (query.shape[1] + 8) * torch.finfo(dtype).eps * largest

    def _first_nearest(self, query: Tensor, windows: Tensor) -> Tensor:
        """Return the nearest of some windows in ascending order; the first of equally near ones."""
        gathered = self.observations[self.observation_index[windows]].flatten(1).double()
        return windows[(gathered - query.double()).square().sum(dim=1).argmin()]

    def _problem(
        self,
        observations: Tensor,
        actions: Tensor,
        observation_index: Tensor,
        action_index: Tensor,
    ) -> str:
        """Return what is wrong with data to store, or an empty string."""
        horizon, act_dim = self.chunk_shape
        if any(data.ndim != 2 for data in (observations, actions, observation_index, action_index)):
            return "observations, actions and both indices must have two dimensions each"
        if (actions.shape[1], action_index.shape[1]) != (act_dim, horizon):
            return (
                f"chunks are {action_index.shape[1]} actions of {actions.shape[1]} numbers; "
                f"expected {horizon} of {act_dim}"
            )
        if not 0 < len(observation_index) == len(action_index):
            return (
                f"{len(observation_index)} windows have {len(action_index)} chunks; "
                "give one chunk per window, at least one"
            )
        for data, index in ((observations, observation_index), (actions, action_index)):
            if int(index.min()) < 0 or int(index.max()) >= len(data):
                return f"an index points outside of the {len(data)} rows of data"
        return ""

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *details: Any) -> None:
        """Load data of any size."""
        saved: list[Tensor] = [state_dict[prefix + n] for n in MEMORY if prefix + n in state_dict]
        if len(saved) == len(MEMORY):
            if any(data.numel() for data in saved) and (problem := self._problem(*saved)):
                details[-1].append(problem)
            for name, data in zip(MEMORY, saved, strict=True):
                setattr(self, name, getattr(self, name).new_empty(data.shape))
        super()._load_from_state_dict(state_dict, prefix, *details)
