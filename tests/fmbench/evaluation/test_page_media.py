"""Media of a page: made once, from recordings that fit; what does not fit is noted."""

import base64
import dataclasses
import io
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from envs.pictures.renderer import PictureRenderer, open_renderer
from envs.registry import TASKS, make_task
from envs.task import Task
from fmbench.config import RunConfig
from fmbench.evaluation import page_media, page_pictures
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.data_sheets import data_sheet
from fmbench.evaluation.episodes import episode_row, play
from fmbench.evaluation.page_media import make_media, within_budget
from fmbench.evaluation.recording import record
from fmbench.harness.seeds import TEST
from fmbench.report.page.media import PlayedEpisode, Shown
from fmbench.report.page.runs import NamedRun
from fmbench.storage.recordings import RECORDINGS_FOLDER, read_recording, write_recording
from tests.fmbench.report.page.played import named_run, played
from tests.fmbench.report.page.test_packing import unpacked

TASK = "PressEither"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NamedRun:
    """A run with a recording of random actions, and three files that cannot be drawn."""
    run = named_run(tmp_path_factory.mktemp("media"), tasks=(TASK, "Nowhere"), episodes=2)
    cell, config = Cell(TASK, "random"), RunConfig(task=(TASK,))
    episodes = play(cell, config, None, np.array([TEST]), lambda done: None, None)
    (recording,) = record(cell, config, None, [episode_row(e, cell) for e in episodes], "")
    folder = run.folder / RECORDINGS_FOLDER
    write_recording(folder / "a.npz", recording)
    other = dataclasses.replace(recording.facts, task_version=0)
    write_recording(folder / "other.npz", dataclasses.replace(recording, facts=other))
    (folder / "damaged.npz").write_bytes(b"PK")
    return run


def test_media_are_made_once_and_faults_are_noted(
    run: NamedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = tmp_path / "report files", list[tuple[int, int, str]]()
    media = make_media([run], folder, lambda *progress: said.append(progress))
    assert said == [(0, 2, TASK), (1, 2, "Nowhere"), (2, 2, "")]
    assert set(media.missing) == {"Nowhere"}
    assert set(media.unread) == {f"{run.name}: other.npz", f"{run.name}: damaged.npz"}
    assert "the task Nowhere is not registered here" in media.missing["Nowhere"]
    assert "another PressEither (version: 0 there" in media.unread[f"{run.name}: other.npz"]
    assert [(e.run, e.facts.policy, e.facts.episode_seed) for e in media.episodes] == [
        ("", "expert", TEST),
        (run.name, "random", TEST),
    ]
    assert set(media.pictures) == {Shown(TASK, "expert"), Shown(TASK, "random", run.name)}
    films = [episode.film for episode in media.episodes]
    for picture in media.pictures.values():
        kind, _, data = picture.address.partition(",")
        assert kind == "data:image/webp;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.size == (picture.width, picture.height)
    for picture in films:
        assert picture is not None
        assert picture.address.startswith("report%20files/PressEither-") or "/a-" in picture.address
        file = folder / picture.address.partition("/")[2]
        assert file.stat().st_size == picture.size < 100_000
        with Image.open(file) as image:
            assert image.size == (picture.width, picture.height)
    made = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert make_media([run], folder) == media
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == made
    check_states(media.episodes[1], run)
    monkeypatch.setattr(page_media, "MOST_PICTURE_CHARACTERS", 20_000)
    placed = make_media([run], folder).pictures
    assert placed[Shown(TASK, "expert")].address.startswith("data:")
    others = [each for shown, each in placed.items() if shown.policy != "expert"]
    assert [(folder.parent / unquote(each.address)).stat().st_size for each in others] == [
        each.size for each in others
    ]


def check_states(episode: PlayedEpisode, run: NamedRun) -> None:
    """Check that a page has the recorded states of random actions."""
    task, states, length = make_task(TASK), episode.states, episode.facts.length
    assert (states.positions, states.commands) == (task.model.nq, task.act_dim)
    shapes = [
        (length + 1, states.positions, 2.0**14),
        (length + 1 if states.mocap_moves else 1, states.mocap_values, 2.0**18),
        (length, states.commands, 2.0**9),
    ]
    qpos, _, actions = unpacked(states.packed, shapes)
    with np.load(run.folder / RECORDINGS_FOLDER / "a.npz") as recorded:
        np.testing.assert_array_equal(qpos, recorded["state"])
        np.testing.assert_allclose(actions, recorded["action"], atol=2**-10)


def test_first_successes_and_failures_come_first_within_the_budget() -> None:
    episodes = [played("flow", k, success=k % 2 == 0, packed="x" * 100) for k in range(6)]
    episodes += [played("bc", 9, packed="y" * 50)]
    found = within_budget(episodes, 300)
    assert [(e.facts.policy, e.facts.episode_seed, e.states.packed[:1]) for e in found] == [
        ("flow", 0, "x"), ("flow", 1, "x"), ("bc", 9, "y"),
        ("flow", 2, ""), ("flow", 3, ""), ("flow", 4, ""), ("flow", 5, ""),
    ]  # fmt: skip
    assert within_budget(episodes, 10**6) == tuple(episodes)
    assert not any(e.states.packed for e in within_budget(episodes, 99))


def test_a_data_sheet_is_that_of_the_task() -> None:
    task = make_task(TASK)
    sheet = data_sheet(task)
    assert sheet.horizon == TASKS[TASK].horizon
    assert sum(field.size for field in sheet.observed) == task.obs_dim
    assert len(sheet.actions) == task.act_dim
    assert list(sheet.notes) == ["Initial state", "Modes", "Success", "Failure"]
    assert sheet.notes["Success"] == (
        "exactly one key at least 3 mm down for 5 consecutive control steps (0.2 s)."
    )


def test_rays_draw_where_opengl_does_not_start(
    run: NamedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def only_rays(task: Task, *, size: int, renderer: str) -> PictureRenderer:
        tried.append(renderer)
        if renderer == "opengl":
            raise RuntimeError("no library")
        return open_renderer(task, size=size, renderer=renderer)

    monkeypatch.setattr(page_pictures, "_opengl_starts", True)
    monkeypatch.setattr(page_pictures, "open_renderer", only_rays)
    drawn = page_pictures.PictureFolder(tmp_path, make_task(TASK))
    path = run.folder / RECORDINGS_FOLDER / "a.npz"
    pictures = [draw(path, read_recording(path)) for draw in (drawn.film, drawn.sheet)]
    drawn.close()
    assert tried == ["opengl", "rays", "rays"], "a second attempt may end the process"
    assert all(picture.size > 1000 for picture in pictures)
