"""The configuration of an environment that LeRobot's command line reads."""

from dataclasses import dataclass
from typing import Any

from gymnasium.envs.registration import register
from gymnasium.spaces import Dict
from lerobot.configs import parser
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.envs.configs import EnvConfig

from envs.gym.pixels import AGENT
from fmbench.errors import FmbenchError
from fmbench.lerobot import layout
from fmbench.lerobot.conventions import Conventions
from fmbench.lerobot.env import ENVIRONMENT_STATE, LeRobotEnv
from fmbench.lerobot_env.command_line import check_observations, data_set, observed_features

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
        cameras: Names of the cameras of which there are pictures; by default those of the data set
            that the policy observes.
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
        folder = data_set(self.dataset)
        found = Conventions.read(folder, self.task)
        self.task, self.dataset, self._scaling = found.task.name, str(folder), found.scaling
        if self.cameras is None:
            observed = observed_features()
            self.cameras = [
                camera
                for camera in found.cameras
                if observed is None or layout.camera_key(camera) in observed
            ]
        self.image_size = self.image_size or found.image_size or 96
        self.renderer = self.renderer or found.renderer or "auto"
        self.fps = layout.frames_per_second(found.task)
        env = LeRobotEnv(**self.gym_kwargs)
        self.features, self.features_map = _features(env)
        env.close()
        check_observations(self.features_map.values(), self.image_size)

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
                part = f"{layout.IMAGES}{camera}"  # LeRobot records pictures of this key only
                features[part] = PolicyFeature(FeatureType.VISUAL, picture.shape)
                names[part] = part
        else:
            kind, names[key] = kinds[key]
            features[key] = PolicyFeature(kind, space.shape)
    return features, names
