"""What a page shows besides rows: data sheets, scenes, recorded states, pictures and films."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from envs.registry import TASKS, check_extra, make_task
from envs.task import Task
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import EXPERT, Cell
from fmbench.evaluation.data_sheets import data_sheet
from fmbench.evaluation.episodes import episode_row, play
from fmbench.evaluation.films import recorded_states
from fmbench.evaluation.page_pictures import PictureFolder, in_the_page
from fmbench.evaluation.recording import record
from fmbench.evaluation.replaying import task_of_recording
from fmbench.evaluation.scene_description import Scene, describe_scene, poses_of_episode
from fmbench.harness.seeds import TEST
from fmbench.report.page.media import Media, PagePicture, PlayedEpisode, PlayedStates, Shown
from fmbench.report.page.packing import pack_json, pack_numbers
from fmbench.report.page.runs import NamedRun
from fmbench.storage.recordings import (
    RECORDINGS_FOLDER,
    STEPS_PER_UNIT,
    SUFFIX,
    RecordedEpisode,
    read_recording,
    write_recording,
)

MOCAP_STEPS = 2.0**18
"""Steps to which poses of mocap bodies are rounded, in one metre or unit quaternion."""
ACTION_STEPS = 2.0**9
"""Steps to which commands in [-1, 1] are rounded, for their plot."""
MOST_CHARACTERS = 4_000_000
"""Most characters of all packed states of a page; episodes beyond them are listed only."""
MOST_PICTURE_CHARACTERS = 2_000_000
"""Most characters of all contact sheets that are in a page; the others lie beside it."""
Progress = Callable[[int, int, str], None]


def make_media(
    runs: Sequence[NamedRun],
    folder: Path,
    on_progress: Progress = lambda done, total, what: None,
    most_characters: int = MOST_CHARACTERS,
) -> Media:
    """Make what a page shows of the tasks and recordings of runs.

    A task that cannot be built, or a recording that cannot be read, is left out and noted. Pictures
    and films are drawn once: those that are in the folder already are kept.

    Args:
        runs: The runs.
        folder: Where pictures and films are written, beside the page.
        on_progress: Called with how many tasks are done, with their number and the next one.
        most_characters: Most characters of all packed states.

    """
    tasks = list(dict.fromkeys(task for run in runs for task in run.results.outcomes.tasks))
    found, unread = _find_recordings(runs)
    missing, parts = dict[str, str](), []
    for k, name in enumerate(tasks):
        on_progress(k, len(tasks), name)
        try:
            parts.append(_of_task(name, found.get(name, []), folder, unread))
        except (FmbenchError, ValueError, RuntimeError) as error:
            missing[name] = str(error)
    on_progress(len(tasks), len(tasks), "")
    pictures = {k: v for part in parts for k, v in part.pictures.items()}
    return Media(
        sheets={k: v for part in parts for k, v in part.sheets.items()},
        scenes={k: v for part in parts for k, v in part.scenes.items()},
        meshes={k: v for part in parts for k, v in part.meshes.items()},
        episodes=within_budget([e for part in parts for e in part.episodes], most_characters),
        pictures=in_the_page(pictures, folder, MOST_PICTURE_CHARACTERS),
        missing=missing,
        unread=unread,
    )


@dataclasses.dataclass(frozen=True)
class _Found:
    """A recording of a run: the run's name, its file and its content."""

    run: str
    path: Path
    recording: RecordedEpisode


def within_budget(
    episodes: Sequence[PlayedEpisode], most_characters: int
) -> tuple[PlayedEpisode, ...]:
    """Return the episodes, those with states first; those beyond the budget lose theirs.

    The first success and the first failure of every policy on every task in every run come first,
    then the second ones, and so on.
    """
    ranks = dict[tuple[object, ...], int]()
    order = list[tuple[int, int]]()
    for place, episode in enumerate(episodes):
        facts = episode.facts
        group = (episode.run, facts.task, facts.policy, facts.success)
        ranks[group] = ranks.get(group, -1) + 1
        order.append((ranks[group], place))
    kept, spent = set[int](), 0
    for _, place in sorted(order):
        spent += len(episodes[place].states.packed)
        if spent > most_characters:
            break
        kept.add(place)
    inside = [episode for place, episode in enumerate(episodes) if place in kept]
    left = [
        dataclasses.replace(episode, states=dataclasses.replace(episode.states, packed=""))
        for place, episode in enumerate(episodes)
        if place not in kept
    ]
    return (*inside, *left)


def _find_recordings(
    runs: Iterable[NamedRun],
) -> tuple[dict[str, list[_Found]], dict[str, str]]:
    """Return the recordings of every task, and which files are none, with the reason."""
    found, unread = dict[str, list[_Found]](), dict[str, str]()
    for run in runs:
        for path in sorted((run.folder / RECORDINGS_FOLDER).glob(f"*{SUFFIX}")):
            try:
                recording = read_recording(path)
            except FmbenchError as error:
                unread[f"{run.name}: {path.name}"] = str(error)
                continue
            each = _Found(run.name, path, recording)
            found.setdefault(recording.facts.task, []).append(each)
    return found, unread


def _of_task(name: str, found: Sequence[_Found], folder: Path, unread: dict[str, str]) -> Media:
    """Return what is shown of one task; recordings that cannot be drawn are noted in `unread`.

    Raises:
        FmbenchError: The task is not registered here.
        ValueError: Its extra is not installed.
    """
    if name not in TASKS:
        raise FmbenchError(f"the task {name} is not registered here; give its file by --plugin")
    check_extra(name)
    task = make_task(name)
    scene = describe_scene(task)
    expert = _Found("", *_expert_episode(task, folder))
    drawn, episodes = PictureFolder(folder, task), list[PlayedEpisode]()
    pictures = dict[Shown, PagePicture]()
    filmed = set[tuple[str, bool]]()
    try:
        for run, path, recording in ((f.run, f.path, f.recording) for f in (expert, *found)):
            try:
                task_of_recording(path, recording)
                states = played_states(scene, recording)
            except (FmbenchError, ValueError) as error:
                unread[f"{run}: {path.name}"] = str(error)
                continue
            facts, film = recording.facts, None
            if (key := (facts.policy, facts.success)) not in filmed:
                filmed.add(key)
                film = drawn.film(path, recording)
                shown = Shown(name, facts.policy, run)
                if facts.success or not any(s.policy == facts.policy for s in pictures):
                    pictures = {s: p for s, p in pictures.items() if s.policy != facts.policy}
                    pictures[shown] = drawn.sheet(path, recording)
            episodes.append(PlayedEpisode(run, path.name, facts, states, film))
    finally:
        drawn.close()
    return Media(
        sheets={name: data_sheet(task)},
        scenes={name: pack_json(scene.values)},
        meshes=scene.meshes,
        episodes=tuple(episodes),
        pictures=pictures,
    )


def played_states(scene: Scene, recording: RecordedEpisode) -> PlayedStates:
    """Return the states of a recording as a page holds them.

    Raises:
        ValueError: A field of the model changes during the episode, or a number is not finite.
    """
    poses = poses_of_episode(scene, recorded_states(recording))
    moves = bool((poses.mocap != poses.mocap[:1]).any())
    mocap = poses.mocap[: None if moves else 1]
    mocap = mocap.reshape(len(mocap), poses.mocap[0].size)  # of no body in some tasks
    tables: list[tuple[np.ndarray, float]] = [
        (recording.state, STEPS_PER_UNIT),
        (mocap, MOCAP_STEPS),
        (recording.action, ACTION_STEPS),
    ]
    return PlayedStates(
        packed=pack_numbers(tables),
        positions=recording.state.shape[1],
        mocap_values=mocap.shape[1],
        mocap_moves=moves,
        commands=recording.action.shape[1],
        fields=poses.fields,
    )


def _expert_episode(task: Task, folder: Path) -> tuple[Path, RecordedEpisode]:
    """Return a recording of the expert on the first test episode; it is made once."""
    path = folder / f"{task.name}-{EXPERT}-episode{TEST}{SUFFIX}"
    try:
        recording = read_recording(path)
        task_of_recording(path, recording)
        return path, recording
    except FmbenchError:
        pass  # it is missing, damaged or of another version of the task
    cell, config = Cell(task.name, EXPERT), RunConfig(task=(task.name,))
    (episode,) = play(cell, config, None, np.array([TEST]), lambda done: None, None)
    (made,) = record(cell, config, None, [episode_row(episode, cell)], "")
    write_recording(path, made)
    return path, read_recording(path)
