"""The command line `kedge`: a thin adapter from words a person types to calls of the API.

Here belong commands (one module per noun), what they print, and how they find their platform.
Not here: any rule about apps, releases or dynos; those live behind the API, which is spoken to
over HTTP at Heroku's paths as any other client would. `up`, `down`, `uninstall`, `status` and
`doctor` are the exception: they act on this machine's installation through `kedge.home`.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run one command; the program's entry point.

    Out: the exit status: 0, 1 for an error, 2 for wrong usage, 130 after Ctrl-C; `kedge run` gives
    the status of the command that ran.
    """
    if sys.argv[1:] in (["--version"], ["version"]):
        from kedge import __version__  # answered before anything else is loaded

        print(f"kedge {__version__}")
        return 0
    if sys.stdin is None:  # started with stdin closed
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - open until the end
    try:
        from kedge.cli.program import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while still loading
        return 130
