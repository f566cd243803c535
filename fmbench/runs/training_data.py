"""The training data of a run: windows of demonstrations, with what a policy sees beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fmbench.cli.folders import check_out
from fmbench.cli.progress import Stage
from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.data.array_store import ArraySpec, folder_beside, read_array
from fmbench.data.pictures import draw_demonstrations, picture_spec
from fmbench.data.store import Demonstrations, load_demonstrations
from fmbench.runs.users_encoder import encoders_code
from fmbench.sight.features import KIND, extract_demonstrations, feature_spec
from fmbench.sight.opening import Sight
from fmbench.storage.locks import Waiting
from fmbench.storage.memory import needs_memory
from fmbench.training.windows import Windows, make_windows

REMEDY = "lower --demos and give another --out"


@dataclass(frozen=True)
class TrainingData:
    """A task's demonstrations as windows.

    Attributes:
        windows: The windows.
        sha256: Hash of the demonstrations.
        sight: What the policies see with; None if they observe the state.
    """

    windows: Windows
    sha256: str
    sight: Sight | None = None


def prepare(
    config: RunConfig, folder: Path, sight: Sight | None, task: str, session: Session
) -> tuple[TrainingData, Demonstrations]:
    """Load a task's demonstrations as windows; draw and extract what is seen in them if it is new.

    Args:
        config: The run.
        folder: The folder of the demonstrations.
        sight: What the policies see with; None if they observe the state.
        task: Name of the task.
        session: Progress display and requests to stop.
    """
    with needs_memory(f"{task} demonstrations", REMEDY):
        demonstrations = load_demonstrations(folder, task)
        with encoders_code(config):
            seen = _Seeing(folder, sight, demonstrations, session).array() if sight else None
        columns = None if sight is None else sight.task.agent_columns
        horizons = config.obs_horizon, config.pred_horizon
        windows = make_windows(demonstrations, *horizons, config.device, columns, seen)
    return TrainingData(windows, demonstrations.sha256, sight), demonstrations


def of_states(config: RunConfig, demonstrations: Demonstrations, task: str) -> TrainingData:
    """Return loaded demonstrations of a task as windows, for policies that observe the state."""
    with needs_memory(f"{task} demonstrations", REMEDY):
        horizons = config.obs_horizon, config.pred_horizon
        windows = make_windows(demonstrations, *horizons, config.device)
    return TrainingData(windows, demonstrations.sha256)


def check_found_sight(folder: Path, sight: Sight, demonstrations: Demonstrations) -> None:
    """Reject damaged or foreign stored features, or pictures that features would be made of.

    Args:
        folder: The folder of the demonstrations.
        sight: What the policies see with.
        demonstrations: The demonstrations.

    Raises:
        FmbenchError: Names the folder and what is wrong with it.
    """
    pictures = _pictures_of(sight, demonstrations)
    stored = [(folder_beside(folder, pictures), pictures)]
    if sight.extractor is not None:
        features = feature_spec(pictures, sight.extractor)
        stored.insert(0, (folder_beside(folder, features), features))
    found = next(((place, spec) for place, spec in stored if place.exists()), None)
    if found is not None:
        read_array(*found)


def _pictures_of(sight: Sight, demonstrations: Demonstrations) -> ArraySpec:
    size = sight.encoder.shape.height
    return picture_spec(sight.task, demonstrations, sight.renderer, sight.cameras, size)


class _Seeing:
    """What is seen in demonstrations, stored beside them."""

    def __init__(
        self, folder: Path, sight: Sight, demonstrations: Demonstrations, session: Session
    ) -> None:
        self._folder, self._sight, self._demonstrations = folder, sight, demonstrations
        self._session = session
        self._waiting = Waiting(session.reporter.say, session.interrupts.stop_here)
        self._spec = _pictures_of(sight, demonstrations)

    def array(self) -> NDArray[Any]:
        """Return the pictures or the features of every observation."""
        extractor = self._sight.extractor
        if extractor is None:
            return self._pictures()
        spec = feature_spec(self._spec, extractor)
        folder = folder_beside(self._folder, spec)
        if folder.exists():
            self._say_found(KIND, folder)
        pictures = None if folder.exists() else self._pictures()
        with self._stage(KIND, folder, spec.shape[0]) as stage:
            stored = extract_demonstrations(
                folder,
                spec,
                self._pictures if pictures is None else lambda: pictures,
                extractor,
                partial(self._count, stage, 0),
                self._waiting,
            )
        return stored.array

    def _pictures(self) -> NDArray[Any]:
        sight, demonstrations = self._sight, self._demonstrations
        episodes = len(demonstrations.lengths)
        folder = folder_beside(self._folder, self._spec)
        if folder.exists():
            self._say_found("pictures", folder)
        with self._stage("pictures", folder, episodes + self._spec.shape[0]) as stage:
            before = {"replay": 0, "pictures": episodes}
            stored = draw_demonstrations(
                self._folder,
                sight.task,
                demonstrations,
                sight.renderer,
                sight.cameras,
                sight.encoder.shape.height,
                lambda part, done: self._count(stage, before[part], done),
                self._waiting,
            )
        return stored.array

    @contextmanager
    def _stage(self, kind: str, folder: Path, total: int) -> Iterator[Stage | None]:
        """Show the progress of an array that is new."""
        if folder.exists():
            yield None
            return
        check_out(folder.parent, "--data")
        name = f"{self._sight.task.name} {kind}"
        with self._session.reporter.stage(name, total) as stage:
            yield stage
        self._session.reporter.say(f"{name}: saved in {folder}")

    def _count(self, stage: Stage | None, before: int, done: int) -> None:
        self._session.interrupts.stop_here()
        if stage is not None:
            stage.update(before + done)

    def _say_found(self, kind: str, folder: Path) -> None:
        self._session.reporter.say(f"{self._sight.task.name} {kind}: found in {folder}")
