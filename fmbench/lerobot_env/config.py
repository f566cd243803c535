"""The configuration of an environment that LeRobot's command line reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium.envs.registration import register
from gymnasium.spaces import Dict
from lerobot.configs import parser
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.envs.configs import EnvConfig

from envs.gym.pixels import AGENT, PIXELS
from fmbench.errors import FmbenchError
from fmbench.lerobot import layout
from fmbench.lerobot.conventions import Conventions, data_set_of
from fmbench.lerobot.env import ENVIRONMENT_STATE, LeRobotEnv
from fmbench.lerobot_policy.checkpoint import PRE, TRAINING
from fmbench.lerobot_policy.data_set import check_statistics
from fmbench.storage.files import read_json

ID = "fmbench_lerobot/Task-v0"
TYPE = "fmbench"

register(ID, "fmbench.lerobot.env:LeRobotEnv", order_enforce=False, disable_env_checker=True)
"""Without wrappers: LeRobot 0.4.4 looks for `task_description` at the outermost object."""


@EnvConfig.register_subclass(TYPE)
@dataclass
class FmbenchEnv(EnvConfig):  # type: ignore[misc]
    """A task of fmbench as an environment of LeRobot.

    Attributes:
        task: Name of the task; by default the one that the data set names.
        dataset: Folder of the data set that the policy was trained on, whose `meta/info.json` says
            how the environment state is scaled; by default the one that the command line or the
            policy's checkpoint names.
        cameras: Names of the cameras of which there are pictures; by default the data set's.
        image_size: Rows and columns of a picture; by default the data set's, else 96.
        renderer: "rays", "opengl" or "auto"; by default the data set's, else "auto".
        film_size: Rows and columns of LeRobot's films of episodes.
    """

    task: str | None = None
    dataset: str | None = None
    cameras: list[str] | None = None
    image_size: int | None = None
    renderer: str | None = None
    film_size: int = 240

    def __post_init__(self) -> None:
        try:
            self._complete()
        except ValueError as error:  # of which LeRobot's parser would not show the message
            raise FmbenchError(str(error)) from None

    def _complete(self) -> None:
        """Check the values, and fill in those that the data set and the task decide."""
        folder = _data_set(self.dataset)
        found = Conventions.read(folder, self.task)
        self.task, self.dataset, self._scaling = found.task.name, str(folder), found.scaling
        if self.cameras is None:
            self.cameras = list(found.cameras)
        self.image_size = self.image_size or found.image_size or 96
        self.renderer = self.renderer or found.renderer or "auto"
        self.fps = layout.frames_per_second(found.task)
        env = LeRobotEnv(**self.gym_kwargs)
        self.features, self.features_map = _features(env)
        env.close()

    @property
    def package_name(self) -> str:
        """The package that registers `gym_id`."""
        return "fmbench.lerobot_env"

    @property
    def gym_id(self) -> str:
        """The Gymnasium id under which LeRobot makes the environment of every task."""
        return ID

    @property
    def gym_kwargs(self) -> dict[str, Any]:
        """The arguments of `LeRobotEnv`."""
        return {
            "task": self.task,
            "scaling": self._scaling,
            "cameras": self.cameras,
            "image_size": self.image_size,
            "renderer": self.renderer,
            "film_size": self.film_size,
        }

    def create_envs(self, n_envs: int, use_async_envs: bool = False) -> Any:
        """Return the environments as LeRobot 0.6.1 asks for them; 0.4.4 makes them itself.

        By default 0.6.1 runs each in a process of its own, which imports all of LeRobot: that takes
        longer than the episodes. It does so here where the command line asks for it in words.
        """
        is_asked = parser.parse_arg("eval.use_async_envs") is not None
        return super().create_envs(n_envs, use_async_envs and is_asked)


def _data_set(given: str | None) -> Path:
    """Return the data set that is given, or that the command line or the checkpoint names.

    Raises:
        FmbenchError: None is, or the policy of the command line was trained on another one.
    """
    if root := given or parser.parse_arg("dataset.root"):
        folder = Path(root)
    else:
        folder = _data_set_of_checkpoint()
    checkpoint = _checkpoint()
    if checkpoint is not None and parser.parse_arg("dataset.root") is None:
        check_statistics(checkpoint, folder, "--env.dataset=DIR")
    return folder


def _checkpoint() -> Path | None:
    """Return the folder of the policy of the command line; None if it is none of this machine."""
    named = parser.get_path_arg("policy")
    return Path(named) if named and (Path(named) / PRE).is_file() else None


def _data_set_of_checkpoint() -> Path:
    checkpoint = _checkpoint()
    path = checkpoint / TRAINING if checkpoint else None
    folder = data_set_of(read_json(path)) if path and path.is_file() else None
    if folder is None or not (folder / layout.INFO_FILE).is_file():
        named = f"the checkpoint names {folder}, which is not here" if folder else "none is named"
        raise FmbenchError(
            f"the data set of the policy is not known ({named}): give --env.dataset=DIR, whose "
            "meta/info.json says how the environment state is scaled"
        )
    return folder


def _features(env: LeRobotEnv) -> tuple[dict[str, PolicyFeature], dict[str, str]]:
    """Return the features of actions and observations, and LeRobot's name of each."""
    kinds = {
        AGENT: (FeatureType.STATE, layout.STATE),
        ENVIRONMENT_STATE: (FeatureType.ENV, layout.ENVIRONMENT),
    }
    features = {layout.ACTION: PolicyFeature(FeatureType.ACTION, env.action_space.shape)}
    names = {layout.ACTION: layout.ACTION}
    for key, space in env.observation_space.items():
        if isinstance(space, Dict):
            for camera, picture in space.items():
                part = f"{PIXELS}/{camera}"
                features[part] = PolicyFeature(FeatureType.VISUAL, picture.shape)
                names[part] = f"{layout.IMAGES}{camera}"
        else:
            kind, names[key] = kinds[key]
            features[key] = PolicyFeature(kind, space.shape)
    return features, names
