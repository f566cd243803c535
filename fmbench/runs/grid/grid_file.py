"""Read the file of a grid: sections of runs, each option of which may take several values."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmbench.config import RunConfig, make_config
from fmbench.errors import ExtraMissing, FmbenchError, shown, unknown
from fmbench.runs.grid.drawings import DRAWINGS, check_drawing
from fmbench.runs.grid.grid_values import (
    check_keys,
    combinations,
    is_tuple,
    options_of_grid,
    table_of,
    word_of,
)
from fmbench.runs.grid.planned import JOBS_FOLDER, Grid, PlannedRun, Section

OF_SECTION = (
    "title", "draw", "latency", "cpu", "record", "variants", "hand", "outside", "optional"
)  # fmt: skip
MOST_RECORDED = 100
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
    `outside` names runs of policies from outside that are drawn with those of a section. A section
    with `optional = true` is left out where an extra that its tasks need is not installed.

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
    check_keys(path, "", values, ("title", "common", "sections"))
    common, sections = table_of(path, "common", values), table_of(path, "sections", values)
    title = values.get("title", path.stem)
    if not isinstance(title, str) or not title.isprintable():
        raise FmbenchError(f"{path}: title is {shown(title)}; give one line of text")
    if not sections:
        raise FmbenchError(f"{path} has no section; add a table, e.g. [sections.main]")
    reader = _Reader(path, functools.cache(choose_tasks), tuple(known_tasks), device, tuple(only))
    check_keys(path, "common", common, (*options_of_grid(), "latency", "cpu", "record", "hand"))
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
        check_keys(self.path, f"sections.{name}", own, (*options_of_grid(), *OF_SECTION))
        values = {**common, **own}
        title, draw = values.pop("title", name), values.pop("draw", "matrix")
        latency, record = values.pop("latency", False), values.pop("record", 0)
        optional = values.pop("optional", False)
        outside = _outside(where, values.pop("outside", []), draw)
        if not isinstance(title, str) or not title.isprintable():
            raise FmbenchError(f"{where}: title is {shown(title)}; give one line of text")
        if not isinstance(draw, str) or draw not in DRAWINGS:
            raise FmbenchError(f"{where}: {unknown('drawing', str(draw), DRAWINGS)}")
        on_cpu = values.pop("cpu", False)
        for key, value in (("latency", latency), ("cpu", on_cpu), ("optional", optional)):
            if not isinstance(value, bool):
                raise FmbenchError(f"{where}: {key} is {shown(value)}; give true or false")
        if type(record) is not int or not 0 <= record <= MOST_RECORDED:
            raise FmbenchError(
                f"{where}: record is {shown(record)}; give a whole number from 0 to {MOST_RECORDED}"
            )
        variants = self._variants(where, values.pop("variants", [{}]))

        def planned(is_done: bool) -> list[PlannedRun]:
            return [
                PlannedRun(name, run_name, config, latency, record)
                for variant in variants
                for changed, chosen in combinations(where, {**values, **variant})
                for run_name, config in self._runs(
                    name, {**variant, **changed}, chosen, on_cpu, is_done
                )
            ]

        if optional and any("perturb" in table for table in (values, *variants)):
            raise FmbenchError(
                f"{where}: optional is given with perturb; which disturbances a task has is known "
                "only where it can be played"
            )
        left_out = ""
        try:
            runs = planned(not self.only or name in self.only)
        except ExtraMissing as error:
            if not optional or name in self.only:
                raise
            left_out, runs = str(error).removeprefix(f"{where}: "), planned(False)
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
        hands = _hands([values, *variants])
        return Section(name, title, draw, tuple(runs), hands, outside, left_out)

    def _variants(self, where: str, variants: object) -> list[dict[str, Any]]:
        """Return the options of each variant."""
        if not isinstance(variants, list) or not variants:
            raise FmbenchError(f"{where}: variants is {shown(variants)}; give a list of tables")
        for variant in variants:
            if not isinstance(variant, dict):
                raise FmbenchError(f"{where}: a variant is {shown(variant)}; give a table")
            check_keys(self.path, "variants", variant, (*options_of_grid(), "hand"))
            for name, value in variant.items():
                if isinstance(value, list) and not is_tuple(name):
                    raise FmbenchError(
                        f"{where}: {name} of a variant is {shown(value)}; give one value"
                    )
        return variants

    def _runs(
        self,
        section: str,
        changed: Mapping[str, Any],
        values: Mapping[str, Any],
        on_cpu: bool,
        is_done: bool,
    ) -> list[tuple[str, RunConfig]]:
        """Return name and configuration of the runs of one combination of values."""
        chosen = dict(values)
        device = "cpu" if on_cpu else self.device
        hand, preset = chosen.pop("hand", None), chosen.pop("preset", RunConfig.preset)
        words = [
            word_of(name, value)
            for name, value in changed.items()
            if name != "hand" and not is_tuple(name)
        ]
        try:
            tasks = self.choose_tasks(chosen.pop("task", RunConfig.task), hand, is_done)
            runs = []
            for task in tasks:
                given = {**chosen, "task": (task,), "device": device}
                config = make_config(preset, given, self.known_tasks)
                runs.append(("-".join([task, *words]), config))
        except FmbenchError as error:
            raise type(error)(f"{self.path}: section {section}: {error}") from None
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


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise FmbenchError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # of TOML, or of the encoding
        raise FmbenchError(f"{path} is not TOML: {error}") from None
