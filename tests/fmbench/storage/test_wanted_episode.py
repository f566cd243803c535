"""The episode that is asked for, among several."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fmbench.errors import FmbenchError
from fmbench.storage.recordings import RecordedEpisode, RecordingFacts, write_recording
from fmbench.storage.wanted_episode import WantedEpisode, find_recording

FACTS = RecordingFacts(
    task="Lift", task_version=0, task_hash="0" * 64, hash_kind=2, episode_seed=7, policy="flow",
    sampler="", steps=0, train_seed=0, weights_hash="", success=True, length=1, nfe=1.0, mode="",
    control_period_s=0.04,
)  # fmt: skip


def facts(**changes: object) -> RecordingFacts:
    return dataclasses.replace(FACTS, **changes)  # type: ignore[arg-type]


def write(folder: Path, name: str, **changes: object) -> None:
    state, action = np.zeros((2, 3), np.float32), np.zeros((1, 2), np.float16)
    write_recording(
        folder / "recordings" / name, RecordedEpisode(facts(**changes), state, action, {})
    )


def test_only_what_is_asked_for_must_agree() -> None:
    all_ = [facts(), facts(policy="bc"), facts(train_seed=1), facts(episode_seed=8)]
    assert WantedEpisode(7).among(all_) == all_[:3]
    assert WantedEpisode(7, train_seed=0).among(all_) == all_[:2]
    assert WantedEpisode(7, "Lift", "flow", 1).among(all_) == [all_[2]]
    assert WantedEpisode(7, "Drop").among(all_) == []
    assert str(WantedEpisode(7, "Lift", "flow", 0)) == "episode 7, Lift, flow, training seed 0"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([{}, {"policy": "bc"}], "a has episode 7 2 times: flow, bc; choose one by --policy"),
        ([{}, {"train_seed": 1}], "times: seed 0, seed 1; choose one by --train-seed"),
        (
            [{}, {"train_seed": 1}, {"policy": "expert", "train_seed": -1}],
            "3 times: flow seed 0, flow seed 1, expert; choose one by --policy and --train-seed",
        ),
        (
            [{}, {"task": "Turn", "policy": "bc"}],
            "2 times: Lift, Turn; choose one by --task",
        ),
        ([{"policy": f"p{k}"} for k in range(11)], "p6, p7 and 3 more; choose one by --policy"),
    ],
)
def test_several_are_listed_by_what_tells_them_apart(
    changes: list[dict[str, object]], text: str
) -> None:
    with pytest.raises(FmbenchError) as error:
        WantedEpisode(7).only([facts(**each) for each in changes], "a")
    assert text in str(error.value)


def test_a_recording_is_found_whatever_its_name_is(tmp_path: Path) -> None:
    assert find_recording(tmp_path, WantedEpisode(7)) is None
    write(tmp_path, "flow-episode7.npz")
    write(tmp_path, "other.npz", episode_seed=9, policy="bc")
    (tmp_path / "recordings" / "notes.txt").write_text("no recording")
    for seed, policy, name in ((7, "flow", "flow-episode7.npz"), (9, "bc", "other.npz")):
        found = find_recording(tmp_path, WantedEpisode(seed))
        assert found is not None
        assert (found[0].name, found[1].facts.policy) == (name, policy)
    assert find_recording(tmp_path, WantedEpisode(7, policy="bc")) is None
    write(tmp_path, "bc-episode7.npz", policy="bc")
    with pytest.raises(FmbenchError, match="recordings has episode 7 2 times: bc, flow; choose"):
        find_recording(tmp_path, WantedEpisode(7))
