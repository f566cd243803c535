"""The command line for policies of LeRobot: what it refuses, in one line, before any work."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fmbench.lerobot import layout
from tests.fmbench.lerobot.stand_ins import NAME, NORMALISER, change, write


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give RUN, the folder of a finished run, or --lerobot DIR"),
        (("--lerobot", "d"), "--lerobot needs --task; give the one task"),
        (("--lerobot", "d", "--task", "LiftCube", "PressEither"), "give the one task on which"),
        (("--lerobot", "d", "--task", "LiftCub"), "did you mean LiftCube"),
        (("run", "--lerobot", "d"), "RUN is run and --lerobot is given, too"),
        (("--lerobot", "d", "--nfe", "2", "--delay", "1"), "leave out --nfe, --delay"),
        (("--lerobot", "d", "--task", "LiftCube", "--episodes", "0"), "--episodes is 0"),
        (
            ("--lerobot", "d", "--task", "LiftCube", "--name", "act"),
            "--name is 'act'; give lerobot",
        ),
        (("run", "--name", "lerobot-a"), "--name belongs to --lerobot"),
        (("run", "--dataset", "d"), "--dataset belongs to --lerobot"),
        (("run", "--task", "LiftCube"), "--task belongs to --lerobot"),
        (("run", "--no-latency"), "--no-latency belongs to --lerobot"),
        (
            ("--lerobot", "nowhere", "--task", NAME),
            "nowhere, which does not exist; give the folder",
        ),
    ],
)
def test_combinations(words: tuple[str, ...], message: str, refusal: Callable[..., str]) -> None:
    assert message in refusal(*words)


def test_without_lerobot_its_commands_are_named(
    checkpoint: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmbench.lerobot_policy import loading

    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    line = refusal("--lerobot", checkpoint, "--task", NAME)
    assert "--lerobot needs the package lerobot; docs/lerobot.md has the commands" in line


BACK = {
    "registry_name": "unnormalizer_processor",
    "state_file": NORMALISER,
    "config": {
        "features": {layout.ACTION: {"type": "ACTION"}},
        "norm_map": {"ACTION": "QUANTILES"},
    },
}
BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no configuration": (lambda f: (f / "config.json").unlink(), "which has no config.json"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors"),
    "before 0.4": (
        lambda f: (f / "policy_preprocessor.json").unlink(),
        "of a LeRobot before 0.4; its python -m lerobot.processor.migrate_policy_normalization",
    ),
    "no state of a processor": (
        lambda f: (f / NORMALISER).unlink(),
        "lacks 'policy_preprocessor_step_3",
    ),
    "the state of another folder": (
        lambda f: change(
            f / "policy_preprocessor.json",
            lambda c: c["steps"][0].update(state_file=f"../{NORMALISER}"),
        ),
        "lacks '../policy_preprocessor_step_3",
    ),
    "half a state": (
        lambda f: (f / NORMALISER).write_bytes((f / NORMALISER).read_bytes()[:50]),
        f"{NORMALISER} is damaged: ",
    ),
    "actions that are not scaled back": (
        lambda f: write(f / "policy_postprocessor.json", {"steps": [BACK]}),
        f"{NORMALISER} lacks action.q01, by which its policy_postprocessor.json normalises",
    ),
    "a class as processor": (
        lambda f: write(f / "policy_postprocessor.json", {"steps": [{"class": "os.system"}]}),
        "has the step 'os.system'; accepted are those that LeRobot registers",
    ),
    "pictures": (
        lambda f: change(
            f / "config.json",
            lambda c: c["input_features"].update({"observation.images.main": {"shape": [3, 9, 9]}}),
        ),
        "observation.images.main has the shape [3, 9, 9]; accepted of fmbench/PressEither-v2 are"
        " observation.state [29], observation.environment_state [8]",
    ),
    "another state": (
        lambda f: change(
            f / "config.json", lambda c: c["input_features"][layout.STATE].update(shape=[7])
        ),
        "observation.state has the shape [7]; accepted",
    ),
    "other actions": (
        lambda f: change(
            f / "config.json", lambda c: c["output_features"][layout.ACTION].update(shape=[20])
        ),
        "the policy returns action [20]; fmbench/PressEither-v2 takes action [14]",
    ),
    "no data set": (
        lambda f: write(f / "train_config.json", {"dataset": {"root": "gone"}}),
        "gone, its data set, is not here, and with it the scaling of observation.environment_state;"
        " give --dataset DIR",
    ),
    "data of the hub": (
        lambda f: write(f / "train_config.json", {"dataset": {"root": None}}),
        "it names no folder of its data set",
    ),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_bad_checkpoints(case: str, checkpoint: Path, refusal: Callable[..., str]) -> None:
    damage, message = BAD_FOLDERS[case]
    damage(checkpoint)
    assert message in refusal("--lerobot", checkpoint, "--task", NAME)


BAD_SETS: dict[str, tuple[Callable[[Path], object], str]] = {
    "another task": (
        lambda d: change(d / layout.INFO_FILE, lambda i: i["fmbench"].update(task="other")),
        "the task is 'other', not fmbench/PressEither-v2",
    ),
    "another version": (
        lambda d: change(d / layout.INFO_FILE, lambda i: i["fmbench"].update(task_hash="cd" * 32)),
        "is of another version of fmbench/PressEither-v2 (task_hash: cdcdcdcdcdcd... there",
    ),
    "no export": (
        lambda d: change(d / layout.INFO_FILE, lambda i: i.pop("fmbench")),
        "has no entry 'fmbench' of an export",
    ),
    "other statistics": (
        lambda d: change(d / layout.STATS_FILE, lambda s: s[layout.ACTION].update(mean=[0.0] * 14)),
        "the mean of action is not the one with which the policy normalises; give --dataset DIR",
    ),
    "no data set": (shutil.rmtree, "which has no meta/info.json"),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_bad_data_sets(
    case: str, checkpoint: Path, data_set: Path, refusal: Callable[..., str]
) -> None:
    damage, message = BAD_SETS[case]
    damage(data_set)
    assert message in refusal("--lerobot", checkpoint, "--task", NAME, "--dataset", data_set)


def test_a_folder_above_leads_to_its_checkpoint(
    checkpoint: Path, refusal: Callable[..., str]
) -> None:
    line = refusal("--lerobot", checkpoint.parent, "--task", NAME)
    assert f"did you mean {checkpoint}?" in line


def test_checkpoints_of_two_policies_are_refused(
    checkpoint: Path, tmp_path: Path, refusal: Callable[..., str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(checkpoint, other)
    line = refusal("--lerobot", checkpoint, other, "--task", NAME)
    assert f"{other} holds the same weights as {checkpoint}; give each training once" in line
    change(other / "config.json", lambda c: c.update(chunk_size=8))
    line = refusal("--lerobot", checkpoint, other, "--task", NAME)
    assert f"{other} differs from {checkpoint} in chunk_size (8 and None)" in line
