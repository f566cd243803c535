"""Test cases of the registry-wide tests: one per task, with the numbers of its data sheet.

The numbers are repeated here, not imported, so that a changed constant fails a test.
"""

from tests.envs.cases import adroit, keys, lifted, on_hand, palm, put_down, turned
from tests.envs.cases.case import TaskCase

CASES: dict[str, TaskCase] = {}
for part in (keys, palm, lifted, put_down, turned, adroit, on_hand):
    CASES |= part.CASES
