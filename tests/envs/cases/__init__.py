"""What the registry-wide tests know of each task: one entry a task, numbers as its data sheet says.

The numbers are written down a second time, not imported: a changed constant is noticed here.
"""

from tests.envs.cases import adroit, palm, wrist
from tests.envs.cases.case import TaskCase

CASES: dict[str, TaskCase] = palm.CASES | wrist.CASES | adroit.CASES
