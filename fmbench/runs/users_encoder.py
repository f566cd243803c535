"""What a user's encoder of pictures does wrong, told in one line with the user's file."""

from collections.abc import Iterator
from contextlib import contextmanager

from fmbench.cli.user_code import shown_path, users_code
from fmbench.config import RunConfig
from fmbench.errors import RunFailed
from fmbench.runs.run_plugins import files_of_encoder
from fmbench.sight.opening import Sights
from policies.encoders import EncoderError


@contextmanager
def usable_encoder(config: RunConfig) -> Iterator[None]:
    """Name a user's encoder, and its file, that gives other numbers than it must.

    Raises:
        RunFailed: It does, or is built as something else; the message says what to return.
    """
    try:
        yield
    except EncoderError as error:
        files = files_of_encoder(config)
        if not files:
            raise
        raise RunFailed(
            f"--encoder is {config.encoder}, of {shown_path(files[0])}; {error}"
        ) from error


@contextmanager
def encoders_code(config: RunConfig) -> Iterator[None]:
    """Turn what a user's encoder does wrong into one line.

    Raises:
        RunFailed: It failed, or is not usable; the message names the user's file.
    """
    files = files_of_encoder(config)
    with users_code(f"seeing with {config.encoder}", files), usable_encoder(config):
        yield


def open_sights(config: RunConfig) -> Sights:
    """Open what the policies of a run see with; see `Sights`.

    Raises:
        RunFailed: A user's encoder cannot be built.
    """
    with encoders_code(config):
        return Sights(config)
