"""`python -m envs.adroit.pen_search`: search for the movements of the AdroitPen expert.

Quality-diversity search (MAP-Elites, Mouret and Clune 2015, arXiv:1504.04909): for each cell of a
grid over the goals, the archive stores the movement that holds the pen there longest under command
noise. A generation mutates stored movements and simulates all of them together. An evaluation
counts until the pen is pressed too deep into the hand, whose contacts are soft as published. At the
end a small set of movements that together reach most goals is selected. `--start` continues from
the results of other runs; `--start a.npz b.npz --generations 0` only selects among them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np
from mujoco.batch import Batch

from envs.adroit.pen_expert import FILE, LEVELS, MOVE_STEPS, load_table, movement_at
from envs.adroit.pen_task import LEAST_COSINE, PLACE_M, TOLERANCE_M, TURN_RAD, AdroitPen, goal_quat
from envs.task import BoolArray, FloatArray, IntArray
from envs.world import STATE_STAGE, silence_mujoco

DEPTH = "pen_in_hand"  # name of the sensor of the pen's deepest contact with arm and hand
DEEPEST_M = 0.0026

POSTURES = 4
CELLS, FINE_CELLS = 9, 20  # cells per axis of the archive, and of the final selection
ROWS, AGAIN = 96, 8  # simulations; stored movements that are evaluated again
COPIES = 3  # evaluations of one movement under noise
FRESH = 0.05  # share of candidate movements drawn at random
NOISE_RAD, CORRELATION = 0.025, 0.974
ROUGH = 0.3  # share of the generations without noise
LONGEST_STEPS = 12.0  # holding a goal longer does not count
TRIALS = 20
ALMOST_COSINE, SURE_COSINE = 0.93, 0.98  # the margin of a goal rises from 0 to 1 between them
MOST_MOVEMENTS = 60


class PenSearch:
    """The archive of movements and the simulations that evaluate new ones.

    Args:
        seed: Seed of the search.
        start: Initial movements, (n, POSTURES, act_dim) shares of the joints' ranges.
    """

    def __init__(self, seed: int, start: FloatArray | None = None) -> None:
        silence_mujoco()
        self.rng = np.random.default_rng(seed)
        self.task = AdroitPen()
        self.low, self.span = self.task.hand.low, self.task.hand.high - self.task.hand.low
        model, self.depth = with_depth(self.task)
        self.batch = Batch(model, ROWS, persistent=True)
        self.blank = self.batch.state[0].copy()
        self.goals = goal_axes(CELLS)
        self.start = np.zeros((0, POSTURES, self.task.act_dim)) if start is None else start
        self.kept = self.rng.uniform(0, 1, (len(self.goals), POSTURES, self.task.act_dim))
        self.worth = np.zeros(len(self.goals))
        for first in range(0, len(self.start), ROWS):
            part = self.start[first : first + ROWS]
            self._keep(part, self._held(*self.play(part, 0.0)), 0.0)

    def play(self, movements: FloatArray, noise: float) -> tuple[FloatArray, BoolArray]:
        """Simulate movements; return the pen's axes (n, steps, 3) and the valid steps (n, steps).

        A step is valid if the pen is in its place and has had no deep contact so far.

        Args:
            movements: Shares of the joints' ranges, (n, POSTURES, act_dim), n at most ROWS.
            noise: Factor on the command noise.
        """
        task, n = self.task, len(movements)
        first = np.broadcast_to(-self.low / self.span, (n, 1, task.act_dim))
        postures = np.concatenate([first, np.round(movements * LEVELS) / LEVELS], axis=1)
        self.batch.state[:] = self.blank
        self.batch.forward(stage=STATE_STAGE)
        names = ("ctrl", "site_xpos", "sensordata")
        control, sites, sensors = (self.batch.bind(name)[:n] for name in names)
        axes, inside = np.zeros((n, MOVE_STEPS, 3)), np.zeros((n, MOVE_STEPS), dtype=np.bool_)
        is_gentle = np.ones(n, dtype=np.bool_)
        disturbance = self.rng.standard_normal((n, task.act_dim))
        for step in range(MOVE_STEPS):
            shares = movement_at(postures, np.full(n, step))
            command = self.low + shares * self.span + noise * NOISE_RAD * disturbance
            control[:] = command.clip(self.low, self.low + self.span)
            self.batch.step(ids=np.arange(n), nstep=task.substeps, stage=STATE_STAGE)
            is_gentle &= sensors[:, self.depth] > -DEEPEST_M
            axes[:, step] = (sites[:, task.top_site] - sites[:, task.bottom_site]) / task.length
            offset = np.linalg.norm(sites[:, task.pen_site] - PLACE_M, axis=1)
            inside[:, step] = (offset < TOLERANCE_M) & is_gentle
            fresh = self.rng.standard_normal(disturbance.shape)
            disturbance = CORRELATION * disturbance + np.sqrt(1 - CORRELATION**2) * fresh
        return axes, inside

    def improve(self, noise: float, copies: int) -> None:
        """Evaluate mutations of stored movements, and store those that hold a goal longer.

        Args:
            noise: Factor on the command noise.
            copies: Number of evaluations of each movement; its worth is their mean.
        """
        rng, n = self.rng, ROWS // copies
        weight = np.where(self.worth > 0.0, 1.0 / (0.5 + self.worth), 1e-3)
        parents = rng.choice(len(self.kept), n, p=weight / weight.sum())
        others = rng.choice(len(self.kept), n)
        again = rng.choice(len(self.kept), AGAIN, replace=False)
        swaps = (rng.random((n, 1, 1)) < 0.3) & (rng.random((n, 1, self.task.act_dim)) < 0.3)
        tried = np.where(swaps, self.kept[others], self.kept[parents])
        changed = rng.random(tried.shape) < rng.choice([0.1, 0.3, 1.0], (n, 1, 1))
        step = rng.choice([0.02, 0.06, 0.15, 0.3], (n, 1, 1)) * rng.standard_normal(tried.shape)
        tried = np.clip(tried + changed * step, 0.0, 1.0)
        unlike = rng.random(n) < FRESH
        tried[unlike] = rng.uniform(0.0, 1.0, tried[unlike].shape)
        tried[:AGAIN] = self.kept[again]
        held = self._held(*self.play(np.repeat(tried, copies, axis=0), noise))
        held = held.reshape(n, copies, -1).mean(axis=1)
        for k, goal in enumerate(again.tolist()):  # corrects movements that were merely lucky
            self.worth[goal] = 0.75 * self.worth[goal] + 0.25 * held[k, goal]
        held[:AGAIN] = -1.0
        self._keep(tried, held, 0.3 if noise else 0.0)

    def _held(self, axes: FloatArray, inside: BoolArray) -> FloatArray:
        """Return the steps for which each movement holds each goal, weighted, (n, goals)."""
        angle = np.arccos(np.clip(axes @ self.goals.T, -1.0, 1.0))
        near = np.clip(1.0 - angle / np.arccos(LEAST_COSINE), 0.0, None) * inside[:, :, None]
        held: FloatArray = np.minimum(near.sum(axis=1), LONGEST_STEPS)
        return held

    def _keep(self, tried: FloatArray, held: FloatArray, margin: float) -> None:
        """Store, for each goal, the best tried movement if it is better by a margin."""
        best = held.argmax(axis=0)
        gained = held[best, np.arange(len(self.goals))]
        better = gained > self.worth + margin
        self.worth[better], self.kept[better] = gained[better], tried[best[better]]

    def choose(self) -> tuple[IntArray, FloatArray]:
        """Return the movement index of each fine cell, and the selected movements."""
        goals, kept = goal_axes(FINE_CELLS), np.concatenate([self.kept, self.start])
        served = np.zeros((len(kept), len(goals)))
        for noise, weight in ((0.0, 0.5), *((1.0, 0.5 / TRIALS),) * TRIALS):
            for first in range(0, len(kept), ROWS):
                axes, inside = self.play(kept[first : first + ROWS], noise)
                cosines = np.where(inside[:, :, None], axes @ goals.T, -1.0)
                nearest: FloatArray = cosines.max(axis=1)
                margin = np.clip(
                    (nearest - ALMOST_COSINE) / (SURE_COSINE - ALMOST_COSINE), 0.0, 1.0
                )
                served[first : first + ROWS] += weight * 0.5 * ((nearest > LEAST_COSINE) + margin)
        chosen: list[int] = []
        best = np.zeros(len(goals))
        while len(chosen) < MOST_MOVEMENTS:
            gain = np.maximum(served, best).mean(axis=1) - best.mean()
            if gain.max() < 1e-4:
                break
            chosen.append(int(gain.argmax()))
            best = np.maximum(best, served[chosen[-1]])
        used, choice = np.unique(served[chosen].argmax(axis=0), return_inverse=True)
        return choice.reshape(FINE_CELLS, FINE_CELLS), kept[chosen][used]


def with_depth(task: AdroitPen) -> tuple[mujoco.MjModel, int]:
    """Return the task's model with a sensor of the pen's contact depth [m], and its address."""
    spec, body = task.build_scene(), mujoco.mjtObj.mjOBJ_XBODY
    sensor = spec.add_sensor(name=DEPTH, type=mujoco.mjtSensor.mjSENS_CONTACT, objtype=body)
    sensor.objname, sensor.reftype, sensor.refname = "forearm", body, "Object"
    sensor.intprm[:3] = [1 << int(mujoco.mjtConDataField.mjCONDATA_DIST), 1, 1]  # least distance
    model = spec.compile()
    return model, int(model.sensor(DEPTH).adr[0])


def goal_axes(cells: int) -> FloatArray:
    """Return the directions of a grid's goals, (cells * cells, 3)."""
    angles = ((np.arange(cells) + 0.5) / cells * 2.0 - 1.0) * TURN_RAD
    axes = np.zeros((cells * cells, 3))
    for k, axis in enumerate(axes):
        quat = goal_quat(angles[k // cells], angles[k % cells])
        mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, 1.0]), quat)
    return axes


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the search and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--generations", type=int, default=250)
    parser.add_argument("--start", type=Path, nargs="+", default=[])
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    tables = [load_table(path)[1] for path in options.start]
    search = PenSearch(options.seed, np.concatenate(tables) if tables else None)
    for generation in range(1, options.generations + 1):
        is_rough = generation <= options.generations * ROUGH
        search.improve(*((0.0, 1) if is_rough else (1.0, COPIES)))
        if generation % 10 == 0:
            print(f"{generation}: {search.worth.mean():.2f} steps held on average", flush=True)
    choice, movements = search.choose()
    levels = np.round(movements * LEVELS).astype(np.uint8)
    np.savez_compressed(options.out, choice=choice.astype(np.uint8), postures=levels)
    print(f"{len(levels)} movements in {options.out}")


if __name__ == "__main__":
    main()
