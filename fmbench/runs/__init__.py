"""Runs in their folders: preparation, training, evaluation, resuming, re-scoring."""
