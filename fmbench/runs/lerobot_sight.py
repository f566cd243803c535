"""What a policy of LeRobot sees with: the cameras and the renderer of its data set, opened."""

from typing import Any

from fmbench.config import AGENT, STATE
from fmbench.errors import FmbenchError
from fmbench.evaluation.outside import OutsideSight
from fmbench.lerobot import layout
from fmbench.lerobot_policy.data_set import TrainingSet
from fmbench.lerobot_policy.observing import Observing
from fmbench.sight.drawing import open_cameras, sight_line


def open_sight(observing: Observing, learnt: TrainingSet) -> OutsideSight | None:
    """Open what a policy sees with; None if it sees no pictures.

    Args:
        observing: What it observes.
        learnt: Its data set.

    Raises:
        FmbenchError: The renderer does not start here, or the cameras show another scene now.
    """
    drawn = learnt.drawn
    if drawn is None:
        return None
    cameras, size = _cameras(observing, learnt), observing.image_size
    by = f"the pictures of {learnt.folder} were drawn by"
    renderer = open_cameras(observing.task, cameras, size, drawn.renderer, by)
    if drawn.model not in (None, renderer.picture_model.hash):
        renderer.close()
        raise FmbenchError(
            f"the pictures of {learnt.folder} show {observing.task.id} or its cameras as they were "
            f"before (model {str(drawn.model)[:12]}... there, {renderer.picture_model.hash[:12]}..."
            " now); export demonstrations again and train on them"
        )
    return OutsideSight(renderer, observing.shape, sight_line(renderer, cameras, size))


def close_sight(sight: OutsideSight | None) -> None:
    """Free what the renderer of a policy that sees holds."""
    if sight is not None:
        sight.renderer.close()


def seen_settings(observing: Observing, learnt: TrainingSet, config: Any) -> dict[str, Any]:
    """Return what a policy sees, by the names of `RunConfig`; nothing if it sees no pictures.

    Args:
        observing: What it observes.
        learnt: Its data set.
        config: Its configuration, an object of LeRobot.
    """
    if learnt.drawn is None:
        return {}
    return {
        "encoder": f"lerobot-{getattr(config, 'vision_backbone', None) or config.type}",
        "cameras": list(_cameras(observing, learnt)),
        "image_size": observing.image_size,
        "renderer": learnt.drawn.renderer,
        "beside": STATE if layout.ENVIRONMENT in observing.names else AGENT,
    }


def _cameras(observing: Observing, learnt: TrainingSet) -> tuple[str, ...]:
    """Return the names of a policy's cameras, in its order."""
    assert learnt.drawn is not None
    return tuple(learnt.drawn.cameras[name] for name in observing.pictures)
