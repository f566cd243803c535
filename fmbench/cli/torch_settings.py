"""Process-wide settings of torch, changed by commands only, never by library calls."""

import torch


def configure_torch(device: str) -> None:
    """Set torch to one thread, and enable tensor cores on a CUDA device.

    The networks are small: a second thread in each operation gains little on an idle machine, and
    made an update ten times slower on a busy one. Training on a CPU has a second thread of its own
    instead, see `fmbench.training.cpu_update`. The simulations use all processors. On a CUDA device
    float32 matrix products are rounded to TF32 (10 bits), as is usual in training.
    """
    torch.set_num_threads(1)
    if device.startswith("cuda"):
        torch.backends.cuda.matmul.allow_tf32 = True
