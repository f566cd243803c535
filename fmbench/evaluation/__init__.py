"""Measure one trained policy, expert or random actions: episodes, cost, diagnostics, pictures."""
