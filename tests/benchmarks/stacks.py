"""Time many trainings on one device: one after another, side by side, and in stacks."""

import argparse
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

import fmbench
from fmbench.cli.torch_settings import configure_torch
from fmbench.training.loop import make_update
from fmbench.training.stacked import stack, stack_sizes
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.update import Update
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from tests.benchmarks.interleaved import Spread, ratio, spread
from tests.benchmarks.report import Row, describe_machine, markdown, write

OBS_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON = 89, 20, 2, 16  # like LiftCube
PACKAGES = ("torch", "numpy")
TITLE = "Many trainings on one device, LiftCube's dims, TF32"
EIGHT = ("flow", "diffusion", "bc", "meanflow", "shortcut", "maniflow", "mip", "gmm")
FOUR = ("flow", "diffusion", "bc", "maniflow")


@dataclass(frozen=True)
class Problem:
    """Trainings to time: the seeds of some policies on one backbone, a stack for each policy.

    Attributes:
        backbone: The backbone.
        size: Its size; empty for one of a few numbers, which only shows that all of this runs.
        policies: The policies.
        seeds: Seeds of each, as many as a stack has places.
        updates: Timed updates of each training per round.
        rounds: Rounds.
        batch_size: Windows per update.
        compared: Updates after which weights alone and stacked are compared.
        least: Least throughput of stacks over one after another, and over side by side.
    """

    backbone: str
    size: str
    policies: tuple[str, ...]
    seeds: int
    updates: int
    rounds: int
    batch_size: int = 256
    compared: int = 50
    least: tuple[float | None, float | None] = (None, None)

    @property
    def name(self) -> str:
        """What is trained."""
        count = self.seeds * len(self.policies)
        return (
            f"{self.backbone} {self.size}, {len(self.policies)} policies x {self.seeds} = {count}"
        )

    def stack(self, members: dict[int, TrainingState], windows: Windows) -> list[Update]:
        """Return the updates of trainings in one stack."""
        (size,) = set(stack_sizes(self.seeds))
        return stack(members, self.config, windows, size)

    @property
    def config(self) -> TrainConfig:
        """The training configuration."""
        return TrainConfig(updates=100_000, batch_size=self.batch_size)


PROBLEMS = {
    "cuda": (
        Problem("mlp", "small", FOUR, 8, 40, 5, least=(8.0, 2.5)),
        Problem("mlp", "small", EIGHT, 4, 40, 5, least=(8.0, 2.5)),
        Problem("unet", "base", ("flow", "diffusion", "bc"), 4, 15, 3, least=(2.0, None)),
    ),
    "cpu": (
        Problem("mlp", "", ("flow", "bc"), 8, 1, 1, 8, 2),
        Problem("unet", "", ("bc",), 4, 1, 1, 8, 2),
    ),
}


def measure(device: str) -> Iterator[Row]:
    """Compare weights, then time all alternatives in turn."""
    configure_torch(device)
    windows = random_windows(device)
    for problem in PROBLEMS[device.partition(":")[0]]:
        yield _differing(problem, windows)
        yield _alone_and_stacked(problem, windows)
        yield from _throughput(problem, windows)


def random_windows(device: str) -> Windows:
    """Return random windows of a task's shapes; speed does not depend on values."""
    steps = 55_000 if device.startswith("cuda") else 60
    generator = torch.Generator(device).manual_seed(0)
    rows = torch.arange(steps, device=device)[:, None]
    return Windows(
        torch.randn(steps, OBS_DIM, generator=generator, device=device),
        torch.rand(steps, ACT_DIM, generator=generator, device=device) * 2 - 1,
        (rows + torch.arange(1 - OBS_HORIZON, 1, device=device)).clamp(min=0),
        (rows + torch.arange(PRED_HORIZON, device=device)).clamp(max=steps - 1),
    )


def started(problem: Problem, windows: Windows, policy: str, seed: int) -> TrainingState:
    """Start one training."""
    width, depth = 8, 1
    if problem.size:
        shape = NetworkShape(ACT_DIM, PRED_HORIZON, OBS_HORIZON * OBS_DIM)
        fitted = sized(shape, problem.backbone, problem.size)
        width, depth = fitted.width, fitted.depth
    config = ChunkPolicyConfig(
        OBS_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON, policy, "sample", problem.backbone, width,
        depth,
    )  # fmt: skip
    return start_training(config, problem.config, windows, seed, str(windows.actions.device))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _differing(problem: Problem, windows: Windows) -> Row:
    """Count the policies whose weights depend on the other trainings or on the place."""
    differing = 0
    for policy in problem.policies:
        weights = []
        for seeds in ({0: 7}, {0: 3, 1: 4, 2: 5, 3: 7}, {2: 7}):
            members = {p: started(problem, windows, policy, seed) for p, seed in seeds.items()}
            updates = problem.stack(members, windows)
            for _ in range(8):
                for update in updates:
                    update()
            updates[0].wait()
            (own,) = (members[place] for place, seed in seeds.items() if seed == 7)
            weights.append(_weights(own))
        differing += not all(torch.equal(weights[0], other) for other in weights[1:])
    name = f"{problem.name}, policies whose bytes depend on companions or place"
    return Row(name, Spread(differing, differing, differing), 0, limit=0)


def _alone_and_stacked(problem: Problem, windows: Windows) -> Row:
    """Return the largest difference of averaged weights, alone and in a stack."""
    policy = problem.policies[0]
    states = [started(problem, windows, policy, 0) for _ in range(2)]
    updates = [
        make_update(states[0], problem.config, windows),
        *problem.stack({0: states[1]}, windows),
    ]
    for update in updates:
        for _ in range(problem.compared):
            update()
        update.wait()
    difference = float((_weights(states[0]) - _weights(states[1])).abs().max())
    name = f"{problem.name}, {policy}, largest difference of weights after"
    name += f" {problem.compared} updates, alone and stacked"
    return Row(name, Spread(difference, difference, difference), 8)


def _weights(state: TrainingState) -> torch.Tensor:
    """Return copies of the averaged weights of a training in one row."""
    return torch.cat([p.detach().flatten() for p in state.ema.policy.parameters()])


def _throughput(problem: Problem, windows: Windows) -> list[Row]:
    """Time all trainings one after another, side by side as without stacks, and in stacks."""

    def states(policy: str) -> dict[int, TrainingState]:
        return {seed: started(problem, windows, policy, seed) for seed in range(problem.seeds)}

    alone: list[Update] = [
        make_update(state, problem.config, windows)
        for policy in problem.policies
        for state in states(policy).values()
    ]
    stacks = [problem.stack(states(policy), windows) for policy in problem.policies]
    alternatives: dict[str, list[list[Update]]] = {
        "one after another": [[update] for update in alone],
        "side by side": [alone],
        "in stacks": [list(itertools.chain.from_iterable(stacks))],
    }
    rates: dict[str, list[float]] = {kind: [] for kind in alternatives}
    for k in range(problem.rounds + 1):
        for kind, groups in alternatives.items():
            seconds = sum(_seconds(group, problem, windows) for group in groups)
            if k:  # the first round captures
                rates[kind].append(problem.updates * len(alone) / seconds)
    one, side, stacked = (np.array(rates[kind]) for kind in alternatives)
    rows = [
        Row(f"{problem.name} trainings, {kind}", spread(np.array(values)), 0, "updates/s")
        for kind, values in rates.items()
    ]
    return [
        *rows,
        Row(f"{problem.name}, side by side over one after another", ratio(side, one)),
        Row(f"{problem.name}, stacks over one after another", ratio(stacked, one),
            least=problem.least[0]),
        Row(f"{problem.name}, stacks over side by side", ratio(stacked, side),
            least=problem.least[1]),
    ]  # fmt: skip


def _seconds(updates: Sequence[Update], problem: Problem, windows: Windows) -> float:
    """Return the time of some updates of trainings that share the device [s]."""
    device = windows.actions.device
    for _ in range(5):  # as many as are eager, and a capture
        for update in updates:
            update()
    _wait(device)
    started = time.perf_counter()
    for _ in range(problem.updates):
        for update in updates:
            update()
    _wait(device)
    return time.perf_counter() - started


def main() -> int:
    """Print the measurements as they are made; the exit code is 1 if a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stacks")
    parser.add_argument("--device", default="cuda", help="cuda; cpu only shows that it runs")
    parser.add_argument("--write", action="store_true", help="write the table to the README")
    arguments = parser.parse_args()
    load, rows = os.getloadavg()[0], []
    for row in measure(arguments.device):
        print(*row.cells(), sep=" | ", flush=True)
        rows.append(row)
    if arguments.write:
        name = torch.cuda.get_device_name(arguments.device)
        described = describe_machine(load, PACKAGES, busy=1)
        machine = f"{name}; {described} fmbench {fmbench.__version__}."
        write(markdown([(TITLE, rows)], machine), "stacks")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
