"""Checkpoints of policies that see: weights, learning rates and averages, and scoring again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fmbench import evaluate
from fmbench.config import FEATURES, PIXELS
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from fmbench.training.checkpoint_facts import EMA_FILE, POLICY_FILE
from fmbench.training.checkpoints import load_policy, restore_checkpoint, save_checkpoint
from fmbench.training.loop import train
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.tensor_files import read_tensors
from policies import encoders
from policies.catalogue import ENCODERS
from policies.encoders import EncoderOptions, PictureEncoder, PictureShape, add_encoder
from policies.encoders.own import CallableEncoder
from tests.fmbench.runs.seeing_experiment import SEEING, prepared, quickly_seeing
from tests.fmbench.runs.small_experiment import comparable, run
from tests.fmbench.small_run import call, files_of
from tests.test_examples import load

CHECKPOINT = Path("checkpoints") / "PressEither-flow-seed0"
ORIGIN = dict.fromkeys(("demonstrations", "task_hash", "hash_kind", "train_seed"), "0")
CONFIG = TrainConfig(
    updates=8, batch_size=4, learning_rate=1e-3, encoder_learning_rate=1e-4, warmup_updates=1
)


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with quickly_seeing():
        yield


@pytest.mark.thorough
def test_a_restored_training_has_the_random_state_and_the_rates_of_its_parts(
    seeing_runs: Path, tmp_path: Path
) -> None:
    windows = prepared(PIXELS, seeing_runs / "data").windows
    shape = load_policy(seeing_runs / PIXELS / CHECKPOINT)[0].config
    whole, first = (start_training(shape, CONFIG, windows, 0) for _ in range(2))
    train(first, CONFIG, windows, should_stop=lambda: first.update == 3)
    save_checkpoint(tmp_path / "checkpoint", first, CONFIG, ORIGIN)
    torch.rand(5)  # the global generator decides nothing
    second = start_training(shape, CONFIG, windows, 0)
    restore_checkpoint(tmp_path / "checkpoint", second, CONFIG, ORIGIN)
    for state in (whole, second):
        train(state, CONFIG, windows)
        rest, eyes = state.optimizer.param_groups
        assert eyes["lr"] == pytest.approx(rest["lr"] / 10)
        assert {id(p) for p in eyes["params"]} == {id(p) for p in state.policy.trained_eyes()}
    assert_equal(whole, second)
    slower = replace(CONFIG, encoder_learning_rate=1e-5)
    third = start_training(shape, slower, windows, 0)
    train(third, slower, windows)
    with pytest.raises(AssertionError):
        assert_equal(whole, third)


def assert_equal(one: TrainingState, other: TrainingState) -> None:
    assert torch.equal(one.generator.get_state(), other.generator.get_state())
    for a, b in ((one.policy, other.policy), (one.ema.policy, other.ema.policy)):
        weights = b.state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in a.state_dict().items())


def test_the_average_of_an_encoder_is_evaluated(seeing_runs: Path) -> None:
    folder = seeing_runs / PIXELS / CHECKPOINT
    policy, _ = load_policy(folder)
    average, last = (
        read_tensors(folder / file, policy.state_dict()) for file in (EMA_FILE, POLICY_FILE)
    )
    weights = dict(policy.named_parameters())
    for name in (name for name in weights if name.startswith("encoder.eyes.")):
        assert torch.equal(weights[name], average[name])
        assert not torch.equal(weights[name], last[name])


@pytest.mark.parametrize("observation", SEEING)
def test_the_rows_of_a_run_scored_again_are_its_own(
    observation: str, seeing_runs: Path, tmp_path: Path
) -> None:
    words = (seeing_runs / observation, "--sampler", "euler", "--nfe", 2, "--out", tmp_path)
    before = files_of(seeing_runs / observation)
    assert call(evaluate.main, *words) == 0
    assert files_of(seeing_runs / observation) == before
    again, there = (
        read_rows(folder / "episodes.csv", EpisodeRow)
        for folder in (tmp_path, seeing_runs / observation)
    )
    assert again == there
    facts = [json.loads((x / "run.json").read_text()) for x in (tmp_path, words[0])]  # type: ignore[operator]
    assert facts[0]["sights"] == facts[1]["sights"]


@pytest.mark.faults
@pytest.mark.thorough
@pytest.mark.parametrize("observation", SEEING)
def test_training_in_half_precision_can_be_resumed(
    observation: str, seeing_runs: Path, tmp_path: Path
) -> None:
    config, data = replace(SEEING[observation], precision="bf16"), seeing_runs / "data"
    run(config, tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "parts", data, "flow training")
    run(config, tmp_path / "parts", data)
    assert comparable(tmp_path / "parts") == comparable(tmp_path / "whole")
    rows = read_rows(tmp_path / "whole" / "episodes.csv", EpisodeRow)
    assert not [row.error for row in rows if row.error]
    weights = [x / CHECKPOINT / EMA_FILE for x in (tmp_path / "whole", seeing_runs / observation)]
    assert weights[0].read_bytes() != weights[1].read_bytes()


@pytest.mark.parametrize("observation", SEEING)
def test_a_loop_of_ones_own_does_what_the_rows_of_the_run_say(
    observation: str, seeing_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (seeing_runs / observation, "--episodes", 3)
    assert call(load("use_checkpoint").main, *words) == 0
    rows = read_rows(seeing_runs / observation / "episodes.csv", EpisodeRow)
    expected = [
        f"episode seed {row.episode_seed}: {'success' if row.success else 'failure'} "
        f"after {row.length} steps, return {row.episode_return:.3g}"
        for row in rows
        if row.policy == "flow"
    ]
    assert len(expected) == 3
    assert capsys.readouterr().out.splitlines()[:3] == expected


def brightness(shape: PictureShape, options: EncoderOptions) -> PictureEncoder:
    """Features that depend on a file: every 8th pixel, scaled by a number in it."""
    scale = load_file(options.weights)["scale"]
    return CallableEncoder(shape, lambda x: x[:, :, ::8, ::8].flatten(1) * scale, options)


@pytest.fixture
def own_encoder() -> Iterator[None]:
    add_encoder("brightness", brightness, reads=("features", "weights"))
    yield
    del ENCODERS["brightness"], encoders._ADDED["brightness"]


@pytest.mark.usefixtures("own_encoder")
def test_the_file_of_an_encoder_is_given_again_and_verified(
    seeing_runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights = tmp_path / "files" / "scale.safetensors"
    weights.parent.mkdir()
    save_file({"scale": torch.tensor(0.5)}, weights)
    config = replace(SEEING[FEATURES], encoder="brightness", encoder_weights=str(weights))
    run(config, tmp_path / "run", seeing_runs / "data")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["config"]["encoder_weights"] == "scale.safetensors"
    monkeypatch.chdir(tmp_path)

    def scored(*words: object) -> str:
        before = sorted(tmp_path.iterdir())
        code = call(evaluate.main, "run", "--sampler", "euler", "--nfe", 2, *words)
        captured = capsys.readouterr()
        if code:
            assert code == 2
            assert len(captured.err.splitlines()) == 1
            assert sorted(tmp_path.iterdir()) == before
        return captured.err

    name = weights.name
    reason = f"there is no file {name} here; give the file {name}, with which run was made"
    assert scored() == f"error: --encoder-weights: {reason}\n"
    other = weights.with_name("other.safetensors")
    save_file({"scale": torch.tensor(0.25)}, other)
    assert "run was made with other pictures of PressEither" in scored("--encoder-weights", other)
    scored("--encoder-weights", weights)
    rows = [read_rows(Path(x) / "episodes.csv", EpisodeRow) for x in ("run", "run-euler-2")]
    assert rows[0] == rows[1]
    save_file({"scale": torch.tensor(torch.inf)}, weights)
    assert "brightness; CallableEncoder gives NaN, infinity" in scored("--encoder-weights", weights)


def test_a_file_of_weights_without_need_is_refused(
    seeing_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (seeing_runs / PIXELS, "--sampler", "euler", "--nfe", 2, "--out", tmp_path / "scored")
    assert call(evaluate.main, *words, "--encoder-weights", "weights") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --encoder-weights is weights, but the encoder of ")
    assert not (tmp_path / "scored").exists()
