"""A resumable search for the recipe of a backbone."""

import dataclasses
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from envs.task_hash import HASH_KIND, task_hash
from fmbench.cli.extras import check_extra
from fmbench.cli.flags import DEFAULT_DATA
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.report.tuning.draw import draw_search, print_search
from fmbench.report.tuning.text import outcome
from fmbench.runs.demonstrating import demonstrate
from fmbench.runs.policy_shape import policy_config
from fmbench.runs.preparation import check_found_demonstrations, check_runnable
from fmbench.runs.run_plugins import files_of_task, used_plugins
from fmbench.runs.training_data import TrainingData, prepare
from fmbench.runs.tuning.search_folder import (
    RESTORE,
    hold_search_folder,
    open_search,
    state_demonstrations,
    write_if_changed,
)
from fmbench.runs.tuning.space import Point, clipped, search_space
from fmbench.runs.tuning.trials import Trials, configured
from fmbench.storage.provenance import commit, machine, versions
from fmbench.storage.row_files import write_rows
from fmbench.storage.search import SCHEMA, SearchFacts, TrialRow, by_trial, score
from fmbench.storage.stamps import present_stamp
from policies.catalogue import POLICIES


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """How a search is done.

    Attributes:
        trials: Number of trials; it may grow.
        seed: Seed of the suggestions.
        parallel: Trials that know the same earlier ones, and share a CUDA device.
        command: The command line, for `search.json`.
        accept_changes: Whether to continue a search that other code has started.
    """

    trials: int
    seed: int = 0
    parallel: int = 1
    command: str = ""
    accept_changes: bool = False


class Search:
    """One search, in one folder.

    Args:
        config: A run by the recipe to begin with; each trial changes what is searched.
        options: How to do it.
        out: The folder; a search of the same configuration there is continued.
        data: Folder of all demonstrations.
        session: Progress display and requests to stop.

    Raises:
        FmbenchError: The configuration cannot be searched here.
    """

    def __init__(
        self, config: RunConfig, options: SearchOptions, out: Path, data: Path, session: Session
    ) -> None:
        self.config, self.options, self.out, self.data = config, options, out, data
        self.session = session
        check_extra("python -m fmbench.tune", "optuna", "tune")
        _check_policies(config)
        check_runnable(config)
        check_found_demonstrations(config, data)
        self.space = search_space(config.backbone, config.updates)

    def run(self) -> None:
        """Do all remaining trials and draw table and figure, while holding the folder's lock.

        Raises:
            FmbenchError: `out` is in use, or holds something else.
        """
        with hold_search_folder(self.out):
            reporter = self.session.reporter
            accept = self.options.accept_changes
            facts, rows = open_search(self.out, self._facts(), self.space, reporter, accept)
            self._check_widths(rows)
            if len(by_trial(rows)) < self.options.trials:
                data = self._data()
                hashes = {task: data[task].sha256 for task in data}
                place = "" if self.data == DEFAULT_DATA else str(self.data)
                facts = state_demonstrations(self.out, facts, hashes, place)
                rows = self._search(Trials(self.config, data, self.session), rows)
            write_if_changed(self.out, facts, dataclasses.replace(facts, complete=True))
            draw_search(self.out)

    def _search(self, trials: Trials, rows: list[TrialRow]) -> list[TrialRow]:
        """Do the missing trials; every finished one is written at once."""
        path, parallel = self.out / TrialRow.file_name, self.options.parallel
        while (done := len(by_trial(rows))) < self.options.trials:
            self.session.interrupts.stop_here()
            first = done // parallel * parallel
            known = [row for row in rows if row.trial < first]
            numbers = range(done, min(first + parallel, self.options.trials))
            points = {number: self._point(number, known) for number in numbers}
            for own in trials.run(points):
                rows = [*rows, *own]
                write_rows(path, rows, TrialRow)
                self.session.reporter.say(outcome(own, rows))
        return rows

    def _point(self, trial: int, known: Sequence[TrialRow]) -> Point:
        """Return the recipe of a trial: the first is that of the configuration."""
        if trial == 0:
            policy = policy_config(self.config, self.config.task[0], self.config.policy[0])
            shape = {"depth": policy.depth, "conditioning": policy.conditioning}
            return clipped({**dataclasses.asdict(self.config), **shape}, self.space)
        from fmbench.runs.tuning.suggestions import suggest  # imports optuna

        earlier = [
            ({name: getattr(own[0], name) for name in self.space}, score(own))
            for own in by_trial(known).values()
        ]
        return suggest(self.space, self.options.seed, trial, earlier)

    def _check_widths(self, rows: Sequence[TrialRow]) -> None:
        """Reject a trial whose width does not follow from its depth.

        Raises:
            FmbenchError: There is one.
        """
        for number, own in by_trial(rows).items():
            point = {name: getattr(own[0], name) for name in self.space}
            width = configured(self.config, point).width
            if wrong := [row.width for row in own if row.width != width]:
                raise FmbenchError(
                    f"{self.out / TrialRow.file_name}: width of trial {number} is {wrong[0]}, but "
                    f"{width} follows from its depth; {RESTORE}"
                )

    def _data(self) -> dict[str, TrainingData]:
        data = {}
        for task in self.config.task:
            with users_code(task, files_of_task(task)):
                folder = demonstrate(self.config, task, self.data, self.session)
                data[task], _ = prepare(self.config, folder, None, task, self.session)
        return data

    def _facts(self) -> SearchFacts:
        search = {
            "seed": self.options.seed,
            "parallel": self.options.parallel,
            "optuna": version("optuna"),
            **{f"space of {name}": str(range_) for name, range_ in self.space.items()},
        }
        return SearchFacts(
            schema=SCHEMA,
            search=search,
            config=self.config.to_json(),
            task_hashes={task: task_hash(task) for task in self.config.task},
            hash_kind=HASH_KIND,
            demonstrations={},
            command=self.options.command,
            commit=commit(),
            versions=versions(),
            made_with=(present_stamp(),),
            machine=machine(),
            plugins=used_plugins(self.config.to_json()),
            trials=self.options.trials,
        )


def _check_policies(config: RunConfig) -> None:
    """Reject policies whose training is more than that of one network.

    Raises:
        FmbenchError: There is one; the message says why.
    """
    fitting = [name for name, entry in POLICIES.items() if entry.trains and entry.teacher is None]
    for policy in config.policy:
        entry = POLICIES[policy]
        if policy not in fitting:
            why = f"learns from a trained {entry.teacher}" if entry.teacher else "trains no network"
            raise FmbenchError(
                f"--policy is {' '.join(config.policy)}, but {policy} {why}; a search takes "
                f"{', '.join(fitting)}"
            )


def run_search(
    config: RunConfig, options: SearchOptions, out: Path, data: Path, session: Session
) -> None:
    """Search in the process of a command, and print the best trials."""
    configure_torch(config.device)
    Search(config, options, out, data, session).run()
    print_search(out)
