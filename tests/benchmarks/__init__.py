"""Measure what fmbench costs: `python -m tests.benchmarks`, by hand, never by pytest."""
