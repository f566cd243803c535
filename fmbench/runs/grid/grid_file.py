"""Read the file of a grid: sections of runs, each option of which may take several values."""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmbench.config import FLAGS, RunConfig, make_config
from fmbench.errors import FmbenchError, shown, unknown
from fmbench.runs.grid.drawings import DRAWINGS, check_drawing
from fmbench.runs.grid.planned import JOBS_FOLDER, Grid, PlannedRun, Section

OF_SECTION = ("title", "draw", "latency", "cpu", "record", "variants", "hand", "outside")
MOST_RECORDED = 100
NOT_IN_GRID = {
    "device": "give --devices on the command line",
    "from_run": "leave it out",
    "demonstrations": "leave it out",
    "unsuccessful": "leave it out",
}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FOLDER = re.compile(r"[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*")
TAKES_OUTSIDE = "matrix"
"""The drawing that policies from outside can be in."""
ChooseTasks = Callable[[Sequence[str], str | None, bool], tuple[str, ...]]


def read_grid(
    path: Path,
    choose_tasks: ChooseTasks,
    known_tasks: Collection[str],
    device: str = "cpu",
    only: Collection[str] = (),
) -> Grid:
    """Read and check the file of a grid.

    The file is TOML: `title`, a table `common` with options of `python -m fmbench.run` as
    `run.json` writes them (`pred_horizon = 16`), and one table `sections.NAME` for each section,
    which may override them. A list as the value of an option that takes a single value stands for
    one run for each; `variants` is a list of tables of options, one run for each. `hand` is the
    flag `--hand`. Runs of a section with `cpu = true` are done on the CPU, whatever `device` is.
    `outside` names runs of policies from outside that are drawn with those of a section.

    Args:
        path: The file.
        choose_tasks: Resolves "all" and a hand, see `fmbench.cli.task_names`.
        known_tasks: Names of all tasks.
        device: Where all runs are done.
        only: The sections that are done here; the tasks of others need not be installed. Empty for
            all.

    Raises:
        FmbenchError: The file cannot be read, or it has an unknown key or a run that cannot be.
    """
    values, text = _read_toml(path)
    _check_keys(path, "", values, ("title", "common", "sections"))
    common, sections = _table(path, "common", values), _table(path, "sections", values)
    title = values.get("title", path.stem)
    if not isinstance(title, str) or not title.isprintable():
        raise FmbenchError(f"{path}: title is {shown(title)}; give one line of text")
    if not sections:
        raise FmbenchError(f"{path} has no section; add a table, e.g. [sections.main]")
    reader = _Reader(path, functools.cache(choose_tasks), tuple(known_tasks), device, tuple(only))
    _check_keys(path, "common", common, (*_options(), "latency", "cpu", "record", "hand"))
    return Grid(
        title, tuple(reader.section(name, common, sections[name]) for name in sections), text
    )


@dataclass(frozen=True)
class _Reader:
    """Builds the sections of one file; see `read_grid`."""

    path: Path
    choose_tasks: ChooseTasks
    known_tasks: tuple[str, ...]
    device: str
    only: tuple[str, ...]

    def section(self, name: str, common: Mapping[str, Any], own: object) -> Section:
        """Return a section with its runs."""
        where = f"{self.path}: section {name}"
        if not isinstance(own, dict):
            raise FmbenchError(f"{self.path}: sections.{name} is {shown(own)}; give a table")
        if not _NAME.fullmatch(name) or name == JOBS_FOLDER:
            raise FmbenchError(
                f"{where}: give a name of a-z, 0-9 and single -, other than {JOBS_FOLDER}"
            )
        _check_keys(self.path, f"sections.{name}", own, (*_options(), *OF_SECTION))
        values = {**common, **own}
        title, draw = values.pop("title", name), values.pop("draw", "matrix")
        latency, record = values.pop("latency", False), values.pop("record", 0)
        outside = _outside(where, values.pop("outside", []), draw)
        if not isinstance(title, str) or not title.isprintable():
            raise FmbenchError(f"{where}: title is {shown(title)}; give one line of text")
        if not isinstance(draw, str) or draw not in DRAWINGS:
            raise FmbenchError(f"{where}: {unknown('drawing', str(draw), DRAWINGS)}")
        on_cpu = values.pop("cpu", False)
        for key, value in (("latency", latency), ("cpu", on_cpu)):
            if not isinstance(value, bool):
                raise FmbenchError(f"{where}: {key} is {shown(value)}; give true or false")
        if type(record) is not int or not 0 <= record <= MOST_RECORDED:
            raise FmbenchError(
                f"{where}: record is {shown(record)}; give a whole number from 0 to {MOST_RECORDED}"
            )
        variants = self._variants(where, values.pop("variants", [{}]))
        runs = [
            PlannedRun(name, run_name, config, latency, record)
            for variant in variants
            for changed, chosen in _combinations(where, {**values, **variant})
            for run_name, config in self._runs(name, {**variant, **changed}, chosen, on_cpu)
        ]
        order = list(dict.fromkeys(run.config.task[0] for run in runs))
        runs.sort(key=lambda run: order.index(run.config.task[0]))
        names = [run.name for run in runs]
        if repeated := [name for name in names if names.count(name) > 1]:
            raise FmbenchError(
                f"{where} has two runs {repeated[0]}; give each value once, and what differs in "
                "lists (nfe, cameras) in sections of their own"
            )
        check_drawing(where, draw, runs)
        if doubled := [run for run in outside if run in names]:
            raise FmbenchError(f"{where}: outside has {doubled[0]!r}, a run of its own; rename it")
        return Section(name, title, draw, tuple(runs), _hands([values, *variants]), outside)

    def _variants(self, where: str, variants: object) -> list[dict[str, Any]]:
        """Return the options of each variant."""
        if not isinstance(variants, list) or not variants:
            raise FmbenchError(f"{where}: variants is {shown(variants)}; give a list of tables")
        for variant in variants:
            if not isinstance(variant, dict):
                raise FmbenchError(f"{where}: a variant is {shown(variant)}; give a table")
            _check_keys(self.path, "variants", variant, (*_options(), "hand"))
            for name, value in variant.items():
                if isinstance(value, list) and not _is_tuple(name):
                    raise FmbenchError(
                        f"{where}: {name} of a variant is {shown(value)}; give one value"
                    )
        return variants

    def _runs(
        self, section: str, changed: Mapping[str, Any], values: Mapping[str, Any], on_cpu: bool
    ) -> list[tuple[str, RunConfig]]:
        """Return name and configuration of the runs of one combination of values."""
        is_done = not self.only or section in self.only
        chosen = dict(values)
        device = "cpu" if on_cpu else self.device
        hand, preset = chosen.pop("hand", None), chosen.pop("preset", RunConfig.preset)
        words = [
            _word(name, value)
            for name, value in changed.items()
            if name != "hand" and not _is_tuple(name)
        ]
        try:
            tasks = self.choose_tasks(chosen.pop("task", RunConfig.task), hand, is_done)
            runs = []
            for task in tasks:
                given = {**chosen, "task": (task,), "device": device}
                config = make_config(preset, given, self.known_tasks)
                runs.append(("-".join([task, *words]), config))
        except FmbenchError as error:
            raise FmbenchError(f"{self.path}: section {section}: {error}") from None
        return runs


def _outside(where: str, names: object, draw: object) -> tuple[str, ...]:
    """Return the names of the runs of policies from outside."""
    if not isinstance(names, list) or len({str(name) for name in names}) < len(names):
        raise FmbenchError(f"{where}: outside is {shown(names)}; give a list of different names")
    for name in names:
        if not isinstance(name, str) or not _FOLDER.fullmatch(name):
            raise FmbenchError(
                f"{where}: outside has {shown(name)}; give the name of a folder, of letters, "
                "digits and single - _ ."
            )
    if names and draw != TAKES_OUTSIDE:
        raise FmbenchError(
            f"{where}: outside is given with draw = {shown(draw)}; policies from outside can be "
            f"drawn by {TAKES_OUTSIDE!r} alone"
        )
    return tuple(names)


def _hands(tables: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the hands that tables name, each once."""
    named = [table["hand"] for table in tables if "hand" in table]
    return tuple(
        dict.fromkeys(
            hand for value in named for hand in (value if isinstance(value, list) else [value])
        )
    )


def _combinations(
    where: str, values: Mapping[str, Any]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each combination of single values: those that vary, and all of them."""
    lists: dict[str, list[Any]] = {}
    for name, value in values.items():
        several = isinstance(value, list)
        if several and not value:
            raise FmbenchError(f"{where}: {name} is an empty list; give at least one value")
        if _is_tuple(name):
            lists[name] = [tuple(_typed(where, name, v) for v in (value if several else [value]))]
        else:
            lists[name] = [_typed(where, name, v) for v in (value if several else [value])]
    varied = [name for name in lists if not _is_tuple(name) and isinstance(values[name], list)]
    return [
        ({name: chosen[name] for name in varied}, chosen)
        for chosen in (
            dict(zip(lists, point, strict=True)) for point in itertools.product(*lists.values())
        )
    ]


def _typed(where: str, name: str, value: object) -> Any:
    """Return a value of the file in the type of its option."""
    kind: type = str if name == "hand" else FLAGS[name].kind
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        words = {str: "a text in quotes", int: "a whole number", float: "a number"}
        raise FmbenchError(f"{where}: {name} is {shown(value)}; give {words[kind]}")
    return value


def _word(name: str, value: object) -> str:
    """Return a value in the name of a run: numbers with what they are."""
    if isinstance(value, str):
        return re.sub(r"[^A-Za-z0-9.]+", "_", Path(value).stem)
    return f"{name.replace('_', '')}{value:g}"


def _is_tuple(name: str) -> bool:
    return name in FLAGS and FLAGS[name].is_several


def _options() -> list[str]:
    return [name for name in FLAGS if name not in NOT_IN_GRID]


def _check_keys(path: Path, table: str, values: Mapping[str, Any], known: Collection[str]) -> None:
    for name in values:
        where = f"{path}: {table}.{name}" if table else f"{path}: {name}"
        if name in NOT_IN_GRID and table:
            raise FmbenchError(f"{where} is not an option of a grid; {NOT_IN_GRID[name]}")
        if name not in known:
            raise FmbenchError(
                f"{path}: {unknown(f'key in {table}' if table else 'key', name, known)}"
            )


def _table(path: Path, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise FmbenchError(f"{path}: {name} is {shown(table)}; give a table, [{name}]")
    return table


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise FmbenchError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # of TOML, or of the encoding
        raise FmbenchError(f"{path} is not TOML: {error}") from None
