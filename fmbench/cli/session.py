"""A session: the progress display and the interrupts of one command."""

from dataclasses import dataclass, field

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.progress import Reporter


@dataclass(frozen=True)
class Session:
    """The argument of every long piece of work.

    Attributes:
        reporter: Shows progress.
        interrupts: Requests to stop.
    """

    reporter: Reporter = field(default_factory=Reporter)
    interrupts: Interrupts = field(default_factory=Interrupts)
