"""Windows of a small handwritten data set, row by row."""

import numpy as np
import torch

from fmbench.data.store import Demonstrations
from fmbench.training.windows import make_windows

DATA = Demonstrations(
    # Two episodes of 3 and 2 control steps; tens are the episode, units the step.
    observations=np.array([[10, 11, 12, 13, 20, 21, 22]], np.float32).T,
    actions=np.array([[10, 11, 12, 20, 21]], np.float32).T,
    executed=np.zeros((5, 1), np.float32),
    lengths=np.array([3, 2]),
    sha256="",
    manifest={},
)


def test_windows_repeat_the_first_observation_and_the_last_action() -> None:
    windows = make_windows(DATA, 3, 4)
    observations, actions = windows.gather(torch.arange(5))
    assert len(windows) == 5
    assert observations[..., 0].tolist() == [
        [10, 10, 10],
        [10, 10, 11],
        [10, 11, 12],
        [20, 20, 20],
        [20, 20, 21],
    ]
    assert actions[..., 0].tolist() == [
        [10, 11, 12, 12],
        [11, 12, 12, 12],
        [12, 12, 12, 12],
        [20, 21, 21, 21],
        [21, 21, 21, 21],
    ]


def test_windows_of_one_step_are_the_recorded_pairs() -> None:
    observations, actions = make_windows(DATA, 1, 1).gather(torch.tensor([4, 0, 2]))
    assert observations.flatten().tolist() == [21, 10, 12]
    assert actions.flatten().tolist() == [21, 10, 12]


def test_windows_of_demonstrations_have_their_shapes(demonstrations: Demonstrations) -> None:
    windows = make_windows(demonstrations, 2, 7)
    observations, actions = windows.gather(torch.tensor([0, len(windows) - 1, 3]))
    assert len(windows) == demonstrations.lengths.sum()
    assert observations.shape == (3, 2, demonstrations.observations.shape[1])
    assert actions.shape == (3, 7, 14)
    assert observations.dtype == actions.dtype == torch.float32
    assert np.array_equal(actions[1, -1], demonstrations.actions[-1])
    assert np.array_equal(observations[1, -1], demonstrations.observations[-2])
