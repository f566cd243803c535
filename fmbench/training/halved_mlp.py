"""The residual MLP's passes in training, with half of a batch's rows on either thread.

Sharing single products leaves half of the time to what lies between them.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from fmbench.training import shared_products
from fmbench.training.mlp_passes import MlpPasses, layers_of, norms_of
from fmbench.training.second_thread import SecondThread
from fmbench.training.shared_products import SharedProducts, is_plain_use
from policies.backbones.mlp import ResidualMLP, ScaledNorm


class HalvedMLP(AbstractContextManager["HalvedMLP"]):
    """Halves both passes of a residual MLP, for a loss within its `with` block.

    Other networks, and uses that are more than these passes, are left as they are.

    Args:
        network: The network in training.
        products: Computes the gradients of its weights.
        thread: Does one of the halves.
    """

    def __init__(self, network: nn.Module, products: SharedProducts, thread: SecondThread) -> None:
        self._network, self._products, self._thread = network, products, thread
        self._is_known = type(network) is ResidualMLP and all(
            type(norm) is ScaledNorm for norm in norms_of(network)
        )
        self._modules = list(network.modules())
        self._free: list[MlpPasses] = []
        self._taken: list[MlpPasses] = []

    def __enter__(self) -> "HalvedMLP":
        """Replace the network's `trunk`, unless something is hooked into it."""
        if self._is_known and not any(map(_is_hooked, self._modules)):
            self._network.__dict__["trunk"] = self._trunk
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Restore the network; what its passes have stored is overwritten by later ones."""
        self._network.__dict__.pop("trunk", None)
        self._free, self._taken = self._taken + self._free, []

    def _trunk(self, chunk: Tensor, modulation: Tensor, joined: Tensor) -> Tensor:
        network, given = self._network, (chunk, modulation, joined)
        assert isinstance(network, ResidualMLP)
        layers = layers_of(network)
        smallest = len(chunk) * min(layer.weight.numel() for layer in layers)
        layers += [norm.gain for norm in norms_of(network)]
        weights = [weight for layer in layers for weight in (layer.weight, layer.bias)]
        if (
            smallest >= shared_products.LEAST_HALVED
            and not any(each.requires_grad for each in given)
            and is_plain_use(weights, given)
        ):
            output: Tensor = _Trunk.apply(self, given, *weights)  # type: ignore[no-untyped-call]
            return output
        return self.plain(given)

    def forward(self, given: Sequence[Tensor]) -> tuple[Tensor, MlpPasses]:
        """Return the output for what `ResidualMLP.trunk` is given, and its passes."""
        passes = self._take(len(given[0]))
        output = passes.begin(*given)
        first, other = passes.halves
        self._thread.do_both(first.forward, other.forward)
        return output, passes

    def backward(self, passes: MlpPasses, gradient: Tensor) -> list[Tensor | None]:
        """Return the gradients of all weights and biases; None if they come later."""
        passes.begin_backward(gradient)
        first, other = passes.halves
        self._thread.do_both(first.backward, other.backward)
        found: list[Tensor | None] = []
        for layer, g, x in passes.products():
            is_later = self._products.postpone(layer.weight, layer.bias, g, x)
            found += [None, None] if is_later else [g.t() @ x, g.sum(0)]
        return found

    def plain(self, given: Sequence[Tensor]) -> Tensor:
        """Return the output as autograd computes it."""
        assert isinstance(self._network, ResidualMLP)
        return ResidualMLP.trunk(self._network, *given)

    def _take(self, rows: int) -> MlpPasses:
        """Return passes that are not in use, for batches of that size."""
        assert isinstance(self._network, ResidualMLP)
        self._free = [passes for passes in self._free if passes.rows == rows]
        passes = self._free.pop() if self._free else MlpPasses(self._network, rows)
        self._taken.append(passes)
        return passes


class _Trunk(torch.autograd.Function):
    """The trunk as one operation of all its weights and biases."""

    @staticmethod
    def forward(ctx: Any, mlp: HalvedMLP, given: Sequence[Tensor], *weights: Tensor) -> Tensor:
        ctx.mlp, ctx.given, ctx.weights = mlp, given, weights
        output, ctx.passes = mlp.forward(given)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # the gradient will be differentiated, too
            output = ctx.mlp.plain(ctx.given)
            return (
                None,
                None,
                *torch.autograd.grad(output, ctx.weights, gradient, create_graph=True),
            )
        return None, None, *ctx.mlp.backward(ctx.passes, gradient)


def _is_hooked(module: nn.Module) -> bool:
    """Return whether calling a module does more than its class says."""
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
    )
