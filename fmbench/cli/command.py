"""The frame of every command: load plug-ins, read the command line, work, return an exit code."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence

from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.flags import add_debug, add_plugin
from fmbench.cli.parser import Parser
from fmbench.cli.plugin_files import load_plugins, loading
from fmbench.errors import FmbenchError


def run_command(
    arguments: Sequence[str] | None,
    make_parser: Callable[[], Parser],
    work: Callable[[argparse.Namespace], int],
) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: The command line; None for that of the process.
        make_parser: Makes its parser; `--plugin` and `--debug` are added. It is called after the
            plug-ins have been loaded, so that its help lists what they register.
        work: Does the work and returns the exit code. Besides the values of the parser, the
            options have `command`, the whole command line as text.
    """
    if loading() is not None:
        raise FmbenchError(
            'it starts a command while it is imported; put that below: if __name__ == "__main__":'
        )
    words = sys.argv[1:] if arguments is None else list(arguments)

    def read_and_work() -> int:
        load_plugins(words)
        parser = make_parser()
        add_plugin(parser)
        add_debug(parser)
        options = parser.parse_args(words)
        options.command = shlex.join([*parser.prog.split(), *words])
        return work(options)

    return run_command_line(read_and_work, "--debug" in words)
