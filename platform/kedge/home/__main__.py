"""`python -m kedge.home`: the way in for processes Kedge starts itself.

People type `kedge up`; this is what `--detach` runs in the background, and the steps that want a
process of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kedge.home import commands, detached, foundation, installation, up
from kedge.settings import load


def main() -> int:
    """Do the one thing that is named; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m kedge.home")
    parser.add_argument("what", choices=["up", "down", "status", "foundation"])
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--stop-dynos", action="store_true")
    parser.add_argument("--procfile", type=Path)
    return _do(parser.parse_args())


def _do(asked: argparse.Namespace) -> int:
    settings = load()
    if asked.what == "foundation":
        _say(foundation.answer(installation.establish(settings), engine=asked.engine))
        return 0
    if asked.what == "down":
        return commands.down(settings, stop_dynos=asked.stop_dynos, say=_say)
    if asked.what == "status":
        seen = commands.status(settings, processes=asked.procfile)
        _say(json.dumps(seen.as_json(), indent=2))
        return 0 if seen.ready else 1
    if asked.background:
        log = settings.home / "log" / "up.log"
        leave = lambda: detached.leave_the_terminal(log)  # noqa: E731
        return up.run(settings, say=_say, processes=asked.procfile, ready=leave)
    return commands.up(settings, detach=asked.detach, say=_say, processes=asked.procfile)


def _say(line: str) -> None:
    try:
        print(line, flush=True)  # noqa: T201 - this is its output
    except BrokenPipeError:  # who waited has gone
        return


sys.exit(main())
