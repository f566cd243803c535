"""Data sets of LeRobot, format v3.0: written and read without LeRobot."""
