"""Products of linear layers, shared by two threads.

In the forward pass each thread computes half of a product's rows. The backward pass needs the
gradient of a layer's input to go on to the layer before; nothing waits for those of its weight and
bias, a third of the work, until the optimizer's step.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from types import TracebackType
from typing import Any, TypeAlias, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.forward_ad import unpack_dual

from fmbench.training.second_thread import SecondThread
from policies.backbones.joined_linear import JoinedLinear

Found: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""A parameter, its gradient and the gradient's norm."""

LEAST_WORK = 2**23
"""Multiplications of the smallest gradient that is computed aside: about 0.1 ms, several times as
long as it takes to hand it over."""
LEAST_HALVED = 2**23
"""Multiplications of the smallest product that is computed in halves."""


class SharedProducts(AbstractContextManager["SharedProducts"]):
    """Lets a second thread share the products of a loss, which is computed in its `with` block.

    Large products are always computed in two halves, whoever does them, so that the result does not
    depend on the threads. `backward` then stores what that of torch would: the same operations on
    the whole batch, added in the same order where a weight is used several times. Only of joined
    inputs the gradients of those that need none are left out.

    Args:
        network: Its plain linear layers are changed within the block.
        thread: Does the work.
    """

    def __init__(self, network: nn.Module, thread: SecondThread) -> None:
        self._thread = thread
        layers = [layer for layer in network.modules() if _is_plain(layer)]
        self._forwards = [(layer.__dict__, partial(self._forward, layer)) for layer in layers]
        self._found: list[list[Found]] = []
        self._is_last = False

    def __enter__(self) -> "SharedProducts":
        """Replace the layers' `forward`."""
        for attributes, forward in self._forwards:
            attributes["forward"] = forward
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Restore the layers."""
        for attributes, _ in self._forwards:
            del attributes["forward"]

    def _forward(self, layer: nn.Linear, *parts: Tensor, **named: Tensor) -> Tensor:
        if not named and self._can_share(layer, parts):
            output: Tensor = _Linear.apply(self, layer.weight, layer.bias, *parts)  # type: ignore[no-untyped-call]
            return output
        return type(layer).forward(layer, *parts, **named)

    def _can_share(self, layer: nn.Linear, parts: Sequence[Tensor]) -> bool:
        """Return whether `_Linear` does what the layer would, and a product is large enough."""
        rows = parts[0].shape[:-1].numel()
        is_large = rows * layer.weight.numel() >= LEAST_WORK
        return is_large and is_plain_use((layer.weight, layer.bias), parts)

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return `x @ weight.T + bias`."""
        result = x.new_empty(*x.shape[:-1], len(weight))  # no view: a network may change it
        rows, output, columns = x.reshape(-1, x.shape[-1]), result.view(-1, len(weight)), weight.t()
        if len(rows) * weight.numel() < LEAST_HALVED:
            _multiply(rows, columns, bias, output)
            return result
        middle = len(rows) // 2
        self._thread.do_both(
            partial(_multiply, rows[:middle], columns, bias, output[:middle]),
            partial(_multiply, rows[middle:], columns, bias, output[middle:]),
        )
        return result

    def backward(self, loss: Tensor) -> dict[Tensor, Tensor]:
        """Store the gradient of a loss in the parameters' `grad`, and wait until it is complete.

        Returns:
            The norms of gradients, of those parameters for which they are known already.
        """
        self._found, self._is_last = [], True
        try:
            loss.backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                self._thread.finish()
        finally:
            self._is_last = False
        found, self._found = self._found, []  # or gradients would live until the next pass
        norms: dict[Tensor, Tensor] = {}
        for parameter, gradient, norm in chain(*found):  # in the order in which torch adds
            if parameter.grad is None:
                parameter.grad, norms[parameter] = gradient, norm
            else:
                parameter.grad += gradient
                norms.pop(parameter, None)
        return norms

    def postpone(self, weight: Tensor, bias: Tensor | None, g: Tensor, x: Tensor) -> bool:
        """Let the gradients of a layer be computed aside, if this is the last backward pass.

        A loss may itself contain derivatives; those are wanted at once.

        Args:
            weight: The layer's weight.
            bias: Its bias, or None.
            g: The gradient of its output as `(rows, out_features)`.
            x: Its input as `(rows, in_features)`.

        Returns:
            Whether they will be.
        """
        if self._is_last:
            found: list[Found] = []
            self._found.append(found)
            self._thread.give(partial(_differentiate, weight, bias, g, x, found))
        return self._is_last


class _Linear(torch.autograd.Function):
    """A linear layer of joined inputs whose backward pass may leave its parameters to others."""

    @staticmethod
    def forward(
        ctx: Any, aside: SharedProducts, weight: Tensor, bias: Tensor | None, *parts: Tensor
    ) -> Tensor:
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        ctx.save_for_backward(x, weight)
        ctx.trained = weight, bias  # those that are saved may come back as copies, from hooks
        ctx.aside, ctx.sizes = aside, [part.shape[-1] for part in parts]
        return aside.product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        bias = ctx.trained[1]
        g, rows = gradient, x
        if x.ndim != 2:
            g, rows = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        of_weight = of_bias = None
        if not ctx.aside.postpone(*ctx.trained, g, rows):
            of_weight, of_bias = g.t() @ rows, None if bias is None else g.sum(0)
        of_parts: list[Tensor | None] = []
        columns = weight.split(ctx.sizes, dim=1) if len(ctx.sizes) > 1 else (weight,)
        for needed, size, own in zip(ctx.needs_input_grad[3:], ctx.sizes, columns, strict=True):
            of_parts.append(g.mm(own).reshape(*x.shape[:-1], size) if needed else None)
        return None, of_weight, of_bias, *of_parts


def _multiply(x: Tensor, columns: Tensor, bias: Tensor | None, output: Tensor) -> None:
    """Write `x @ columns + bias` to `output`."""
    if bias is None:
        torch.mm(x, columns, out=output)
    else:
        torch.addmm(bias, x, columns, out=output)


def _is_plain(layer: nn.Module) -> TypeGuard[nn.Linear]:
    """Return whether a layer does no more than `nn.Linear`, and its parameters are all trained."""
    return (
        isinstance(layer, nn.Linear)
        and type(layer).forward in (nn.Linear.forward, JoinedLinear.forward)
        and "forward" not in layer.__dict__
        and layer._parameters.keys() == {"weight", "bias"}
        and all(map(_is_trained, layer.parameters()))
    )


def is_plain_use(weights: Iterable[Tensor | None], parts: Sequence[Tensor]) -> bool:
    """Return whether layers of joined inputs and all their gradients are mere products."""
    return (
        torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._are_functorch_transforms_active()
        and all(unpack_dual(part).tangent is None for part in parts)  # type: ignore[no-untyped-call]
        and all(_is_trained(w) and w.dtype == parts[0].dtype for w in weights if w is not None)
    )


def _is_trained(weight: Tensor) -> bool:
    """Return whether nothing but the optimizer wants the gradient of a layer's weight or bias.

    In `torch.func.functional_call` it may be the result of other operations.
    """
    has_hooks = weight._backward_hooks or weight._post_accumulate_grad_hooks
    return weight.is_leaf and weight.requires_grad and not has_hooks


def _differentiate(
    weight: Tensor, bias: Tensor | None, g: Tensor, x: Tensor, found: list[Found]
) -> None:
    """Add a layer's parameters, each with its gradient and the norm of it, to `found`."""
    of_weight = g.t() @ x
    found.append((weight, of_weight, torch.linalg.vector_norm(of_weight)))
    if bias is not None:
        of_bias = g.sum(0)
        found.append((bias, of_bias, torch.linalg.vector_norm(of_bias)))
