"""A linear layer in few operations under `torch.vmap`, where torch's own needs twice as many."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode


class _Product(torch.autograd.Function):
    """`inputs @ weight.T` of matrices; the gradient of `weight` is laid out like `weight`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor) -> Tensor:
        return inputs @ weight.T

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        inputs, weight = ctx.saved_tensors
        needs_inputs, needs_weight = ctx.needs_input_grad
        return (
            gradient @ weight if needs_inputs else None,
            gradient.T @ inputs if needs_weight else None,
        )

    @staticmethod
    def jvp(ctx: Any, inputs_t: Tensor, weight_t: Tensor | None) -> Tensor:
        inputs, weight = ctx.saved_tensors
        output: Tensor = inputs_t @ weight.T
        return output if weight_t is None else output + inputs @ weight_t.T


class FewerOperations(TorchFunctionMode):
    """A context in which linear layers are one product and one sum."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make a call, in its own way if it is that of a linear layer."""
        if func is F.linear and not kwargs:
            return _linear(*args)
        return func(*args, **(kwargs or {}))


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    kind = inputs.device.type
    if torch.is_autocast_enabled(kind):  # the product's own gradient is not cast
        dtype = torch.get_autocast_dtype(kind)
        inputs, weight = inputs.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    product: Tensor = _Product.apply(inputs.flatten(0, -2), weight)  # type: ignore[no-untyped-call]
    output = product.view(*inputs.shape[:-1], len(weight))
    return output if bias is None else output + bias
