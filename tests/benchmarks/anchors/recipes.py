"""Which policies of LeRobot stand beside ours, and the words by which LeRobot trains them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
ALL_FRAMES = ("--policy.drop_n_last_frames=0",)
POLICIES = {
    "lerobot-diffusion": (DIFFUSION, DIFFUSION_OF_OUR_SIZE),
    "lerobot-diffusion-sample": ((*DIFFUSION, *SAMPLE), DIFFUSION_OF_OUR_SIZE),
    "lerobot-act": (ACT, ACT_OF_OUR_SIZE),
    "lerobot-diffusion-frames": ((*DIFFUSION, *SAMPLE, *ALL_FRAMES), DIFFUSION_OF_OUR_SIZE),
    "lerobot-diffusion-mlp": ((*DIFFUSION, *SAMPLE), ()),
    "lerobot-diffusion-frames-mlp": ((*DIFFUSION, *SAMPLE, *ALL_FRAMES), ()),
}
"""Name of a policy to its words, and to those that make its networks about as large as ours."""
WITH_OUR_NETWORK = ("lerobot-diffusion-mlp", "lerobot-diffusion-frames-mlp")
"""Policies whose U-Net our MLP takes the place of."""
LEROBOT = ("lerobot-diffusion", "lerobot-diffusion-sample", "lerobot-act")


@dataclass(frozen=True)
class Section:
    """A section of the paper.

    Attributes:
        tasks: Names of its tasks.
        policies: Names of its policies.
        words: What its trainings have besides.
        has_our_size: Whether they have our size and number of updates, and not LeRobot's and our
            time.
    """

    tasks: tuple[str, ...]
    policies: tuple[str, ...] = LEROBOT
    words: tuple[str, ...] = ()
    has_our_size: bool = True


SECTIONS = {
    "anchors": Section(
        ("PressEither", "PickEither", "AvoidPost", "InsertPeg", "HandOver", "TurnDial")
    ),
    "anchors-rate": Section(("PressEither", "AvoidPost", "InsertPeg"), words=OUR_RATE),
    "anchors-why": Section(
        ("PressEither", "InsertPeg"),
        ("lerobot-diffusion-frames", *WITH_OUR_NETWORK),
        words=OUR_RATE,
    ),
    "anchors-time": Section(("PressEither", "InsertPeg", "TurnDial"), has_our_size=False),
}
"""Name of a section to what it trains."""


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
        section, (policy, size) = SECTIONS[self.section], POLICIES[self.policy]
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
            *(size if section.has_our_size else ()),
            *section.words,
        ]


def anchors(section: str) -> Iterator[Anchor]:
    """Yield the trainings of a section; those of one run follow each other."""
    for task in SECTIONS[section].tasks:
        for policy in SECTIONS[section].policies:
            for seed in range(SEEDS):
                yield Anchor(section, task, policy, seed)
