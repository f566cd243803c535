"""Ambiguous starts of every task with modes, and bridge rates of policies with known chunks."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from envs.experts.press_either import PressEitherExpert
from envs.registry import TASKS, add_task, make_task
from envs.task import BoolArray, IntArray, View
from envs.tasks.press_either import PressEither
from envs.world import World
from fmbench.config import RunConfig
from fmbench.evaluation import ambiguous_starts as module
from fmbench.evaluation.ambiguous_starts import AmbiguousStarts, ambiguous_starts
from fmbench.evaluation.bridges import SAMPLES, measure_bridges
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.diagnostics import diagnose
from fmbench.harness.seeds import TEST, VALIDATION
from policies import ChunkPolicy, ChunkPolicyConfig
from tests.fmbench.registered import registrations
from tests.thorough import thoroughly

MODES = [name for name, entry in TASKS.items() if not entry.extra and make_task(name).modes]
A, B = torch.full((4, 3), 0.5), torch.full((4, 3), -0.5)


class Undecided(PressEither):
    """PressEither with an expert that always presses the first key."""

    name = "Undecided"


class UndecidedExpert(PressEitherExpert):
    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        self.mode[rows] = 0
        return super().next_phase(rows, view, phase, is_late)


def two_ways(starts: int = 3, draws: int = 5) -> AmbiguousStarts:
    """Return starts with the ways A and B, each without width."""
    ways = torch.stack([A, B])[None, :, None].expand(starts, 2, draws, 4, 3)
    return AmbiguousStarts(torch.zeros(starts, 2, 7), ways.clone())


def mixed(*parts: tuple[Tensor, int]) -> Callable[[Tensor], Tensor]:
    """Return a policy that samples chunks in fixed numbers."""
    chunks = torch.cat([chunk.expand(count, 4, 3) for chunk, count in parts])
    assert len(chunks) == SAMPLES
    return lambda observations: chunks


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STARTS", 2)
    monkeypatch.setattr(module, "DRAWS", 3)


@pytest.mark.parametrize(
    ("parts", "rate", "minor"),
    [
        ([(A, 64)], 0.0, 0.0),
        ([(A, 32), (B, 32)], 0.0, 0.5),
        ([((A + B) / 2, 64)], 1.0, None),
        ([(A, 12), (B, 36), ((A + B) / 2, 16)], 0.25, 0.25),
        ([(0.76 * A + 0.24 * B, 60), (0.74 * A + 0.26 * B, 4)], 4 / 64, 0.0),
        ([(3.0 * A, 64)], 1.0, None),
    ],
)
def test_the_bridge_rate_is_the_share_of_samples_on_no_way(
    parts: list[tuple[Tensor, int]], rate: float, minor: float | None
) -> None:
    bridges = measure_bridges(two_ways(), mixed(*parts))
    assert (bridges.bridge_rate, bridges.minor_way) == (rate, minor)
    assert (bridges.starts, bridges.start_samples, bridges.bridge_error) == (3, 64, 0.0)
    assert bridges.expert_bridge_rate == 0.0


def test_the_error_is_that_of_the_mean_over_starts() -> None:
    samples = iter([mixed((A, 64)), mixed(((A + B) / 2, 64))])
    bridges = measure_bridges(two_ways(starts=2), lambda x: next(samples)(x))
    assert bridges.bridge_rate == 0.5
    assert bridges.bridge_error == pytest.approx(0.5)
    one = measure_bridges(two_ways(starts=1), mixed((A, 64)))
    assert one.bridge_error is None


def test_a_way_is_as_wide_as_its_demonstrations() -> None:
    """Chunks at 0.6 of a wide way are no bridges, and a lone demonstration is far from all."""
    starts = two_ways(draws=3)
    starts.chunks[:, :, 1] *= 1.6
    starts.chunks[:, :, 2] *= 3.0
    bridges = measure_bridges(starts, mixed((1.6 * A, 64)))
    assert bridges.bridge_rate == 0.0
    assert bridges.expert_bridge_rate == pytest.approx(1 / 3)


def test_the_gap_is_that_of_the_two_nearest_ways() -> None:
    chunks = torch.stack([A, B, B - 0.25])[None, :, None].expand(1, 3, 2, 4, 3)
    starts = AmbiguousStarts(torch.zeros(1, 2, 7), chunks)
    assert starts.gaps.tolist() == [pytest.approx(0.25)]


@pytest.mark.parametrize("name", thoroughly(MODES, always=["PressEither", "AvoidPost"]))
@pytest.mark.usefixtures("few")
def test_the_ways_of_every_task_part_after_one_window(name: str) -> None:
    config = RunConfig(task=(name,))
    starts = ambiguous_starts(config, name)
    assert starts is not None
    assert (len(starts), starts.ways) == (2, len(make_task(name).modes))
    assert starts.windows.shape == (2, config.obs_horizon, make_task(name).obs_dim)
    assert starts.chunks.shape[2:4] == (3, config.pred_horizon)
    first = starts.chunks[:, :, 0, 0]
    assert ((first[:, 0] - first[:, 1]).abs().amax(1) > 1e-3).all(), "they part at once"
    assert (starts.gaps > 0.05).all()
    again = ambiguous_starts(config, name)
    assert again is not None
    assert torch.equal(starts.chunks, again.chunks)
    assert torch.equal(starts.windows, again.windows)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("few")
def test_both_ways_show_the_window_in_their_own_episodes(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, an expert in either mode has the shared window to the last bit, then parts."""
    real = World
    monkeypatch.setattr(module, "World", lambda task, sims: real(task, sims, threads))
    starts = ambiguous_starts(RunConfig(noise=0.0), "PressEither")
    assert starts is not None
    for mode in (0, 1):
        world = real(PressEither(), 1, threads)
        expert, rows = PressEitherExpert(world), world.all_rows
        for window in starts.windows:
            seed = VALIDATION + int(torch.all(starts.windows == window, dim=(1, 2)).nonzero()[0])
            world.reset(rows, rows + seed)
            expert.reset(rows, rows + seed)
            expert.mode[:] = mode
            seen = [world.observe(rows)] * 2
            while not (torch.from_numpy(seen[-1]) == window[-1]).all():
                world.step(rows, expert.act(rows, seen[-1])[0][:, 0])
                seen.append(world.observe(rows))
            assert (torch.from_numpy(seen[-2]) == window[0]).all()
    assert VALIDATION + 1_000 < TEST


@pytest.mark.parametrize("name", ["LiftCube", "ReachPose"])
def test_a_task_with_one_mode_has_no_ambiguous_starts(name: str) -> None:
    assert ambiguous_starts(RunConfig(task=(name,)), name) is None


@pytest.mark.usefixtures("few")
def test_an_expert_that_ignores_its_mode_has_none() -> None:
    with registrations():
        add_task(Undecided, UndecidedExpert)
        assert ambiguous_starts(RunConfig(task=("Undecided",)), "Undecided") is None


@pytest.mark.usefixtures("few")
def test_a_row_without_windows_has_a_bridge_rate_alone() -> None:
    starts = ambiguous_starts(RunConfig(task=("PressEither",)), "PressEither")
    assert starts is not None
    dims = starts.windows.shape[2], starts.chunks.shape[4]
    policy = ChunkPolicy(ChunkPolicyConfig(*dims, objective="bc", width=16, depth=1))
    policy.fit_normalizers(starts.windows.flatten(0, 1), starts.chunks.flatten(0, 3))
    row = diagnose(Cell("PressEither", "bc", "direct", 1, 0), policy, None, starts)
    assert (row.windows, row.samples, row.chunk_distance, row.straightness) == (0, 0, None, None)
    assert row.starts == 2
    assert row.bridge_rate == 1.0, "new networks return 0, the middle of the range"
    again = diagnose(Cell("PressEither", "bc", "direct", 1, 0), policy, None, starts)
    assert dataclasses.asdict(row) == dataclasses.asdict(again)
