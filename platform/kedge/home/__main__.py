"""`python -m kedge.home`: the way in for processes Kedge starts itself.

People type `kedge up`; this is what `--detach` runs in the background, and the steps that want a
process of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kedge.errors import KedgeError
from kedge.home import alone, commands, detached, foundation, installation, up
from kedge.settings import Settings, load


def main() -> int:
    """Do the one thing that is named; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m kedge.home")
    parser.add_argument("what", choices=sorted(DOINGS))
    parser.add_argument("name", nargs="?", default="", help="with `part`: which")
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--stop-dynos", action="store_true")
    parser.add_argument("--procfile", type=Path)
    parser.add_argument("--keep-data", action="store_true")
    parser.add_argument("--confirm", default="", help="with `uninstall`: the home's path")
    asked = parser.parse_args()
    try:
        return DOINGS[asked.what](load(), asked)
    except KedgeError as error:
        _say(error.message)
        return 1


def _up(settings: Settings, asked: argparse.Namespace) -> int:
    if not asked.background:
        return commands.up(settings, detach=asked.detach, say=_say, processes=asked.procfile)
    log = settings.home / "log" / "up.log"
    return up.run(
        settings,
        say=_say,
        processes=asked.procfile,
        ready=lambda: detached.leave_the_terminal(log),
    )


def _down(settings: Settings, asked: argparse.Namespace) -> int:
    return commands.down(settings, stop_dynos=asked.stop_dynos, say=_say)


def _uninstall(settings: Settings, asked: argparse.Namespace) -> int:
    return commands.uninstall(
        settings,
        keep_data=asked.keep_data,
        confirm=lambda _home: asked.confirm,
        say=_say,
        told=lambda kind, number, every: _say(f"{kind}: {number} of {every}"),
    )


def _status(settings: Settings, asked: argparse.Namespace) -> int:
    seen = commands.status(settings, processes=asked.procfile)
    _say(json.dumps(seen.as_json(), indent=2))
    return 0 if seen.ready else 1


def _foundation(settings: Settings, asked: argparse.Namespace) -> int:
    answer = foundation.answer(installation.establish(settings), engine=asked.engine)
    _say(answer)
    return 1 if "reason" in json.loads(answer) else 0


def _prepare(settings: Settings, _asked: argparse.Namespace) -> int:
    alone.prepare(installation.establish(settings))
    return 0


def _certificates(settings: Settings, _asked: argparse.Namespace) -> int:
    alone.keep_certificate(installation.establish(settings), _say)
    return 0


def _part(settings: Settings, asked: argparse.Namespace) -> int:
    alone.run(installation.establish(settings), asked.name)


def _release(settings: Settings, _asked: argparse.Namespace) -> int:
    from kedge.home import release  # a process of its own, with large libraries
    from kedge.services import bind

    release.bring_up_to_date(installation.establish(settings), bind(settings))
    return 0


def _say(line: str) -> None:
    try:
        print(line, flush=True)  # noqa: T201 - this is its output
    except BrokenPipeError:  # who waited has gone
        return


DOINGS = {
    "up": _up,
    "down": _down,
    "uninstall": _uninstall,
    "status": _status,
    "foundation": _foundation,
    "release": _release,
    "part": _part,
    "prepare": _prepare,
    "certificates": _certificates,
}

sys.exit(main())
