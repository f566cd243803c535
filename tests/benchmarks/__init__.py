"""Benchmarks of speed: run `python -m tests.benchmarks` by hand; pytest tests only the scripts."""
