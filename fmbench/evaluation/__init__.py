"""Evaluation of one trained policy, expert or random policy."""
