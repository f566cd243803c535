"""The names, paths and table of features of a LeRobot v3.0 data set of one of our tasks."""

from collections.abc import Mapping
from typing import Any

from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.lerobot.columns import environment_names, state_names

VERSION = "v3.0"
CHUNK_FILES = 1000
"""Most files in a folder `chunk-NNN`."""
DATA_MB, VIDEO_MB = 100, 200
"""Sizes of files above which LeRobot begins a new one when it appends episodes."""
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_FILE = "meta/episodes/chunk-000/file-000.parquet"
TASKS_FILE = "meta/tasks.parquet"
INFO_FILE = "meta/info.json"
STATS_FILE = "meta/stats.json"

STATE = "observation.state"
ENVIRONMENT = "observation.environment_state"
ACTION = "action"
IMAGES = "observation.images."
RAW_ENVIRONMENT = "info.environment_state"
"""The environment state in the task's units; LeRobot's policies read no name of this kind."""
EXECUTED = "info.executed_action"
"""The command that was executed, with noise, where it is not the one to imitate."""
REWARD, DONE, SUCCESS = "next.reward", "next.done", "next.success"
TIMESTAMP, FRAME, EPISODE, INDEX, TASK = COUNTED = (
    *("timestamp", "frame_index", "episode_index", "index", "task_index"),
)
"""The features that every data set has."""
FINAL, SEED, MODE = "fmbench/final_observation", "fmbench/episode_seed", "fmbench/mode"
"""Columns of ours in the table of episodes: what follows the last frame, seed, mode."""
OURS = "fmbench"
"""Entry of ours in `info.json`."""


def frames_per_second(task: Task) -> int:
    """Return the control steps of a task in a second.

    Raises:
        FmbenchError: That is no whole number, which LeRobot's format needs.
    """
    rate = 1.0 / task.control_period_s
    if round(rate) < 1 or abs(rate - round(rate)) > 1e-6:
        raise FmbenchError(
            f"{task.id} has {rate:.6g} control steps per second; LeRobot's format needs a whole "
            "number of frames per second"
        )
    return round(rate)


def camera_key(camera: str) -> str:
    """Return the feature with the pictures of a camera."""
    return f"{IMAGES}{camera.replace('-', '_')}"


def numeric_features(task: Task) -> dict[str, dict[str, Any]]:
    """Return the features that are columns of the data files, in order.

    A task of which pictures would show nothing has no environment state.
    """
    features = {
        STATE: _vector(state_names(task)),
        ENVIRONMENT: _vector(environment_names(task)),
        ACTION: _vector(list(task.action_names)),
        REWARD: _single("float32"),
        DONE: _single("bool"),
        SUCCESS: _single("bool"),
        RAW_ENVIRONMENT: _vector(environment_names(task)),
        EXECUTED: _vector(list(task.action_names)),
        TIMESTAMP: _single("float32"),
        **{name: _single("int64") for name in COUNTED[1:]},
    }
    return {name: feature for name, feature in features.items() if feature["shape"] != [0]}


def video_feature(size: int, fps: int) -> dict[str, Any]:
    """Return the feature of a camera whose pictures have `size` rows and columns."""
    return {
        "dtype": "video",
        "shape": [size, size, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": size,
            "video.width": size,
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
        },
    }


def info(
    task: Task, counts: Mapping[str, int], videos: Mapping[str, Any], ours: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of `info.json`.

    Args:
        task: The task.
        counts: `episodes` and `frames`.
        videos: Feature of each camera.
        ours: Content of the entry `fmbench`, which LeRobot does not read.
    """
    return {
        "codebase_version": VERSION,
        "robot_type": None,
        "total_episodes": counts["episodes"],
        "total_frames": counts["frames"],
        "total_tasks": 1,
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": DATA_MB,
        "video_files_size_in_mb": VIDEO_MB,
        "fps": frames_per_second(task),
        "splits": {"train": f"0:{counts['episodes']}"},
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH if videos else None,
        "features": {**numeric_features(task), **videos},
        OURS: ours,
    }


def _vector(names: list[str]) -> dict[str, Any]:
    return {"dtype": "float32", "shape": [len(names)], "names": names}


def _single(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [1], "names": None}
