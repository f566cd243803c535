"""Nearest-neighbour retrieval of the action chunk: no network, the floor under any learning."""

import math
from typing import Any

import torch
from torch import Tensor

from policies.catalogue import POLICIES
from policies.objectives.base import Network, Noise, Objective
from policies.objectives.options import ObjectiveOptions

MEMORY = ("observations", "actions", "observation_index", "action_index")
"""What is kept, and saved with a checkpoint."""


class NearestNeighbour(Objective, entry=POLICIES["knn"]):
    """The chunk that followed the most similar window of the demonstrations (VINN, k = 1).

    Pari et al. 2021 (arXiv 2112.01511) average the actions of k neighbours with weights
    ``exp(-distance)``, in a learnt representation of images. Here k = 1, because an average of two
    ways is neither; distances are Euclidean between windows of normalised observations; and what is
    retrieved is a whole chunk. Of equally near windows the first one counts.

    The data are kept as rows, with the windows as indices into them, so that a checkpoint is about
    as large as the demonstrations.
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
        raise RuntimeError("NearestNeighbour has no network to train; it memorises the data.")

    def memorise(
        self,
        observations: Tensor,
        actions: Tensor,
        observation_index: Tensor,
        action_index: Tensor,
    ) -> None:
        """Keep the data in the place of what was kept before; see `Objective.memorise`."""
        given = (observations, actions, observation_index, action_index)
        if problem := self._problem(*given):
            raise ValueError(problem)
        for name, data in zip(MEMORY, given, strict=True):
            kept: Tensor = getattr(self, name)
            setattr(self, name, data.detach().to(kept.device, kept.dtype, copy=True))

    def sample(
        self, network: Network, condition: Tensor, noise: Noise, sampler: str, steps: int
    ) -> Tensor:
        """Return the chunks of the nearest windows; draws nothing. See `Objective.sample`."""
        self.check_sampler(sampler, steps)
        return self.actions[self.action_index[self.nearest(condition)]]

    def nearest(self, condition: Tensor) -> Tensor:
        """Return the index of the nearest window of each row, ``(B,)`` int64.

        The search is exact in float64: every window that rounding might have put behind another
        one is measured again.

        Args:
            condition: Normalised windows of observations, flattened, ``(B, C)``.

        Raises:
            ValueError: Nothing was memorised, or the windows have another size.
        """
        size = self.observation_index.shape[1] * self.observations.shape[1]
        if condition.shape[1] != size or not len(self.observation_index):
            raise ValueError(
                f"{len(self.observation_index)} windows of {size} numbers are memorised; "
                f"none of them is like the {condition.shape[1]} numbers observed."
            )
        score, slack = self._scores(condition)
        close = ~(score > score.amin(0) + slack)  # a NaN is close to everything
        windows, rows = close.nonzero(as_tuple=True)
        found = [self._first_nearest(condition[i], windows[rows == i]) for i in range(len(slack))]
        return torch.stack(found)

    def _scores(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return squared distances less ``|query|^2``, ``(N, B)``, and twice their largest error.

        ``|window - query|^2 - |query|^2 = sum over its rows of |row|^2 - 2 row . query``, from
        products with every observation once. TF32 would round them further on a GPU: there they
        are made in float64.
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
        # A sum of n products is off by at most n u sum |x y| (Higham 2002, eq. 3.5), u = eps / 2;
        # two such errors, and twice that for the sums that are not products.
        longest = lengths.amax() * math.sqrt(self.observation_index.shape[1])
        largest = longest.square() + 2 * longest * torch.linalg.vector_norm(query, dim=1)
        return score, 2 * (query.shape[1] + 8) * torch.finfo(dtype).eps * largest

    def _first_nearest(self, query: Tensor, windows: Tensor) -> Tensor:
        """Return the nearest of some windows, given in ascending order; of equals the first."""
        gathered = self.observations[self.observation_index[windows]].flatten(1).double()
        return windows[(gathered - query.double()).square().sum(dim=1).argmin()]

    def _problem(
        self,
        observations: Tensor,
        actions: Tensor,
        observation_index: Tensor,
        action_index: Tensor,
    ) -> str:
        """Say what is wrong with data to keep; nothing is an empty string."""
        horizon, act_dim = self.chunk_shape
        if any(data.ndim != 2 for data in (observations, actions, observation_index, action_index)):
            return "Observations, actions and both indices to memorise have two dimensions each."
        if (actions.shape[1], action_index.shape[1]) != (act_dim, horizon):
            return (
                f"Chunks to memorise are {action_index.shape[1]} actions of {actions.shape[1]} "
                f"numbers, not {horizon} of {act_dim}."
            )
        if not 0 < len(observation_index) == len(action_index):
            return f"{len(observation_index)} windows cannot have {len(action_index)} chunks."
        for data, index in ((observations, observation_index), (actions, action_index)):
            if int(index.min()) < 0 or int(index.max()) >= len(data):
                return f"An index to memorise points outside of the {len(data)} rows of data."
        return ""

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *details: Any) -> None:
        """Take in a memory of any size."""
        saved: list[Tensor] = [state_dict[prefix + n] for n in MEMORY if prefix + n in state_dict]
        if len(saved) == len(MEMORY):
            if any(data.numel() for data in saved) and (problem := self._problem(*saved)):
                details[-1].append(problem)
            for name, data in zip(MEMORY, saved, strict=True):
                setattr(self, name, getattr(self, name).new_empty(data.shape))
        super()._load_from_state_dict(state_dict, prefix, *details)
