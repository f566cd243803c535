"""Time pictures by rays and by OpenGL, beside the renderer of `render_mode="rgb_array"`."""

from collections.abc import Callable

import numpy as np

from envs.pictures.opengl import OpenGLRenderer
from envs.pictures.rays import RayRenderer
from envs.pictures.states import picture_states
from envs.registry import has_extra, make_expert, make_task
from envs.render import TaskRenderer
from envs.world import World
from tests.benchmarks.interleaved import in_turn, ratio, spread, timed
from tests.benchmarks.report import Row

TASK, SIMULATIONS, STEPS, ROUNDS = "LiftCube", 64, 25, 7
LEAST_RAYS, LEAST_OPENGL, LEAST_PER_S = 1.3, 3.0, 550
MESHES = ("AdroitRelocate", "AdroitPen", "AdroitDoor", "AdroitHammer")
"""Tasks whose hand consists of meshes."""
PICTURES = 32
"""Drawn in each round, of the simulations' current states."""


def measure() -> list[Row]:
    """Return pictures per CPU second, and ratios to the renderer of whole simulations.

    The states are from the middle of expert episodes. All are drawn by the camera `main`, with
    everything that a picture shows, translucent goals included. Ray pictures are drawn by one
    thread; software OpenGL has threads of its own, whose time counts.
    """
    world = _world(TASK)
    rays, opengl, whole = (f"{how}, {TASK}, 84 x 84" for how in ("rays", "OpenGL", "TaskRenderer"))
    small = f"rays, {TASK}, 64 x 64"
    times = in_turn(
        {
            rays: timed(_by_rays(world, 84)),
            opengl: timed(_by_opengl(world, 84)),
            whole: timed(_whole(world, 84)),
            small: timed(_by_rays(world, 64)),
        },
        ROUNDS,
    )
    cpu = {name: each.cpu for name, each in times.items()}
    rows = [
        Row(
            f"{name}, over TaskRenderer.rows",
            ratio(cpu[whole], cpu[name]),
            least=least,
        )
        for name, least in ((rays, LEAST_RAYS), (opengl, LEAST_OPENGL))
    ]
    rates = {name: spread(PICTURES / each) for name, each in cpu.items()}
    rows += [
        Row(name, rate, 0, "pictures/CPU s", least=LEAST_PER_S if name == small else None)
        for name, rate in rates.items()
    ]
    return rows + [_mesh_row(name) for name in MESHES if has_extra(name)]


def _mesh_row(name: str) -> Row:
    drawn = f"rays, {name}, 96 x 96"
    times = in_turn({drawn: timed(_by_rays(_world(name), 96))}, ROUNDS)[drawn]
    return Row(drawn, spread(PICTURES / times.cpu), 0, "pictures/CPU s")


def _world(name: str) -> World:
    """Return simulations in the middle of expert episodes."""
    world = World(make_task(name), SIMULATIONS, num_threads=1)
    rows, expert = world.all_rows, make_expert(world)
    world.reset(rows, np.arange(SIMULATIONS))
    expert.reset(rows, np.arange(SIMULATIONS))
    for _ in range(STEPS):
        world.step(rows, expert.act(rows, world.observe(rows)[:, None])[0][:, 0])
    return world


def _by_rays(world: World, size: int) -> Callable[[], object]:
    renderer, rows = RayRenderer(world.task, size=size, num_threads=1), world.all_rows[:PICTURES]
    return lambda: renderer.draw(picture_states(world, rows))


def _by_opengl(world: World, size: int) -> Callable[[], object]:
    renderer, rows = OpenGLRenderer(world.task, size=size), world.all_rows[:PICTURES]
    return lambda: renderer.draw(picture_states(world, rows))


def _whole(world: World, size: int) -> Callable[[], object]:
    renderer, rows = TaskRenderer(world.task, size, size), world.all_rows[:PICTURES]
    return lambda: renderer.rows(world, rows)
