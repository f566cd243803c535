"""Tests of `fmbench`."""
