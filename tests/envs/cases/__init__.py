"""What the registry-wide tests know of each task: one entry a task, numbers as its data sheet says.

The numbers are written down a second time, not imported: a changed constant is noticed here.
"""

from tests.envs.cases import adroit, keys, lifted, palm, put_down, turned
from tests.envs.cases.case import TaskCase

CASES: dict[str, TaskCase] = {}
for part in (keys, palm, lifted, put_down, turned, adroit):
    CASES |= part.CASES
