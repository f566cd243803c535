"""Runs on different numbers of demonstrations as one table."""
