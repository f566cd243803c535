"""Measure what fmbench costs: `python -m tests.benchmarks`, by hand; pytest tests the measuring."""
