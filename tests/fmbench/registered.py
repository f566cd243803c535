"""Removal of what a test registers, and the text of files that register something."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium

from envs.hashing.definitions import installed_definitions
from envs.hashing.sources import find_source
from envs.registry import TASKS, make_task
from envs.task_hash import task_hash
from policies import backbones, encoders, objectives
from policies.catalogue import BACKBONES, ENCODERS, POLICIES

POLICY = """
import torch
from torch.nn import functional
from fmbench.plugins import register_policy
from policies.objectives.base import Objective
from policies.samplers.steps import StepLimits

class AbsoluteError(Objective):
    predictions = ("sample",)
    limits = {"direct": StepLimits(default=1, highest=1)}
    default_sampler = "direct"
    def loss(self, network, actions, condition, generator):
        predicted = network(actions * 0, actions.new_zeros(len(actions)), condition)
        return functional.l1_loss(predicted, actions)
    def sample(self, network, condition, noise, sampler, steps):
        zeros = condition.new_zeros(len(condition), *self.chunk_shape)
        return network(zeros, condition.new_zeros(len(condition)), condition)

register_policy("l1", AbsoluteError, label="L1 regression", colour="#123456", place=15)
"""
"""A file that registers the policy `l1`."""
TASK = """
from envs.experts.press_either import PressEitherExpert
from envs.tasks.press_either import PressEither
from fmbench.plugins import register_task

class PressMine(PressEither):
    name = "PressMine"

class PressMineExpert(PressEitherExpert):
    pass

register_task(PressMine, PressMineExpert)
"""
"""A file that registers the task `PressMine`."""
ENCODER = """
from fmbench.plugins import register_encoder

def colours(pictures):
    means = pictures.float().mean((2, 3)).flatten(1)
    return means

register_encoder("colours", colours)
"""
"""A file that registers the encoder `colours`: the mean colour of every picture."""


@contextmanager
def registrations() -> Iterator[None]:
    """Remove what is registered, and the modules that are imported, while the context lasts."""
    tables: tuple[dict[str, Any], ...] = (TASKS, POLICIES, BACKBONES, ENCODERS)
    tables += (objectives._ADDED, backbones._ADDED, encoders._ADDED, gymnasium.registry)
    before = [dict(table) for table in tables]
    modules, path = set(sys.modules), list(sys.path)
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)
    for name in set(sys.modules) - modules:
        if "." not in name and getattr(sys.modules[name], "__file__", None):
            del sys.modules[name]
    sys.path[:] = path
    for cached in (make_task, task_hash, find_source, installed_definitions):
        cached.cache_clear()
