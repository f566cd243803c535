"""A whole data set of its parts: files in LeRobot's places, tables and statistics of all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fmbench.lerobot import layout, parquet
from fmbench.lerobot.parts import EpisodeFiles
from fmbench.lerobot.source import Source
from fmbench.lerobot.statistics import COLUMNS_AT_ONCE, Statistics, of_columns, of_pictures
from fmbench.storage.files import encode_json, link_file, write_new


def assemble(
    source: Source, parts: Sequence[EpisodeFiles], folder: Path, ours: Mapping[str, Any]
) -> None:
    """Write a data set into an empty folder.

    Args:
        source: What is exported.
        parts: All its parts; their files get a second name.
        folder: The folder.
        ours: Content of the entry `fmbench` of `info.json`.
    """
    videos = source.videos
    for number, part in enumerate(parts):
        link_file(folder / _place(layout.DATA_PATH, number), part.data)
        for key in videos:
            link_file(folder / _place(layout.VIDEO_PATH, number, key), part.film(key))
    files = [folder / _place(layout.DATA_PATH, number) for number in range(len(parts))]
    frames = int(source.lengths.sum())
    counts = {"episodes": len(source.lengths), "frames": frames}
    contents = {
        layout.EPISODES_FILE: _episodes(source, parts),
        layout.TASKS_FILE: parquet.encode_tasks([source.task.description]),
    }
    tables_of_json = {
        layout.INFO_FILE: layout.info(source.task, counts, videos, ours),
        layout.STATS_FILE: _statistics(source, parts, files, frames),
    }
    for name, values in tables_of_json.items():
        contents[name] = encode_json(values, folder / name)
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_new(folder / name, content)


def _place(pattern: str, number: int, key: str = "") -> str:
    chunk, file = divmod(number, layout.CHUNK_FILES)
    return pattern.format(chunk_index=chunk, file_index=file, video_key=key)


def _statistics(
    source: Source, parts: Sequence[EpisodeFiles], files: Sequence[Path], frames: int
) -> dict[str, Statistics]:
    found = {
        name: of_columns(parquet.column_parts(files, name, COLUMNS_AT_ONCE))
        for name in layout.numeric_features(source.task)
    }
    for key in source.videos:
        counts = np.sum([part.counts[key] for part in parts], axis=0)
        found[key] = of_pictures(counts, frames)
    return found


def _episodes(source: Source, parts: Sequence[EpisodeFiles]) -> bytes:
    """Return the table of episodes: where the frames of each are, and what no frame holds."""
    types = {
        **{"episode_index": "int", "tasks": "texts", "length": "int"},
        **dict.fromkeys(("data/chunk_index", "data/file_index"), "int"),
        **dict.fromkeys(("dataset_from_index", "dataset_to_index"), "int"),
        **dict.fromkeys(("meta/episodes/chunk_index", "meta/episodes/file_index"), "int"),
    }
    for key in source.videos:
        video = f"videos/{key}"
        types |= dict.fromkeys((f"{video}/chunk_index", f"{video}/file_index"), "int")
        types |= dict.fromkeys((f"{video}/from_timestamp", f"{video}/to_timestamp"), "float")
    types |= {layout.FINAL: "floats", layout.SEED: "int", layout.MODE: "text"}
    ends, rows = source.lengths.cumsum(), []
    fps = layout.frames_per_second(source.task)
    numbers = [number for number, part in enumerate(parts) for _ in range(part.first, part.stop)]
    for index, episode in enumerate(source.episodes()):
        number, length, end = numbers[index], int(source.lengths[index]), int(ends[index])
        chunk, file = divmod(number, layout.CHUNK_FILES)
        before = int(ends[parts[number].first - 1]) if parts[number].first else 0
        row = {
            "episode_index": index,
            "tasks": [source.task.description],
            "length": length,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": end - length,
            "dataset_to_index": end,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
            layout.FINAL: episode.observations[-1].tolist(),
            layout.SEED: source.facts.episode_seeds[index],
            layout.MODE: source.facts.modes[index],
        }
        for key in source.videos:
            row |= {
                f"videos/{key}/chunk_index": chunk,
                f"videos/{key}/file_index": file,
                f"videos/{key}/from_timestamp": (end - length - before) / fps,
                f"videos/{key}/to_timestamp": (end - before) / fps,
            }
        rows.append(row)
    return parquet.encode_rows(rows, types)
