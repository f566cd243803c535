"""Time one decision with the plan of a network and with the network itself, at batch 1."""

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
"""Most time of a decision in times of the naive loop's, where there is a limit."""
LIMITED = ("mlp", "unet")
"""Backbones whose plans are bound, with the backbone's own conditioning."""


class TextbookConv(nn.Module):
    """The convolution of a `TimeConv` as `nn.Conv1d` does it: channels first.

    Args:
        conv: Gives the weight.
    """

    def __init__(self, conv: TimeConv) -> None:
        super().__init__()
        size = conv.in_features // 3
        self.conv = nn.Conv1d(size, conv.out_features, 3, padding=1, bias=False)
        kernel = conv.weight.detach().view(conv.out_features, 3, size)
        self.conv.weight = nn.Parameter(kernel.transpose(1, 2).contiguous())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map ``(B, T, channels_in)`` to ``(B, T, channels_out)``."""
        convolved: torch.Tensor = self.conv(hidden.transpose(1, 2))
        return convolved.transpose(1, 2)


def textbook(network: nn.Module) -> nn.Module:
    """Return a copy of a network with every convolution over time as textbooks write it."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, TimeConv):
                setattr(module, name, TextbookConv(child))
    return network


def measure() -> list[Row]:
    """Return both times and their ratio for every backbone and conditioning."""
    with one_thread(), torch.inference_mode():
        return [row for name in BACKBONES for how in CONDITIONINGS for row in _compare(name, how)]


def _policy(backbone: str, conditioning: str) -> ChunkPolicy:
    """Return a policy of the small size, with all of its weights at work."""
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

    def naive() -> torch.Tensor:
        return sampling(policy.network, condition, lambda: start)

    def planned() -> torch.Tensor:
        network = planner.prepare(policy.network, condition, (), sampling, shape)
        return sampling(network, condition, lambda: start)

    alternatives = {"loop over the network": naive, "plan": planned}
    if backbone == "unet":
        with torch.inference_mode(False):
            written_out = textbook(policy.network)
        alternatives["loop over the textbook's network"] = lambda: sampling(
            written_out, condition, lambda: start
        )
    for decide in alternatives.values():
        torch.testing.assert_close(decide(), naive(), atol=1e-5, rtol=1e-5)
    times = in_turn(
        {
            name: timed(lambda decide=decide: [decide() for _ in range(DECISIONS)])  # type: ignore[misc]
            for name, decide in alternatives.items()
        },
        ROUNDS,
    )
    own = conditioning == BACKBONES[backbone].conditioning
    rows = [
        Row(f"{backbone}, {conditioning}, {name}", spread(1e3 * each.wall / DECISIONS), 2, "ms")
        for name, each in times.items()
    ]
    for name in alternatives:
        if name != "plan":
            is_bound = own and backbone in LIMITED and name == "loop over the network"
            limit = LIMIT if is_bound else None
            over = ratio(times["plan"].wall, times[name].wall)
            rows.append(Row(f"{backbone}, {conditioning}, plan over {name}", over, limit=limit))
    return rows
