"""Demonstrations that a user gives: a data set of either format, read before any work."""

from pathlib import Path

from envs.registry import make_task
from fmbench.cli.extras import check_extra
from fmbench.config import RunConfig
from fmbench.config.choices import KEEP
from fmbench.data.minari_import import minari_data, read_minari
from fmbench.data.recorded import Recorded, chosen
from fmbench.errors import FmbenchError
from fmbench.storage.memory import needs_memory

FORMATS = (
    "accepted are a Minari data set (data/main_data.hdf5) and a LeRobot v3.0 one (meta/info.json)"
)


def read_given(config: RunConfig, most: int | None) -> Recorded | None:
    """Return the data set of `--demonstrations`; None without the flag.

    Args:
        config: The run, on one task.
        most: How many of its episodes are used, the first ones; None for all.

    Raises:
        FmbenchError: It is not one of the task, or of no known format.
    """
    if config.demonstrations is None:
        return None
    folder, (name,) = Path(config.demonstrations), config.task
    flag = f"--demonstrations is {folder}"
    if not folder.is_dir():
        raise FmbenchError(f"{flag}, which is no folder; {FORMATS}")
    task = make_task(name)
    with needs_memory(f"{name} demonstrations", "give a smaller data set"):
        if (folder / "meta" / "info.json").is_file():
            check_extra(f"{flag}, a data set of LeRobot, which", "pyarrow", "export")
            from fmbench.lerobot.reading import read_lerobot  # pyarrow

            episodes, sha256 = read_lerobot(folder, task)
        elif minari_data(folder) is not None:
            episodes, sha256 = read_minari(folder, task)
        else:
            raise FmbenchError(f"{flag}, which holds no data set; {FORMATS}")
        return chosen(folder, task, episodes, sha256, config.unsuccessful == KEEP, most)


def described(config: RunConfig, recorded: Recorded) -> str:
    """Return what is used of a data set, in one line."""
    used = len(recorded.demonstrations.lengths)
    outcome = f"{recorded.unsuccessful} without success"
    if not recorded.is_stated:
        outcome = "which of them succeeded is not recorded"
    return (
        f"{config.task[0]} demonstrations: {used} of {recorded.found} episodes in "
        f"{config.demonstrations} ({outcome})"
    )
