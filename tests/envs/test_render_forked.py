"""Rendering in a process forked from one that has rendered is rejected; it would wait forever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envs.registry import make_task
from envs.render import TaskRenderer

ROOT = Path(__file__).parent.parent.parent
START = """
import multiprocessing, os, signal
import fmbench, gymnasium
from gymnasium.vector import AsyncVectorEnv

def make():
    return gymnasium.make("fmbench/ReachPose-v1", render_mode="rgb_array")

def draw(env=None):
    '''Draw in this process; a wait without end is ended and fails the test.'''
    signal.alarm(20)
    env = env or make()
    env.reset(seed=1)
    return env.render()

def in_fork(work):
    '''Print the error that `work` raises in a forked process.'''
    if not (child := os.fork()):
        try:
            print("drew", work().shape, flush=True)
        except RuntimeError as error:
            print(error, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "the forked process waited"

if __name__ == "__main__":
    mine = make()
"""
MESSAGE = "was forked from one that had rendered"

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]


@pytest.fixture(scope="module", autouse=True)
def has_gl() -> None:
    try:
        TaskRenderer(make_task("ReachPose"), 8, 8).close()
    except RuntimeError as error:
        pytest.skip(str(error))


def output(folder: Path, *lines: str) -> list[str]:
    """Run lines at the end of a program in a new process; return the lines it prints."""
    program = folder / "program.py"
    program.write_text(START + "".join(f"    {line}\n" for line in lines))
    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_forked_process_is_told_to_spawn(tmp_path: Path) -> None:
    shown = output(
        tmp_path,
        "in_fork(draw)  # nothing has been drawn yet",
        "draw(mine)",
        "in_fork(draw)",
        "in_fork(lambda: draw(mine))",
        "mine.close()",
        "in_fork(lambda: in_fork(draw) or draw())",
        "print('drew', draw().shape)",
    )
    assert shown[0] == shown[-1] == "drew (480, 480, 3)"
    assert len(shown) == 6
    for message in shown[1:-1]:
        assert MESSAGE in message
        assert "'spawn'" in message


def test_workers_of_a_vector_environment_are_told_to_spawn(tmp_path: Path) -> None:
    shown = output(
        tmp_path,
        "draw(mine)",
        "for context in ('fork', 'spawn'):",
        "    envs = AsyncVectorEnv([make], context=context)",
        "    envs.reset(seed=1)",
        "    try:",
        "        print('drew', envs.call('render')[0].shape)",
        "    except RuntimeError as error:",
        "        print(error)",
        "    envs.close()",
    )
    assert MESSAGE in shown[0]
    assert shown[-1] == "drew (480, 480, 3)"


def test_pictures_by_opengl_are_told_to_spawn_and_rays_are_drawn(tmp_path: Path) -> None:
    lines = [
        "import numpy as np",
        "from envs.pictures import renderer as pictures",
        "from envs.pictures.states import PictureStates",
        "from envs.registry import make_task",
        "pictures.has_gpu = lambda: True",
        "task = make_task('ReachPose')",
        "start = task.draw_start(np.random.default_rng(0))",
        "memory = {name: values[None] for name, values in start.memory.items()}",
        "states = PictureStates(start.qpos[None], memory)",
        "def picture(how): return pictures.open_renderer(task, renderer=how).draw(states)",
        "picture('opengl')",
        "for how in ('opengl', 'auto', 'rays'): in_fork(lambda: picture(how))",
    ]
    shown = output(tmp_path, *lines)
    assert all(MESSAGE in message for message in shown[:2])
    assert shown[2:] == ["drew (1, 1, 96, 96, 3)"]
