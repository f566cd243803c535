"""Recordings of a run, `--record N`, and the commands `fmbench.replay` and `fmbench.view`."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmbench.evaluation.replaying import describe
from fmbench.replay import main as replay_main
from fmbench.run import main as run_main
from fmbench.runs import recordings as module
from fmbench.runs.repeated_episode import repeat_episode
from fmbench.storage.grid_folder import GridFacts, SectionFacts, write_grid_facts
from fmbench.storage.recordings import RecordedEpisode, read_recording, rounded, write_recording
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from fmbench.storage.wanted_episode import WantedEpisode
from fmbench.view import main as view_main
from tests.fmbench.small_run import LASTING, ROOT, call, files_of

pytestmark = pytest.mark.usefixtures("torch_threads")


def words(out: Path, data: Path, *more: object) -> tuple[object, ...]:
    return (*LASTING, "--no-latency", "--out", out, "--data", data, *more)


@pytest.fixture(scope="module")
def plain(lasting_run: Path) -> Path:
    """A run without recordings; copy it before changing anything in it."""
    assert not (lasting_run / "recordings").exists()
    return lasting_run


@pytest.fixture(scope="module")
def recorded(
    plain: Path, demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same run with recordings."""
    out = Path(shutil.copytree(plain, tmp_path_factory.mktemp("recorded") / "run"))
    assert call(run_main, *words(out, demonstrations_folder.parent, "--record", 1)) == 0
    return out


def test_rows_are_the_same_and_recordings_are_of_them(plain: Path, recorded: Path) -> None:
    before, after = files_of(plain), files_of(recorded)
    assert {k: v for k, v in after.items() if not k.startswith("recordings/")} == before
    rows = {
        (row.policy, row.train_seed, row.episode_seed): row
        for row in read_rows(recorded / EpisodeRow.file_name, EpisodeRow)
    }
    found = [read_recording(path) for path in sorted((recorded / "recordings").iterdir())]
    outcomes = set()
    for recording in found:
        facts = recording.facts
        row = rows[facts.policy, facts.train_seed, facts.episode_seed]
        assert (facts.success, facts.length, facts.nfe) == (row.success, row.length, row.nfe)
        assert (facts.sampler, facts.steps) == (row.sampler, row.steps)
        assert len(recording.state) == row.length + 1
        outcomes.add((facts.policy, facts.success))
    assert outcomes == {(row.policy, row.success) for row in rows.values() if row.train_seed >= 0}


def test_the_same_command_keeps_repairs_and_removes_recordings(
    recorded: Path, demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(recorded, tmp_path / "run"))
    folder, before = out / "recordings", files_of(recorded / "recordings")
    first, second = sorted(before)[:2]
    (folder / first).write_bytes(before[first][:-1])
    (folder / second).unlink()
    shutil.copy(folder / sorted(before)[-1], folder / "PressEither-bc-direct1-seed9-episode1.npz")
    written = []

    def write(path: Path, recording: RecordedEpisode) -> None:
        written.append(path.name)
        write_recording(path, recording)

    monkeypatch.setattr(module, "write_recording", write)
    command = words(out, demonstrations_folder.parent, "--record", 1)
    assert call(run_main, *command) == 0
    assert sorted(written) == [first, second]
    assert files_of(folder) == before
    assert call(run_main, *command) == 0
    assert len(written) == 2


def test_a_stopped_recording_resumes_to_the_same_files(
    plain: Path, recorded: Path, demonstrations_folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = Path(shutil.copytree(plain, tmp_path / "run"))
    command = words(out, demonstrations_folder.parent, "--record", 1)
    with monkeypatch.context() as patch:

        def stop_at_the_second(path: Path, recording: RecordedEpisode) -> None:
            if list(path.parent.glob("*.npz")):
                raise KeyboardInterrupt
            write_recording(path, recording)

        patch.setattr(module, "write_recording", stop_at_the_second)
        assert call(run_main, *command) == 130
    assert len(list((out / "recordings").glob("*.npz"))) == 1
    assert call(run_main, *command) == 0
    assert files_of(out / "recordings") == files_of(recorded / "recordings")


@pytest.mark.parametrize("number", ["-1", "1001"])
def test_numbers_out_of_range_are_rejected(
    number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(run_main, *words(tmp_path / "run", tmp_path, "--record", number)) == 2
    assert f"--record is {number}; give a whole number from 0 to 1000" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def some_recording(recorded: Path) -> Path:
    return sorted((recorded / "recordings").iterdir())[0]


def test_it_is_drawn_without_torch_and_without_weights(recorded: Path, tmp_path: Path) -> None:
    path = shutil.copy(some_recording(recorded), tmp_path / "a.npz")
    code = (
        "import sys; from fmbench.replay import main; "
        f"code = main([{str(path)!r}, '--out', 'a.png', '--size', '32', '--renderer', 'rays']); "
        "sys.exit(code or ('torch' in sys.modules))"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PressEither: bc (direct), training seed 0, episode 30000")
    assert done.stdout.endswith("saved in a.png\n")
    assert Image.open(tmp_path / "a.png").size == (8 * 36 - 4, 32)


def test_a_film_shows_every_control_step(recorded: Path, tmp_path: Path) -> None:
    path, out = some_recording(recorded), tmp_path / "a.gif"
    film = ("--out", out, "--size", "32", "--renderer", "rays", "--camera", "right-front")
    assert call(replay_main, path, *film) == 0
    facts = read_recording(path).facts
    with Image.open(out) as image:
        durations = []
        for k in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(k)
            durations.append(image.info["duration"])
    assert sum(durations) == 40 * facts.length + 1000
    again = tmp_path / "b.gif"
    assert call(replay_main, path, "--out", again, *film[2:]) == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task_hash": "0" * 64}, "was recorded with another PressEither (hash: 000000000000 ther"),
        ({"task_version": 0}, "was recorded with another PressEither (version: 0 there, "),
        ({"hash_kind": 1}, "was recorded with another PressEither (hash_kind: 1 there, 2 now)"),
        ({"task": "PressEihter"}, "unknown task 'PressEihter'; did you mean PressEither"),
    ],
)
def test_recordings_of_other_tasks_are_refused(
    change: dict[str, object], message: str, recorded: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    recording = read_recording(some_recording(recorded))
    path, facts = tmp_path / "a.npz", type(recording.facts)
    changed = facts(**{**vars(recording.facts), **change})  # type: ignore[arg-type]
    write_recording(path, RecordedEpisode(changed, *list(vars(recording).values())[1:]))
    assert call(replay_main, path, "--out", tmp_path / "a.png") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--out", "a.mp4"), "--out is a.mp4; give a file that ends in .png or .webp or .gif"),
        ((), "--out must be given; see --help"),
        (("--out", "a.png", "--size", "8"), "--size is 8; give a whole number from 16 to 480"),
        (
            ("--out", "a.png", "--renderer", "opengi"),
            "unknown renderer 'opengi'; did you mean ",
        ),
        (
            ("--out", "a.png", "--camera", "mian"),
            "unknown camera of PressEither 'mian'; did ",
        ),
    ],
)
def test_bad_input_is_rejected_in_one_line(
    flags: tuple[str, ...], message: str, recorded: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call(replay_main, some_recording(recorded), *flags) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_states_of_another_size_are_refused(recorded: Path, tmp_path: Path) -> None:
    recording = read_recording(some_recording(recorded))
    other = RecordedEpisode(
        recording.facts, np.zeros_like(recording.state[:, 1:]), recording.action, recording.memory
    )
    write_recording(tmp_path / "a.npz", other)
    assert call(replay_main, tmp_path / "a.npz", "--out", tmp_path / "a.png") == 2


def test_an_episode_is_viewed_from_its_recording_or_from_the_checkpoint(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = some_recording(recorded)
    facts = read_recording(path).facts
    film = ("--size", 32, "--renderer", "rays", "--video")
    asked = ("--episode", facts.episode_seed, "--policy", facts.policy)
    assert call(view_main, recorded, *asked, *film, tmp_path / "a.gif") == 0
    said = capsys.readouterr().out
    assert call(replay_main, path, "--out", tmp_path / "b.gif", *film[:-1]) == 0
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    bare = Path(shutil.copytree(recorded, tmp_path / "bare"))
    shutil.rmtree(bare / "recordings")
    assert call(view_main, bare, *asked, *film, tmp_path / "c.gif") == 0
    assert (tmp_path / "c.gif").read_bytes() == (tmp_path / "a.gif").read_bytes()
    repeated = repeat_episode(bare, WantedEpisode(facts.episode_seed, policy=facts.policy), {})
    assert repeated.facts == facts
    np.testing.assert_array_equal(rounded(repeated.state), read_recording(path).state)
    assert said.splitlines()[0] == describe(facts)
    shutil.rmtree(bare / "checkpoints")
    capsys.readouterr()
    assert call(view_main, bare, *asked, *film, tmp_path / "d.gif") == 2
    error = capsys.readouterr().err
    assert f"has no recording of episode {facts.episode_seed}, {facts.policy}; " in error
    assert "give a run that still has its checkpoints" in error
    assert not (tmp_path / "d.gif").exists()
    assert call(view_main, bare, *asked[:2], "--policy", "expert", *film, tmp_path / "d.gif") == 0
    assert capsys.readouterr().out.startswith("PressEither: expert, episode ")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--episode", "1"),
            "no episode 1; it has the episodes 3000000 to 3000004, and 1 training ",
        ),
        (("--episode", "3000000"), "choose one by --policy"),
        (("--episode", "3000000", "--policy", "flwo"), "'flwo'; did you mean flow? known: bc, ex"),
        (
            ("--episode", "3000000", "--task", "PressEihter"),
            "did you mean PressEither? known: Press",
        ),
        (("--episode", "x"), "--episode is 'x'; give a whole number"),
        ((), "--episode must be given; see --help"),
        (
            ("--episode", "1", "--video", "a.mp4"),
            "--video is a.mp4; give a file that ends in .webp",
        ),
        (("--episode", "1", "--size", "8"), "--size is 8; give a whole number from 16 to 480"),
        (("--episode", "1", "--renderer", "opengi"), "unknown renderer 'opengi'; did you mean "),
    ],
)
def test_episodes_that_cannot_be_viewed_are_told_in_one_line(
    flags: tuple[str, ...], message: str, plain: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call(view_main, plain, *flags) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_only_the_folder_of_a_run_is_viewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(view_main, tmp_path / "none", "--episode", 1) == 2
    assert "none does not exist; give the folder of a run" in capsys.readouterr().err
    section = SectionFacts("main", "Main", "matrix", {"One": "0" * 64})
    write_grid_facts(tmp_path, GridFacts(1, "Grid", (section,), "", ""))
    (tmp_path / "main" / "One").mkdir(parents=True)
    assert call(view_main, tmp_path, "--episode", 1) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path} is a grid; give a run in it, like {tmp_path / 'main' / 'One'}" in error
