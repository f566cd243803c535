"""Tasks on described hands: names, hashes, what is loaded when, and what `--hand` resolves to."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs.hand import menagerie
from envs.hand.catalogue import HANDS, find_hand
from envs.hand.description import Hand
from envs.hand.loading import load_hand
from envs.hand.model_files import ModelFile
from envs.on_hands import task_on_hand
from envs.registry import LEFT_OUT, ON_HAND, TASKS, make_expert, make_task, suite
from envs.task_hash import entry_hash, installed_definitions
from envs.tasks.on_hand.pairs import put_on
from envs.tasks.on_hand.press_chord import PressChordOnHand
from envs.tasks.on_hand.reach_pose import ReachPoseOnHand
from envs.world import World
from fmbench.cli.task_names import choose_tasks
from fmbench.errors import FmbenchError
from tests.envs.hand.described import REAL, claw, every_real_hand
from tests.fmbench.small_run import ROOT


def test_every_pair_is_named_and_all_leaves_them_out() -> None:
    on_hands = {name: entry.hand for name, entry in TASKS.items() if entry.hand}
    expected = {
        f"{task}{hand.capitalize()}": hand
        for hand in REAL
        for task in ON_HAND
        if hand not in LEFT_OUT.get(task, ())
    }
    assert on_hands == expected
    assert len(on_hands) >= 22
    assert not set(on_hands) & set(suite())
    assert task_on_hand("ReachPose", "leap") == "ReachPoseLeap"
    assert task_on_hand("ReachPose", "fmbench") == "ReachPose"


@pytest.mark.parametrize(
    ("task", "hand", "expected"),
    [
        ("ReachPose", "leep", r"unknown hand 'leep'; did you mean leap\? known: allegro, fmbench,"),
        ("ReachPoze", "leap", r"unknown task 'ReachPoze'; did you mean ReachPose\?"),
        ("HandOver", "leap", r"there is no HandOver on the hand leap: it has ReachPose.* fmbench$"),
        ("all", "leep", r"unknown hand 'leep'; did you mean leap"),
        (
            "RotateCube",
            "leap",
            r"there is no RotateCube on .* leap: it has .* fmbench, shadow$",
        ),
        ("AvoidPost", "shadow", r"there is no AvoidPost on the hand shadow: it has .* leap$"),
        ("AdroitPen", "leap", r"unknown task 'AdroitPen'|there is no AdroitPen"),
    ],
)
def test_a_pair_that_does_not_exist(task: str, hand: str, expected: str) -> None:
    with pytest.raises(FmbenchError, match=expected):
        choose_tasks([task], hand)


@every_real_hand
def test_hand_resolves_to_tasks_on_it(name: str) -> None:
    assert choose_tasks(["ReachPose"], name) == (f"ReachPose{name.capitalize()}",)
    there = [task for task in ON_HAND if name not in LEFT_OUT.get(task, ())]
    assert choose_tasks(["all"], name) == tuple(f"{task}{name.capitalize()}" for task in there)
    assert choose_tasks(["LiftCube", "ReachPose"], "fmbench") == ("LiftCube", "ReachPose")
    assert choose_tasks(["all"], "fmbench") == choose_tasks(["all"])


@every_real_hand
def test_a_missing_model_is_found_before_any_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_hand.cache_clear()
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    with pytest.raises(FmbenchError, match=f"hand {name}: MENAGERIE_ROOT=.* has no folder"):
        choose_tasks(["ReachPose"], name)


def test_a_users_hand_that_does_not_fit_a_task_is_found_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(menagerie, "LEAP", claw(tmp_path))
    for task, expected in (
        ("LiftCube", "a cube of 5 cm does not fit between the pregrasp fingers: hand claw: thumb"),
        ("TurnDial", "hand claw does not fit the dial: "),
        ("PressChord", "hand claw does not fit the keys: thumb misses its own by"),
    ):
        entry = dataclasses.replace(TASKS[f"{task}Leap"], extra="")
        monkeypatch.setitem(TASKS, f"{task}Leap", entry)
        make_task.cache_clear()
        with pytest.raises(FmbenchError, match=f"^{expected}"):
            choose_tasks([task], "leap")
    make_task.cache_clear()


@every_real_hand
def test_a_servo_holds_what_the_task_says_it_measures(name: str) -> None:
    task = make_task(task_on_hand("ReachPose", name))
    assert isinstance(task, ReachPoseOnHand)
    world = World(task, 4, 1)
    world.reset(world.all_rows, np.arange(4))
    start = task.measured(world.view(world.all_rows))
    actions = task.action(task.resting_command(world.view(world.all_rows))).astype(np.float32)
    assert task.command(actions) == pytest.approx(start, abs=1e-5)
    for _ in range(5):
        world.step(world.all_rows, actions)
    assert task.measured(world.view(world.all_rows)) == pytest.approx(start, abs=0.01)
    qpos = np.array([task.hand_qpos(row) for row in start])
    assert task.controls.measured(qpos[:, task.controls.qpos]) == pytest.approx(start, abs=1e-12)


def hash_on(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the hash of ReachPose on LEAP, were it described as `hand`."""
    monkeypatch.setattr(menagerie, "LEAP", hand)
    return entry_hash(TASKS["ReachPoseLeap"], installed_definitions())


def test_the_hash_covers_the_model_and_the_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = claw(tmp_path)
    first = hash_on(hand, monkeypatch)
    moved = tmp_path / "moved"
    moved.mkdir()
    copy = Path(shutil.copy(tmp_path / "claw.xml", moved))
    assert hash_on(dataclasses.replace(hand, source=ModelFile(copy)), monkeypatch) == first
    copy.write_text(copy.read_text().replace('mass="0.2"', 'mass="0.3"'))
    assert hash_on(dataclasses.replace(hand, source=ModelFile(copy)), monkeypatch) != first
    entry = TASKS["ReachPoseLeap"]
    monkeypatch.setitem(HANDS, "other", HANDS["allegro"])
    monkeypatch.setattr(menagerie, "ALLEGRO", hand)
    other = dataclasses.replace(entry, hand="other")  # the same model, another description
    assert entry_hash(other, installed_definitions()) != first


def test_a_task_on_a_hand_of_two_fingers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(menagerie, "LEAP", claw(tmp_path))
    task = put_on(ReachPoseOnHand, "leap")()
    assert (task.act_dim, task.goal_size, len(task.memory_sizes)) == (6, 6, 2)  # type: ignore[attr-defined]
    assert find_hand("leap").name == "claw"


def test_a_hand_that_does_not_fit_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(menagerie, "LEAP", claw(tmp_path))
    with pytest.raises(ValueError, match=r"hand claw does not fit the keys: thumb misses its own"):
        make_expert(World(put_on(PressChordOnHand, "leap")(), 1, 1))


def test_importing_fmbench_loads_no_hand() -> None:
    code = (
        "import sys, fmbench, gymnasium; "
        "assert 'fmbench/ReachPoseLeap-v0' in gymnasium.registry; "
        "heavy = {'envs.on_hands', 'envs.hand', 'envs.hand.menagerie', 'mujoco'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
