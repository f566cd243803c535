"""Compare fmbench with LeRobot side by side: `python -m tests.benchmarks.peers`, by hand."""
