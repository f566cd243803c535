"""Demonstrations: made by the experts, replayed, stored, verified and loaded."""
