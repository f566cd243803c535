"""Add a disturbance: gravity, times a factor.

    python examples/add_axis.py runs/try --perturb gravity=1.5

evaluates a finished run with and without it. Other methods of `Axis` change other things.
"""

import sys

from envs.arrays import FloatArray
from envs.perturb.axis import Axis
from fmbench.evaluate import main
from fmbench.plugins import register_axis


class Gravity(Axis):
    """Gravity times the level."""

    model_fields = ("opt.gravity",)

    def change(self, values: dict[str, FloatArray]) -> None:
        """Change the fields of n simulations, each (n, ...), in place."""
        values["opt.gravity"] *= self.level


register_axis("gravity", Gravity, "factor on gravity", (0.5, 1.5), least=0.0, most=5.0)

if __name__ == "__main__":
    sys.exit(main())
