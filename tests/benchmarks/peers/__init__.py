"""Comparison with LeRobot: run `python -m tests.benchmarks.peers` by hand."""
