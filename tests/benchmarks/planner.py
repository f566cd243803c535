"""Time one decision at batch 1 with a network and with its plan."""

import copy
from functools import partial

import torch
from torch import nn

from envs.registry import make_task
from fmbench.config import RunConfig
from policies import ChunkPolicy, ChunkPolicyConfig
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from policies.backbones.unet import TimeConv
from policies.catalogue import BACKBONES, CONDITIONINGS
from policies.plans.planner import Planner
from policies.threads import one_thread
from tests.benchmarks.interleaved import in_turn, ratio, spread, timed
from tests.benchmarks.report import Row

CONFIG, TASK = RunConfig(), make_task("LiftCube")
SAMPLER, STEPS = "euler", 10
ROUNDS, DECISIONS = 31, 20
LIMIT = 0.4
"""Largest ratio of the time of a decision with a plan to that with the network."""
LIMITED = ("mlp", "unet")
"""Backbones with this limit, with their default conditioning."""


class ChannelsFirstConv(nn.Module):
    """The convolution of a `TimeConv`, computed by `nn.Conv1d` with channels first.

    Args:
        conv: The convolution.
    """

    def __init__(self, conv: TimeConv) -> None:
        super().__init__()
        size = conv.in_features // 3
        self.conv = nn.Conv1d(size, conv.out_features, 3, padding=1, bias=False)
        kernel = conv.weight.detach().view(conv.out_features, 3, size)
        self.conv.weight = nn.Parameter(kernel.transpose(1, 2).contiguous())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map `(B, T, channels_in)` to `(B, T, channels_out)`."""
        convolved: torch.Tensor = self.conv(hidden.transpose(1, 2))
        return convolved.transpose(1, 2)


def with_conv1d(network: nn.Module) -> nn.Module:
    """Return a copy of a network whose convolutions over time are `nn.Conv1d`."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, TimeConv):
                setattr(module, name, ChannelsFirstConv(child))
    return network


def measure() -> list[Row]:
    """Return the times and their ratios for every backbone and conditioning."""
    with one_thread(), torch.inference_mode():
        return [row for name in BACKBONES for how in CONDITIONINGS for row in _compare(name, how)]


def _policy(backbone: str, conditioning: str) -> ChunkPolicy:
    """Return a policy of size small with all weights non-zero."""
    condition_dim = CONFIG.obs_horizon * TASK.obs_dim
    dims = (TASK.act_dim, CONFIG.pred_horizon, condition_dim)
    shape = sized(NetworkShape(*dims, conditioning=conditioning), backbone, "small")
    config = ChunkPolicyConfig(
        TASK.obs_dim,
        TASK.act_dim,
        CONFIG.obs_horizon,
        CONFIG.pred_horizon,
        backbone=backbone,
        width=shape.width,
        depth=shape.depth,
        conditioning=conditioning,
    )
    with torch.inference_mode(False), torch.random.fork_rng():
        torch.manual_seed(0)
        policy = ChunkPolicy(config).eval()
        for parameter in policy.network.parameters():
            nn.init.normal_(parameter, std=0.03)
    return policy


def _compare(backbone: str, conditioning: str) -> list[Row]:
    policy, planner = _policy(backbone, conditioning), Planner()
    shape, generator = policy.objective.chunk_shape, torch.Generator().manual_seed(0)
    condition = torch.randn(1, policy.encoder.condition_dim, generator=generator)
    start = torch.randn(1, *shape, generator=generator)
    sampling = partial(policy.objective.sample, sampler=SAMPLER, steps=STEPS)

    def unplanned() -> torch.Tensor:
        return sampling(policy.network, condition, lambda: start)

    def planned() -> torch.Tensor:
        network = planner.prepare(policy.network, condition, (), sampling, shape)
        return sampling(network, condition, lambda: start)

    alternatives = {"network": unplanned, "plan": planned}
    if backbone == "unet":
        with torch.inference_mode(False):
            conv1d = with_conv1d(policy.network)
        alternatives["network with nn.Conv1d"] = lambda: sampling(conv1d, condition, lambda: start)
    for decide in alternatives.values():
        torch.testing.assert_close(decide(), unplanned(), atol=1e-5, rtol=1e-5)
    times = in_turn(
        {
            name: timed(lambda decide=decide: [decide() for _ in range(DECISIONS)])  # type: ignore[misc]
            for name, decide in alternatives.items()
        },
        ROUNDS,
    )
    is_default = conditioning == BACKBONES[backbone].conditioning
    rows = [
        Row(f"{backbone}, {conditioning}, {name}", spread(1e3 * timing.wall / DECISIONS), 2, "ms")
        for name, timing in times.items()
    ]
    for name in alternatives:
        if name != "plan":
            is_bound = is_default and backbone in LIMITED and name == "network"
            limit = LIMIT if is_bound else None
            over = ratio(times["plan"].wall, times[name].wall)
            rows.append(Row(f"{backbone}, {conditioning}, plan over {name}", over, limit=limit))
    return rows
