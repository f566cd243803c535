"""Which policies of LeRobot stand beside ours, and the words by which LeRobot trains them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECTIONS = {
    "anchors": ("PressEither", "PickEither", "AvoidPost", "InsertPeg", "HandOver", "TurnDial"),
    "anchors-rate": ("PressEither", "AvoidPost", "InsertPeg"),
    "anchors-time": ("PressEither", "InsertPeg", "TurnDial"),
}
"""Name of a section of the paper to its tasks."""
SEEDS, BATCH, UPDATES = 3, 256, 4_500
"""Training seeds, and the batch and updates of `flow` in the default preset."""
ACT = ("--policy.type=act", "--policy.chunk_size=16", "--policy.n_action_steps=8")
ACT_OF_OUR_SIZE = (
    *("--policy.dim_model=128", "--policy.n_heads=4", "--policy.dim_feedforward=256"),
    *("--policy.n_encoder_layers=2", "--policy.n_vae_encoder_layers=2"),
)
DIFFUSION = ("--policy.type=diffusion", "--policy.horizon=16", "--policy.n_action_steps=8")
DIFFUSION_OF_OUR_SIZE = ("--policy.down_dims=[48,96]", "--policy.diffusion_step_embed_dim=64")
SAMPLE = ("--policy.prediction_type=sample",)
OUR_RATE = ("--policy.optimizer_lr=0.001",)
POLICIES = {
    "lerobot-diffusion": (DIFFUSION, DIFFUSION_OF_OUR_SIZE),
    "lerobot-diffusion-sample": ((*DIFFUSION, *SAMPLE), DIFFUSION_OF_OUR_SIZE),
    "lerobot-act": (ACT, ACT_OF_OUR_SIZE),
}
"""Name of a policy to its words, and to those that make its networks about as large as ours."""


@dataclass(frozen=True)
class Anchor:
    """A training.

    Attributes:
        section: Of the paper.
        task: Name of the task.
        policy: Name of the policy.
        seed: Training seed.
    """

    section: str
    task: str
    policy: str
    seed: int

    @property
    def has_our_size(self) -> bool:
        """Whether it has our size and number of updates, and not LeRobot's and our time."""
        return self.section != "anchors-time"

    @property
    def run(self) -> str:
        """Name of the run that shows it."""
        return f"{self.task}-{self.policy}"

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.section}-{self.run}-{self.seed}"

    def words(self, data: Path, out: Path, updates: int, device: str) -> list[str]:
        """Return the arguments of `lerobot-train`.

        Args:
            data: Folder of the exported data sets.
            out: The folder that LeRobot makes.
            updates: Number of updates.
            device: Where it is trained.
        """
        policy, size = POLICIES[self.policy]
        return [
            f"--dataset.repo_id=own/{self.task.lower()}",
            f"--dataset.root={data / self.task}",
            f"--seed={self.seed}",
            f"--batch_size={BATCH}",
            f"--steps={updates}",
            f"--save_freq={updates}",
            "--policy.push_to_hub=false",
            "--wandb.enable=false",
            "--num_workers=0",
            f"--policy.device={device}",
            f"--output_dir={out}",
            *policy,
            *(size if self.has_our_size else ()),
            *(OUR_RATE if self.section == "anchors-rate" else ()),
        ]


def anchors(section: str) -> Iterator[Anchor]:
    """Yield the trainings of a section; those of one run follow each other."""
    for task in SECTIONS[section]:
        for policy in POLICIES:
            for seed in range(SEEDS):
                yield Anchor(section, task, policy, seed)
