"""Runs on several backbones as one table and one figure."""
