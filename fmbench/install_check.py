"""Say clearly when another package named `envs` or `policies` hides fmbench's own."""

import importlib.util
import sys
from pathlib import Path

SIBLINGS = ("envs", "policies")


def check_install() -> None:
    """Check that the packages beside this one are those that an import would find.

    Nothing is imported. `fmbench` itself calls this first, so every entry point does.

    Raises:
        ImportError: Names the package that was found and where ours is.
        SystemExit: The same, as one line and exit code 2, under `python -m`.
    """
    root = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or []) if spec else []
        if not places or Path(places[0]).resolve() != root / name:
            found = f"{places[0] if places else spec.origin} hides" if spec else "nothing provides"
            message = (
                f"{found} the package {name!r} that fmbench needs, {root / name}; "
                "run from another directory, uninstall the other package, or reinstall fmbench"
            )
            if sys.argv[:1] == ["-m"]:  # Python is still looking for the module that it will run
                print(f"error: {message}", file=sys.stderr)
                raise SystemExit(2)
            raise ImportError(message)
