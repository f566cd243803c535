"""How torch uses the machine, for a whole process: set by commands, never by a library call."""

import torch


def configure_torch(device: str) -> None:
    """Let torch use one thread, and tensor cores where there are any.

    The networks are small: a second thread gains little on a free machine, and beside a busy
    neighbour it made an update ten times slower. The simulations use every processor. On a CUDA
    device products of float32 matrices are rounded to TF32 (10 bits), as is usual in training.
    """
    torch.set_num_threads(1)
    if device.startswith("cuda"):
        torch.backends.cuda.matmul.allow_tf32 = True
