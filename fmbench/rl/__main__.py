"""The command `python -m fmbench.rl`: train an agent of stable-baselines3 and evaluate it.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envs.registry import TASKS
from fmbench.cli.command import run_command
from fmbench.cli.extras import check_extra
from fmbench.cli.flags import (
    add_accept_changes,
    add_config_flag,
    add_data,
    add_no_latency,
    add_out,
)
from fmbench.cli.folders import check_data, check_out
from fmbench.cli.parser import Parser
from fmbench.cli.resumable import run_resumable
from fmbench.cli.task_names import choose_tasks
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
from fmbench.errors import FmbenchError, unknown
from fmbench.rl.recipes import ALGORITHMS, DEFAULT_ENVS, DEFAULT_STEPS, Algorithm

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = "Train an agent by reinforcement learning (stable-baselines3) and evaluate it."
EPILOG = """\
ppo learns from the dense reward of a task, sac_her from its goals, by hindsight. The episodes of a
training have seeds that no list of the benchmark contains. The last weights, acting without
exploration, are evaluated on the test episodes of python -m fmbench.run, together with the expert
and random actions, into a folder of a run: python -m fmbench.report takes it beside others.

hyperparameters, for all tasks:
{recipes}

examples:
  python -m fmbench.rl --algorithm sac_her --task ReachPose
  python -m fmbench.rl --algorithm sac_her --task LiftCube --from-demonstrations
  python -m fmbench.rl --algorithm ppo --task LiftCube --device cuda --tensorboard

Ctrl-C saves; the same command resumes. Another --train-seed in the same folder adds its rows.
"""
DEMOS, MOST_DEMOS = 200, 10_000
"""Demonstrations of `--from-demonstrations` without a number, and the most."""
EPISODES = 100
WHOLE = {
    "steps": Whole(DEFAULT_STEPS, 1, 10**9, "environment steps, of all environments together"),
    "num-envs": Whole(DEFAULT_ENVS, 1, 1024, "environments that are stepped together"),
    "train-seed": Whole(0, 0, 999, "seed of weights, exploration and training episodes"),
    "episodes": Whole(EPISODES, 1, 10**6, "test episodes"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    recipes = "\n".join(_recipe_line(name, entry) for name, entry in ALGORITHMS.items())
    parser = Parser("python -m fmbench.rl", DESCRIPTION, EPILOG.format(recipes=recipes))
    add = parser.add_argument
    add("--algorithm", required=True, metavar="NAME", help=", ".join(ALGORITHMS))
    add("--task", required=True, metavar="NAME", help="a task; for sac_her, one with a goal")
    add("--hand", metavar="NAME", help="do the task with this hand")
    add_whole_numbers(parser, WHOLE)
    add("--minutes", type=float, metavar="M", help="end a training after M minutes at the latest")
    add(
        "--from-demonstrations",
        type=int,
        nargs="?",
        const=DEMOS,
        metavar="N",
        help=f"sac_her: begin with the expert's transitions of N demonstrations ({DEMOS} without "
        "N) in the replay buffer",
    )
    add_config_flag(parser, "device", default="cpu")
    add_no_latency(parser)
    add("--tensorboard", action="store_true", help="write curves for TensorBoard (extra track)")
    add_out(parser, "folder of the run (default: in runs/)")
    add_data(parser)
    add_accept_changes(parser)
    return parser


def _recipe_line(name: str, entry: Algorithm) -> str:
    values = ", ".join(f"{key} {value:g}" for key, value in entry.recipe.items())
    return f"  {name}: {values}"


def _run(options: argparse.Namespace) -> int:
    algorithm = options.algorithm
    if algorithm not in ALGORITHMS:
        raise unknown("algorithm", algorithm, ALGORITHMS)
    task = _task(options)
    numbers = _numbers(options)
    _check_goal(algorithm, task)
    demos = _demos(algorithm, options.from_demonstrations)
    limit_s = _limit(options.minutes)
    if options.out is not None:
        check_out(options.out)
    check_data(options.data)
    if options.tensorboard:
        check_extra("--tensorboard", "tensorboard", "track")

    def work(session: Session) -> None:
        from fmbench.rl.agents import TrainingRequest
        from fmbench.runs.reinforcement import RLOptions, run_rl

        request = TrainingRequest(
            algorithm,
            task,
            numbers["steps"],
            numbers["num-envs"],
            numbers["train-seed"],
            device=options.device,
        )
        rl_options = RLOptions(
            numbers["episodes"],
            demos,
            options.command,
            options.accept_changes,
            options.tensorboard,
            limit_s,
            not options.no_latency,
        )
        run_rl(request, options.out, options.data, session, rl_options)

    return run_resumable("fmbench.runs.reinforcement", work, "saved")


def _task(options: argparse.Namespace) -> str:
    """Return the name of the task, which can be done here."""
    (task,) = choose_tasks([options.task], options.hand) if options.task != "all" else ("all",)
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    return task


def _numbers(options: argparse.Namespace) -> dict[str, int]:
    """Return the whole numbers of the command line, by flag without its dashes."""
    for name in WHOLE:
        setattr(options, name, getattr(options, name.replace("-", "_")))
    numbers = whole_numbers(options, WHOLE)
    if numbers["steps"] < numbers["num-envs"]:
        raise FmbenchError(
            f"--steps is {numbers['steps']}, less than one step of each of the "
            f"{numbers['num-envs']} environments of --num-envs; give more, or fewer environments"
        )
    if numbers["steps"] == 1 and not ALGORITHMS[options.algorithm].needs_goal:
        raise FmbenchError("--steps is 1; ppo compares the steps of a rollout, give at least 2")
    return numbers


def _check_goal(algorithm: str, task: str) -> None:
    """Reject a task without a goal where the algorithm learns from goals."""
    if ALGORITHMS[algorithm].needs_goal and not TASKS[task].has_goal:
        able = [name for name, entry in TASKS.items() if entry.has_goal and not entry.hand]
        raise FmbenchError(
            f"{task} has no goal, from which {algorithm} learns; give --algorithm ppo, or a task "
            f"with a goal: {', '.join(able)}"
        )


def _limit(minutes: float | None) -> float:
    """Return the most time of a training [s]."""
    if minutes is None:
        return math.inf
    if not 0 < minutes < math.inf:
        raise FmbenchError(f"--minutes is {minutes:g}; give a number above 0")
    return 60 * minutes


def _demos(algorithm: str, given: int | None) -> int:
    """Return the number of demonstrations, which the algorithm can use."""
    if given is None:
        return 0
    if not ALGORITHMS[algorithm].needs_goal:
        raise FmbenchError(
            f"--from-demonstrations fills a replay buffer, which {algorithm} does not have: it "
            "learns from its own last episodes only; leave it out, or give --algorithm sac_her"
        )
    if not 1 <= given <= MOST_DEMOS:
        raise FmbenchError(
            f"--from-demonstrations is {given}; give a whole number from 1 to {MOST_DEMOS}"
        )
    return given


if __name__ == "__main__":
    sys.exit(main())
