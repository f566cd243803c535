"""Tests of `envs.perturb`."""
