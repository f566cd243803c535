"""Trainings in one stack: close to those alone, and independent of each other."""

import dataclasses
from pathlib import Path

import pytest
import torch

from fmbench.training.checkpoints import restore_checkpoint, save_checkpoint
from fmbench.training.loop import NotFinite, train, train_together
from fmbench.training.stacked import SIZES, can_stack, stack, stack_sizes
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig
from policies.catalogue import BACKBONES, POLICIES
from policies.catalogue.backbones import CONDITIONINGS
from tests.fmbench.small_training import ORIGIN, all_bytes, make_small_windows, start
from tests.thorough import thoroughly

TOLERANCE = 5e-5
"""Largest difference of a weight, alone and stacked, after 20 updates at a rate of 1e-3."""
CONFIG = TrainConfig(updates=20, batch_size=32, warmup_updates=3, log_every=4)
"""A batch of 32: the CPU rounds the last numbers of other sizes in another way."""
SHORT = dataclasses.replace(CONFIG, updates=6)
SMALL = SIZES[-1]
TRAINED = [name for name, entry in POLICIES.items() if entry.trains]


def train_stack(
    members: dict[int, TrainingState],
    windows: Windows,
    config: TrainConfig = CONFIG,
    size: int = SMALL,
) -> None:
    updates = stack(members, config, windows, size)
    assert train_together(list(members.values()), config, windows, updates=updates)


def assert_close(stacked: TrainingState, alone: TrainingState) -> None:
    for ours, theirs in ((stacked.policy, alone.policy), (stacked.ema.policy, alone.ema.policy)):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.allclose(a, b, rtol=0, atol=TOLERANCE)
    for a, b in zip(stacked.log, alone.log, strict=True):
        assert (a.update, a.learning_rate) == (b.update, b.learning_rate)
        assert a.loss == pytest.approx(b.loss, rel=1e-4, abs=1e-6)
        assert a.gradient_norm == pytest.approx(b.gradient_norm, rel=1e-3)
    assert torch.equal(stacked.generator.get_state(), alone.generator.get_state())
    ours, theirs = stacked.optimizer.state_dict()["state"], alone.optimizer.state_dict()["state"]
    assert ours.keys() == theirs.keys()
    assert all(ours[key].keys() == theirs[key].keys() for key in ours)


@pytest.mark.parametrize("objective", thoroughly(TRAINED, always=["flow", "meanflow", "bc", "gmm"]))
def test_weights_are_close_to_those_of_a_training_alone(objective: str) -> None:
    windows = make_small_windows()
    members = {place: start(windows, objective, place, CONFIG) for place in (0, 1)}
    train_stack(members, windows)
    for seed, state in members.items():
        alone = start(windows, objective, seed, CONFIG)
        train(alone, CONFIG, windows)
        assert_close(state, alone)


@pytest.mark.parametrize("backbone", [name for name in BACKBONES if name != "mlp"])
@pytest.mark.parametrize("objective", thoroughly(["flow", "gmm", "meanflow"], always=["flow"]))
def test_every_backbone_can_be_stacked(objective: str, backbone: str) -> None:
    windows = make_small_windows()
    config = CONFIG if objective == "flow" else SHORT
    states = [start(windows, objective, 0, config, 8, backbone) for _ in range(2)]
    train_stack({1: states[0]}, windows, config)
    train(states[1], config, windows)
    assert_close(*states)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_conditioning_can_be_stacked(backbone: str, conditioning: str) -> None:
    windows = make_small_windows()
    shape = ChunkPolicyConfig(
        3, 2, 2, 7, "flow", backbone=backbone, width=8, depth=1, conditioning=conditioning
    )
    states = [start_training(shape, SHORT, windows, 0) for _ in range(2)]
    train_stack({1: states[0]}, windows, SHORT)
    train(states[1], SHORT, windows)
    assert_close(*states)


def test_layers_in_bf16_are_those_of_a_training_alone() -> None:
    windows, config = make_small_windows(), dataclasses.replace(SHORT, precision="bf16")
    states = [start(windows, "flow", 0, config) for _ in range(2)]
    train_stack({0: states[0]}, windows, config)
    train(states[1], config, windows)
    for a, b in zip(states[0].log, states[1].log, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-2)
        assert a.gradient_norm == pytest.approx(b.gradient_norm, rel=2e-2)


@pytest.mark.parametrize(
    ("objective", "size"),
    [("flow", 4), ("flow", 8), ("maniflow", 4), ("drift", 4), ("consistency", 4)],
)
def test_bytes_depend_neither_on_the_others_nor_on_the_place(objective: str, size: int) -> None:
    windows = make_small_windows()

    def trained(seeds: dict[int, int]) -> dict[int, dict[str, bytes]]:
        members = {place: start(windows, objective, s, SHORT) for place, s in seeds.items()}
        train_stack(members, windows, SHORT, size)
        return {seeds[place]: all_bytes(state) for place, state in members.items()}

    alone, among = trained({0: 7}), trained({0: 3, 1: 4, 2: 5, 3: 7})
    assert alone[7] == among[7] == trained({2: 7, 1: 9})[7]
    assert among[3] != among[4]


@pytest.mark.parametrize("objective", ["flow", "gmm", "reflow"])
def test_a_resumed_stack_gives_the_bytes_of_an_uninterrupted_one(
    tmp_path: Path, objective: str
) -> None:
    windows = make_small_windows()
    whole = {place: start(windows, objective, place, SHORT) for place in (0, 2)}
    train_stack(whole, windows, SHORT)
    cut = {place: start(windows, objective, place, SHORT) for place in (0, 2)}
    stop = iter([False, False, False, True])
    updates = stack(cut, SHORT, windows, SMALL)
    assert not train_together(
        list(cut.values()), SHORT, windows, updates=updates, should_stop=lambda: next(stop)
    )
    again = {}
    for place, state in cut.items():
        save_checkpoint(tmp_path / str(place), state, SHORT, ORIGIN)
        again[place] = start(windows, objective, place, SHORT)
        restore_checkpoint(tmp_path / str(place), again[place], SHORT, ORIGIN)
    train_stack(again, windows, SHORT)
    for place, state in whole.items():
        assert all_bytes(again[place]) == all_bytes(state)
        assert [e.loss for e in again[place].log] == [e.loss for e in state.log]


def test_nan_is_reported_for_its_training_and_leaves_the_others_alone() -> None:
    windows = make_small_windows()
    sound, states = start(windows, "bc", 0, SHORT), [start(windows, "bc", k, SHORT) for k in (0, 1)]
    with torch.no_grad():
        next(states[1].policy.parameters()).fill_(float("nan"))
    updates = stack(dict(enumerate(states)), SHORT, windows, SMALL)
    with pytest.raises(NotFinite, match="update 1: loss nan") as caught:
        train_together(states, SHORT, windows, updates=updates)
    assert caught.value.state is states[1]
    for update in stack({0: sound}, SHORT, windows, SMALL):
        update()
    assert all_bytes(states[0]) == all_bytes(sound)


@pytest.mark.parametrize(
    ("seeds", "sizes"),
    [
        (1, []),
        (3, []),
        (4, [4] * 4),
        (5, [4] * 4),
        (8, [8] * 8),
        (11, [8] * 8),
        (12, [8] * 8 + [4] * 4),
        (20, [8] * 16 + [4] * 4),
    ],
)
def test_only_full_stacks_are_begun_the_largest_first(seeds: int, sizes: list[int]) -> None:
    assert stack_sizes(seeds) == sizes


def test_only_like_trainings_share_a_stack() -> None:
    windows = make_small_windows()
    flow, bc = start(windows, "flow", 0), start(windows, "bc", 1)
    with pytest.raises(ValueError, match="one policy configuration"):
        stack({0: flow, 1: bc}, CONFIG, windows, SMALL)
    with pytest.raises(ValueError, match="places are"):
        stack({SMALL: flow}, CONFIG, windows, SMALL)
    other = start(windows, "flow", 1)
    other.update = 3
    with pytest.raises(ValueError, match="at update 0 and 3"):
        stack({0: flow, 1: other}, CONFIG, windows, SMALL)
    other.update = 0
    other.policy.action_normalizer.scale *= 2
    with pytest.raises(ValueError, match=r"differ in action_normalizer\.scale"):
        stack({0: flow, 1: other}, CONFIG, windows, SMALL)


def test_what_trains_nothing_or_sees_pictures_is_not_stacked() -> None:
    windows = make_small_windows()
    assert can_stack(start(windows, "flow"), windows)
    assert not can_stack(start(windows, "knn"), windows)
    seen = dataclasses.replace(windows, seen=torch.zeros(16, 2))
    assert not can_stack(start(windows, "flow"), seen)
