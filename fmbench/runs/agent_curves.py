"""Curves of a training by reinforcement learning for TensorBoard."""

from __future__ import annotations

from pathlib import Path

from fmbench.cli.warnings import warn
from fmbench.errors import FmbenchError
from fmbench.rl.checkpoints import LogPoint


class Curves:
    """The event files of one training; where they cannot be written, the training goes on.

    Args:
        out: The run's folder.
        name: Name of the curve.

    Raises:
        FmbenchError: TensorBoard's package cannot be imported.
    """

    def __init__(self, out: Path, name: str) -> None:
        try:
            from fmbench.runs.event_files import CurveFiles
        except ImportError as error:
            raise FmbenchError(f"--tensorboard: tensorboard cannot be imported: {error}") from None
        self._files, self._name, self._warned = CurveFiles(out), name, False

    def add(self, point: LogPoint) -> None:
        """Write one point of the log, at its environment step."""
        values = {
            "training/success": point.success,
            "training/return": point.episode_return,
            **{f"training/{name}": value for name, value in point.losses.items()},
        }
        try:
            self._files.write(self._name, [(point.steps, values)])
        except OSError as error:
            if not self._warned:
                warn(f"TensorBoard's event files cannot be written, the training goes on: {error}")
            self._warned = True
