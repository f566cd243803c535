"""Linear layers of all trainings of a stack at once, each a single product.

torch's own batched layer needs two more operations, for the bias and its gradient, copies the
gradients of all layers into the row of a training, and multiplies matrices whose rows do not start
where fast kernels need it. Here a layer is one matrix `[weight, bias, 0]`; see `Layout`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from fmbench.training.stacked_gradients import Gradients
from policies.backbones.joined_linear import JoinedLinear


class FewerOperations(TorchFunctionMode):
    """A context in which layers of a training of a stack take the fewest operations.

    Args:
        module: Its layers' weights are replaced by the matrices of a `Layout`.
        gradients: Where the gradients of matrices are stored.
    """

    def __init__(self, module: nn.Module, gradients: Gradients) -> None:
        super().__init__()
        self._gradients = gradients
        self._joined = [m for m in module.modules() if isinstance(m, JoinedLinear)]

    def __enter__(self) -> "FewerOperations":
        """Let joined inputs be joined with the column of ones at once."""
        for layer in self._joined:
            layer.__dict__["forward"] = partial(self._join, layer)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        """Restore the layers."""
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        for layer in self._joined:
            del layer.__dict__["forward"]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make a call, in its own way if that takes fewer operations."""
        if func is F.linear and not kwargs:
            return self._linear(*args)
        if func is torch.addcmul and not kwargs and args[0] is args[1]:
            return _Scaled.apply(*args[1:])  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))

    def _join(self, layer: nn.Linear, *parts: Tensor) -> Tensor:
        return self._product(layer.weight, parts)

    def _linear(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if bias is not None and weight.shape[1] == inputs.shape[-1]:
            return F.linear(inputs, weight, bias)  # its weights are not those of a `Layout`
        return self._product(weight, [inputs])

    def _product(self, weight: Tensor, parts: Sequence[Tensor]) -> Tensor:
        shape = parts[0].shape[:-1]
        flat = [part.reshape(math.prod(shape), part.shape[-1]) for part in parts]
        output: Tensor = _Product.apply(self._gradients, weight, *flat)  # type: ignore[no-untyped-call]
        return output.view(*shape, len(weight))


class _Product(torch.autograd.Function):
    """`[parts, 1, 0] @ weight.T` of one training, under `torch.vmap` only."""

    @staticmethod
    def forward(gradients: Gradients, weight: Tensor, *parts: Tensor) -> Tensor:
        return gradients.join(parts, weight.shape[1]) @ weight.T

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.gradients, weight, *parts = inputs
        ctx.save_for_forward(weight, *parts)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        weight, *parts = ctx.saved_tensors
        of_parts = [
            torch.zeros_like(part) if tangent is None else tangent
            for part, tangent in zip(parts, tangents[2:], strict=True)
        ]
        change: Tensor = ctx.gradients.join(of_parts, weight.shape[1], first=0.0) @ weight.T
        return change

    @staticmethod
    def vmap(
        info: Any, dims: tuple[Any, ...], gradients: Gradients, *tensors: Tensor
    ) -> tuple[Tensor, int]:
        batched = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for dim, tensor in zip(dims[1:], tensors, strict=True)
        ]
        return _Stacked.apply(gradients, *batched), 0  # type: ignore[no-untyped-call]


class _Stacked(torch.autograd.Function):
    """The products of all places, whose gradients of weights are stored at once."""

    @staticmethod
    def forward(ctx: Any, gradients: Gradients, weight: Tensor, *parts: Tensor) -> Tensor:
        inputs, matrix = gradients.widened(parts, weight.shape[2]), weight
        if torch.is_autocast_enabled(weight.device.type):
            dtype = torch.get_autocast_dtype(weight.device.type)
            inputs, matrix = inputs.to(dtype), weight.to(dtype)
        ctx.save_for_backward(weight, matrix, inputs)
        ctx.gradients, ctx.sizes = gradients, [part.shape[-1] for part in parts]
        return inputs @ matrix.mT

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, matrix, inputs = ctx.saved_tensors
        if ctx.needs_input_grad[1]:
            ctx.gradients.add_product(weight, gradient, inputs)
        columns = matrix.split([*ctx.sizes, matrix.shape[2] - sum(ctx.sizes)], dim=2)
        of_parts = (
            gradient @ own if needed else None
            for needed, own in zip(ctx.needs_input_grad[2:], columns, strict=False)
        )
        return None, None, *of_parts


class _Scaled(torch.autograd.Function):
    """`x + x * gain`, in two operations less than torch's gradient of `addcmul` with one `x`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, gain: Tensor) -> Tensor:
        return torch.addcmul(x, x, gain)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, gain = ctx.saved_tensors
        return torch.addcmul(gradient, gradient, gain), gradient * x

    @staticmethod
    def jvp(ctx: Any, x_t: Tensor | None, gain_t: Tensor | None) -> Tensor:
        x, gain = ctx.saved_tensors
        parts = [] if x_t is None else [torch.addcmul(x_t, x_t, gain)]
        parts += [] if gain_t is None else [x * gain_t]
        return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
