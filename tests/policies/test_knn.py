"""Nearest-neighbour retrieval: an exact search over data of any length."""

import pytest
import torch
from torch import Tensor

from policies import ChunkPolicy, ChunkPolicyConfig
from policies.objectives.flow import Flow
from policies.objectives.knn import MEMORY, NearestNeighbour

HORIZON, ACT_DIM, OBS_DIM, WINDOW = 7, 5, 6, 2
SHAPE = (HORIZON, ACT_DIM)
ROWS = 400
STEPS = torch.arange(ROWS)
OBSERVATION_INDEX = (STEPS[:, None] + torch.arange(1 - WINDOW, 1)).clamp(min=0)
ACTION_INDEX = (STEPS[:, None] + torch.arange(HORIZON)).clamp(max=ROWS - 1)


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


ACTIONS = normals(ROWS, ACT_DIM, seed=1).clamp(-1, 1)


def remember(observations: Tensor) -> NearestNeighbour:
    policy = NearestNeighbour("sample", SHAPE)
    policy.memorise(observations, ACTIONS, OBSERVATION_INDEX, ACTION_INDEX)
    return policy


def by_hand(observations: Tensor, query: Tensor) -> list[int]:
    """The first window at the smallest distance, in float64."""
    windows = observations[OBSERVATION_INDEX].flatten(1).double()
    distances = [(windows - row.double()).square().sum(1).tolist() for row in query]
    return [row.index(min(row)) for row in distances]


@pytest.mark.parametrize(
    ("offset", "spread"), [(0.0, 1.0), (5.0, 1.0), (5.0, 1e-4), (300.0, 1e-3), (0.0, 0.0)]
)
def test_the_search_is_exact_even_where_products_cancel(offset: float, spread: float) -> None:
    observations = offset + spread * normals(ROWS, OBS_DIM)
    query = offset + spread * normals(64, WINDOW * OBS_DIM, seed=2)
    nearest = remember(observations).nearest(query)
    assert nearest.dtype == torch.int64
    assert nearest.tolist() == by_hand(observations, query)


def test_the_first_of_equal_windows_is_used() -> None:
    observations = normals(50, OBS_DIM).repeat(ROWS // 50, 1)
    query = observations[OBSERVATION_INDEX[60:110]].flatten(1)
    assert remember(observations).nearest(query).tolist() == [*range(10, 50), 50, *range(1, 10)]


def test_a_row_does_not_depend_on_the_others() -> None:
    policy, query = remember(normals(ROWS, OBS_DIM)), normals(64, WINDOW * OBS_DIM, seed=3)
    together = policy.nearest(query)
    assert torch.equal(torch.cat([policy.nearest(row[None]) for row in query]), together)
    assert torch.equal(policy.nearest(query.flip(0)), together.flip(0))


def test_a_nan_observation_affects_only_its_own_row() -> None:
    policy, query = remember(normals(ROWS, OBS_DIM)), normals(4, WINDOW * OBS_DIM, seed=3)
    expected = policy.nearest(query)[1:]
    query[0, 2] = torch.nan
    assert torch.equal(policy.nearest(query)[1:], expected)


def build() -> ChunkPolicy:
    return ChunkPolicy(ChunkPolicyConfig(OBS_DIM, ACT_DIM, WINDOW, HORIZON, "knn"))


def trained() -> tuple[ChunkPolicy, Tensor]:
    policy, observations = build(), 3 + 2 * normals(ROWS, OBS_DIM)
    policy.fit_normalizers(observations, ACTIONS)
    policy.memorise(observations, ACTIONS, OBSERVATION_INDEX, ACTION_INDEX)
    return policy, observations


def test_a_policy_retrieves_the_chunk_of_a_memorised_window_without_a_network() -> None:
    policy, observations = trained()
    steps = torch.tensor([0, 17, 398, 399])
    sample = policy.sample(observations[OBSERVATION_INDEX[steps]] + 1e-4, pytest.fail)
    assert sample.nfe.tolist() == [0] * 4
    torch.testing.assert_close(sample.actions, ACTIONS[ACTION_INDEX[steps]])
    assert list(policy.parameters()) == []
    with pytest.raises(RuntimeError, match="no network to evaluate"):
        policy.network(sample.actions, torch.zeros(4), torch.zeros(4, 12))
    with pytest.raises(RuntimeError, match="NearestNeighbour has no network to train"):
        policy.loss(observations[OBSERVATION_INDEX[:4]], sample.actions, torch.Generator())


def test_data_of_any_length_are_loaded_and_stored_compactly() -> None:
    policy, observations = trained()
    saved = policy.state_dict()
    other = build()
    other.load_state_dict(saved)
    other.load_state_dict(saved)
    window = observations[OBSERVATION_INDEX[5:9]]
    expected = policy.sample(window, pytest.fail).actions
    assert torch.equal(other.sample(window, pytest.fail).actions, expected)
    size = sum(saved[f"objective.{name}"].nbytes for name in MEMORY)
    assert size == 4 * ROWS * (OBS_DIM + ACT_DIM + WINDOW + HORIZON)
    build().load_state_dict(build().state_dict())  # empty data can be loaded too


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("action_index", ACTION_INDEX + 1, "an index points outside of the 400 rows"),
        ("observation_index", OBSERVATION_INDEX - 1, "an index points outside of the 400 rows"),
        ("observation_index", OBSERVATION_INDEX[1:], "399 windows have 400 chunks"),
        ("actions", ACTIONS[:, 1:], "chunks are 7 actions of 4 numbers; expected 7 of 5"),
        ("observations", ACTIONS[0], "must have two dimensions each"),
    ],
)
def test_invalid_data_are_rejected(name: str, value: Tensor, message: str) -> None:
    policy, observations = trained()
    data = dict(zip(MEMORY, (observations, ACTIONS, OBSERVATION_INDEX, ACTION_INDEX), strict=True))
    with pytest.raises(ValueError, match=message):
        policy.objective.memorise(**{**data, name: value})
    with pytest.raises(RuntimeError, match=message):
        build().load_state_dict({**policy.state_dict(), f"objective.{name}": value})


def test_windows_of_another_size_and_empty_data_are_rejected() -> None:
    policy, _ = trained()
    with pytest.raises(
        ValueError, match="condition has 10 numbers; 400 windows of 12 numbers are memorised"
    ):
        policy.objective.nearest(torch.zeros(3, 10))
    with pytest.raises(ValueError, match="0 windows of 0 numbers are memorised"):
        build().sample(torch.zeros(3, WINDOW, OBS_DIM), pytest.fail)


def test_an_objective_with_a_network_stores_no_data() -> None:
    with pytest.raises(RuntimeError, match="Flow trains a network; it stores no data"):
        Flow("sample", SHAPE).memorise(ACTIONS, ACTIONS, OBSERVATION_INDEX, ACTION_INDEX)
