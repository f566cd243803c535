"""Training of a detector from nothing: labelled pictures, ultralytics, one file of weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from envs.pictures.renderer import check_renderer, check_size
from envs.pictures.scene import picture_model
from envs.registry import make_task
from fmbench.cli.progress import Reporter
from fmbench.detection.classes import CLASSES, parts_of
from fmbench.detection.dataset import HELD_OUT, TRAINING, PictureFiles
from fmbench.detection.pictures import PictureSettings, TaskPictures
from fmbench.detection.process import Worker, started
from fmbench.detection.worker import OVERALL, UNITS
from fmbench.errors import FmbenchError
from fmbench.harness.seeds import DEMONSTRATION, VALIDATION
from fmbench.storage.files import write_bytes_atomic

HELD_OUT_SHARE = 5
"""There is one held-out episode for so many of training."""
FIRST_SEED = {TRAINING: DEMONSTRATION, HELD_OUT: VALIDATION}
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class TrainingSettings:
    """How a detector is trained.

    Attributes:
        tasks: Names of the tasks.
        episodes: Episodes of each task to learn from.
        epochs: Passes over the pictures.
        seed: Of the initial weights, the order and the changes of pictures, and the states drawn.
        device: cpu, cuda or cuda:N.
        pictures: How pictures are made.
    """

    tasks: tuple[str, ...]
    episodes: int = 60
    epochs: int = 20
    seed: int = 0
    device: str = "cpu"
    pictures: PictureSettings = field(default_factory=PictureSettings)

    @property
    def of_part(self) -> dict[str, int]:
        """The number of episodes of each task, by part."""
        return {TRAINING: self.episodes, HELD_OUT: -(-self.episodes // HELD_OUT_SHARE)}


def train_detector(settings: TrainingSettings, out: Path, reporter: Reporter) -> str:
    """Train a detector, write its file, and return a table of its quality on held-out episodes.

    Nothing is written before the file is whole.

    Raises:
        FmbenchError: A value is not accepted, or the extra is missing.
        RunFailed: Training failed, or the disk is full.
    """
    cameras = check_pictures(settings)
    with started("train") as worker:
        check_device(settings.device, worker.wait_until_ready())
        identities = [_write_pictures(name, settings, worker, reporter) for name in settings.tasks]
        target = worker.folder / WEIGHTS
        with reporter.stage(f"training for {settings.epochs} epochs", UNITS) as stage:
            measured = worker.run(
                {
                    "folder": str(worker.folder),
                    "classes": CLASSES,
                    "tasks": settings.tasks,
                    "size": settings.pictures.size,
                    "epochs": settings.epochs,
                    "seed": settings.seed,
                    "device": settings.device,
                    "made_with": made_with(settings, cameras, identities[0]),
                    "target": str(target),
                },
                stage.update,
            )
        write_bytes_atomic(out, target.read_bytes())
    return quality_table(measured)


def check_device(device: str, cuda_devices: int) -> None:
    """Check that this machine has a device.

    Raises:
        FmbenchError: It has not, or there is no such device.
    """
    known = ("cpu", "cuda", *(f"cuda:{k}" for k in range(cuda_devices)))
    if device not in known:
        raise FmbenchError(f"--device is {device!r}; known: {', '.join(known)}")
    if device != "cpu" and not cuda_devices:
        raise FmbenchError(
            f"--device is {device!r}; give cpu (this machine or this build of torch has no CUDA)"
        )


def check_pictures(settings: TrainingSettings) -> dict[str, tuple[str, ...]]:
    """Check that pictures of every task can be drawn and labelled; return each task's cameras.

    Raises:
        FmbenchError: They cannot; the message says what is accepted.
    """
    with _accepted():
        check_renderer(settings.pictures.renderer)
        check_size(settings.pictures.size)
    cameras = {}
    for name in settings.tasks:
        task = make_task(name)
        cameras[name] = settings.pictures.cameras_of(task)
        with _accepted():
            drawn = picture_model(task, cameras[name])
        if not parts_of(drawn):
            raise FmbenchError(f"--task is {name}, which shows no object and no goal to detect")
    return cameras


@contextmanager
def _accepted() -> Iterator[None]:
    """Show what pictures cannot be as bad input."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise FmbenchError(str(error)) from error


def _write_pictures(
    name: str, settings: TrainingSettings, worker: Worker, reporter: Reporter
) -> dict[str, str]:
    """Write the labelled pictures of one task; return what their bytes depend on."""
    with _accepted():
        drawn = TaskPictures(name, settings.pictures)
    try:
        for part, episodes in settings.of_part.items():
            title = f"{name}, {part.replace('_', '-')} episodes"
            with reporter.stage(title, episodes) as stage:
                states = drawn.states(FIRST_SEED[part], episodes, stage.update)
            files = PictureFiles(worker.folder, part, name)
            with reporter.stage(f"{title}: pictures", len(states)) as stage:
                done = 0
                for pictures, boxes in drawn.draw(states):
                    files.add(pictures, boxes)
                    done += len(pictures)
                    stage.update(done)
    finally:
        drawn.close()
    return drawn.identity


def made_with(
    settings: TrainingSettings,
    cameras: dict[str, tuple[str, ...]],
    identity: dict[str, str],
) -> dict[str, Any]:
    """Return how a detector is made, for its manifest, as JSON values."""
    values = asdict(settings)
    pictures = values.pop("pictures")
    del values["device"], pictures["cameras"], pictures["seed"]
    return {
        **values,
        **pictures,
        **{f"renderer_{key}": value for key, value in identity.items()},
        "cameras": cameras,
        "license": "trained with ultralytics, AGPL-3.0",
    }


def quality_table(measured: dict[str, dict[str, Any]]) -> str:
    """Return a table of the quality on held-out episodes, a row for each task and for all."""
    head = ["held-out", "pictures", "boxes", "mAP50", "mAP50-95", *(f"{k} mAP50" for k in CLASSES)]
    rows: list[Sequence[str]] = [head]
    for name, row in measured.items():
        if name != OVERALL or len(measured) > 2:
            numbers = [row["mAP50"], row["mAP50-95"], *(row["classes"].get(k) for k in CLASSES)]
            shown = ["-" if value is None else f"{value:.3f}" for value in numbers]
            rows.append([name, str(row["pictures"]), str(row["boxes"]), *shown])
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    )
