"""Work of the command `fmbench.export`: demonstrations, pictures, the data set. No torch."""

from pathlib import Path

from envs.pictures.renderer import PictureRenderer
from envs.registry import make_task
from envs.task import Task
from fmbench.cli.folders import check_out
from fmbench.cli.session import Session
from fmbench.config import PIXELS, RunConfig
from fmbench.data.array_store import ARRAY_FILE, ArraySpec, folder_beside, read_array
from fmbench.data.minari_file import DATA, DATA_FILE
from fmbench.data.pictures import draw_demonstrations, spec_of_rows
from fmbench.data.store import (
    DemonstrationConfig,
    dataset_folder,
    load_demonstrations,
    stream_demonstrations,
    verify_demonstrations,
)
from fmbench.errors import FmbenchError
from fmbench.lerobot.layout import frames_per_second
from fmbench.lerobot.source import Pictures, Source, measure
from fmbench.report.counted import counted
from fmbench.runs.demonstrating import demonstrate
from fmbench.sight.drawing import open_cameras
from fmbench.storage.locks import Waiting
from fmbench.storage.memory import needs_memory


def minari_folder(config: RunConfig, data: Path) -> Path:
    """Return the Minari data set that was written with demonstrations, after verifying them.

    Raises:
        FmbenchError: There are none; the message has the command that makes them.
    """
    request = DemonstrationConfig(config.task[0], config.demos, config.noise)
    folder = dataset_folder(request, data)
    if not folder.exists():
        noise = f" --noise {config.noise:g}" if config.noise != RunConfig.noise else ""
        raise FmbenchError(
            f"{folder / DATA} is not there; python -m fmbench.demonstrations --task "
            f"{request.task} --episodes {request.episodes}{noise} --data {data} writes it, and it "
            "is a Minari data set already"
        )
    verify_demonstrations(request, folder)
    return folder / DATA


def export_lerobot(config: RunConfig, data: Path, out: Path, session: Session) -> None:
    """Export the demonstrations of a configuration's task, made first if they are new.

    Args:
        config: The demonstrations, and cameras if it observes pictures.
        data: Folder of all demonstrations.
        out: Folder of the data set.
        session: Progress display and requests to stop.
    """
    from fmbench.lerobot.export import check_target  # pyarrow

    check_target(out)
    (name,) = config.task
    task = make_task(name)
    frames_per_second(task)
    renderer = None
    if config.observation == PIXELS:
        asked = config.cameras or (), config.image_size
        renderer = open_cameras(task, *asked, config.renderer)
    try:
        folder = demonstrate(config, name, data, session)
        request = DemonstrationConfig(name, config.demos, config.noise)
        facts, episodes = stream_demonstrations(folder, name, request)
        lengths, scaling = measure(task, episodes)
        pictures = None
        if renderer is not None:
            rows = facts.steps + facts.episodes
            spec = spec_of_rows(task, facts.sha256[DATA_FILE], rows, renderer, *asked)
            place = _found_or_drawn(spec, folder, task, renderer, *asked, session)
            pictures = Pictures(place / ARRAY_FILE, *asked, dict(spec.decides))
    finally:
        if renderer is not None:
            renderer.close()
    _write(Source(task, facts, episodes, lengths, scaling, pictures), out, session)


def _write(source: Source, out: Path, session: Session) -> None:
    from fmbench.lerobot.export import export  # pyarrow

    name = f"{source.task.name} for LeRobot"
    with session.reporter.stage(name, len(source.lengths)) as stage:

        def count(done: int) -> None:
            session.interrupts.stop_here()
            stage.update(done)

        waiting = Waiting(session.reporter.say, session.interrupts.stop_here)
        is_new = export(source, out, count, waiting)
    parts = (len(source.lengths), "episode"), (int(source.lengths.sum()), "frame")
    state = ", ".join(counted(*part) for part in parts) if is_new else f"found in {out}"
    session.reporter.say(f"{name}: {state}")


def _found_or_drawn(
    spec: ArraySpec,
    folder: Path,
    task: Task,
    renderer: PictureRenderer,
    cameras: tuple[str, ...],
    size: int,
    session: Session,
) -> Path:
    """Return the folder of the pictures of all observations, drawn first if they are new."""
    place = folder_beside(folder, spec)
    if place.exists():
        session.reporter.say(f"{task.name} pictures: found in {place}")
        read_array(place, spec)
        return place
    check_out(place.parent, "--data")
    with needs_memory(f"{task.name} demonstrations", "ask for fewer demonstrations"):
        demonstrations = load_demonstrations(folder, task.name)
        episodes = len(demonstrations.lengths)
        with session.reporter.stage(f"{task.name} pictures", episodes + spec.shape[0]) as stage:
            before = {"replay": 0, "pictures": episodes}

            def count(part: str, done: int) -> None:
                session.interrupts.stop_here()
                stage.update(before[part] + done)

            waiting = Waiting(session.reporter.say, session.interrupts.stop_here)
            return draw_demonstrations(
                folder, task, demonstrations, renderer, cameras, size, count, waiting
            ).folder
