"""Compilation of an encoder that is trained on pictures, on a GPU.

Its normalisations read and write every map several times; compiled, they are fused with what is
around them, which a CUDA graph alone does not do. It takes a part of a minute.
"""

import time
from collections.abc import Sequence

import torch

from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.windows import Windows

LEAST_UPDATES = 2000
"""Shorter trainings take less time than their compilation would save."""


def is_worth_compiling(state: TrainingState, config: TrainConfig, windows: Windows) -> bool:
    """Return whether a policy trains an encoder of pictures, long enough, on a CUDA device.

    It does not depend on what is left to do: a resumed training compiles what it did before.
    """
    trains = any(parameter.requires_grad for parameter in state.policy.trained_eyes())
    on_gpu = windows.actions.device.type == "cuda"
    return trains and on_gpu and config.updates >= LEAST_UPDATES


def compile_encoders(
    states: Sequence[TrainingState], config: TrainConfig, windows: Windows
) -> str | None:
    """Compile the encoders of trainings for the pictures of one batch.

    Args:
        states: Trainings of one policy; their encoders then run compiled, averages do not.
        config: The training configuration.
        windows: The training data, with pictures.

    Returns:
        Why it failed, in one line, e.g. because there is no C compiler; nothing is compiled then.
        None if it succeeded.
    """
    assert windows.seen is not None
    device = windows.seen.device.type
    rows = config.batch_size * windows.observation_index.shape[1]
    pictures = windows.seen[:1].expand(rows, *windows.seen.shape[1:]).contiguous()
    for state in states:
        started = time.perf_counter()
        eyes = state.policy.encoder.eyes
        assert isinstance(eyes, torch.nn.Module)
        eyes.compile(dynamic=False)
        try:
            with torch.autocast(device, torch.bfloat16, enabled=config.precision == "bf16"):
                features = eyes(pictures)
            features.float().sum().backward()
            if device == "cuda":
                torch.cuda.synchronize()
        except Exception as error:  # of the compiler, of the tools that it starts, or of a driver
            for each in states:
                each.policy.encoder.eyes._compiled_call_impl = None  # type: ignore[union-attr]
            return _line(error)
        finally:
            state.optimizer.zero_grad(set_to_none=True)
            state.seconds += time.perf_counter() - started
    return None


def _line(error: Exception) -> str:
    """Return what went wrong in one line; torch wraps what a compiler reports."""
    cause = getattr(error, "inner_exception", None) or error
    lines = str(cause).strip().splitlines() or [""]
    return f"{type(cause).__name__}: {lines[0][:200]}"
