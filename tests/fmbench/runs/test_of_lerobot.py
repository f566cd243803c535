"""Names and labels of LeRobot's policies in tables."""

import pytest

from fmbench.runs.of_lerobot import label_of


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("lerobot-act", "act", "LeRobot ACT"),
        ("lerobot-diffusion-sample", "diffusion", "LeRobot diffusion, sample"),
        ("lerobot-diffusion-large-net", "diffusion", "LeRobot diffusion, large net"),
        ("lerobot-multi-task-dit", "multi_task_dit", "LeRobot multi_task_dit"),
        ("lerobot-mine", "act", "lerobot-mine"),
        ("lerobot-actor", "act", "lerobot-actor"),
    ],
)
def test_what_a_name_adds_is_in_the_label(name: str, kind: str, label: str) -> None:
    assert label_of(name, kind) == label
