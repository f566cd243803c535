"""Packages that a flag needs and fmbench does not."""

from importlib.util import find_spec

from fmbench.errors import FmbenchError


def check_extra(flag: str, package: str, extra: str) -> None:
    """Check that a package is installed, without importing it.

    Args:
        flag: The flag that needs it.
        package: The package.
        extra: The optional dependencies of fmbench that bring it.

    Raises:
        FmbenchError: It is not; the message says how to install it.
    """
    if find_spec(package) is None:
        raise FmbenchError(
            f"{flag} needs the package {package}; install it with: "
            f"python -m pip install -c constraints.txt -e '.[{extra}]'"
        )
