"""Trials: every policy on every task trained by one recipe, and scored on validation seeds."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping

from fmbench.cli.session import Session
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.evaluation.episodes import validate
from fmbench.evaluation.error_text import error_text
from fmbench.evaluation.plan import plan_run
from fmbench.runs.policy_shape import matched_width, policy_config
from fmbench.runs.run_plugins import files_of_policy
from fmbench.runs.trainer import train_config
from fmbench.runs.training_data import TrainingData
from fmbench.runs.tuning.space import Point
from fmbench.storage.memory import needs_memory
from fmbench.storage.search import TrialRow
from fmbench.training.loop import NotFinite, Training, train_side_by_side
from fmbench.training.state import start_training

REMEDY = "lower --parallel, --seeds or --batch-size and give another --out"


@dataclasses.dataclass
class _Part:
    """One training of a trial: one policy on one task with one seed."""

    trial: int
    config: RunConfig
    task: str
    policy: str
    train_seed: int
    training: Training
    error: str = ""
    successes: int = 0
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.task} {self.policy}"

    @property
    def files(self) -> list[str]:
        """The user's files that take part in it."""
        return files_of_policy(self.config, self.task, self.policy)


def configured(config: RunConfig, point: Point) -> RunConfig:
    """Return the configuration of a run by the recipe of a trial; all of its tasks share a width.

    It is the one at which the first task's network has about as many parameters as the MLP.
    """
    width = matched_width(
        dataclasses.replace(config, conditioning=point["conditioning"]),
        config.task[0],
        point["depth"],
    )
    return dataclasses.replace(config, **point, width=width)


class Trials:
    """Runs the trials of a search.

    On a CUDA device all trainings of the given trials share the device; on a CPU they are done one
    after the other. The result of a trial does not depend on the others.

    Args:
        config: The run by the recipe that the search began with.
        data: Task to its training data.
        session: Progress display and requests to stop.
    """

    def __init__(
        self, config: RunConfig, data: Mapping[str, TrainingData], session: Session
    ) -> None:
        self.config, self.data, self.session = config, data, session

    def run(self, points: Mapping[int, Point]) -> Iterator[list[TrialRow]]:
        """Yield the rows of each trial as soon as it is finished.

        Args:
            points: Number of each trial to its recipe.

        Raises:
            Interrupted: A stop was requested.
            RunFailed: There is too little memory.
        """
        together = self.config.device.startswith("cuda")
        for group in [list(points)] if together else [[trial] for trial in points]:
            with needs_memory("training", REMEDY):
                parts = [part for trial in group for part in self._start(trial, points[trial])]
                self._train(group, parts)
                for trial in group:
                    own = [part for part in parts if part.trial == trial]
                    self._play(trial, own)
                    yield self._rows(trial, points[trial], own)

    def _start(self, trial: int, point: Point) -> Iterator[_Part]:
        config = configured(self.config, point)
        for task in config.task:
            for policy in config.policy:
                for seed in range(config.seeds):
                    with users_code(f"{task} {policy}", files_of_policy(config, task, policy)):
                        shape = policy_config(config, task, policy)
                        how, windows = train_config(config), self.data[task].windows
                        state = start_training(shape, how, windows, seed, config.device)
                    yield _Part(trial, config, task, policy, seed, Training(state, how, windows))

    def _train(self, group: list[int], parts: list[_Part]) -> None:
        alone = self.config.device == "cpu"
        updates = self.config.updates
        rounds = [[part] for part in parts] if alone else [parts]
        label = f"trial{'s' if len(group) > 1 else ''} {' '.join(map(str, group))} training"
        with self.session.reporter.stage(label, updates * len(rounds)) as stage:
            for index, waiting in enumerate(rounds):

                def count(update: int, before: int = updates * index) -> None:
                    if update % 10 == 0:
                        stage.update(before + update)

                while waiting:
                    waiting = self._continue(label, waiting, count)

    def _continue(
        self, label: str, parts: list[_Part], on_update: Callable[[int], None]
    ) -> list[_Part]:
        """Train parts to the end, or until the loss of one becomes NaN; return the other ones."""
        files = {f for part in parts for f in part.files}
        try:
            with users_code(label, files):
                train_side_by_side(
                    [part.training for part in parts],
                    should_stop=lambda: self.session.interrupts.requested,
                    on_update=on_update,
                )
        except NotFinite as error:
            (bad,) = [part for part in parts if part.training.state is error.state]
            bad.error = str(error).partition(";")[0]
            return [part for part in parts if part is not bad]
        self.session.interrupts.stop_here()
        return []

    def _play(self, trial: int, parts: list[_Part]) -> None:
        """Play the validation episodes of the parts of one trial."""
        count = self.config.episodes
        with self.session.reporter.stage(f"trial {trial} episodes", count * len(parts)) as stage:
            for index, part in enumerate(parts):
                started = time.perf_counter()

                def on_episode(done: int, before: int = count * index) -> None:
                    self.session.interrupts.stop_here()
                    stage.update(before + done)

                if not part.error:
                    self._play_one(part, on_episode)
                part.seconds = part.training.state.seconds + time.perf_counter() - started

    def _play_one(self, part: _Part, on_episode: Callable[[int], None]) -> None:
        config, policy = part.config, part.training.state.ema.policy.eval()
        cell = plan_run(config).cells(part.task, part.policy, part.train_seed)[0]
        with users_code(part.name, part.files):
            episodes = validate(cell, config, policy, on_episode)
        part.successes = sum(episode.success for episode in episodes)
        part.error = next((error_text(e.error) for e in episodes if e.error), "")

    def _rows(self, trial: int, point: Point, parts: list[_Part]) -> list[TrialRow]:
        rows = []
        for name in dict.fromkeys(part.name for part in parts):
            own = [part for part in parts if part.name == name]
            policy = own[0].training.state.policy
            width = own[0].config.width
            assert width is not None
            rows.append(
                TrialRow(
                    trial=trial,
                    task=own[0].task,
                    policy=own[0].policy,
                    **point,
                    width=width,
                    parameters=sum(weight.numel() for weight in policy.parameters()),
                    successes=sum(part.successes for part in own),
                    episodes=self.config.episodes * len(own),
                    seconds=round(sum(part.seconds for part in own), 2),
                    error=next((part.error for part in own if part.error), ""),
                )
            )
        return rows
