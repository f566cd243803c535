"""A resumable training of an agent, and its evaluation in the folder of a run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from envs.task_hash import task_hash
from fmbench.cli.folders import check_out
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.config import RunConfig
from fmbench.data.store import load_demonstrations
from fmbench.errors import FmbenchError
from fmbench.rl.agents import TrainingRequest, make_agent
from fmbench.rl.checkpoints import (
    AgentTraining,
    check_alike,
    origin_of,
    restore_training,
)
from fmbench.rl.demonstrations import (
    Transitions,
    demonstrated_transitions,
    fill_buffer,
    rows_of,
)
from fmbench.rl.imitation import imitate
from fmbench.rl.training import train
from fmbench.runs.agent_curves import Curves
from fmbench.runs.demonstrating import demonstrate
from fmbench.runs.finish import show_run
from fmbench.runs.outside import OutsideRun, outside_config
from fmbench.runs.preparation import check_device
from fmbench.runs.run_folder import (
    BEFORE_AGENTS,
    CHECKPOINTS,
    check_content,
    checkpoint_folder,
    hold_run_folder,
)
from fmbench.runs.same_origin import check_code, compared
from fmbench.runs.trained_agents import Finished, outside_policy
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from fmbench.storage.leftovers import recover_target
from fmbench.storage.links import check_links_inside
from fmbench.storage.locks import Waiting, lock_beside, locked
from fmbench.storage.run_facts import RUN_FILE, read_run_facts
from fmbench.storage.stamps import present_stamp


@dataclass(frozen=True)
class RLOptions:
    """What does not decide the weights of an agent.

    Attributes:
        episodes: Test episodes.
        demos: Demonstrations in the replay buffer.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue what other code has started.
        tensorboard: Whether to write curves for TensorBoard.
        limit_s: Training time after which a training ends [s].
        times_decisions: Whether to measure the latency of decisions.
    """

    episodes: int
    demos: int = 0
    command: str = ""
    accept_changes: bool = False
    tensorboard: bool = False
    limit_s: float = math.inf
    times_decisions: bool = True


def run_rl(
    request: TrainingRequest, out: Path | None, data: Path, session: Session, options: RLOptions
) -> None:
    """Train an agent, or continue, and evaluate it with all training seeds before its own.

    Args:
        request: The training, without the hash of its demonstrations.
        out: The run's folder; None for one in `runs/`.
        data: Folder of all demonstrations.
        session: Progress display and requests to stop.
        options: The rest.

    Raises:
        FmbenchError: The device is not here, or the folder holds something else.
        RunFailed: A weight became NaN.
    """
    check_device(request.device)
    configure_torch(request.device)
    out = out or _default_folder(request, options.demos)
    check_out(out)
    _check_folder(request, out, options)
    episodes: list[Transitions] = []
    if options.demos:
        request, episodes = _demonstrated(request, options.demos, data, session)
    _check_trained(request, out)
    _train(request, out, episodes, session, options)
    del episodes
    _evaluate(request, out, session, options)


def _default_folder(request: TrainingRequest, demos: int) -> Path:
    """Return the default folder, a function of what is the same for all training seeds."""
    values = {**asdict(request), "recipe": request.kind.recipe, "demos": demos}
    del values["train_seed"]
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]
    return Path("runs") / f"{request.task}-{request.kind.policy}-{digest}"


def _check_folder(request: TrainingRequest, out: Path, options: RLOptions) -> None:
    """Reject a folder, before any work, that holds something else than such a run.

    Raises:
        FmbenchError: It holds another run or other files, or other code has evaluated there, on
            another device or more episodes, so that rows of this training would not be accepted.
    """
    check_content(out, BEFORE_AGENTS)
    if out.is_dir():
        check_links_inside(out)
    if (out / RUN_FILE).exists():
        facts = read_run_facts(out)
        there = (facts.outside or {}).get("algorithm"), facts.config.get("task")
        if there != (request.algorithm, [request.task]):
            raise FmbenchError(
                f"{out} holds another run than of {request.algorithm} on {request.task}; give "
                "another --out"
            )
        check_code(out, facts, present_stamp(), options.accept_changes)
        now = {"device": request.device, "episodes": options.episodes}
        before = {name: facts.config.get(name) for name in now}
        if mismatches := compared({"config": before}, {"config": now})[1]:
            raise FmbenchError(
                f"{out} holds another run ({'; '.join(mismatches)}); give the same, or another "
                "--out"
            )


def _check_trained(request: TrainingRequest, out: Path) -> None:
    """Reject a folder in which another seed was trained with other settings, or has another name.

    Raises:
        FmbenchError: It was, and the message lists the differences; or it is named as by earlier
            versions, so that it would not be found.
    """
    origin = origin_of(request, task_hash(request.task))
    for folder in sorted((out / CHECKPOINTS).glob("[!.]*-seed*")):
        check_alike(folder, origin)
        before, seed, number = folder.name.rpartition("-seed")
        name = f"{request.task}-{request.policy}"
        if before != name:
            raise FmbenchError(
                f"{folder} is a checkpoint of {request.policy}; rename it to {name}{seed}{number}"
            )


def _folder(request: TrainingRequest, out: Path) -> Path:
    return checkpoint_folder(out, request.task, request.policy, request.train_seed)


def _demonstrated(
    request: TrainingRequest, demos: int, data: Path, session: Session
) -> tuple[TrainingRequest, list[Transitions]]:
    """Make or find demonstrations; return the training with their hash, and their transitions."""
    config = RunConfig(task=(request.task,), demos=demos)
    folder = demonstrate(config, request.task, data, session)
    demonstrations = load_demonstrations(folder, request.task)
    with session.reporter.stage(f"{request.task} goals of demonstrations", demos) as stage:

        def count(done: int) -> None:
            session.interrupts.stop_here()
            stage.update(done)

        episodes = demonstrated_transitions(request.task, demonstrations, count)
    return dataclasses.replace(request, demonstrations=demonstrations.sha256), episodes


def _train(
    request: TrainingRequest,
    out: Path,
    episodes: list[Transitions],
    session: Session,
    options: RLOptions,
) -> None:
    """Train the agent of one seed to the end, unless that is done."""
    folder = _folder(request, out)
    folder.parent.mkdir(parents=True, exist_ok=True)
    purpose, instead = "python -m fmbench.rl", "give another --train-seed or --out"
    with locked(lock_beside(folder), str(folder), purpose, instead=instead):
        recover_target(folder)
        rows = rows_of(episodes, request.num_envs) if episodes else 0
        agent = make_agent(request, rows)
        training = AgentTraining(request, task_hash(request.task), agent, limit_s=options.limit_s)
        if folder.exists():
            facts = restore_training(folder, training)
            if not facts.complete:
                check_code(folder, facts, present_stamp(), options.accept_changes)
        elif episodes:
            fill_buffer(training.agent, episodes)
        if episodes:
            imitate(training.agent, episodes, float(request.kind.recipe["imitation_weight"]))
        curves = Curves(out, folder.name) if options.tensorboard else None
        for point in training.log if curves else []:
            curves.add(point)  # type: ignore[union-attr]
        train(training, folder, session, curves.add if curves else lambda point: None)
        if not training.agent._n_updates:
            session.reporter.say(
                f"{folder.name}: the network was never updated; it needs more --steps or --minutes"
            )


def _evaluate(request: TrainingRequest, out: Path, session: Session, options: RLOptions) -> None:
    """Evaluate all finished seeds from 0 on, once no other process does.

    Seeds that are trained at the same time end at the same time. Which ones are finished is known
    only while the folder is held: another process may have evaluated more than there were before.
    """
    waiting = Waiting(session.reporter.say, session.interrupts.stop_here)
    with hold_run_folder(out, "python -m fmbench.rl", BEFORE_AGENTS, waiting):
        finished: list[Finished] = []
        while (found := _finished(request, out, len(finished))) is not None:
            finished.append(found)
        if len(finished) <= request.train_seed:
            first = len(finished)
            session.reporter.say(
                f"trained; its rows follow when --train-seed {first} is trained in {out}, too"
            )
            return
        policy = outside_policy(request, finished, options.demos)
        config = outside_config(policy, options.episodes, request.device)
        given = options.command, options.accept_changes, options.times_decisions
        OutsideRun(policy, config, out, session, *given).run_held()
    show_run(out)


def _finished(request: TrainingRequest, out: Path, train_seed: int) -> Finished | None:
    """Return the training of a seed, if it is finished, and its facts."""
    request = dataclasses.replace(request, train_seed=train_seed)
    folder = _folder(request, out)
    if not folder.exists() or read_json(folder / MANIFEST).get("complete") is not True:
        return None  # another process may be about to replace it
    training = AgentTraining(request, task_hash(request.task), make_agent(request))
    return training, restore_training(folder, training)
