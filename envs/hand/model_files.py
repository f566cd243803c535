"""Find the model files of hands, check that they are complete, and hash their content."""

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envs.hashing.data_files import content_digest

if TYPE_CHECKING:  # whether a model is there is asked before a simulator is needed
    import mujoco

ROOT_VARIABLE = "MENAGERIE_ROOT"
PACKAGE = "mujoco_menagerie"


@dataclass(frozen=True)
class ModelFile:
    """A model file (MJCF, or URDF that MuJoCo reads) with the files that it names.

    Attributes:
        path: The file; one that is not absolute is looked up from the working directory.
    """

    path: Path | str

    def is_at_hand(self) -> bool:
        """Return True: a missing file is an error, not a missing extra."""
        return True

    def spec(self) -> "mujoco.MjSpec":
        """Return the model."""
        return read_spec(self._checked())

    def digest(self) -> str:
        """Return the hash of the file and of the files that it names."""
        return model_digest(self._checked())

    def _checked(self) -> Path:
        path = Path(self.path)
        if not path.is_file():
            raise ValueError(f"there is no model file {path}; give the path of an MJCF or a URDF")
        check_complete(path, "correct the name in the model, or put the file there")
        return path


@dataclass(frozen=True)
class Menagerie:
    """A model of MuJoCo Menagerie, from a copy or through the package `mujoco-menagerie`.

    Attributes:
        robot: Name of the model's folder.
        file: Name of the hand's file in it.
    """

    robot: str
    file: str = "right_hand.xml"

    def is_at_hand(self) -> bool:
        """Return whether there is a copy, or a package that downloads the model."""
        return bool(os.environ.get(ROOT_VARIABLE)) or importlib.util.find_spec(PACKAGE) is not None

    def spec(self) -> "mujoco.MjSpec":
        """Return the model, downloaded at its first use."""
        return read_spec(self._checked())

    def digest(self) -> str:
        """Return the hash of the file and of the files that it names."""
        return model_digest(self._checked())

    def _checked(self) -> Path:
        folder = self._folder()
        path, remedy = folder / self.file, f"copy or download the folder {folder} again"
        if not path.is_file():
            raise ValueError(f"the model {self.robot} is damaged: {self.file} is missing; {remedy}")
        check_complete(path, remedy)
        return path

    def _folder(self) -> Path:
        root = os.environ.get(ROOT_VARIABLE)
        if not root:
            return self._downloaded()
        folder = Path(root) / self.robot
        if not folder.is_dir():
            raise ValueError(
                f"{ROOT_VARIABLE}={root} has no folder {self.robot}; set it to a copy of MuJoCo "
                "Menagerie, or unset it to use the package mujoco-menagerie: "
                "pip install 'fmbench[hands]'"
            )
        return folder

    def _downloaded(self) -> Path:
        """Return the package's folder of the model, downloaded if need be with its progress."""
        if importlib.util.find_spec(PACKAGE) is None:
            raise ValueError(
                f"the model {self.robot} needs the extra 'hands', which is not installed: "
                f"pip install 'fmbench[hands]'; or set {ROOT_VARIABLE} to a copy of MuJoCo "
                "Menagerie"
            )
        import mujoco_menagerie

        try:
            cache, robot = mujoco_menagerie.Cache(), mujoco_menagerie.get(self.robot)
        except mujoco_menagerie.MenagerieError as error:
            raise ValueError(
                f"the package mujoco-menagerie does not have the model: {_one_line(error)}"
            ) from error
        try:
            folder = Path(robot.path(cache))
            changed = cache.verify(robot)
        except (mujoco_menagerie.MenagerieError, OSError, ValueError) as error:
            raise ValueError(
                f"the model {self.robot} is not here and could not be downloaded "
                f"({_one_line(error)}); connect to a network, or set {ROOT_VARIABLE} to a copy of "
                "MuJoCo Menagerie"
            ) from error
        if changed:
            raise ValueError(
                f"the model {self.robot} is damaged: {changed[0]} is missing or was changed; "
                f"delete the folder {folder}, and it is downloaded again"
            )
        return folder


def read_spec(path: Path) -> "mujoco.MjSpec":
    """Parse a model file.

    Raises:
        ValueError: MuJoCo cannot read it.
    """
    import mujoco

    try:
        return mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {_one_line(error)}") from error


def check_complete(path: Path, remedy: str) -> None:
    """Check that a model file can be parsed and that the files it names are there.

    Args:
        path: The model file.
        remedy: What to do if not.

    Raises:
        ValueError: They are not; the message names one of them.
    """
    if missing := [file for file in model_files(path, remedy) if not file.is_file()]:
        raise ValueError(
            f"the model in {path.parent} is damaged: {missing[0].name}, which {path.name} names, "
            f"is missing; {remedy}"
        )


def model_files(path: Path, remedy: str = "correct it") -> list[Path]:
    """Return a model file and every file that it names, sorted, whether they exist or not."""
    import mujoco

    try:
        return sorted(Path(name) for name in mujoco.mju_getXMLDependencies(str(path)))
    except mujoco.FatalError as error:
        raise ValueError(
            f"the model in {path.parent} is damaged: {_one_line(error)}; {remedy}"
        ) from error


def model_digest(path: Path) -> str:
    """Hash a model file and the files that it names, 64 hexadecimal digits.

    The names count relative to the model's folder, which may stand anywhere. Line endings of text
    files do not count.
    """
    lines = [
        f"{os.path.relpath(file, path.parent)} {content_digest(file)}" for file in model_files(path)
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
