"""A command line that starts a Python program, and running it in this very process.

What the Procfile says of such a part is `gunicorn …`, `celery …` or `python -m …`. Run from here it
is the same program with the same arguments and environment; only the interpreter is not begun anew.
"""

from __future__ import annotations

import atexit
import os
import runpy
import shlex
import shutil
import signal
import string
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import setproctitle

OWN_FOLDER = Path(sys.executable).parent
PYTHON_NAMES = frozenset({"python", "python3", sys.executable})
CONTINUED = frozenset({signal.SIGKILL, signal.SIGSTOP})


@dataclass(frozen=True, slots=True)
class Program:
    """A module (of `python -m`) or a script of this environment, and its arguments."""

    module: str | None
    script: Path | None
    arguments: tuple[str, ...]

    @property
    def title(self) -> str:
        """What lists of processes show."""
        return shlex.join([self.module or Path(str(self.script)).name, *self.arguments])


def find(line: str, environment: Mapping[str, str]) -> Program | None:
    """The program of a Procfile's line; None for one that wants a shell, or is not Python's.

    `$NAME` stands for a variable, as in a shell, but its value is never cut into words.
    """
    words = _words(line, environment)
    if not words:
        return None
    if words[0] in PYTHON_NAMES:
        if words[1:2] == ["-m"] and len(words) > 2:
            return Program(words[2], None, tuple(words[3:]))
        return None
    script = shutil.which(words[0], path=environment.get("PATH"))
    if script and Path(script).parent == OWN_FOLDER and _is_python(Path(script)):
        return Program(None, Path(script), tuple(words[1:]))
    return None


def become(program: Program, environment: Mapping[str, str]) -> NoReturn:
    """Turn this process, fresh from a fork, into the program; ends with its exit status."""
    _forget_signals()
    os.environ.clear()
    os.environ.update(environment)
    setproctitle.setproctitle(program.title)
    status = 1
    try:
        status = _run(program)
        threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - as multiprocessing's
        atexit._run_exitfuncs()  # noqa: SLF001 - children do, on their way out
    except BaseException:  # noqa: BLE001 - the end of this process: nobody else would tell of it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _words(line: str, environment: Mapping[str, str]) -> list[str] | None:
    if any(sign in line for sign in ("`", "$$", "#", "\n")):
        return None
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    operators = set(lexer.punctuation_chars)
    try:
        words = list(lexer)
        if any(set(word) & operators == set(word) for word in words if word):
            return None
        return [string.Template(word).substitute(environment) for word in words]
    except (ValueError, KeyError):
        return None


def _is_python(script: Path) -> bool:
    with script.open("rb") as file:
        start = file.read(512)
    return start.startswith(b"#!") and OWN_FOLDER.as_posix().encode() in start


def _forget_signals() -> None:
    """As after an exec: what was caught has its default again."""
    for number in signal.valid_signals() - CONTINUED:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as Python itself has it


def _run(program: Program) -> int:
    try:
        if program.module:
            sys.argv = [program.module, *program.arguments]
            sys.path[0] = str(Path.cwd())
            runpy.run_module(program.module, run_name="__main__", alter_sys=True)
        else:
            sys.argv = [str(program.script), *program.arguments]
            sys.path[0] = str(OWN_FOLDER)
            runpy.run_path(str(program.script), run_name="__main__")
    except SystemExit as end:
        return _status(end.code)
    return 0


def _status(code: Sequence[object] | str | int | None) -> int:
    """What `sys.exit(code)` means as an exit status."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1
