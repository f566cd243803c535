"""A session: where work shows its progress, and who may ask it to stop."""

from dataclasses import dataclass, field

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.progress import Reporter


@dataclass(frozen=True)
class Session:
    """What every long piece of work is given.

    Attributes:
        reporter: Shows progress.
        interrupts: Say when to stop.
    """

    reporter: Reporter = field(default_factory=Reporter)
    interrupts: Interrupts = field(default_factory=Interrupts)
