"""Detection of foreign packages named `envs` or `policies` that hide fmbench's own."""

import importlib.util
import sys
from pathlib import Path

from fmbench.exit_code import ExitCode

SIBLINGS = ("envs", "policies")


def check_install() -> None:
    """Check that an import would find the `envs` and `policies` installed with this package.

    Nothing is imported. `fmbench/__init__.py` calls this first, and with it every entry point.

    Raises:
        ImportError: Names the foreign package and the path of fmbench's own.
        SystemExit: The same in one line, with exit code 2, under `python -m`.
    """
    root = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or []) if spec else []
        if not places or Path(places[0]).resolve() != root / name:
            fault = f"{places[0] if places else spec.origin} hides" if spec else "nothing provides"
            message = (
                f"{fault} the package {name!r} that fmbench needs, {root / name}; "
                "run from another directory, uninstall the other package, or reinstall fmbench"
            )
            if sys.argv[:1] == ["-m"]:  # Python has not yet found the module to run
                print(f"error: {message}", file=sys.stderr)
                raise SystemExit(ExitCode.BAD_INPUT)
            raise ImportError(message)
