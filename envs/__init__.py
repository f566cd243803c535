"""Dexterous-hand tasks, their scripted experts and their Gymnasium environments."""

from envs.registry import register_ids as register_all

__all__ = ["register_all"]
