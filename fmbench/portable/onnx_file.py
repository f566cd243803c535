"""A policy with one sampler as an ONNX model: the network once, called at every evaluation.

torch's exporter translates two programs: the network, which becomes a function of the model, and
the sampler, in which an operation of ours stands for the network. Translated as one, a diffusion of
100 steps would be 100 copies of its network, which take many minutes to translate.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

from fmbench.portable.tracing import BATCH, EXAMPLE_ROWS, trace
from policies.chunk_function import ChunkFunction

DOMAIN, NETWORK = "fmbench", "network"
OPSET = 20
"""Version of ONNX's operators, of 2023. onnxruntime 1.17 and 1.18, which know it, end while they
inline the network; 1.19 and later do it."""


def onnx_bytes(function: ChunkFunction, metadata: Mapping[str, str], name: str) -> bytes:
    """Return the bytes of an ONNX model, the same ones for the same policy.

    Args:
        function: The policy with its sampler.
        metadata: Texts to store with the model, by name.
        name: What it is, for messages.

    Raises:
        FmbenchError: It cannot be traced.
    """
    network, example = function.policy.network, function.network_example(EXAMPLE_ROWS)
    with torch.no_grad():
        outputs = int(network(*example).shape[-1])
    inputs = ("noisy_actions", "time", "condition")
    inner = _translated(network, example, inputs, "output", name)

    def in_place(noisy_actions: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        shape = (*noisy_actions.shape[:2], outputs)
        given = (noisy_actions, time, condition)
        return torch.onnx.ops.symbolic(
            f"{DOMAIN}::{NETWORK}", given, dtype=noisy_actions.dtype, shape=shape, version=1
        )

    sampler = ChunkFunction(function.policy, function.sampler, function.steps, in_place)
    names = ("observations", "noise")[: 2 if function.draws else 1]
    model = _translated(sampler, sampler.example(EXAMPLE_ROWS), names, "actions", name)
    _put_network(model, inner)
    model.producer_name, model.producer_version = "fmbench", ""
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _translated(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: tuple[str, ...],
    output: str,
    name: str,
) -> onnx.ModelProto:
    """Translate a module, without what its nodes state about the code of this machine."""
    program = trace(module, example, name)
    with torch.no_grad(), _quiet():
        made = torch.onnx.export(
            program,
            input_names=list(inputs),
            output_names=[output],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert made is not None
    model: onnx.ModelProto = made.model_proto
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
        value.ClearField("metadata_props")
    return model


def _put_network(model: onnx.ModelProto, inner: onnx.ModelProto) -> None:
    """Give a model the network as a function, whose weights are arguments of every call.

    Weights in the function would be copied with it by a runtime that inlines it.
    """
    weights = [f"{NETWORK}.{value.name}" for value in inner.graph.initializer]
    renamed = {value.name: f"{NETWORK}.{value.name}" for value in inner.graph.initializer}
    for value in inner.graph.initializer:
        model.graph.initializer.add().CopyFrom(value)
        model.graph.initializer[-1].name = renamed[value.name]
    for node in inner.graph.node:
        for place, used in enumerate(node.input):
            node.input[place] = renamed.get(used, used)
    for node in model.graph.node:
        if node.domain == DOMAIN:
            node.input.extend(weights)
    arguments = [value.name for value in inner.graph.input]
    (output,) = (value.name for value in inner.graph.output)
    model.functions.append(
        onnx.helper.make_function(
            DOMAIN,
            NETWORK,
            [*arguments, *weights],
            [output],
            inner.graph.node,
            [onnx.helper.make_opsetid("", OPSET)],
        )
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter says of packages that are not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
