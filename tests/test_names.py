"""Names of tasks, policies, backbones and samplers follow one rule wherever they are registered."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import names as envs_names
from envs.experts.lift_cube import LiftCubeExpert
from envs.registry import TASKS, add_task
from envs.tasks.lift_cube import LiftCube
from fmbench.config import make_config
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import EXPERT, RANDOM
from fmbench.plugins import register_backbone, register_policy, register_task
from fmbench.storage.rows import REFERENCES
from policies import backbones, encoders, objectives
from policies import registry as policies_registry
from policies.catalogue import BACKBONES, ENCODERS, POLICIES, SAMPLERS, StepLimits
from policies.objectives.bc import BehaviourCloning

ROOT = Path(__file__).parent.parent
ACCEPTED = ["a", "7", "L1", "my_policy-2", "x" * 64]
REJECTED = ["", "..", "../x", "/x", "a/b", "a\\b", "a b", "-a", "_a", ".a", "a.b", "a:b", "a\n"]
REJECTED += ["é", "a\0", "%", "x" * 65, "con*"]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Remove what a test registers."""
    tables: tuple[dict[str, Any], ...] = (TASKS, POLICIES, BACKBONES, ENCODERS)
    tables += (objectives._ADDED, backbones._ADDED, encoders._ADDED)
    before = [dict(table) for table in tables]
    ids = set(gymnasium.registry)
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)
    for name in set(gymnasium.registry) - ids:
        del gymnasium.registry[name]


def register(kind: str, name: Any) -> None:
    """Register something under a name."""
    if kind == "task":
        # The class that is found at the place of the new one: a task's source must be in a file.
        place = {"__module__": LiftCube.__module__, "__qualname__": "LiftCube"}
        register_task(type("Named", (LiftCube,), {"name": name, **place}), LiftCubeExpert)
    elif kind == "policy":
        register_policy(name, BehaviourCloning)
    elif kind == "backbone":
        register_backbone(name, lambda shape: None)  # type: ignore[arg-type, return-value]
    elif kind == "encoder":
        encoders.add_encoder(name, lambda shape, options: None)  # type: ignore[arg-type, return-value]
    else:
        limits = {name: StepLimits(1), "direct": StepLimits(1)}
        objective = type("Named", (BehaviourCloning,), {"limits": limits})
        register_policy("own", objective)


KINDS = ("task", "policy", "backbone", "encoder", "sampler")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACCEPTED)
def test_letters_digits_underscores_and_hyphens_are_accepted(kind: str, name: str) -> None:
    register(kind, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*REJECTED, 3, None])
def test_other_names_are_rejected_in_one_line(kind: str, name: object) -> None:
    with pytest.raises(ValueError, match=f"^the name of the {kind} is ") as caught:
        register(kind, name)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    assert "give at most 64 letters, digits, '_' and '-'" in message
    suggested = message.rpartition("e.g. ")[2].strip("'")
    register(kind, suggested)


@given(st.text(), st.sampled_from(["policy", "task"]))
def test_envs_and_policies_have_the_same_rule(name: str, kind: str) -> None:
    assert envs_names.NAME.pattern == policies_registry.NAME.pattern
    outcomes = []
    for check in (envs_names.check_new_name, policies_registry.check_new_name):
        try:
            check(kind, name, ("known",))
            outcomes.append("accepted")
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0] == "accepted") == bool(envs_names.NAME.fullmatch(name) and name != "known")


@pytest.mark.parametrize("table", [TASKS, POLICIES, BACKBONES, ENCODERS, SAMPLERS])
def test_built_in_names_follow_the_rule(table: dict[str, object]) -> None:
    for name in table:
        assert envs_names.NAME.fullmatch(name)


def test_pairs_of_names_that_would_share_their_files_are_rejected() -> None:
    for kind, names in (("task", ("A", "A-b")), ("policy", ("c", "b-c"))):
        for name in names:
            register(kind, name)
    make_config("smoke", {"task": ("A-b",), "policy": ("c", "b-c")}, tuple(TASKS))
    with pytest.raises(FmbenchError, match=r"--policy is b-c c; .* would share files named A-b-c;"):
        make_config("smoke", {"task": ("A", "A-b"), "policy": ("b-c", "c")}, tuple(TASKS))


def test_names_with_a_meaning_of_their_own_are_rejected() -> None:
    assert REFERENCES == (EXPERT, RANDOM)
    for kind, name in (("policy", "expert"), ("policy", "random"), ("task", "all")):
        with pytest.raises(ValueError, match=f"'{name}', which has a meaning of its own; choose"):
            register(kind, name)
    with pytest.raises(ValueError, match="fmbench/LiftCubeGoal-v0 is the Gymnasium id of another"):
        register("task", "LiftCubeGoal")
    assert "LiftCubeGoal" not in TASKS


IN_NO_FILE = """
from envs.experts.lift_cube import LiftCubeExpert as Expert
from envs.tasks.lift_cube import LiftCube
from envs.registry import add_task
class Own(LiftCube):
    name = "Own"
try:
    add_task(Own, Expert)
except ValueError as error:
    print(error)
"""


def check_in_no_file(shown: str, module: str) -> None:
    (line,) = shown.splitlines()
    assert line.startswith(f"{module}:Own is not at the top level of a Python file, and a task is ")
    assert "write the task and its expert into a file, and import that file or give it" in line


def test_a_task_in_no_file_is_rejected_when_it_is_registered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exec(IN_NO_FILE, {"__name__": "notebook"})
    check_in_no_file(capsys.readouterr().out, "notebook")
    done = subprocess.run(
        [sys.executable, "-"],
        input=IN_NO_FILE,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    check_in_no_file(done.stdout, "__main__")


def test_a_task_inside_a_function_is_rejected_when_it_is_registered() -> None:
    class Own(LiftCube):
        name = "Own"

    with pytest.raises(ValueError, match=r"<locals>.Own is not at the top level of a Python file"):
        add_task(Own, LiftCubeExpert)
    assert "Own" not in TASKS
